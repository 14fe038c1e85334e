"""Policies as files, the server's half: all identities at once, a plan that changes nothing, all or none."""

import json
import zlib

import pytest

from fairlead.control import identity_changes
from fairlead.domain.errors import AccessDenied, IdentityCallRefused, InvalidNextToken
from fairlead.domain.operations import identity_changes as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.operations.documents import CreateDocumentRequest
from tests.support.control_world import ALLOW_ALL, NODE_ID, NODE_TRUST, policy, statement
from tests.support.factories import NOW, a_group

ACCOUNT = "arn:aws:iam::111122223333"
NODE = f"arn:aws:ssm:us-east-1:111122223333:managed-instance/{NODE_ID}"
SSH = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
START = statement("Allow", "ssm:StartSession", [NODE, SSH])
NOTHING = policy(statement("Allow", "ssm:DescribeSessions"))


def compressed(*calls):
    return zlib.compress(
        json.dumps([{"Operation": name, "Parameters": members} for name, members in calls]).encode()
    )


def put(user, *statements, name="ssh"):
    return (
        "PutUserPolicy",
        {"UserName": user, "PolicyName": name, "PolicyDocument": policy(*statements)},
    )


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def plan(world, admin):
    def ask(*calls, caller=admin):
        """Every change of a plan as (who, what, to what, before, after)."""
        found, token = [], None
        while True:
            request = operations.PlanIdentityChangesRequest(calls=compressed(*calls), next_token=token)
            answer = world.identity_changes.plan_identity_changes(caller, request)
            found += [
                (each.principal_arn, each.action, each.resource, each.before, each.after)
                for each in answer.changes
            ]
            token = answer.next_token
            if token is None:
                return found

    return ask


@pytest.fixture
def apply(world, admin):
    def make(*calls, caller=admin, **members):
        request = operations.ApplyIdentityChangesRequest(calls=compressed(*calls), **members)
        return world.identity_changes.apply_identity_changes(caller, request).call_count

    return make


def documents_of(world, name):
    with world.store.read() as uow:
        user = uow.identities.get_user("111122223333", name)
        return {each.name: each.document for each in uow.identities.list_policies(user.id)}


def test_a_plan_says_who_gains_what_and_changes_nothing(world, plan):
    world.node()
    bob = world.user("bob", NOTHING)
    assert plan(put("bob", START)) == [
        (bob.arn, "ssm:StartSession", NODE, "refused", "allowed"),
        (bob.arn, "ssm:StartSession", SSH, "refused", "allowed"),
    ]
    assert documents_of(world, "bob") == {"policy-0": NOTHING}


def test_a_loss_is_said_as_well(world, plan):
    world.node()
    bob = world.user("bob", policy(START))
    call = ("DeleteUserPolicy", {"UserName": "bob", "PolicyName": "policy-0"})
    assert {(each[2], *each[3:]) for each in plan(call) if each[0] == bob.arn} == {
        (NODE, "allowed", "refused"),
        (SSH, "allowed", "refused"),
    }


def test_what_depends_on_the_request_is_conditional_and_another_condition_is_a_change(world, plan):
    world.node()
    office = START | {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    anywhere = START | {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}
    world.user("bob", policy(office))
    same = ("PutUserPolicy", {"UserName": "bob", "PolicyName": "policy-0", "PolicyDocument": policy(office)})
    wider = (
        "PutUserPolicy",
        {"UserName": "bob", "PolicyName": "policy-0", "PolicyDocument": policy(anywhere)},
    )
    assert plan(same) == []
    assert {each[3:] for each in plan(wider)} == {("conditional", "conditional")}


def test_tags_of_nodes_and_of_users_count(world, plan):
    world.node(tags=(("Team", "red"),))
    by_team = statement("Allow", "ssm:StartSession", "arn:aws:ssm:*:*:managed-instance/*") | {
        "Condition": {"StringEquals": {"ssm:resourceTag/Team": "${aws:PrincipalTag/team}"}}
    }
    bob = world.user("bob", policy(by_team))
    tags = ("TagUser", {"UserName": "bob", "Tags": [{"Key": "team", "Value": "red"}]})
    assert plan(tags) == [(bob.arn, "ssm:StartSession", NODE, "conditional", "allowed")]


def test_documents_of_the_account_count_with_their_tags(world, admin, plan):
    content = json.dumps({"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}})
    for name, team in (("Red", "red"), ("Blue", "blue")):
        request = CreateDocumentRequest(
            name=name, content=content, document_type="Session", tags=(Tag(key="Team", value=team),)
        )
        world.documents.create_document(admin, request)
    bob = world.user("bob", NOTHING)
    red = statement("Allow", "ssm:StartSession", "arn:aws:ssm:*:*:document/*") | {
        "Condition": {"StringEquals": {"ssm:resourceTag/Team": "red"}}
    }
    document = "arn:aws:ssm:us-east-1:111122223333:document/Red"
    assert (bob.arn, "ssm:StartSession", document, "refused", "allowed") in plan(put("bob", red))
    assert not any(each[2].endswith("/Blue") for each in plan(put("bob", red)))


def test_rights_that_give_more_rights_are_marked(world, admin):
    world.user("bob", NOTHING)
    roles = f"{ACCOUNT}:role/*"
    own = f"{ACCOUNT}:user/${{aws:username}}"
    calls = compressed(
        put("bob", statement("Allow", "iam:PassRole", roles), statement("Allow", "iam:Put*", own))
    )
    answer = world.identity_changes.plan_identity_changes(
        admin, operations.PlanIdentityChangesRequest(calls=calls)
    )
    assert {(each.action, each.resource) for each in answer.changes if each.is_escalation} >= {
        ("iam:PassRole", roles),
        ("iam:PutUserPolicy", f"{ACCOUNT}:user/bob"),
    }
    assert all(each.after == "allowed" for each in answer.changes)


def test_members_of_a_group_and_holders_of_a_policy_are_found(world, plan, apply):
    world.node()
    bob = world.user("bob", NOTHING)
    group = a_group(name="ssh-users")
    with world.store.transaction() as uow:
        uow.groups.add(group)
        uow.groups.add_member(group.id, bob.principal_id)
    arn = f"{ACCOUNT}:policy/Ssh"
    create = ("CreatePolicy", {"PolicyName": "Ssh", "PolicyDocument": policy(START)})
    attach = ("AttachGroupPolicy", {"GroupName": "ssh-users", "PolicyArn": arn})
    assert {each[0] for each in plan(create, attach)} == {bob.arn}
    assert apply(create, attach) == 2
    version = {"PolicyArn": arn, "PolicyDocument": NOTHING, "SetAsDefault": True}
    assert {each[3:] for each in plan(("CreatePolicyVersion", version))} == {("allowed", "refused")}


def test_new_users_and_new_roles_are_looked_at(world, plan):
    world.node()
    found = plan(
        ("CreateUser", {"UserName": "zoe"}),
        put("zoe", START),
        ("CreateRole", {"RoleName": "Ops", "AssumeRolePolicyDocument": NODE_TRUST}),
        ("PutRolePolicy", {"RoleName": "Ops", "PolicyName": "ssh", "PolicyDocument": policy(START)}),
    )
    assert {each[0] for each in found} == {f"{ACCOUNT}:user/zoe", f"{ACCOUNT}:role/Ops"}
    assert {each[3:] for each in found} == {("refused", "allowed")}


def test_deleted_users_lose_what_they_had(world, plan):
    world.node()
    bob = world.user("bob", policy(START))
    found = plan(
        ("DeleteUserPolicy", {"UserName": "bob", "PolicyName": "policy-0"}),
        ("DeleteUser", {"UserName": "bob"}),
    )
    assert {each[0] for each in found} == {bob.arn}
    assert {each[3:] for each in found} == {("allowed", "refused")}


def test_pages_follow_each_other_through_principals_and_nodes(world, plan, monkeypatch):
    monkeypatch.setattr(identity_changes, "PRINCIPALS_PER_PAGE", 2)
    monkeypatch.setattr(identity_changes, "NODES_PER_PAGE", 3)
    nodes = [f"mi-{number:017x}" for number in range(5)]
    for node in nodes:
        world.node(node)
    names = ["a", "b", "c", "d"]
    for name in names:
        world.user(name, NOTHING)
    every = statement("Allow", "ssm:StartSession", "arn:aws:ssm:*:*:managed-instance/*")
    found = plan(*(put(name, every) for name in names), ("CreateUser", {"UserName": "new"}))
    assert len(found) == len(set(found)) == 4 * 5
    assert {(each[0].rpartition("/")[2], each[2].rpartition("/")[2]) for each in found} == {
        (name, node) for name in names for node in nodes
    }


def test_a_token_of_another_plan_is_refused(world, admin, monkeypatch):
    monkeypatch.setattr(identity_changes, "PRINCIPALS_PER_PAGE", 1)
    world.user("bob", NOTHING)
    first = operations.PlanIdentityChangesRequest(calls=compressed(put("bob", START)))
    token = world.identity_changes.plan_identity_changes(admin, first).next_token
    other = operations.PlanIdentityChangesRequest(calls=compressed(), next_token=token)
    with pytest.raises(InvalidNextToken):
        world.identity_changes.plan_identity_changes(admin, other)


def test_whoever_may_plan_need_not_be_able_to_apply(world, plan, apply):
    world.user("bob", NOTHING)
    reviewer = world.user("reviewer", policy(statement("Allow", "fairlead:PlanIdentityChanges")))
    assert plan(put("bob", START), caller=reviewer)
    with pytest.raises(AccessDenied, match="fairlead:ApplyIdentityChanges"):
        apply(put("bob", START), caller=reviewer)
    helper = world.user("helper", policy(statement("Allow", "fairlead:ApplyIdentityChanges")))
    with pytest.raises(AccessDenied, match="iam:PutUserPolicy"):
        apply(put("bob", START), caller=helper)
    assert documents_of(world, "bob") == {"policy-0": NOTHING}


def test_all_calls_are_made_and_recorded_or_none(world, apply):
    world.user("bob", NOTHING)
    before = len(world.store.tables.audit)
    with pytest.raises(IdentityCallRefused, match=r"^Call 2, PutUserPolicy: Syntax errors in policy"):
        apply(
            put("bob", START),
            ("PutUserPolicy", {"UserName": "bob", "PolicyName": "x", "PolicyDocument": "{"}),
        )
    assert documents_of(world, "bob") == {"policy-0": NOTHING}
    records = list(world.store.tables.audit.values())[before:]
    assert [each.event_name for each in records] == ["ApplyIdentityChanges"]
    assert apply(put("bob", START)) == 1
    assert set(documents_of(world, "bob")) == {"policy-0", "ssh"}
    records = list(world.store.tables.audit.values())[before + 1 :]
    assert [each.event_name for each in records] == ["PutUserPolicy", "ApplyIdentityChanges"]


def test_who_applies_does_not_lock_himself_out_unless_he_says_so(world, admin, apply):
    out = ("DeleteUserPolicy", {"UserName": "admin", "PolicyName": "policy-0"})
    with pytest.raises(IdentityCallRefused, match=r"lock yourself out.*fairlead:ApplyIdentityChanges"):
        apply(out)
    assert documents_of(world, "admin") == {"policy-0": ALLOW_ALL}
    helper = world.user("helper")
    assert apply(out, caller=helper) == 1
    assert apply(put("admin", statement("Allow", "*"), name="policy-0"), caller=helper) == 1
    assert apply(out, allow_lockout=True) == 1


def test_a_plan_that_cannot_be_carried_out_says_which_call(plan):
    with pytest.raises(IdentityCallRefused, match=r"^Call 1, PutUserPolicy: .*nobody.* cannot be found"):
        plan(put("nobody", START))


def test_everything_is_exported_page_by_page(world, admin, apply):
    apply(
        ("CreateGroup", {"GroupName": "ops"}),
        ("CreatePolicy", {"PolicyName": "Ssh", "PolicyDocument": policy(START), "Path": "/team/"}),
        ("AttachGroupPolicy", {"GroupName": "ops", "PolicyArn": f"{ACCOUNT}:policy/team/Ssh"}),
        ("AddUserToGroup", {"GroupName": "ops", "UserName": "admin"}),
        ("TagUser", {"UserName": "admin", "Tags": [{"Key": "Team", "Value": "red"}]}),
        put("admin", START),
    )
    token, users, groups, roles, policies = None, [], [], [], []
    while True:
        request = operations.ExportIdentitiesRequest(max_results=1, next_token=token)
        answer = world.identity_changes.export_identities(admin, request)
        users += answer.users
        groups += answer.groups
        roles += answer.roles
        policies += answer.policies
        token = answer.next_token
        if token is None:
            break
    (user,), (group,), (role,), (managed,) = users, groups, roles, policies
    assert [each.policy_name for each in user.inline] == ["policy-0", "ssh"]
    assert user.inline[1].policy_document == policy(START)
    assert (user.groups, [(tag.key, tag.value) for tag in user.tags]) == (("ops",), [("Team", "red")])
    assert [each.policy_arn for each in group.attached] == [f"{ACCOUNT}:policy/team/Ssh"]
    assert (role.assume_role_policy_document, role.max_session_duration) == (NODE_TRUST, 3600)
    assert [(each.version_id, each.document) for each in managed.versions] == [("v1", policy(START))]
    assert "arn:aws:iam::aws:policy/AdministratorAccess" in answer.aws_managed_policy_arns
    assert world.env.now() == NOW


def test_exporting_needs_a_right_of_its_own(world):
    bob = world.user("bob", NOTHING)
    with pytest.raises(AccessDenied, match="fairlead:ExportIdentities"):
        world.identity_changes.export_identities(bob, operations.ExportIdentitiesRequest())
