"""Signals that ask a client to end: remembered, and turned into a readable descriptor for the poll loop.

While the program waits outside the loop (dialling, calling the API) a signal raises `Interrupted` instead.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""OpenSSH sends SIGHUP to its ProxyCommand when it exits."""


def exit_status_of(number: int) -> int:
    """The shell's convention for a program that a signal ended."""
    return 128 + number


class Interrupted(BaseException):
    """Signal `number` came while nothing but this exception could stop what we were doing."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_status = exit_status_of(number)


class SignalWatch:
    """Installed for the life of a session process. SIGHUP stays ignored where `nohup` ignores it."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.raises = True
        self.descriptor, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def install(self) -> None:
        for number in ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = self.received is None
        self.received = number
        if first:
            os.write(self._wake, b"\0")
        if self.raises:
            self.raises = False  # one is enough; the clean-up that follows must not be cut short
            raise Interrupted(number)

    @property
    def exit_status(self) -> int:
        """That of the last ending signal."""
        return exit_status_of(self.received or 0)
