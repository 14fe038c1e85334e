"""The message gateway protocol, sans-I/O: agent messages, data channel, handshake, control channel. Pure."""
