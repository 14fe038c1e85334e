"""The last checkpoint of the server's audit log, kept where the server cannot change it afterwards.

It comes with the answer to a heartbeat, as text (c2sp.org/tlog-checkpoint): the log's name, how many events
it has, the root over them, signatures. Nothing is verified here, which takes a person with the right to ask
(`fairlead audit verify --checkpoint FILE`); but one that covers less than the last does not replace it, nor
does one that has other events in their place. A machine that registers anew, perhaps with another server,
begins anew here, too, and the last one is put aside.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fairlead.agent.errors import IdentityError

if TYPE_CHECKING:
    from fairlead.agent.identity import StateDirectory

logger = logging.getLogger(__name__)

CHECKPOINT_FILE = "audit-checkpoint"
ASIDE_FILE = "audit-checkpoint-before"
"""The last one of the registration before."""
MAX_NOTE_CHARACTERS = 4096
"""Longest checkpoint that is kept. The server's have some 200."""
_MAX_SIZE_DIGITS = 18


def keep_checkpoint(state: StateDirectory, note: object) -> None:
    """Keep what came with an answer, if it is a checkpoint and covers more than the last one, or the same."""
    size = covered(note) if isinstance(note, str) else None
    if size is None or not isinstance(note, str):
        return
    path = state.path / CHECKPOINT_FILE
    try:
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, ValueError):
        kept = ""
    if kept == note:
        return
    before = covered(kept)
    if before is not None and (size < before or (size == before and _log_of(note) != _log_of(kept))):
        what = "fewer than before" if size < before else "and not those of before"
        logger.warning(
            "the server's audit log has %d events, %s; the checkpoint of before stays in %s", size, what, path
        )
        return
    try:
        state.write(CHECKPOINT_FILE, note.encode())
    except IdentityError as error:
        logger.warning("the server's audit checkpoint is not kept: %s", error)


def put_aside(state: StateDirectory) -> None:
    """Begin anew, as a machine that registers anew does. Raises `IdentityError`."""
    try:
        (state.path / CHECKPOINT_FILE).replace(state.path / ASIDE_FILE)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise IdentityError(f"{state.path}: cannot be written to: {error.strerror}") from error


def _log_of(note: str) -> list[str]:
    """The name of the log, its size and its root, without who signed it."""
    return note.split("\n", 3)[:3]


def covered(note: str) -> int | None:
    """How many events a checkpoint covers; None for what is no checkpoint."""
    lines = note.split("\n", 4)
    if len(note) > MAX_NOTE_CHARACTERS or len(lines) < 5 or not note.replace("\n", "").isprintable():
        return None
    size = lines[1]
    if not (size.isascii() and size.isdigit() and len(size) <= _MAX_SIZE_DIGITS):
        return None
    return int(size)
