import pytest

from fairlead.policy.context import Context
from fairlead.policy.matching import action_set, resource_name, resource_pattern, resource_set

BOB = Context({"aws:username": "bob"})


def matches(pattern, resource, *, with_variables=True):
    compiled = resource_pattern(pattern, with_variables=with_variables)
    return compiled.matches(resource_name(resource), BOB)


@pytest.mark.parametrize(
    "pattern", ["ssm:StartSession", "SSM:startSESSION", "*", "*:*", "ssm:*", "ssm:*Session", "ssm:St?rt*"]
)
def test_an_action_is_matched_as_a_whole_and_without_case(pattern):
    assert action_set((pattern,), negated=False).contains("ssm:startsession")


@pytest.mark.parametrize("pattern", ["ssm:Start", "ssm:StartSessions", "ec2:*", "ssm:?StartSession"])
def test_another_action_is_not_matched(pattern):
    assert not action_set((pattern,), negated=False).contains("ssm:startsession")


def test_not_action_holds_everything_but_the_list():
    others = action_set(("iam:*", "ssm:StartSession"), negated=True)
    assert others.contains("ssm:terminatesession")
    assert not others.contains("ssm:startsession")
    assert not others.contains("iam:createuser")


@pytest.mark.parametrize(
    ("pattern", "resource"),
    [
        ("*", "*"),
        ("*", "arn:aws:ssm:us-east-1:111122223333:session/bob-1"),
        ("arn:aws:ec2:*:*:instance/i-1", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"),
        (
            "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
            "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession",
        ),
        ("arn:aws:ssm:us-east-1::document/AWS-*", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"),
        ("arn:aws:ssm:us-*-?:*:document/*", "arn:aws:ssm:us-east-1:1:document/a/b"),
        ("arn:a*:ssm:*:*:*", "arn:aws:ssm:us-east-1:1:x:y:z"),
        ("arn:aws:ssm:*:*:session/${aws:username}-*", "arn:aws:ssm:us-east-1:1:session/bob-1"),
        ("arn:aws:ssm:*:*:session/${*}", "arn:aws:ssm:us-east-1:1:session/*"),
    ],
)
def test_a_resource_is_matched(pattern, resource):
    assert matches(pattern, resource)


@pytest.mark.parametrize(
    ("pattern", "resource"),
    [
        ("arn:aws:ssm:*:*:*", "*"),
        ("arn:aws:ssm:*:*:*", "arn:aws-cn:ssm:cn-north-1:1:session/a"),
        ("arn:aws:ssm:*:*:*", "nra:aws:ssm:us-east-1:1:session/a"),
        ("arn:aws:ssm:*:*:*", "arn:aws:ssm:us-east-1:1"),
        ("arn:aws:ssm:*:111122223333:document/D", "arn:aws:ssm:us-east-1::document/D"),
        ("arn:aws:ssm:*::document/D", "arn:aws:ssm:us-east-1:111122223333:document/D"),
        ("arn:aws:ssm:us-?-1:*:document/D", "arn:aws:ssm:us-east-1::document/D"),
        ("arn:aws:ec2:*:*:instance/I-1", "arn:aws:ec2:us-east-1:1:instance/i-1"),
        ("arn:aws:ec2:*:*:instance/i-1", "arn:aws:ssm:us-east-1:1:instance/i-1"),
        ("arn:aws:ec2:*:*:instance/instance-id", "arn:aws:ec2:us-east-1:1:instance/i-1"),
        ("arn:aws:ssm:*:*:session/${aws:username}-*", "arn:aws:ssm:us-east-1:1:session/alice-1"),
        ("arn:aws:ssm:*:*:session/${aws:userid}-*", "arn:aws:ssm:us-east-1:1:session/bob-1"),
    ],
)
def test_a_resource_is_not_matched(pattern, resource):
    assert not matches(pattern, resource)


def test_a_star_for_the_region_does_not_reach_into_the_account():
    assert not matches("arn:aws:ssm:*:2:d", "arn:aws:ssm:us-east-1:1:2:d")


def test_without_variables_the_same_characters_are_plain_text():
    pattern = "arn:aws:ssm:*:*:session/${aws:username}-*"
    assert matches(pattern, "arn:aws:ssm:us-east-1:1:session/${aws:username}-1", with_variables=False)
    assert not matches(pattern, "arn:aws:ssm:us-east-1:1:session/bob-1", with_variables=False)


def test_not_resource_holds_everything_but_the_list():
    listed = resource_pattern("arn:aws:ssm:*:*:document/D", with_variables=True)
    others = resource_set((listed,), negated=True)
    assert others.contains(resource_name("arn:aws:ssm:us-east-1::document/E"), BOB)
    assert others.contains(resource_name("*"), BOB)
    assert not others.contains(resource_name("arn:aws:ssm:us-east-1::document/D"), BOB)


def test_an_entry_of_not_resource_without_a_value_names_nothing():
    listed = resource_pattern("arn:aws:ssm:*:*:session/${aws:userid}", with_variables=True)
    others = resource_set((listed,), negated=True)
    assert others.contains(resource_name("arn:aws:ssm:us-east-1:1:session/bob"), BOB)


def test_an_entry_that_names_one_resource_is_looked_up():
    texts = ("arn:aws:ssm:us-east-1::document/A", "arn:aws:ssm:us-east-1::document/B?", "*")
    patterns = tuple(resource_pattern(text, with_variables=True) for text in texts)
    assert [pattern.is_literal for pattern in patterns] == [True, False, False]
    listed = resource_set(patterns[:2], negated=False)
    names = {name: f"arn:aws:ssm:us-east-1::document/{name}" for name in ("A", "A1", "B", "B1")}
    held = [name for name, text in names.items() if listed.contains(resource_name(text), Context({}))]
    assert held == ["A", "B1"]
