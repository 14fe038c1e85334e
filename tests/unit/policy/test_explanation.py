"""What a refusal could have come to: statements that nearly applied, and keys that would decide."""

import json

import pytest

from fairlead.policy.decision import AttachedPolicy, Attachment, Question
from fairlead.policy.explanation import explain
from fairlead.policy.parser import parse_identity_policy

START = "ssm:StartSession"
NODE = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-1"
HOME = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
ABROAD = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
OWN = "arn:aws:ssm:*:*:managed-instance/${aws:PrincipalTag/node}"


def allow(condition=None, resource=NODE, effect="Allow", action=START):
    element = {"Effect": effect, "Action": action, "Resource": resource}
    return element if condition is None else {**element, "Condition": condition}


def deny(condition=None):
    return allow(condition, effect="Deny")


def attached(*statements, attachment=Attachment.USER_INLINE):
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return AttachedPolicy(parse_identity_policy(text), "p", attachment, "al")


def explained(*policies, **context):
    question = Question("arn:aws:iam::111122223333:user/al", START, (NODE,), context)
    (explanation,) = explain(question, policies)
    return explanation


def test_an_allow_whose_condition_lacks_a_key_is_named_with_the_key():
    explanation = explained(attached(allow(action="ssm:DescribeSessions"), allow(HOME)))
    (unmet,) = explanation.unmet
    assert (unmet.statement.index, unmet.missing_keys) == (1, ("aws:SourceIp",))
    assert explanation.missing_keys == ("aws:SourceIp",)
    assert explanation.can_be_allowed


def test_an_allow_that_wants_another_value_is_named_and_lacks_nothing():
    explanation = explained(attached(allow(HOME)), **{"aws:SourceIp": "198.51.100.1"})
    (unmet,) = explanation.unmet
    assert unmet.missing_keys == explanation.missing_keys == ()
    assert not explanation.can_be_allowed


def test_a_variable_without_a_value_may_be_what_is_missing():
    explanation = explained(attached(allow(resource=OWN)))
    assert explanation.missing_keys == ("aws:PrincipalTag/node",)
    assert explanation.can_be_allowed
    assert explanation.unmet == ()


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([attached(allow())], True),
        ([], False),
        ([attached(allow(), deny())], False),
        ([attached(allow(), deny(ABROAD))], True),
        ([attached(deny(ABROAD))], False),
        ([attached(allow(), deny(HOME))], True),
        ([attached(allow()), attached(deny(HOME), attachment=Attachment.USER_BOUNDARY)], False),
        ([attached(allow()), attached(allow(HOME), attachment=Attachment.USER_BOUNDARY)], True),
        ([attached(allow(HOME)), attached(allow(), attachment=Attachment.SESSION)], True),
    ],
)
def test_an_allow_is_possible_if_every_layer_may_allow_and_no_deny_is_certain(policies, expected):
    assert explained(*policies).can_be_allowed is expected


def test_statements_on_other_resources_have_no_part_in_it():
    explanation = explained(attached(allow(HOME, resource=NODE + "2")))
    assert (explanation.unmet, explanation.missing_keys, explanation.can_be_allowed) == ((), (), False)
