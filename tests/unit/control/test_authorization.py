"""What a caller may do, from the policies as they are at the moment of the call."""

from datetime import datetime, timedelta, timezone

import pytest

from fairlead.control.audit import anonymous
from fairlead.control.authorization import authorize, context_of, deny
from fairlead.domain.errors import AccessDenied
from fairlead.domain.identities import InlinePolicy
from tests.support.control_world import ALLOW_ALL, NODE_ID, ORIGIN, World, policy, statement


def ask(world, caller, action, *resources):
    with world.store.read() as uow:
        return authorize(uow, caller, action, resources or ("*",), world.now)


def test_the_decision_names_the_statement_and_the_policy(world):
    decision = ask(world, world.user("alice"), "ssm:DescribeSessions")
    assert decision.is_allowed
    assert [(s.policy_name, s.owner) for s in decision.statements] == [("policy-0", "alice")]


def test_a_refusal_carries_the_decision(world):
    caller = world.user("alice", policy(statement("Deny", "ssm:*")))
    with pytest.raises(AccessDenied) as caught:
        ask(world, caller, "ssm:DescribeSessions")
    assert not caught.value.decision.is_allowed


def test_a_user_without_policies_may_nothing(world):
    caller = world.user("alice", policy(statement("Deny", "x:y")))
    with pytest.raises(AccessDenied, match="no identity-based policy allows"):
        ask(world, caller, "ssm:DescribeSessions")


def test_a_changed_policy_holds_at_the_next_call(world):
    caller = world.user("alice")
    ask(world, caller, "ssm:DescribeSessions")
    with world.store.transaction() as uow:
        uow.identities.put_policy(
            caller.principal_id, InlinePolicy(name="no", document=policy(statement("Deny", "*")))
        )
    with pytest.raises(AccessDenied):
        ask(world, caller, "ssm:DescribeSessions")


def test_a_node_may_its_heartbeat_and_channels_and_nothing_else_by_itself(world):
    node = world.node()
    for action in ("ssm:UpdateInstanceInformation", "ssmmessages:CreateDataChannel"):
        assert ask(world, node, action).is_allowed
    for action in ("ssm:StartSession", "ssm:GetDocument", "iam:CreateUser"):
        with pytest.raises(AccessDenied, match=f"assumed-role/FairleadNode/{NODE_ID}"):
            ask(world, node, action)


def test_the_policies_of_its_role_add_to_what_a_node_may_and_take_away():
    world = World()
    world.role(
        policy(statement("Allow", "ssm:GetDocument")),
        policy(statement("Deny", "ssm:UpdateInstanceInformation")),
    )
    node = world.node()
    assert ask(world, node, "ssm:GetDocument").is_allowed
    with pytest.raises(AccessDenied, match="explicit deny"):
        ask(world, node, "ssm:UpdateInstanceInformation")


def test_the_policies_of_a_role_are_not_those_of_a_user(world):
    world.store.tables.roles.clear()
    world.role(ALLOW_ALL)
    with pytest.raises(AccessDenied):
        ask(world, world.user("alice", policy(statement("Allow", "x:y"))), "ssm:GetDocument")


def test_a_node_whose_role_is_gone_has_no_policies_of_it(world):
    node = world.node()
    world.store.tables.roles.clear()
    assert ask(world, node, "ssm:UpdateInstanceInformation").is_allowed


def test_nobody_in_particular_may_nothing(world):
    with pytest.raises(AccessDenied):
        ask(world, anonymous(world.env, ORIGIN), "ssm:RegisterManagedInstance")


def test_a_rule_that_no_policy_lifts_speaks_as_policies_do(world):
    error = deny(world.user("alice"), "ssm:X", "arn:x", "because of this")
    assert str(error) == (
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ssm:X on resource: arn:x "
        "because of this"
    )
    assert error.decision is None


def test_a_users_context_has_the_name(world):
    context = context_of(world.user("alice"), world.now)
    assert context["aws:username"] == "alice"
    assert context["aws:PrincipalType"] == "User"
    assert context["aws:SourceIp"] == "192.0.2.7"


def test_a_nodes_context_has_the_role_and_no_user_name(world):
    context = context_of(world.node(), world.now)
    assert "aws:username" not in context
    assert context["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/service-role/FairleadNode"
    assert context["aws:userid"] == f"AROAEXAMPLENODE000001:{NODE_ID}"


def test_the_context_tells_the_time_of_the_call(world):
    context = context_of(world.user("alice"), datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=1))))
    assert context["aws:CurrentTime"] == "2026-11-21T13:00:00Z"
    assert context["aws:EpochTime"] == "1795266000"


def test_an_operation_may_add_keys_of_its_own(world):
    condition = {"Condition": {"Bool": {"ssm:SessionDocumentAccessCheck": "true"}}}
    caller = world.user("alice", policy({**statement("Allow", "ssm:StartSession"), **condition}))
    with world.store.read() as uow:
        asked = (uow, caller, "ssm:StartSession", ("*",), world.now)
        assert authorize(*asked, {"ssm:SessionDocumentAccessCheck": "true"}).is_allowed
        with pytest.raises(AccessDenied):
            authorize(*asked)
