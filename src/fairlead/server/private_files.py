"""Files that only the server's user may read: written whole or not at all, refused when others can read."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from fairlead.server.errors import StartError

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old content or the new one, and only the owner can read it.

    A crash may also leave `unfinished(path)`, which the next writing replaces.
    """
    temporary = unfinished(path)
    with suppress(FileNotFoundError):
        temporary.unlink()  # left by a crash
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_directory(path.parent)


def unfinished(path: Path) -> Path:
    """Where `write_private` writes a file before it takes its place."""
    return path.with_name(f".{path.name}.new")


def read_private(path: Path) -> bytes:
    """Read a file that holds a secret. Raises StartError if it cannot be read, or others can read it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise StartError(f"{path} can be read by others: chmod 600 {path}")
            return file.read()
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}.") from error


def is_open_to_others(status: os.stat_result) -> bool:
    """True if group or world have any right."""
    return bool(status.st_mode & _OTHERS)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
