"""Who may hold a socket before it is known who they are.

Sockets count from the accept, before TLS, until they are recognised: a WebSocket by its open frame, an HTTP
connection while a complete request of it is being answered. Each has a deadline. At a limit the oldest
unrecognised socket is cut in favour of the new one, so that silence never keeps anybody out: thousands of
mute sockets, even from one's own address, cost an honest newcomer nothing.

Only who keeps us waiting counts. While a signature or a token is judged, it is the peer that waits, and when
thousands of agents come at once it may wait long; what bounds those is the queue of the judge. A socket with
bytes that we have not read yet is no more to blame: it is passed over when one is to be cut, as far as there
are others. And few are accepted in one turn of the event loop: the others wait in the kernel, where they cost
nothing, and sessions get their turn in between. Who has given up by then is not even asked for a certificate.
"""

import errno
import fcntl
import logging
import select
import socket
import struct
import termios
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice

from fairlead.control.throttling import source_key
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.settings import GatewaySettings

_log = logging.getLogger(__name__)

_SWEEP_INTERVAL_S = 1.0
_OUT_OF_SOCKETS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_CUT_WHEN_OUT_OF_SOCKETS = 64
_PEER_LEFT: int = getattr(select, "POLLRDHUP", select.POLLHUP)
"""Where the system cannot tell a goodbye, only a connection that is broken is found."""
_LOOKED_AT = 64
"""Sockets, the oldest, among which one is looked for that keeps us waiting: a system call for each."""


def has_unread_bytes(fileno: int) -> bool:
    """Whether the peer of a socket has sent something that we have not read."""
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(fileno, termios.FIONREAD, bytes(4)))
    except OSError:
        return False
    return bool(count)


def has_left(fileno: int) -> bool:
    """Whether the peer of a socket has said goodbye already."""
    poll = select.poll()
    poll.register(fileno, _PEER_LEFT)  # POLLHUP and POLLERR are told unasked
    return bool(poll.poll(0))


class Admission:
    """The unrecognised sockets, oldest first, by file descriptor. Used on the event loop's thread only."""

    def __init__(
        self,
        settings: GatewaySettings,
        clock: Clock,
        waits_for_us: Callable[[int], bool] = has_unread_bytes,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._waits_for_us = waits_for_us
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._by_source: dict[str, OrderedDict[int, None]] = {}
        self._sweeper: Timer | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, sock: socket.socket, source: str, for_s: float | None = None) -> None:
        """Count a socket, cutting the oldest that keeps us waiting where a limit is reached.

        `source` is the peer's address; `for_s` the time until it is cut (default: `request_timeout_s`).
        """
        self.forget(sock.fileno())
        source = source_key(source)
        own = self._by_source.get(source)
        if own is not None and len(own) >= self._settings.max_unauthenticated_sockets_per_source:
            self._cut_one_of(own)
        elif len(self._entries) >= self._settings.max_unauthenticated_sockets:
            self._cut_one_of(self._entries)
        deadline = self._clock.time() + (self._settings.request_timeout_s if for_s is None else for_s)
        self._entries[sock.fileno()] = _Entry(sock, source, deadline)
        self._by_source.setdefault(source, OrderedDict())[sock.fileno()] = None
        if self._sweeper is None:
            self._sweeper = self._clock.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def extend(self, fileno: int, by_s: float) -> None:
        """Give a socket that got on until `by_s` seconds from now for its next step."""
        entry = self._entries.get(fileno)
        if entry is not None:
            entry.deadline = self._clock.time() + by_s

    def forget(self, fileno: int) -> None:
        """A socket is recognised, or closed."""
        entry = self._entries.pop(fileno, None)
        if entry is None:
            return
        own = self._by_source[entry.source]
        del own[fileno]
        if not own:
            del self._by_source[entry.source]

    def cut_oldest(self, count: int) -> None:
        """Cut this many, for want of descriptors."""
        for fileno in list(self._entries)[:count]:
            self._cut(fileno)

    def stop(self) -> None:
        """Forget everything."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._entries.clear()
        self._by_source.clear()

    def _cut_one_of(self, oldest_first: Iterable[int]) -> None:
        """Somebody has to go: if all wait for us, or pretend to, it is the oldest."""
        looked_at = list(islice(oldest_first, _LOOKED_AT))
        self._cut(next((fileno for fileno in looked_at if not self._waits_for_us(fileno)), looked_at[0]))

    def _sweep(self) -> None:
        now = self._clock.time()
        for fileno in [fileno for fileno, entry in self._entries.items() if entry.deadline <= now]:
            entry = self._entries[fileno]
            if not entry.was_spared and self._waits_for_us(fileno):
                entry.was_spared = True
                entry.deadline = now + self._settings.request_timeout_s
            else:
                self._cut(fileno)
        self._sweeper = None
        if self._entries:
            self._sweeper = self._clock.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def _cut(self, fileno: int) -> None:
        """Shut the connection under whatever reads it, a TLS handshake too: that sees the end and closes."""
        entry = self._entries[fileno]
        self.forget(fileno)
        _log.debug("cut a socket of %s that had not said who it is", entry.source)
        try:
            entry.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("the socket was closed already")


class _Entry:
    __slots__ = ("deadline", "sock", "source", "was_spared")

    def __init__(self, sock: socket.socket, source: str, deadline: float) -> None:
        self.sock = sock
        self.source = source
        self.deadline = deadline
        self.was_spared = False
        """Its time was over while it waited for us, and it got the same once more."""


class AdmittedSocket(socket.socket):
    """An accepted socket that stops counting when it is closed."""

    __slots__ = ("admission",)

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        super().__init__(family, type, proto, fileno)
        self.admission: Admission | None = None

    def close(self) -> None:
        """Close, and free the place."""
        if self.admission is not None:
            self.admission.forget(self.fileno())
            self.admission = None
        super().close()


class AdmittingListener(socket.socket):
    """A listening socket whose accepted sockets count as unrecognised; `adopt` makes one."""

    admission: Admission
    max_accepts_together: int
    _accepted_together = 0

    @classmethod
    def adopt(
        cls, bound: socket.socket, admission: Admission, max_accepts_together: int
    ) -> "AdmittingListener":
        """Take over a bound TCP socket; `bound` is detached."""
        listener = cls(bound.family, bound.type, bound.proto, fileno=bound.detach())
        listener.admission = admission
        listener.max_accepts_together = max_accepts_together
        listener.setblocking(False)
        return listener

    def accept(self) -> tuple[socket.socket, object]:
        """As `socket.accept`; a peer that has left already is reported as the system reports an aborted
        connection. Without a free descriptor it makes room and says that nobody waits.

        The event loop asks until nobody waits, so that is also said when it has accepted its share for this
        turn.
        """
        if self._accepted_together >= self.max_accepts_together:
            self._accepted_together = 0
            raise BlockingIOError(errno.EAGAIN, "the others wait for the next turn")
        try:
            fileno, address = self._accept()  # type: ignore[attr-defined]  # what socket.accept is made of
        except OSError as error:
            self._accepted_together = 0
            if error.errno not in _OUT_OF_SOCKETS:
                raise
            _log.warning("no free file descriptor: cutting sockets that have not said who they are")
            self.admission.cut_oldest(_CUT_WHEN_OUT_OF_SOCKETS)
            raise BlockingIOError(errno.EAGAIN, "no free file descriptor") from error
        accepted = AdmittedSocket(self.family, self.type, self.proto, fileno=fileno)
        if has_left(fileno):
            accepted.close()
            raise ConnectionAbortedError(errno.ECONNABORTED, "it left while it waited")
        self._accepted_together += 1
        accepted.setblocking(False)
        accepted.admission = self.admission
        self.admission.add(accepted, address[0])
        return accepted, address
