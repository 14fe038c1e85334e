"""The calls that lead from one state to another, and their order. That they lead there is a property test."""

import pytest

from fairlead.client.errors import ClientError
from fairlead.client.identity_differences import adopted, changes, unmentioned
from fairlead.client.identity_state import Identity

ACCOUNT = "111122223333"
DOCUMENT = {"Version": "2012-10-17", "Statement": []}
OTHER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OWN = f"arn:aws:iam::{ACCOUNT}:policy/P"
FOREIGN = "arn:aws:iam::999999999999:policy/P"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"


def state(*identities):
    return {identity.key: identity for identity in identities}


def user(**members):
    return Identity(kind="users", name="alice", **members)


def calls(present, wanted, **options):
    return [each.operation for each in changes(state(*present), state(*wanted), ACCOUNT, **options)]


def test_nothing_is_done_where_nothing_differs():
    same = user(inline={"a": DOCUMENT}, tags={"k": "v"}, groups=frozenset({"Ops"}))
    assert calls([same], [same]) == []
    assert calls([same], [user(inline={"a": DOCUMENT}, tags={"k": "v"}, groups=frozenset({"ops"}))]) == []


def test_things_are_made_before_they_are_used_and_taken_off_before_others_are_put_on():
    policy = Identity(kind="policies", name="P", document=DOCUMENT)
    group = Identity(kind="groups", name="ops")
    old = user(inline={"a": DOCUMENT}, attached=frozenset({READ_ONLY}), tags={"k": "v"})
    new = user(inline={"b": DOCUMENT}, attached=frozenset({OWN}), groups=frozenset({"ops"}), boundary=OWN)
    assert calls([old], [policy, group, new]) == [
        "CreatePolicy",
        "CreateGroup",
        "DeleteUserPolicy",
        "DetachUserPolicy",
        "UntagUser",
        "PutUserPolicy",
        "AttachUserPolicy",
        "AddUserToGroup",
        "PutUserPermissionsBoundary",
    ]


def test_a_sixth_version_of_a_policy_takes_the_place_of_the_oldest():
    full = Identity(kind="policies", name="P", document=DOCUMENT, versions=("v1", "v2", "v3", "v4"))
    found = changes(state(full), state(Identity(kind="policies", name="P", document=OTHER)), ACCOUNT)
    assert [(each.operation, each.parameters["PolicyArn"]) for each in found] == [
        ("DeletePolicyVersion", OWN),
        ("CreatePolicyVersion", OWN),
    ]
    assert found[0].parameters["VersionId"] == "v1"


def test_a_role_is_changed_in_place():
    old = Identity(kind="roles", name="R", document=DOCUMENT, description="d", max_session_duration_s=7200)
    assert calls([old], [Identity(kind="roles", name="R", document=DOCUMENT)]) == []
    new = Identity(kind="roles", name="R", document=OTHER, max_session_duration_s=3600)
    trust, details = changes(state(old), state(new), ACCOUNT)
    assert trust.operation == "UpdateAssumeRolePolicy"
    assert details.parameters == {"RoleName": "R", "Description": "d", "MaxSessionDuration": 3600}


def test_what_no_file_names_stays_unless_it_is_pruned():
    bob = Identity(kind="users", name="bob", inline={"a": DOCUMENT}, attached=frozenset({READ_ONLY}))
    old = Identity(kind="policies", name="Old", path="/team/", document=DOCUMENT, versions=("v1",))
    present = [bob, old, user()]
    assert calls(present, [user()]) == []
    assert unmentioned(state(*present), state(user())) == [bob, old]
    assert calls(present, [user()], prune=True) == [
        "DeleteUserPolicy",
        "DetachUserPolicy",
        "DeleteUser",
        "DeletePolicyVersion",
        "DeletePolicy",
    ]


def test_a_path_cannot_be_changed():
    with pytest.raises(ClientError, match=r"alice has the path /, which cannot be changed to /team/"):
        calls([user()], [user(path="/team/")])


def test_policies_are_attached_from_the_servers_own_account():
    wanted = state(user(attached=frozenset({FOREIGN}), boundary=FOREIGN))
    found, warnings = adopted(wanted, ACCOUNT, frozenset())
    assert found["users", "alice"].attached == {OWN}
    assert found["users", "alice"].boundary == OWN
    assert warnings == []


def test_policies_of_aws_that_the_server_lacks_are_left_out_aloud_but_never_a_boundary():
    unknown = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    found, warnings = adopted(
        state(user(attached=frozenset({unknown, READ_ONLY}))), ACCOUNT, frozenset({READ_ONLY})
    )
    assert found["users", "alice"].attached == {READ_ONLY}
    assert warnings == [f"this server has no policy {unknown}: it is left out, 1 identity has it attached"]
    with pytest.raises(ClientError, match=r"without it he would get more rights"):
        adopted(state(user(boundary=unknown)), ACCOUNT, frozenset())
