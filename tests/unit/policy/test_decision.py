import pytest

from fairlead.policy.decision import (
    Attachment,
    DecidingStatement,
    Decision,
    Question,
    ResourceDecision,
    Verdict,
    denial_text,
)
from fairlead.policy.document import Effect

BOB = "arn:aws:iam::111122223333:user/bob"
NODE = "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
DOCUMENT = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
ALLOW = DecidingStatement("ssh", Attachment.USER_INLINE, "bob", None, 1, Effect.ALLOW)
DENY = DecidingStatement("no-ssh", Attachment.GROUP_MANAGED, "ops", "VisualEditor1", 0, Effect.DENY)


def decision(*results):
    return Decision(BOB, "ssm:StartSession", results)


ALLOWED = ResourceDecision(NODE, Verdict.ALLOWED, (ALLOW,))
DENIED = ResourceDecision(DOCUMENT, Verdict.EXPLICIT_DENY, (DENY,))
MISSING = ResourceDecision(DOCUMENT, Verdict.IMPLICIT_DENY, ())


def test_a_question_needs_a_resource():
    with pytest.raises(ValueError, match="at least one resource"):
        Question(BOB, "ssm:StartSession", ())


def test_an_allowed_request_names_each_deciding_statement_once():
    allowed = decision(ALLOWED, ResourceDecision(DOCUMENT, Verdict.ALLOWED, (ALLOW,)))
    assert allowed.is_allowed
    assert allowed.refused is None
    assert allowed.verdict is Verdict.ALLOWED
    assert allowed.statements == (ALLOW,)
    assert allowed.explanation() == (
        'ssm:StartSession is allowed: Allow in statement 2 of "ssh", inline policy of user "bob"'
    )


def test_an_allowed_request_has_no_denial():
    with pytest.raises(ValueError, match="allowed"):
        decision(ALLOWED).denial_text()


def test_an_explicit_deny_is_told_in_the_words_of_the_service():
    denied = decision(ALLOWED, DENIED)
    assert not denied.is_allowed
    assert denied.verdict is Verdict.EXPLICIT_DENY
    assert denied.denial_text() == (
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: ssm:StartSession "
        "on resource: arn:aws:ssm:us-east-1::document/AWS-StartSSHSession "
        "with an explicit deny in an identity-based policy"
    )
    assert denied.statements == (DENY,)
    assert denied.explanation() == (
        "ssm:StartSession on arn:aws:ssm:us-east-1::document/AWS-StartSSHSession is denied: "
        'Deny in statement "VisualEditor1" of "no-ssh", managed policy attached to group "ops"'
    )


def test_a_missing_allow_is_told_in_the_words_of_the_service():
    missing = decision(ALLOWED, MISSING)
    assert missing.verdict is Verdict.IMPLICIT_DENY
    assert missing.denial_text() == (
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: ssm:StartSession "
        "on resource: arn:aws:ssm:us-east-1::document/AWS-StartSSHSession "
        "because no identity-based policy allows the ssm:StartSession action"
    )
    assert missing.statements == ()
    assert missing.explanation() == (
        "ssm:StartSession on arn:aws:ssm:us-east-1::document/AWS-StartSSHSession "
        "is not allowed by any statement"
    )


def test_the_first_refused_resource_is_the_one_that_is_named():
    both = decision(ResourceDecision(NODE, Verdict.IMPLICIT_DENY, ()), DENIED)
    assert both.refused is both.results[0]
    assert both.verdict is Verdict.IMPLICIT_DENY
    assert f"on resource: {NODE} because" in both.denial_text()


def test_the_sentence_takes_any_reason():
    text = denial_text(BOB, "iam:CreateUser", "*", "because")
    assert text == f"User: {BOB} is not authorized to perform: iam:CreateUser on resource: * because"


def test_verdicts_are_spelled_as_the_policy_simulator_spells_them():
    assert [verdict.value for verdict in Verdict] == ["allowed", "explicitDeny", "implicitDeny"]
