from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.policy.limits import MANAGED_POLICY_MAX_CHARACTERS, counted_characters
from fairlead.policy.parser import parse_identity_policy


def test_they_are_found_by_the_arns_that_people_know():
    assert "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" in AWS_MANAGED_POLICIES
    assert "arn:aws:iam::aws:policy/AdministratorAccess" in AWS_MANAGED_POLICIES


def test_they_obey_the_rules_of_managed_policies():
    for each in AWS_MANAGED_POLICIES.values():
        assert parse_identity_policy(each.document, is_managed=True).statements
        assert counted_characters(each.document) <= MANAGED_POLICY_MAX_CHARACTERS
