"""A machine whose disk is about to be copied: its registration goes, so that no two machines are one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairlead.agent.errors import IdentityError
from fairlead.agent.run_status import clear_status

if TYPE_CHECKING:
    from fairlead.agent.identity import StateDirectory


def clear_for_image(state: StateDirectory) -> str:
    """Remove what identifies the machine; say what was removed and what is left to do.

    Raises `IdentityError`, and `InUseError` while an agent runs.
    """
    state.check_private()
    with state.locked():
        if not state.is_registered():
            state.forget()
            return f"{state.path}: nothing is registered here; the disk can be copied"
        name = _registered_name(state)
        state.forget()
        clear_status(state)
    return (
        f"{state.path}: {name} is no longer registered here; the disk can be copied, and each copy registers "
        f"by itself. The server knows the node until: fairlead nodes deregister {name}"
    )


def _registered_name(state: StateDirectory) -> str:
    try:
        return state.load().instance_id
    except IdentityError:  # damaged: it goes all the same
        return "NODE"
