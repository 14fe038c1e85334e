"""The client's debug log: a file named by `FAIRLEAD_LOG`, since stdout is the stream and stderr the user's.

One line per event with time and process id, no control characters. Callers never pass tokens or secrets.
"""

from __future__ import annotations

import os
import time

from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_VARIABLE = "FAIRLEAD_LOG"
MAX_LINE = 2000


class DebugLog:
    """Writes to a file descriptor, or nowhere when it is None. A log that cannot be written is no failure."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> DebugLog:
        """Append to the file that the environment names, made owner-only; else a log that writes nowhere."""
        path = environ.get(LOG_VARIABLE)
        if not path:
            return cls()
        try:
            return cls(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            return cls()

    def write(self, text: str) -> None:
        if self._descriptor is None:
            return
        line = f"{time.time():.3f} {os.getpid()} {printable(text, MAX_LINE)}\n"
        try:
            os.write(self._descriptor, line.encode(errors="replace"))
        except OSError:
            self._descriptor = None
