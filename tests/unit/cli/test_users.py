"""`fairlead users`: which call each command makes."""

from typing import Any

import pytest

from fairlead.cli.app import main
from fairlead.client import admin_api


class RecordingApi:
    """Answers every call, and remembers it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, members))
        return {"UserName": members["UserName"], "AccessKeyCount": 1, "SessionCount": 2}


@pytest.mark.parametrize(
    ("command", "operation", "line"),
    [
        ("lock", "LockUser", "alice is locked: 1 access key turned off, 2 sessions ended"),
        ("unlock", "UnlockUser", "alice is not locked: 1 access key turned on again."),
    ],
)
def test_a_command_makes_its_call_and_prints_a_line(command, operation, line, monkeypatch, capsys):
    api, profiles = RecordingApi(), []
    monkeypatch.setattr(admin_api, "open_admin_api", lambda profile: profiles.append(profile) or api)
    assert main(["users", command, "alice", "--profile", "lab"]) == 0
    assert api.calls == [(operation, {"UserName": "alice"})]
    assert profiles == ["lab"]
    assert line in capsys.readouterr().out
