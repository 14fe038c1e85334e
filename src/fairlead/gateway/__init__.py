"""WebSocket edge: channel REST calls, control channels, the relay, who is connected."""
