"""TCP sockets that send at once, and without pacing what does not leave the machine.

A congestion control that paces, such as BBR, leaves the sending to a timer of the kernel, also on the
loopback interface, where there is nothing to be careful of: each send costs twice as much there. The agent
mostly dials its target over that interface, and a reverse proxy beside the server is reached over it.
"""

from __future__ import annotations

import socket

from fairlead.transport.addresses import is_loopback

UNPACED = b"reno"
"""Part of every Linux, and free for every process to choose (tcp(7), `tcp_allowed_congestion_control`)."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_MAPPED = "::ffff:"
"""Before the IPv4 address of a peer, where the listening socket is one of IPv6 (RFC 4291 §2.5.5.2)."""


def new_socket(family: int, host: str) -> socket.socket:
    """A non-blocking socket with TCP_NODELAY, to be connected to the address `host`. Raises OSError."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _unpace_on_loopback(sock, host)
    return sock


def unpace_local(accepted: socket.socket) -> None:
    """Take the pacing from a connection over the loopback interface, as far as that goes: what the kernel has
    begun for the connection by the system's default, it goes on with at a higher rate."""
    if accepted.family not in _FAMILIES:
        return
    try:
        there = accepted.getpeername()[0]
    except OSError:
        return  # gone again
    _unpace_on_loopback(accepted, there)


def _unpace_on_loopback(sock: socket.socket, host: str) -> None:
    option = getattr(socket, "TCP_CONGESTION", None)
    if option is None or not is_loopback(host.removeprefix(_MAPPED)):
        return
    try:  # noqa: SIM105 (contextlib costs a millisecond to import)
        sock.setsockopt(socket.IPPROTO_TCP, option, UNPACED)
    except OSError:
        pass  # the system has none such, or permits it to nobody
