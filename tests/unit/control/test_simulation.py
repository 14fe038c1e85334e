"""Simulation answers what the evaluator answers, of whom it is asked, and refuses what it does not serve."""

import json
from itertools import islice

import pytest

from fairlead.control import simulation
from fairlead.control.simulation import Simulations
from fairlead.domain.errors import (
    AccessDenied,
    InvalidInput,
    InvalidNextToken,
    NoSuchEntity,
    PolicyNotEvaluated,
)
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations import simulation as operations
from fairlead.policy.decision import AttachedPolicy, Attachment, Question
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy
from tests.support.control_world import policy, statement
from tests.support.factories import a_group, a_managed_policy
from tests.support.policy_pairs import policy_pairs

START = "ssm:StartSession"
NODE = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-0123456789abcdef0"
OTHER_NODE = NODE[:-1] + "1"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
HOME = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
OPS = {"id": "AROAEXAMPLEOPS0000001", "name": "Ops", "path": "/"}
ALLOW_NODE = policy(statement("Allow", START, NODE))


@pytest.fixture
def simulations(world):
    return Simulations(world.env)


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def custom(simulations, admin):
    def run(*texts, **members):
        request = operations.SimulateCustomPolicyRequest(
            policy_input_list=texts, **{"action_names": (START,), **members}
        )
        return simulations.simulate_custom_policy(admin, request)

    return run


@pytest.fixture
def principal(simulations, admin):
    def run(arn, **members):
        request = operations.SimulatePrincipalPolicyRequest(
            policy_source_arn=arn, **{"action_names": (START,), "resource_arns": (NODE,), **members}
        )
        return simulations.simulate_principal_policy(admin, request)

    return run


def entry(name, *values, of_type="string"):
    return operations.ContextEntry(context_key_name=name, context_key_values=values, context_key_type=of_type)


def decisions(answer):
    return [result.eval_decision for result in answer.evaluation_results]


def sources(answer):
    (result,) = answer.evaluation_results
    return [(each.source_policy_id, each.source_policy_type) for each in result.matched_statements]


def test_every_action_is_asked_about_on_every_resource(custom):
    answer = custom(
        ALLOW_NODE, action_names=(START, "ssm:DescribeSessions"), resource_arns=(NODE, OTHER_NODE)
    )
    asked = [(each.eval_action_name, each.eval_resource_name) for each in answer.evaluation_results]
    assert asked == [
        (action, node) for action in (START, "ssm:DescribeSessions") for node in (NODE, OTHER_NODE)
    ]
    assert decisions(answer) == ["allowed", "implicitDeny", "implicitDeny", "implicitDeny"]
    first = answer.evaluation_results[0]
    (specific,) = first.resource_specific_results
    assert (specific.eval_resource_name, specific.eval_resource_decision) == (NODE, "allowed")
    assert specific.matched_statements == first.matched_statements
    assert first.permissions_boundary_decision_detail is None
    assert not answer.is_truncated


def test_without_resources_the_question_is_about_the_star(custom):
    (result,) = custom(policy(statement("Allow", START))).evaluation_results
    assert (result.eval_resource_name, result.eval_decision) == ("*", "allowed")
    assert result.resource_specific_results == ()


def test_the_policy_that_decides_is_named_by_its_place(custom):
    answer = custom(ALLOW_NODE, policy(statement("Deny", START)), resource_arns=(NODE,))
    assert decisions(answer) == ["explicitDeny"]
    assert sources(answer) == [("PolicyInputList.2", "none")]


def test_keys_without_a_value_are_missing_and_entries_fill_them_in(custom):
    text = policy({**statement("Allow", START), **HOME})
    (lacking,) = custom(text).evaluation_results
    assert (lacking.eval_decision, lacking.missing_context_values) == ("implicitDeny", ("aws:SourceIp",))
    given = custom(text, context_entries=(entry("AWS:sourceip", "192.0.2.7", of_type="ip"),))
    assert decisions(given) == ["allowed"]
    assert given.evaluation_results[0].missing_context_values == ()


@pytest.mark.parametrize(
    "given",
    [
        entry("aws:SourceIp", "nowhere", of_type="ip"),
        entry("aws:EpochTime", "soon", of_type="numeric"),
        entry("aws:SecureTransport", "maybe", of_type="boolean"),
        entry("aws:CurrentTime", "soon", of_type="date"),
        entry("aws:Digest", "?", of_type="binary"),
        entry("aws:username", "al", "bert"),
        operations.ContextEntry(context_key_values=("x",)),
    ],
    ids=lambda given: str(given.context_key_type),
)
def test_values_must_be_of_their_type(custom, given):
    with pytest.raises(InvalidInput):
        custom(ALLOW_NODE, context_entries=(given,))


def test_a_list_has_several_values(custom):
    text = policy(
        {**statement("Allow", START), "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}}
    )
    for values, expected in ((("a", "b"), "allowed"), (("a", "c"), "implicitDeny")):
        answer = custom(text, context_entries=(entry("aws:TagKeys", *values, of_type="stringList"),))
        assert decisions(answer) == [expected]


@pytest.mark.parametrize(
    "members",
    [
        {"action_names": ("ssm:*",)},
        {"action_names": ("StartSession",)},
        {"resource_arns": ("mi-0123456789abcdef0",)},
        {"resource_policy": ALLOW_NODE},
        {"resource_owner": "arn:aws:iam::111122223333:root"},
        {"resource_handling_option": "EC2-VPC-InstanceStore"},
        {"ordered_organization_policy_input_list": (operations.OrganizationPolicies(),)},
        {"permissions_boundary_policy_input_list": (ALLOW_NODE, ALLOW_NODE)},
        {"permissions_boundary_policy_input_list": ("{",)},
        {"action_names": (START,) * 101, "resource_arns": (NODE,) * 100},
    ],
    ids=lambda members: ",".join(members),
)
def test_what_cannot_be_simulated_is_refused_plainly(custom, members):
    with pytest.raises(InvalidInput):
        custom(ALLOW_NODE, **members)


def test_a_malformed_policy_is_named_by_its_place(custom):
    with pytest.raises(InvalidInput, match=r"PolicyInputList\.2: Policy statement must contain actions"):
        custom(ALLOW_NODE, json.dumps({"Statement": {"Effect": "Allow", "Resource": "*"}}))


def test_pages_follow_each_other(custom):
    nodes = tuple(f"{NODE[:-2]}{number:02}" for number in range(5))
    seen, marker = [], None
    while True:
        answer = custom(ALLOW_NODE, resource_arns=nodes, max_items=2, marker=marker)
        seen += [each.eval_resource_name for each in answer.evaluation_results]
        marker = answer.marker
        assert answer.is_truncated == (marker is not None)
        if marker is None:
            break
        with pytest.raises(InvalidNextToken):
            custom(ALLOW_NODE, resource_arns=nodes[:4], max_items=2, marker=marker)
    assert seen == list(nodes)


def test_large_policies_make_short_pages(custom, monkeypatch):
    monkeypatch.setattr(simulation, "MAX_COMPARISONS", 6)
    answer = custom(ALLOW_NODE, resource_arns=(NODE,) * 10)
    assert len(answer.evaluation_results) == 3


def many_values(count, text="x"):
    given = operations.ContextEntry(
        context_key_name="AWS:TagKeys", context_key_values=(text,) * count, context_key_type="stringList"
    )
    return {"context_entries": (given,)}


def test_many_or_long_values_make_short_pages_too(custom, monkeypatch):
    monkeypatch.setattr(simulation, "MAX_COMPARISONS", 24)
    tagged = {"Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": ["a*", "b*"]}}}
    document = policy({**statement("Allow", START), **tagged})
    asked = {"resource_arns": (NODE,) * 30}
    assert len(custom(document, **asked).evaluation_results) == 24 // 4
    assert len(custom(document, **asked, **many_values(5)).evaluation_results) == 24 // 12
    assert len(custom(document, **asked, **many_values(1, "x" * 256)).evaluation_results) == 24 // 8
    asked = {"resource_arns": (NODE + "0" * 256,) * 30}
    assert len(custom(document, **asked).evaluation_results) == 24 // 6


def test_one_question_that_takes_too_long_is_refused(custom, monkeypatch):
    monkeypatch.setattr(simulation, "MAX_COMPARISONS_PER_QUESTION", 100)
    tagged = {"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": ["*a?", "*b?"]}}}
    document = policy({**statement("Allow", START), **tagged})
    custom(document, **many_values(49))
    with pytest.raises(InvalidInput, match="too many comparisons"):
        custom(document, **many_values(50))


def test_a_user_is_simulated_with_what_the_server_knows_of_him(world, principal):
    own = "arn:aws:ssm:*:*:session/${aws:username}-*"
    world.user("bob", policy(statement("Allow", "ssm:TerminateSession", own)))
    session = "arn:aws:ssm:us-east-1:111122223333:session/{}-0123"
    answer = principal(
        "arn:aws:iam::111122223333:user/bob",
        action_names=("ssm:TerminateSession",),
        resource_arns=(session.format("bob"), session.format("alice")),
    )
    assert decisions(answer) == ["allowed", "implicitDeny"]


def test_policies_are_named_by_who_has_them(world, principal):
    world.user("bob", ALLOW_NODE)
    with world.store.transaction() as uow:
        user = uow.identities.get_user("111122223333", "bob")
        group = a_group()
        uow.groups.add(group)
        uow.groups.add_member(group.id, user.id)
        uow.identities.put_policy(group.id, InlinePolicy(name="ssh", document=ALLOW_NODE))
        uow.managed_policies.attach(user.id, "arn:aws:iam::aws:policy/AdministratorAccess")
        own = a_managed_policy()
        uow.managed_policies.add(own, ALLOW_NODE)
        uow.managed_policies.attach(group.id, own.arn)
    found = {
        ("user_bob_policy-0", "user"),
        (f"group_{group.name}_ssh", "group"),
        ("AdministratorAccess", "aws-managed"),
        (own.name, "user-managed"),
    }
    bob = "arn:aws:iam::111122223333:user/bob"
    assert set(sources(principal(bob))) == found
    assert set(sources(principal(group.arn))) == {each for each in found if each[1].startswith("group")} | {
        (own.name, "user-managed")
    }

    def without(**identifier):
        left = sources(principal(bob, policy_exclusion_list=(operations.PolicyIdentifier(**identifier),)))
        return found - set(left)

    assert without(policy_type="aws-managed") == {("AdministratorAccess", "aws-managed")}
    assert without(policy_arn=own.arn) == {(own.name, "user-managed")}
    assert without(policy_type="scp") == set()
    inline = operations.InlinePolicyIdentifier(
        policy_name="ssh", attachment_type="group", attachment_name=group.name
    )
    assert without(inline_policy_identifier=inline) == {(f"group_{group.name}_ssh", "group")}
    assert len(without(policy_type="inline")) == 2
    with pytest.raises(InvalidInput, match="must have one of"):
        without()


def test_a_boundary_of_the_request_takes_the_place_of_the_users_own(world, principal):
    world.user("bob", ALLOW_NODE, boundary_arn=READ_ONLY)
    bob = "arn:aws:iam::111122223333:user/bob"

    def outcome(**members):
        (result,) = principal(bob, **members).evaluation_results
        detail = result.permissions_boundary_decision_detail
        return result.eval_decision, detail and detail.allowed_by_permissions_boundary

    assert outcome() == ("implicitDeny", False)
    assert outcome(permissions_boundary_policy_input_list=(ALLOW_NODE,)) == ("allowed", True)
    leave_out = (operations.PolicyIdentifier(policy_type="permission-boundary"),)
    assert outcome(policy_exclusion_list=leave_out) == ("allowed", None)


def test_policies_of_the_request_come_on_top(world, principal):
    world.user("bob", policy(statement("Allow", "ssm:DescribeSessions")))
    bob = "arn:aws:iam::111122223333:user/bob"
    assert decisions(principal(bob)) == ["implicitDeny"]
    assert decisions(principal(bob, policy_input_list=(ALLOW_NODE,))) == ["allowed"]


def test_a_role_is_simulated_without_a_user_name(world, principal):
    world.role(policy({**statement("Allow", START), "Condition": {"Null": {"aws:username": "true"}}}), **OPS)
    assert decisions(principal("arn:aws:iam::111122223333:role/Ops")) == ["allowed"]


@pytest.mark.parametrize(
    ("arn", "error"),
    [
        ("arn:aws:iam::111122223333:user/nobody", NoSuchEntity),
        ("arn:aws:iam::111122223333:user/path/admin", NoSuchEntity),
        ("arn:aws:iam::999922223333:user/admin", NoSuchEntity),
        ("arn:aws:iam::111122223333:role/nobody", NoSuchEntity),
        ("arn:aws:iam::111122223333:group/nobody", NoSuchEntity),
        ("arn:aws:sts::111122223333:assumed-role/nobody/x", NoSuchEntity),
        ("arn:aws:iam::111122223333:policy/nobody", InvalidInput),
        (NODE, InvalidInput),
    ],
)
def test_whom_there_is_not_cannot_be_simulated(principal, arn, error):
    with pytest.raises(error):
        principal(arn)


def test_another_caller_cannot_be_simulated(world, principal):
    world.user("bob", ALLOW_NODE)
    bob = "arn:aws:iam::111122223333:user/bob"
    assert decisions(principal(bob, caller_arn=bob)) == ["allowed"]
    with pytest.raises(InvalidInput, match="CallerArn"):
        principal(bob, caller_arn="arn:aws:iam::111122223333:user/admin")


def test_simulation_needs_the_right_to_it(world, simulations):
    bob = world.user("bob", policy(statement("Allow", "iam:Simulate*", "arn:aws:iam::*:user/bob")))
    world.user("eve")
    ask = operations.SimulatePrincipalPolicyRequest
    simulations.simulate_principal_policy(bob, ask(policy_source_arn=bob.arn, action_names=(START,)))
    other = ask(policy_source_arn=bob.arn.replace("bob", "eve"), action_names=(START,))
    with pytest.raises(AccessDenied, match=r"iam:SimulatePrincipalPolicy on resource: .*user/eve"):
        simulations.simulate_principal_policy(bob, other)
    with pytest.raises(AccessDenied):
        simulations.simulate_custom_policy(
            bob, operations.SimulateCustomPolicyRequest(policy_input_list=("{",), action_names=(START,))
        )


def test_a_stored_policy_that_cannot_be_read_is_said(world, principal):
    world.user("bob", "{")
    with pytest.raises(PolicyNotEvaluated, match="user/bob cannot be read"):
        principal("arn:aws:iam::111122223333:user/bob")


def test_answers_are_not_recorded(world, custom):
    custom(ALLOW_NODE)
    assert world.last_record.event_name == "SimulateCustomPolicy"
    assert world.last_record.response_elements is None
    assert world.last_record.is_read_only


def test_custom_policies_are_decided_as_the_evaluator_decides(custom):
    for policies, asked in islice(policy_pairs(seed=5), 300):
        boundary = () if policies.boundary is None else (policies.boundary,)
        answer = custom(
            *policies.identity,
            permissions_boundary_policy_input_list=boundary,
            action_names=(asked.action,),
            resource_arns=asked.resources,
            context_entries=tuple(
                entry(key, *([value] if isinstance(value, str) else value), of_type=type_name)
                for key, value in asked.context.items()
                for type_name in ["string" if isinstance(value, str) else "stringList"]
            ),
        )
        texts = [(text, Attachment.USER_INLINE) for text in policies.identity]
        texts += [(text, Attachment.USER_BOUNDARY) for text in boundary]
        decision = evaluate(
            Question("arn:aws:iam::111122223333:user/al", asked.action, asked.resources, asked.context),
            [AttachedPolicy(parse_identity_policy(text), "p", kind, "al") for text, kind in texts],
        )
        assert decisions(answer) == [result.verdict.value for result in decision.results]
        for result, expected in zip(answer.evaluation_results, decision.results, strict=True):
            assert len(result.matched_statements) == len(expected.statements)
            assert set(expected.missing_keys) <= set(result.missing_context_values)


def test_the_keys_that_policies_refer_to(world, simulations, admin):
    own = statement("Allow", START, "arn:aws:ssm:*:*:session/${aws:username}-*")
    text = policy(
        {**own, **HOME}, {**statement("Deny", "*"), **{"Condition": {"Bool": {"AWS:sourceip": "true"}}}}
    )
    request = operations.GetContextKeysForCustomPolicyRequest(policy_input_list=(text,))
    answer = simulations.get_context_keys_for_custom_policy(admin, request)
    assert answer.context_key_names == ("aws:username", "aws:SourceIp")
    bob = world.user("bob", text)
    request = operations.GetContextKeysForPrincipalPolicyRequest(policy_source_arn=bob.arn)
    answer = simulations.get_context_keys_for_principal_policy(admin, request)
    assert answer.context_key_names == ("aws:username", "aws:SourceIp")
