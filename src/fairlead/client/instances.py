"""`fairlead instances`: the server's answers as lines for people."""

from __future__ import annotations

import time

from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 200


def leave_line(answer: Mapping[str, object]) -> str:
    """What an instance was given leave to."""
    instance_id = printable(str(answer.get("InstanceId", "?")), MAX_TEXT)
    until_s = answer.get("AllowedUntil")
    until = "for a while"
    if isinstance(until_s, int | float):
        until = f"until {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(until_s))}"
    return f"{instance_id} may register once with another key, {until}."


def removed_line(instance_id: str) -> str:
    """What the removal of a node means."""
    name = printable(instance_id, MAX_TEXT)
    return f"{name} is removed. It may register again after: fairlead instances allow-registration {name}"
