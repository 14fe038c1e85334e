"""The command line of a running agent: `python -P -m fairlead.agent ARGUMENTS`, ARGUMENTS one JSON object.

`fairlead agent run` turns into it, and it turns into itself at a restart. So it is a contract between
versions: members may be added, and those of older versions stay understood.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fairlead.agent.errors import SettingsError
from fairlead.agent.handover import FIRST_DESCRIPTOR

if TYPE_CHECKING:
    from collections.abc import Mapping


class Inherited(NamedTuple):
    """File descriptors that the process had before it replaced its program."""

    handover: int
    lock: int
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the program is given. `is_check`: only say whether it could run."""

    state_dir: Path
    config: Path | None
    options: Mapping[str, object]
    inherited: Inherited | None = None
    is_check: bool = False

    @property
    def command(self) -> list[str]:
        """The command that runs it. `-P`: no module may come from the working directory."""
        given: dict[str, object] = {
            "state_dir": str(self.state_dir),
            "config": None if self.config is None else str(self.config),
            "options": dict(self.options),
        }
        if self.inherited is not None:
            given["inherited"] = self.inherited._asdict()
        if self.is_check:
            given["check"] = True
        return [sys.executable, "-P", "-m", "fairlead.agent", json.dumps(given)]


def parse_program(arguments: list[str]) -> Program:
    """Read the arguments behind `fairlead.agent`. Raises `SettingsError`."""
    try:
        given = json.loads(arguments[0])
        config, inherited = given["config"], given.get("inherited")
        return Program(
            state_dir=Path(given["state_dir"]),
            config=None if config is None else Path(config),
            options=given["options"],
            inherited=None if inherited is None else _inherited(inherited),
            is_check=given.get("check", False) is True,
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise SettingsError(
            "start the agent by `fairlead agent run`: these arguments are not what that gives to this program"
        ) from None


def _inherited(given: dict[str, object]) -> Inherited:
    handover, lock, targets = given["handover"], given["lock"], given["targets"]
    if not isinstance(targets, list):
        raise TypeError
    numbers = [handover, lock, *targets]
    if not all(type(number) is int and number >= FIRST_DESCRIPTOR for number in numbers):
        raise ValueError
    return Inherited(handover, lock, tuple(targets))  # type: ignore[arg-type]  # checked just above
