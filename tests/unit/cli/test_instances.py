"""`fairlead instances`: which call each command makes."""

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
        return {"InstanceId": members["InstanceId"], "AllowedUntil": 0}


@pytest.mark.parametrize(
    ("command", "operation", "line"),
    [
        ("allow-registration", "AllowInstanceReRegistration", "i-00000000 may register once"),
        ("deregister", "DeregisterInstance", "i-00000000 is removed."),
    ],
)
def test_a_command_makes_its_call_and_prints_a_line(command, operation, line, monkeypatch, capsys):
    api, profiles = RecordingApi(), []
    monkeypatch.setattr(admin_api, "open_admin_api", lambda profile: profiles.append(profile) or api)
    assert main(["instances", command, "i-00000000", "--profile", "lab"]) == 0
    assert api.calls == [(operation, {"InstanceId": "i-00000000"})]
    assert profiles == ["lab"]
    assert line in capsys.readouterr().out
