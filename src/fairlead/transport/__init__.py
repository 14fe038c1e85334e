"""Drivers that move one DataChannel's bytes: sockets, TLS, proxies, WebSocket framing."""
