import json

import pytest

from fairlead.policy.decision import AttachedPolicy, Attachment, Question, Verdict
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy
from tests.support.ssh_policies import ADMINISTRATOR, ALLOW_SSH, DENY_SSH

BOB = "arn:aws:iam::111122223333:user/bob"
NODE = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"
OTHER_NODE = "arn:aws:ec2:us-east-1:111122223333:instance/i-0fedcba9876543210"
HYBRID_NODE = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-0123456789abcdef0"
SSH = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
FORWARDING = "arn:aws:ssm:us-east-1::document/AWS-StartPortForwardingSession"
SHELL = "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"

ALLOW_SSH_TO_NODE = ALLOW_SSH.replace("instance-id", "i-0123456789abcdef0")


def policy(text, name="p", attachment=Attachment.USER_INLINE, owner="bob"):
    return AttachedPolicy(parse_identity_policy(text), name, attachment, owner)


def statement(effect="Allow", action="ssm:StartSession", resource="*", **others):
    return {"Effect": effect, "Action": action, "Resource": resource, **others}


def written(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


def start_session(*texts, node=NODE, document=SSH):
    policies = [policy(text, f"p{number}") for number, text in enumerate(texts)]
    return evaluate(Question(BOB, "ssm:StartSession", (node, document)), policies)


def test_without_policies_nothing_is_allowed():
    decision = start_session()
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert decision.refused.resource == NODE


def test_the_published_allow_lets_ssh_to_the_named_node():
    decision = start_session(ALLOW_SSH_TO_NODE)
    assert decision.is_allowed
    assert [str(found) for found in decision.statements] == [
        'Allow in statement 1 of "p0", inline policy of user "bob"'
    ]


@pytest.mark.parametrize("node", [OTHER_NODE, HYBRID_NODE])
def test_the_published_allow_does_not_cover_another_node_or_a_hybrid_node(node):
    decision = start_session(ALLOW_SSH_TO_NODE, node=node)
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert decision.refused.resource == node


def test_the_placeholder_of_the_published_allow_is_literal():
    assert not start_session(ALLOW_SSH).is_allowed
    named = NODE.replace("i-0123456789abcdef0", "instance-id")
    assert start_session(ALLOW_SSH, node=named).is_allowed


def test_the_published_allow_means_the_same_on_one_line():
    assert start_session(ALLOW_SSH_TO_NODE.replace("\n", " ")).is_allowed


def test_the_published_allow_covers_any_region_and_account():
    elsewhere = {
        "node": NODE.replace("us-east-1", "eu-west-3").replace("111122223333", "444455556666"),
        "document": SSH.replace("us-east-1", "eu-west-3"),
    }
    assert start_session(ALLOW_SSH_TO_NODE, **elsewhere).is_allowed


def test_with_only_the_node_listed_the_document_is_refused():
    decision = start_session(written(statement(resource="arn:aws:ec2:*:*:instance/*")))
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert decision.refused.resource == SSH


def test_the_published_deny_beats_the_allow():
    decision = start_session(ALLOW_SSH_TO_NODE, DENY_SSH)
    assert decision.verdict is Verdict.EXPLICIT_DENY
    assert decision.denial_text() == (
        f"User: {BOB} is not authorized to perform: ssm:StartSession on resource: {SSH} "
        "with an explicit deny in an identity-based policy"
    )
    assert 'Deny in statement "VisualEditor1" of "p1"' in decision.explanation()


@pytest.mark.parametrize("texts", [(ADMINISTRATOR, DENY_SSH), (DENY_SSH, ADMINISTRATOR)])
def test_the_published_deny_stops_an_administrator_whatever_the_order(texts):
    assert start_session(*texts).verdict is Verdict.EXPLICIT_DENY


@pytest.mark.parametrize("document", [SHELL, FORWARDING])
def test_the_published_deny_leaves_other_documents_alone(document):
    assert start_session(ADMINISTRATOR, DENY_SSH, document=document).is_allowed


@pytest.mark.parametrize("attachment", Attachment)
def test_a_deny_holds_however_it_is_attached(attachment):
    policies = [policy(ADMINISTRATOR), policy(DENY_SSH, "no-ssh", attachment, "owner")]
    decision = evaluate(Question(BOB, "ssm:StartSession", (SSH,)), policies)
    assert decision.verdict is Verdict.EXPLICIT_DENY
    (found,) = decision.statements
    assert (found.policy_name, found.attachment, found.owner) == ("no-ssh", attachment, "owner")


def test_a_question_may_be_answered_by_several_policies_together():
    nodes = written(statement(resource="arn:aws:ec2:*:*:instance/*"))
    documents = written(statement(resource="arn:aws:ssm:*:*:document/*"))
    decision = start_session(nodes, documents)
    assert decision.is_allowed
    assert [found.policy_name for found in decision.statements] == ["p0", "p1"]


def test_every_deny_that_applies_is_named():
    deny_all = written(statement(), statement("Deny", action="ssm:*"))
    decision = start_session(deny_all, DENY_SSH, document=SSH, node=SSH)
    assert [(found.policy_name, found.index) for found in decision.statements] == [("p0", 1), ("p1", 0)]


def test_not_action_with_allow_grants_the_rest_and_denies_nothing():
    rest = {"Effect": "Allow", "NotAction": ["ssm:StartSession", "iam:*"], "Resource": "*"}
    assert start_session(written(rest)).verdict is Verdict.IMPLICIT_DENY
    assert start_session(written(rest, statement())).is_allowed
    other = evaluate(Question(BOB, "ssm:DescribeSessions", ("*",)), [policy(written(rest))])
    assert other.is_allowed


def test_not_resource_with_deny_denies_the_rest_and_grants_nothing():
    rest = {"Effect": "Deny", "Action": "ssm:StartSession", "NotResource": [NODE, SSH]}
    assert start_session(written(rest)).verdict is Verdict.IMPLICIT_DENY
    assert start_session(written(rest), ADMINISTRATOR).is_allowed
    assert start_session(written(rest), ADMINISTRATOR, node=OTHER_NODE).verdict is Verdict.EXPLICIT_DENY


def terminate(session, context, version="2012-10-17"):
    own = statement(action="ssm:TerminateSession", resource="arn:aws:ssm:*:*:session/${aws:username}-*")
    arn = f"arn:aws:ssm:us-east-1:111122223333:session/{session}"
    question = Question(BOB, "ssm:TerminateSession", (arn,), context)
    return evaluate(question, [policy(written(own, version=version))]).is_allowed


def test_a_user_may_end_own_sessions_only():
    assert terminate("bob-0123", {"aws:username": "bob"})
    assert not terminate("alice-0123", {"aws:username": "bob"})


def test_a_role_without_a_user_name_owns_no_session():
    assert not terminate("bob-0123", {})
    assert not terminate("${aws:username}-0123", {})


def test_in_the_old_language_a_variable_is_plain_text():
    assert not terminate("bob-0123", {"aws:username": "bob"}, "2008-10-17")


def test_an_action_is_repeated_as_the_service_spells_it():
    decision = evaluate(Question(BOB, "ssm:StartSession", ("*",)), [])
    assert "perform: ssm:StartSession on resource: *" in decision.denial_text()


BOUNDARY = Attachment.USER_BOUNDARY
IN_SESSION = Attachment.SESSION
ALL = written(statement(action="*"))


def decide(*attached, action="ssm:StartSession", **context):
    policies = [policy(text, name, attachment) for name, text, attachment in attached]
    question = Question(BOB, action, (NODE,), {key.replace("_", ":"): each for key, each in context.items()})
    return evaluate(question, policies)


@pytest.mark.parametrize(
    ("attachment", "where"), [(BOUNDARY, "permissions boundary"), (IN_SESSION, "session policy")]
)
def test_a_restricting_policy_must_allow_too_and_grants_nothing_itself(attachment, where):
    restricting = ("limit", written(statement(action="ssm:*")), attachment)
    identity = ("own", ALL, Attachment.USER_INLINE)
    assert decide(identity, restricting).is_allowed
    refused = decide(identity, restricting, action="iam:CreateUser")
    assert refused.verdict is Verdict.IMPLICIT_DENY
    assert refused.denial_text().endswith(f"because no {where} allows the iam:CreateUser action")
    assert refused.explanation().endswith(f"is not allowed by any statement of the {where}")
    alone = decide(restricting)
    assert alone.denial_text().endswith("because no identity-based policy allows the ssm:StartSession action")


@pytest.mark.parametrize(
    ("attachment", "where"),
    [
        (BOUNDARY, "a permissions boundary"),
        (IN_SESSION, "a session policy"),
        (Attachment.GROUP_MANAGED, "an identity-based policy"),
    ],
)
def test_a_deny_in_any_policy_decides_and_its_kind_is_told(attachment, where):
    denied = decide(
        ("own", ALL, Attachment.USER_INLINE), ("no", written(statement("Deny"), statement()), attachment)
    )
    assert denied.verdict is Verdict.EXPLICIT_DENY
    assert denied.denial_text().endswith(f"with an explicit deny in {where}")
    assert [found.policy_name for found in denied.statements] == ["no"]


def test_boundary_and_session_policy_must_both_allow():
    identity = ("own", ALL, Attachment.ROLE_INLINE)
    boundary = ("limit", ALL, Attachment.ROLE_BOUNDARY)
    other = ("narrow", written(statement(action="iam:*")), IN_SESSION)
    assert not decide(identity, boundary, other).is_allowed
    assert decide(identity, boundary, other, ("wide", ALL, IN_SESSION)).is_allowed


def test_a_condition_has_to_hold_for_an_allow_and_for_a_deny():
    at_home = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    allow = ("home", written(statement(Condition=at_home)), Attachment.USER_INLINE)
    deny = ("far", written(statement("Deny", Condition={"NotIpAddress": at_home["IpAddress"]})), BOUNDARY)
    everything = ("all", ALL, BOUNDARY)
    assert decide(allow, aws_SourceIp="192.0.2.7").is_allowed
    assert decide(allow, aws_SourceIp="198.51.100.7").verdict is Verdict.IMPLICIT_DENY
    assert decide(allow, deny, everything, aws_SourceIp="192.0.2.7").is_allowed
    assert decide(allow, deny, everything, aws_SourceIp="198.51.100.7").verdict is Verdict.EXPLICIT_DENY


def test_the_keys_that_a_condition_asked_for_in_vain_are_told():
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringLike": {"aws:username": "b*"}}
    refused = decide(
        ("mfa", written(statement(Condition=mfa)), Attachment.USER_INLINE),
        ("other", written(statement(resource=SSH, Condition=mfa)), Attachment.USER_INLINE),
        aws_username="bob",
    )
    assert refused.missing_keys == ("aws:MultiFactorAuthPresent",)
    assert refused.explanation().endswith(
        "is not allowed by any statement (the request has no aws:MultiFactorAuthPresent)"
    )


def test_tags_belong_to_the_one_resource_that_has_them():
    tagged = statement(Condition={"StringEquals": {"ssm:resourceTag/team": "red"}})
    question = Question(
        BOB, "ssm:StartSession", (NODE, SSH), resource_context={NODE: {"ssm:ResourceTag/Team": "red"}}
    )
    decision = evaluate(question, [policy(written(tagged))])
    assert [result.verdict for result in decision.results] == [Verdict.ALLOWED, Verdict.IMPLICIT_DENY]
    assert evaluate(question, [policy(written(tagged, statement(resource=SSH)))]).is_allowed
