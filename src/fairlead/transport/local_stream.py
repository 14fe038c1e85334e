"""The local side of a session behind a small interface: where bytes come from and go to.

`DescriptorStream` is the POSIX one, over two file descriptors that can be polled (stdin and stdout, a
socket). Windows pipes cannot be polled; an implementation for them would move bytes in threads and hand out
descriptors of a socket pair, which is why the loop knows this interface only.
"""

from __future__ import annotations

import errno
import os
import select
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class LocalStream(Protocol):
        """What `transport.poll_endpoint` needs of the local side."""

        @property
        def read_descriptor(self) -> int: ...
        @property
        def write_descriptor(self) -> int: ...
        @property
        def pending_bytes(self) -> int: ...
        @property
        def is_writable(self) -> bool: ...
        @property
        def reader_is_gone(self) -> bool: ...
        @property
        def failure(self) -> str: ...
        def read_into(self, buffer: memoryview) -> int | None: ...
        def write(self, data: bytes | memoryview, sequence: int) -> int: ...
        def flush(self) -> int: ...
        def close_writing(self) -> None: ...
        def restore(self) -> None: ...


USUAL_PIPE_BYTES = 64 * 1024
"""What a Linux pipe holds at first (pipe(7))."""

WIDE_PIPE_BYTES = 512 * 1024
"""What a pipe is made to hold when it was found full. All wide pipes of a user count against the system's
`pipe-user-pages-soft`, 64 MiB, beyond which new pipes hold next to nothing; so one in which little moves is
left as it is."""

NOTHING_WRITTEN = -1
READER_GONE = -1

PROGRAM_GONE = frozenset((errno.EPIPE, errno.ECONNRESET, errno.EIO))
"""Errors that say no more than that the program at the other end has ended; EIO: of a terminal."""


class DescriptorStream:
    """Two descriptors. The one for writing is made non-blocking; `restore` puts its flags back.

    Data that does not fit at once waits in memory until `flush`; how much that can be is bounded by the
    window of the data channel, since nothing is acknowledged before it is written.
    """

    def __init__(self, read_descriptor: int, write_descriptor: int) -> None:
        self.read_descriptor = read_descriptor
        self.write_descriptor = write_descriptor
        self.is_writable = True
        self.pending_bytes = 0
        self.failure = ""
        """Why bytes could not be read or written, other than that the other program has gone; else empty."""
        self._was_blocking = os.get_blocking(write_descriptor)
        os.set_blocking(write_descriptor, False)
        self._pending: deque[tuple[memoryview, int]] = deque()
        self._has_wide_input = False
        self._has_wide_output = False

    def read_into(self, buffer: memoryview) -> int | None:
        """Read what can be read without waiting (call when poll says so), and return its size. 0: the end of
        input, by an error too. None: nothing yet."""
        try:
            count = os.readv(self.read_descriptor, [buffer])
        except BlockingIOError:
            return None
        except OSError as exc:
            self._note_failure("read from standard input", exc)
            return 0
        if count >= USUAL_PIPE_BYTES and not self._has_wide_input:
            self._has_wide_input = True
            widen_pipe(self.read_descriptor)
        return count

    def write(self, data: bytes | memoryview, sequence: int) -> int:
        """Write data of message `sequence`, or keep a copy of what does not fit.

        Returns the last sequence number that is written completely, or NOTHING_WRITTEN. When the reader is
        gone the data is dropped and `is_writable` becomes false.
        """
        if not self.is_writable:
            return NOTHING_WRITTEN
        view = memoryview(data)
        count = 0 if self._pending else self._write(view)
        if count == len(view):
            return sequence
        if count != READER_GONE:
            if not self._has_wide_output:
                self._has_wide_output = True
                widen_pipe(self.write_descriptor)
            self._pending.append((memoryview(bytes(view[count:])), sequence))
            self.pending_bytes += len(view) - count
        return NOTHING_WRITTEN

    def flush(self) -> int:
        """Write what waited. Returns as `write` does."""
        last_written = NOTHING_WRITTEN
        while self._pending:
            view, sequence = self._pending[0]
            count = self._write(view)
            if count == READER_GONE:
                break
            self.pending_bytes -= count
            if count < len(view):
                self._pending[0] = (view[count:], sequence)
                break
            self._pending.popleft()
            last_written = sequence
        return last_written

    @property
    def reader_is_gone(self) -> bool:
        """Whether somebody who still awaits bytes has gone; false after `close_writing`."""
        return self.is_writable and nobody_reads(self.write_descriptor)

    def _write(self, view: memoryview) -> int:
        try:
            return os.write(self.write_descriptor, view)
        except BlockingIOError:
            return 0
        except OSError as exc:
            self._note_failure("write to standard output", exc)
            self.abandon_writing()
            return READER_GONE

    def _note_failure(self, what: str, exc: OSError) -> None:
        if exc.errno not in PROGRAM_GONE:
            self.failure = self.failure or f"cannot {what}: {exc.strerror}"

    def abandon_writing(self) -> None:
        """Nobody reads what we write: drop what waits, keep the rest of the session apart from it."""
        self.is_writable = False
        self._pending.clear()
        self.pending_bytes = 0

    def close_writing(self) -> None:
        """Tell the local reader that nothing follows; what waits must have been flushed before.

        The number stays taken, by the null device: freed, it would go to the next socket, for whoever still
        believes it to be standard output to write to.
        """
        if self.is_writable:
            self.abandon_writing()
            self.restore()
            null_device = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(null_device, self.write_descriptor)
            os.close(null_device)

    def restore(self) -> None:
        """Put the flags of the writing descriptor back: its open file may be shared with a shell."""
        try:  # noqa: SIM105 (contextlib costs a millisecond to import)
            os.set_blocking(self.write_descriptor, self._was_blocking)
        except OSError:
            pass


def widen_pipe(descriptor: int) -> None:
    """Let it hold WIDE_PIPE_BYTES, if it is a pipe, holds less, and the system permits it."""
    try:
        from fcntl import F_GETPIPE_SZ, F_SETPIPE_SZ, fcntl

        if fcntl(descriptor, F_GETPIPE_SZ) < WIDE_PIPE_BYTES:
            fcntl(descriptor, F_SETPIPE_SZ, WIDE_PIPE_BYTES)
    except (ImportError, OSError):
        pass  # no Linux, no pipe, or the user has too many of them


def nobody_reads(descriptor: int) -> bool:
    """Whether nobody can read any more what is written to `descriptor` (a pipe or socket)."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & (select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
