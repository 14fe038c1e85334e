"""What a running agent says about itself in its state directory: who it is, and what came of a restart.

`fairlead agent restart` reads it, which can so be any process of the directory's owner; the agent listens on
nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from fairlead.agent.errors import IdentityError

if TYPE_CHECKING:
    from fairlead.agent.identity import StateDirectory

STATUS_FILE = "agent.status"
MAX_STATUS_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The state of one process. Written at its start, at each answer to a restart, and when its control
    channel opens or is lost."""

    pid: int
    version: str
    """Of the package that runs."""

    restarts: int = 0
    """How many restarts of this process were asked for and answered, with success or without."""

    refusal: str = ""
    """Why the last of them came to nothing; empty when it succeeded."""

    is_serving: bool = False
    """Whether the control channel stood at least once since the program started."""

    link: str = ""
    """`open` while the control channel stands, else why it does not; empty before either is known."""

    displaced_at: float = 0.0
    """When the gateway served another agent of the same identity in place of this one, in epoch seconds; 0:
    never."""

    kept_sessions: int = 0
    lost_sessions: int = 0
    """Sessions that were handed over at the last restart, and went on or not."""


_MEMBERS = frozenset(field.name for field in fields(RunStatus))


def write_status(state: StateDirectory, status: RunStatus) -> None:
    """Raises `IdentityError`."""
    state.write(STATUS_FILE, json.dumps(asdict(status)).encode() + b"\n")


def clear_status(state: StateDirectory) -> None:
    """The process is over: whoever gets its number next must not be taken for it. Raises `IdentityError`."""
    path = state.path / STATUS_FILE
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise IdentityError(f"{path}: cannot be removed: {error.strerror}") from error


def read_status(state: StateDirectory) -> RunStatus | None:
    """The status of the process that wrote last, which may be over; None where none is. Raises
    `IdentityError`."""
    path = state.path / STATUS_FILE
    try:
        with path.open("rb") as file:
            members = json.loads(file.read(MAX_STATUS_BYTES))
        # A program of another version may have said more.
        status = RunStatus(**{name: members[name] for name in _MEMBERS & members.keys()})
        is_usable = type(status.pid) is int and status.pid > 0 and type(status.restarts) is int
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError):
        is_usable = False
    if not is_usable:
        raise IdentityError(f"{path}: damaged; restart the agent by its service manager")
    return status
