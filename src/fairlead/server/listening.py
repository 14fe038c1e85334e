"""Listening sockets, and the limit on open files that they need."""

import errno
import os
import resource
import socket
from collections.abc import Sequence

from fairlead.server.errors import StartError
from fairlead.server.settings import ListenAddress

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""The machine does not have this address, but may have others that the host stands for."""


def raise_open_files_limit() -> None:
    """Allow as many open files as the system lets us: every session holds two sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def bind(address: ListenAddress) -> list[socket.socket]:
    """One bound socket for each address that the host stands for, all on one port. Raises StartError."""
    host = None if address.host in ("", "*") else address.host
    try:
        found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise StartError(f"--listen {address.authority()}: the host is not known ({error}).") from error
    places = dict.fromkeys((entry[0], entry[4]) for entry in found)
    bound: list[socket.socket] = []
    absent: OSError | None = None
    for family, place in places:
        port = bound[0].getsockname()[1] if bound else address.port
        try:
            bound.append(_bind_one(family, (place[0], port, *place[2:])))
        except OSError as error:
            if error.errno in _ABSENT:
                absent = error  # such as ::1 of "localhost" where IPv6 is off
                continue
            for sock in bound:
                sock.close()
            raise StartError(f"--listen {address.authority()}: {_explain(error)}") from error
    if not bound and absent is not None:
        raise StartError(f"--listen {address.authority()}: {_explain(absent)}") from absent
    return bound


def listen(address: ListenAddress, sockets: Sequence[socket.socket], backlog: int) -> None:
    """Let connections come, `backlog` at most waiting on each socket that `bind` gave. Raises StartError.

    Until here another server that starts at the same moment can have bound the same port.
    """
    try:
        for sock in sockets:
            sock.listen(backlog)
    except OSError as error:
        raise StartError(f"--listen {address.authority()}: {_explain(error)}") from error


def _bind_one(family: int, place: tuple[object, ...]) -> socket.socket:
    # The protocol by number: transports look at it before they switch Nagle's algorithm off, and an answer of
    # two small segments that waits for an acknowledgement comes 40 ms late.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by what is accepted
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _explain(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use: stop what uses it, or choose another."
    if error.errno == errno.EACCES:
        return "not allowed: ports below 1024 need a privilege; choose a higher one."
    if error.errno in _ABSENT:
        return "this machine does not have that address."
    return f"{error.strerror}."
