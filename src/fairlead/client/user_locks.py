"""`fairlead users lock` and `unlock`: the server's answers as lines for people."""

from __future__ import annotations

from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 200


def lock_line(answer: Mapping[str, object]) -> str:
    """What a lock did."""
    keys, sessions = (
        _counted(answer, "AccessKeyCount", "access key"),
        _counted(answer, "SessionCount", "session"),
    )
    return f"{_name(answer)} is locked: {keys} turned off, {sessions} ended, temporary credentials are void."


def unlock_line(answer: Mapping[str, object]) -> str:
    """What the end of a lock did."""
    return (
        f"{_name(answer)} is not locked: {_counted(answer, 'AccessKeyCount', 'access key')} turned on again."
    )


def _name(answer: Mapping[str, object]) -> str:
    return printable(str(answer.get("UserName", "?")), MAX_TEXT)


def _counted(answer: Mapping[str, object], member: str, noun: str) -> str:
    count = answer.get(member)
    if not isinstance(count, int):
        return f"? {noun}s"
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
