"""Room on the disk that is kept for those who set things right when it is full.

A file that holds nothing but space. While it is there and some more is free, sessions are started. When
hardly anything is left the file is emptied, and the space is what administration, TerminateSession and their
records live on; no session starts until there is room for all of it again.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)

RESERVE_BYTES = 8 * 1024 * 1024
"""Enough for some 2,000 recorded calls and for a write-ahead log that cannot be emptied at once."""
LOW_BYTES = 4 * 1024 * 1024
"""Less free than this, and no session is started."""
EMPTY_BYTES = 2 * 1024 * 1024
"""Less free than this, and the reserve is given back."""
_FILE_MODE = 0o600


def free_bytes(directory: Path) -> int:
    """What this process may still write there."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class DiskReserve:
    """The reserve of one server. Called from the database's threads, before each transaction."""

    def __init__(self, path: Path, free: Callable[[Path], int] = free_bytes) -> None:
        """`path` is the file; it need not be there."""
        self._path = path
        self._free = free
        self._is_held = False

    def hold(self) -> bool:
        """Take the space if there is enough of it; True if it is held now."""
        if self._is_held:
            return True
        kept = self._path.stat().st_size if self._path.exists() else 0
        if self._free(self._path.parent) + kept < RESERVE_BYTES + LOW_BYTES:
            return False
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError as error:
            _log.warning("%s: no space could be reserved (%s)", self._path, error.strerror)
            os.ftruncate(descriptor, 0)
            return False
        finally:
            os.close(descriptor)
        self._is_held = True
        return True

    def has_room(self) -> bool:
        """Whether a session may start."""
        return self.hold() and self._free(self._path.parent) >= LOW_BYTES

    def make_room(self) -> None:
        """Give the reserve back if hardly anything else is free."""
        if self._is_held and self._free(self._path.parent) < EMPTY_BYTES:
            os.truncate(self._path, 0)
            self._is_held = False
            _log.error(
                "the disk of %s is full: no sessions are started until %d MB are free; %d MB that were kept "
                "for administration are in use",
                self._path.parent,
                (RESERVE_BYTES + LOW_BYTES) // 1_000_000,
                RESERVE_BYTES // 1_000_000,
            )
