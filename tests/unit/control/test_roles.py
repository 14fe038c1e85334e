"""Roles that nodes can have."""

import pytest

from fairlead.control.roles import trusts_ssm
from fairlead.domain.scope import Scope
from tests.support.control_world import NODE_TRUST
from tests.support.factories import a_role

SCOPE = Scope("111122223333", "us-east-1")


@pytest.mark.parametrize(
    ("trust_policy", "trusts"),
    [
        (NODE_TRUST, True),
        (NODE_TRUST.replace("ssm.", "ec2."), False),
        (NODE_TRUST.replace("Allow", "Deny"), False),
    ],
)
def test_the_trust_policy_must_name_the_service(trust_policy, trusts):
    assert trusts_ssm(a_role(trust_policy=trust_policy), SCOPE) is trusts


@pytest.mark.parametrize(
    ("condition", "trusts"),
    [
        ('{"StringEquals": {"aws:SourceAccount": "111122223333"}}', True),
        ('{"StringEquals": {"aws:SourceAccount": "444455556666"}}', False),
        ('{"ArnLike": {"aws:SourceArn": "arn:aws:ssm:us-east-1:111122223333:*"}}', True),
        ('{"ArnLike": {"aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*"}}', False),
    ],
)
def test_the_trust_policy_may_say_for_which_account_and_region(condition, trusts):
    trust_policy = NODE_TRUST.replace('"Action"', f'"Condition": {condition}, "Action"')
    assert trusts_ssm(a_role(trust_policy=trust_policy), SCOPE) is trusts
