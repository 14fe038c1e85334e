"""How a connected TCP socket sends: at once, and without pacing where it never leaves the machine.

A congestion control that paces, such as BBR, leaves the sending to a timer of the kernel, also on the
loopback interface, where there is nothing to be careful of: sending costs twice as much there. The agent's
connection to its target mostly is one of those, and so is the server's to a reverse proxy beside it.
"""

from __future__ import annotations

import socket

UNPACED = b"reno"
"""Part of every Linux, and free for every process to choose (tcp(7), `tcp_allowed_congestion_control`)."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def send_at_once(connected: socket.socket) -> None:
    """Set TCP_NODELAY, and `unpace_local`."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    unpace_local(connected)


def unpace_local(connected: socket.socket) -> None:
    """Take the pacing from a connection whose other end is on this machine. Without effect on one that is no
    TCP connection, and where the system knows no such option."""
    if connected.family not in _FAMILIES or not hasattr(socket, "TCP_CONGESTION"):
        return
    try:
        here, there = connected.getsockname()[0], connected.getpeername()[0]
        if here == there or there.startswith("127."):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, UNPACED)
    except OSError:
        return  # gone again, or not permitted: then it goes on as it is
