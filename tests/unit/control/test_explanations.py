"""Why somebody may, and who may: the statements that decide calls, and what is missing for an allow."""

import pytest

from fairlead.control.explanations import Explanations
from fairlead.domain.errors import AccessDenied, InvalidInput, NoSuchEntity
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations import explanations as operations
from tests.support.control_world import NODE_ID, policy, statement
from tests.support.factories import a_group

START = "ssm:StartSession"
NODE = f"arn:aws:ssm:us-east-1:111122223333:managed-instance/{NODE_ID}"
DOCUMENT = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
ALLOW_START = statement("Allow", START)
HOME = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
OPS = {"id": "AROAEXAMPLEOPS0000001", "name": "Ops", "path": "/"}
OPS_ARN = "arn:aws:iam::111122223333:role/Ops"


@pytest.fixture
def explanations(world):
    return Explanations(world.env)


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def why(explanations, admin):
    def ask(principal, *resources, action=START, **context):
        request = operations.ExplainAccessRequest(
            principal=principal,
            action=action,
            resources=resources or (NODE, DOCUMENT),
            context=keys(context),
        )
        return explanations.explain_access(admin, request)

    return ask


@pytest.fixture
def who(explanations, admin):
    def ask(*resources, action=START, page=None, **context):
        found, token = [], None
        while True:
            request = operations.FindPrincipalsRequest(
                action=action,
                resources=resources or (NODE,),
                context=keys(context),
                max_results=page,
                next_token=token,
            )
            answer = explanations.find_principals(admin, request)
            found += [
                (each.principal_arn.partition(":1111")[2][9:], each.verdict) for each in answer.principals
            ]
            token = answer.next_token
            if token is None:
                return found

    return ask


def keys(context):
    return tuple(
        operations.ContextKey(key=name.replace("__", ":"), values=(value,)) for name, value in context.items()
    )


def test_the_answer_names_the_statement_its_policy_and_whose_it_is(world, why):
    bob = world.user("bob", policy(ALLOW_START))
    group = a_group(name="contractors")
    with world.store.transaction() as uow:
        uow.groups.add(group)
        uow.groups.add_member(group.id, bob.principal_id)
        text = policy(
            {**statement("Deny", START, "arn:aws:ssm:*:*:document/AWS-StartSSHSession"), "Sid": "NoSsh"}
        )
        uow.identities.put_policy(group.id, InlinePolicy(name="no-ssh", document=text))
    answer = why("bob")
    assert answer.verdict == "explicitDeny"
    assert answer.denial == (
        f"User: {bob.arn} is not authorized to perform: ssm:StartSession on resource: {DOCUMENT}"
        " with an explicit deny in an identity-based policy"
    )
    node, document = answer.resources
    assert (node.verdict, node.layer) == ("allowed", None)
    (denying,) = document.statements
    assert denying == operations.StatementReference(
        effect="Deny",
        policy_name="no-ssh",
        attachment="inline policy of group",
        owner="contractors",
        sid="NoSsh",
        number=1,
    )


def test_the_answer_is_the_one_that_a_call_gets(world, why):
    world.node()
    own_node = "arn:aws:ssm:*:*:managed-instance/${aws:PrincipalTag/node}"
    text = policy(
        statement("Allow", START, [own_node, DOCUMENT]),
        {**statement("Deny", "*"), "Condition": {"StringNotEquals": {"aws:username": "bob"}}},
    )
    bob = world.user("bob", text)
    with pytest.raises(AccessDenied) as refused:
        world.start(bob)
    assert why("bob").denial == str(refused.value)
    with world.store.transaction() as uow:
        uow.identities.put_tags(bob.principal_id, {"node": NODE_ID})
    world.start(bob)
    assert why("bob").verdict == "allowed"


def test_what_only_a_connection_brings_is_missing_until_it_is_given(world, why):
    world.user("bob", policy({**ALLOW_START, **HOME}))
    (resource,) = why("bob", NODE).resources
    assert (resource.verdict, resource.layer) == ("implicitDeny", "identity-based policy")
    (unmet,) = resource.unmet
    assert (unmet.statement.number, unmet.missing_keys) == (1, ("aws:SourceIp",))
    assert resource.missing_keys == ("aws:SourceIp",)
    assert resource.depends_on_missing_keys
    given = why("bob", NODE, aws__SourceIp="192.0.2.7")
    assert (given.verdict, given.denial) == ("allowed", None)
    assert not given.resources[0].depends_on_missing_keys
    (other,) = why("bob", NODE, aws__SourceIp="198.51.100.1").resources
    assert (other.verdict, other.unmet[0].missing_keys) == ("implicitDeny", ())


def test_the_layer_that_refuses_is_named(world, why):
    world.user("bob", policy(ALLOW_START), boundary_arn=READ_ONLY)
    (resource,) = why("bob", NODE).resources
    assert (resource.verdict, resource.layer) == ("implicitDeny", "permissions boundary")


def test_a_session_of_a_role_has_a_name_and_the_role_has_none(world, why):
    own = "arn:aws:ssm:*:*:session/${aws:userid}-*"
    world.role(policy(statement("Allow", "ssm:ResumeSession", own)), **OPS)
    session = "arn:aws:ssm:us-east-1:111122223333:session/AROAEXAMPLEOPS0000001:dora-0123"
    answer = why(OPS_ARN, session, action="ssm:ResumeSession")
    assert (answer.verdict, answer.resources[0].missing_keys) == ("implicitDeny", ("aws:userid",))
    dora = "arn:aws:sts::111122223333:assumed-role/Ops/dora"
    assert why(dora, session, action="ssm:ResumeSession").verdict == "allowed"


def test_who_may_is_found_on_every_page(world, who):
    for name in ("ann", "ben", "cid"):
        world.user(name, policy(ALLOW_START))
    world.user("eve", policy(statement("Allow", "ssm:DescribeSessions")))
    world.role(policy(ALLOW_START), **OPS)
    everybody = [(f"user/{name}", "allowed") for name in ("admin", "ann", "ben", "cid")]
    everybody.append(("role/Ops", "allowed"))
    assert who() == who(page=1) == who(page=5) == everybody


def test_who_may_depending_on_the_request_is_found_and_marked(world, who):
    world.user("ann", policy({**ALLOW_START, **HOME}))
    world.user("ben", policy({**ALLOW_START, **HOME}), boundary_arn=READ_ONLY)
    assert who() == [("user/admin", "allowed"), ("user/ann", "implicitDeny")]
    assert who(aws__SourceIp="192.0.2.1") == [("user/admin", "allowed"), ("user/ann", "allowed")]
    assert who(aws__SourceIp="198.51.100.1") == [("user/admin", "allowed")]


def test_a_locked_user_is_marked(world, why):
    world.user("bob", policy(ALLOW_START), locked_at=world.now)
    answer = why("bob")
    assert (answer.verdict, answer.is_locked) == ("allowed", True)
    assert not why("admin").is_locked


def test_nobody_may_ask_without_the_right(world, explanations):
    bob = world.user("bob", policy(statement("Allow", "fairlead:ExplainAccess", "arn:aws:iam::*:user/bob")))
    world.user("eve")
    ask = operations.ExplainAccessRequest
    explanations.explain_access(bob, ask(principal="bob", action=START, resources=(NODE,)))
    for other in ("eve", "nobody", OPS_ARN):
        with pytest.raises(AccessDenied, match="fairlead:ExplainAccess on resource"):
            explanations.explain_access(bob, ask(principal=other, action=START, resources=(NODE,)))
    with pytest.raises(AccessDenied, match="fairlead:FindPrincipals"):
        explanations.find_principals(bob, operations.FindPrincipalsRequest(action=START, resources=(NODE,)))


def test_questions_are_recorded_and_their_answers_are_not(world, why):
    why("admin")
    record = world.last_record
    assert (record.event_name, record.is_read_only) == ("ExplainAccess", True)
    assert record.request_parameters["principal"] == "admin"
    assert record.response_elements is None


def test_what_is_no_question_is_refused(why):
    with pytest.raises(InvalidInput, match="is not an action"):
        why("admin", action="ssm:*")
    with pytest.raises(InvalidInput, match="must be in ARN format"):
        why("admin", NODE_ID)
    with pytest.raises(NoSuchEntity):
        why("nobody")
