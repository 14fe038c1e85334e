"""Who may hold a socket before it is known who they are.

Sockets count from the accept, before TLS, until they are recognised: a WebSocket by its open frame, an HTTP
connection while a complete request of it is being answered. Each has a deadline. At a limit the oldest that
was never sent anything is cut in favour of a new one, so that silence keeps nobody out: thousands of mute
sockets, even from one's own address, cost an honest newcomer nothing. Where TLS has been spent on all, the
oldest goes only when it had some seconds for it; else the newcomer is not begun, which costs next to nothing,
and comes again.

Only who keeps us waiting counts. While a signature or a token is judged, it is the peer that waits, and when
thousands of agents come at once it may wait long; what bounds those is the queue of the judge. Who has sent
something that we have not read when its time is over gets more. And few are accepted in one turn of the event
loop: the others wait in the kernel, where they cost nothing, and sessions get their turn in between. Who has
given up by then is not begun either.
"""

import errno
import fcntl
import logging
import select
import socket
import struct
import termios
from collections import OrderedDict
from collections.abc import Callable

from fairlead.control.throttling import source_key
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.settings import GatewaySettings

_log = logging.getLogger(__name__)

_SWEEP_INTERVAL_S = 1.0
_OUT_OF_SOCKETS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_CUT_WHEN_OUT_OF_SOCKETS = 64
_PEER_LEFT: int = getattr(select, "POLLRDHUP", select.POLLHUP)
"""Where the system cannot tell a goodbye, only a connection that is broken is found."""
_TCP_INFO_DATA_SEGS_OUT = 156
"""Offset of `tcpi_data_segs_out` in `struct tcp_info` of <linux/tcp.h>, 32 bits."""


def was_sent_nothing(sock: socket.socket) -> bool:
    """Whether a TCP socket's peer was sent no data yet, not even of TLS; False where the system does not
    tell."""
    try:
        size = _TCP_INFO_DATA_SEGS_OUT + 4
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        (segments,) = struct.unpack_from("I", info, _TCP_INFO_DATA_SEGS_OUT)
    except (OSError, AttributeError, struct.error):
        return False
    return not segments


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
        *,
        was_sent_nothing: Callable[[socket.socket], bool] = was_sent_nothing,
        waits_for_us: Callable[[int], bool] = has_unread_bytes,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._was_sent_nothing = was_sent_nothing
        self._waits_for_us = waits_for_us
        self._all = _Line()
        self._by_source: dict[str, _Line] = {}
        self._sweeper: Timer | None = None

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, sock: socket.socket, source: str) -> bool:
        """Count a newcomer, cutting another one where a limit is reached; False: it is not to be begun.

        `source` is the peer's address.
        """
        key = source_key(source)
        full = self._full_line(key)
        if full is not None:
            goes = full.first_unspent(self._was_sent_nothing)
            if goes is None:
                goes = full.first()
                if self._clock.time() - goes.since < self._settings.spared_for_s:
                    return False
            self._cut(goes)
        self._add(sock, key, self._settings.request_timeout_s)
        return True

    def add(self, sock: socket.socket, source: str, for_s: float) -> None:
        """Count a socket that had been recognised, or has got on, until it is cut `for_s` seconds from now.
        Where a limit is reached another one goes."""
        self.forget(sock.fileno())
        key = source_key(source)
        full = self._full_line(key)
        if full is not None:
            self._cut(full.first_unspent(self._was_sent_nothing) or full.first())
        self._add(sock, key, for_s)

    def _full_line(self, key: str) -> "_Line | None":
        """Of whom one has to go before another socket of this `source_key` is counted."""
        own = self._by_source.get(key)
        if own is not None and len(own) >= self._settings.max_unauthenticated_sockets_per_source:
            return own
        return self._all if len(self._all) >= self._settings.max_unauthenticated_sockets else None

    def _add(self, sock: socket.socket, key: str, for_s: float) -> None:
        entry = _Entry(sock, key, self._clock.time(), for_s)
        self._all.add(entry)
        self._by_source.setdefault(key, _Line()).add(entry)
        if self._sweeper is None:
            self._sweeper = self._clock.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def extend(self, fileno: int, by_s: float) -> None:
        """Give a socket that got on until `by_s` seconds from now for its next step."""
        entry = self._all.get(fileno)
        if entry is not None:
            entry.deadline = self._clock.time() + by_s

    def forget(self, fileno: int) -> None:
        """A socket is recognised, or closed."""
        entry = self._all.get(fileno)
        if entry is None:
            return
        self._all.remove(entry)
        own = self._by_source[entry.source]
        own.remove(entry)
        if not own:
            del self._by_source[entry.source]

    def cut_oldest(self, count: int) -> None:
        """Cut this many, for want of descriptors."""
        for entry in self._all.oldest_first()[:count]:
            self._cut(entry)

    def stop(self) -> None:
        """Forget everything."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._all = _Line()
        self._by_source.clear()

    def _sweep(self) -> None:
        now = self._clock.time()
        for entry in self._all.oldest_first():
            if entry.deadline > now:
                continue
            if not entry.was_spared and self._waits_for_us(entry.fileno):
                entry.was_spared = True
                entry.deadline = now + self._settings.request_timeout_s
            else:
                self._cut(entry)
        self._sweeper = None
        if self._all:
            self._sweeper = self._clock.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def _cut(self, entry: "_Entry") -> None:
        """Shut the connection under whatever reads it, a TLS handshake too: that sees the end and closes."""
        self.forget(entry.fileno)
        _log.debug("cut a socket of %s that had not said who it is", entry.source)
        try:
            entry.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("the socket was closed already")


class _Entry:
    __slots__ = ("deadline", "fileno", "since", "sock", "source", "was_spared")

    def __init__(self, sock: socket.socket, source: str, now: float, for_s: float) -> None:
        self.sock = sock
        self.fileno = sock.fileno()
        self.source = source
        self.since = now
        self.deadline = now + for_s
        self.was_spared = False
        """Its time was over while it waited for us, and it got the same once more."""


class _Line:
    """Sockets in the order in which they came."""

    __slots__ = ("_entries", "_perhaps_unspent")

    def __init__(self) -> None:
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._perhaps_unspent: OrderedDict[int, _Entry] = OrderedDict()
        """Those that were sent nothing when they were looked at, or were not looked at."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: _Entry) -> None:
        self._entries[entry.fileno] = entry
        self._perhaps_unspent[entry.fileno] = entry

    def remove(self, entry: _Entry) -> None:
        del self._entries[entry.fileno]
        self._perhaps_unspent.pop(entry.fileno, None)

    def get(self, fileno: int) -> _Entry | None:
        return self._entries.get(fileno)

    def oldest_first(self) -> list[_Entry]:
        return list(self._entries.values())

    def first(self) -> _Entry:
        return next(iter(self._entries.values()))

    def first_unspent(self, was_sent_nothing: Callable[[socket.socket], bool]) -> _Entry | None:
        """The oldest that was sent nothing. Each of the others is looked at once in its life."""
        while self._perhaps_unspent:
            entry = next(iter(self._perhaps_unspent.values()))
            if was_sent_nothing(entry.sock):
                return entry
            del self._perhaps_unspent[entry.fileno]
        return None


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
        """As `socket.accept`; who has left already or is not to be begun is reported as the system reports an
        aborted connection. Without a free descriptor it makes room and says that nobody waits.

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
        self._accepted_together += 1
        accepted = AdmittedSocket(self.family, self.type, self.proto, fileno=fileno)
        if has_left(fileno) or not self.admission.admit(accepted, address[0]):
            accepted.close()
            raise ConnectionAbortedError(errno.ECONNABORTED, "not begun")
        accepted.setblocking(False)
        accepted.admission = self.admission
        return accepted, address
