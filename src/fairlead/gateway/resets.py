"""Connections that their peer has reset, which uvloop does not hear the end of.

libuv stops looking at a descriptor at the first error that epoll reports for it; uvloop then calls the reader
a last time. That reader takes what had arrived before the reset and waits for more, so that the connection
looks alive for ever. Here epoll is asked a second time, for errors alone: it tells once for each, whether the
connection is being read at that time or not.

As libuv 1.52 does it (`uv__poll_io` in src/unix/poll.c). asyncio's own loop goes on reading.
"""

import asyncio
import logging
import select
import socket
import sys
from typing import Protocol

_log = logging.getLogger(__name__)


class Resettable(Protocol):
    """A connection that is watched."""

    @property
    def fileno(self) -> int:
        """Of its socket; also after that was closed."""
        ...

    @property
    def system_socket(self) -> socket.socket | None:
        """None after its end."""
        ...

    def read_on(self) -> None:
        """Wait anew for what there is to read, if it is read at all."""
        ...


class ResetWatch:
    """Lets what has been reset be read to its end. On the event loop's thread only.

    A member costs a reference here and no time until it is reset. What cannot be watched, as on a system
    without epoll, ends like a connection that is silent, if it is one that is asked for signs of life.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._members: list[Resettable | None] = []
        self._epoll: select.epoll | None = None
        if sys.platform == "linux":
            self._epoll = select.epoll()
            loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, member: Resettable) -> None:
        """From now on. The kernel forgets a descriptor when it is closed."""
        number = member.fileno
        if self._epoll is None or number < 0:
            return
        try:
            self._epoll.register(number, select.EPOLLET)  # errors and the end of both ways are always told
        except OSError as error:  # the user has too many of them, or the kernel no memory
            _log.warning("a connection is not watched for being reset: %s", error)
            return
        self._members.extend([None] * (number + 1 - len(self._members)))
        self._members[number] = member

    def leave(self, member: Resettable) -> None:
        """Its connection ended; its descriptor may be somebody else's by now."""
        number = member.fileno
        if 0 <= number < len(self._members) and self._members[number] is member:
            self._members[number] = None

    def close(self) -> None:
        """Watch nobody any more."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        self._members.clear()

    def _look(self) -> None:
        assert self._epoll is not None
        for number, _ in self._epoll.poll(0):
            member = self._members[number] if number < len(self._members) else None
            system_socket = member.system_socket if member is not None else None
            # To ask for the error takes it away: what follows in epoll is data, and then the end.
            if (
                member is not None
                and system_socket is not None
                and system_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            ):
                self._loop.call_soon(member.read_on)  # libuv may still have this very error before it
