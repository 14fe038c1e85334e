"""`fairlead nodes`: which call each command makes, and of which profile."""

from typing import Any

import pytest

from fairlead.cli.app import main
from fairlead.client import admin_api

NODE = "mi-0123456789abcdef0"
OTHER = "mi-1123456789abcdef0"


class RecordingApi:
    """Answers every call, and remembers it."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        self.operations.append(operation)
        return {"Nodes": [{"InstanceId": NODE}], "TagList": [{"Key": "Env", "Value": "Dev"}]}


@pytest.mark.parametrize(
    ("words", "operations", "said"),
    [
        (["list"], ["DescribeNodes"], NODE),
        (["list", "--twins", "--json"], ["DescribeNodes"], '"Nodes"'),
        (["show", NODE], ["DescribeNodes"], f"node          {NODE}"),
        (["deregister", NODE], ["DeregisterManagedInstance"], f"{NODE} is removed."),
        (["copy-tags", NODE, OTHER], ["ListTagsForResource", "AddTagsToResource"], f"{OTHER} got Env=Dev"),
    ],
)
def test_a_command_makes_its_calls_and_says_what_came_of_it(words, operations, said, monkeypatch, capsys):
    api, profiles = RecordingApi(), []
    for name in ("open_admin_api", "open_session_api"):
        monkeypatch.setattr(admin_api, name, lambda profile: profiles.append(profile) or api)
    assert main(["nodes", *words, "--profile", "lab"]) == 0
    assert api.operations == operations
    assert profiles == ["lab", "lab"]
    assert said in capsys.readouterr().out
