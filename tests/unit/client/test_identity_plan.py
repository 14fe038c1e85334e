"""What plan and apply say, and their exit statuses, against the use cases themselves."""

import json
import os

import pytest

from fairlead.client import identity_plan
from fairlead.client.errors import ClientError
from fairlead.client.identity_plan import CHANGED, IdentityFilesCommand
from fairlead.domain.errors import IdentityCallRefused
from tests.support.control_world import NODE_ID, World, policy, statement
from tests.support.identity_api import IdentityApi

START = statement("Allow", "ssm:StartSession")


class Desk:
    """A server, a directory of files, and what was said."""

    def __init__(self, directory):
        self.world = World()
        self.directory = directory
        self.said = []
        self.api = IdentityApi(self.world, self.world.user("admin"))
        self.command = IdentityFilesCommand(self.api, self.said.append)
        self.command.export(directory)
        self.said.clear()

    def write(self, kind, name, **members):
        (self.directory / kind / f"{name}.json").write_text(json.dumps(members))

    @property
    def text(self):
        return "\n".join(self.said)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def document(*statements):
    return json.loads(policy(*statements))


def test_without_a_difference_nothing_is_planned(desk):
    assert desk.command.plan(desk.directory) == 0
    assert desk.said == ["Nothing to change."]
    assert "PlanIdentityChanges" not in desk.api.calls


def test_a_plan_names_changes_gains_and_what_gives_more_rights(desk):
    desk.world.node(name="web-1")
    inline = [{"PolicyName": "ssh", "PolicyDocument": document(START, statement("Allow", "iam:PassRole"))}]
    desk.write("users", "zoe", UserName="zoe", UserPolicyList=inline)
    assert desk.command.plan(desk.directory) == CHANGED
    assert desk.said[:4] == ["2 changes:", "  + user zoe", "  ~ user zoe: + policy ssh", "Access:"]
    assert "  arn:aws:iam::111122223333:user/zoe" in desk.said
    assert any(
        f"gains ssm:StartSession on {NODE_ID} (web-1), AWS-StartSSHSession" in each for each in desk.said
    )
    assert "    ! gains iam:PassRole on *" in desk.said
    assert desk.said[-1] == "! 1 right by which somebody can give himself more rights"
    with desk.world.store.read() as uow:
        assert uow.identities.get_user("111122223333", "zoe") is None


def test_a_plan_for_programs_holds_everything(desk):
    desk.write("groups", "ops", GroupName="ops")
    assert desk.command.plan(desk.directory, as_json=True) == CHANGED
    (text,) = desk.said
    plan = json.loads(text)
    assert plan["Changes"] == [
        {"Operation": "CreateGroup", "Parameters": {"GroupName": "ops", "Path": "/"}, "Text": "+ group ops"}
    ]
    assert (plan["AccessChanges"], plan["Warnings"], plan["LeftAlone"]) == ([], [], [])


def test_what_no_file_names_is_said_to_be_left_alone(desk):
    os.remove(desk.directory / "users/admin.json")
    assert desk.command.plan(desk.directory) == 0
    assert desk.said[0].startswith("Note: no file names users/admin: left alone, --prune would delete")


def test_changes_are_made_after_a_yes_only(desk):
    desk.write("groups", "ops", GroupName="ops")
    assert desk.command.apply(desk.directory, prune=False, confirm=lambda: False) == 1
    assert desk.said[-1] == "Nothing has been changed."
    assert desk.command.apply(desk.directory, prune=False, confirm=lambda: True) == 0
    assert desk.said[-1] == "Done: 1 change."
    assert desk.command.apply(desk.directory, prune=False, confirm=lambda: pytest.fail("nothing to ask")) == 0


def test_a_lockout_has_to_be_allowed(desk):
    desk.write("users", "admin", UserName="admin")
    with pytest.raises(IdentityCallRefused, match="lock yourself out"):
        desk.command.apply(desk.directory, prune=False, confirm=lambda: True)
    assert desk.command.apply(desk.directory, prune=False, confirm=lambda: True, allow_lockout=True) == 0


def test_many_nodes_are_counted_and_not_all_named(desk, monkeypatch):
    monkeypatch.setattr(identity_plan, "SHOWN_RESOURCES", 2)
    for number in range(5):
        desk.world.node(f"mi-{number:017x}")
    nodes = statement("Allow", "ssm:StartSession", "arn:aws:ssm:*:*:managed-instance/*")
    inline = [{"PolicyName": "ssh", "PolicyDocument": document(nodes)}]
    desk.write("users", "zoe", UserName="zoe", UserPolicyList=inline)
    desk.command.plan(desk.directory)
    assert any(each.endswith(" and 3 more") for each in desk.said)


def test_more_than_a_request_can_hold_is_refused_with_advice(desk, monkeypatch):
    monkeypatch.setattr(identity_plan, "MAX_CALLS_CHARACTERS", 10)
    desk.write("groups", "ops", GroupName="ops")
    with pytest.raises(ClientError, match="apply them in parts"):
        desk.command.plan(desk.directory)
