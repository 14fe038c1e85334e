"""Roles that nodes can have."""

import pytest

from fairlead.control.roles import trusts_ssm
from tests.support.control_world import NODE_TRUST
from tests.support.factories import a_role


@pytest.mark.parametrize(
    ("trust_policy", "trusts"),
    [
        (NODE_TRUST, True),
        (NODE_TRUST.replace("ssm.", "ec2."), False),
        (NODE_TRUST.replace("Allow", "Deny"), False),
    ],
)
def test_the_trust_policy_must_name_the_service(trust_policy, trusts):
    assert trusts_ssm(a_role(trust_policy=trust_policy)) is trusts
