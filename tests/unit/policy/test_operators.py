import pytest

from fairlead.policy.context import Context
from fairlead.policy.operators import OPERATORS, UnreadableValue, null_value

USER = Context({"aws:username": "A*l", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/A*l"})


def matches(operator, policy_value, request_value, with_variables=True):
    """Of the comparison itself, before a negated operator turns it round."""
    return OPERATORS[operator].compile(policy_value, with_variables).matches(request_value, USER)


def test_negated_operators_are_those_with_not_in_their_names():
    assert {name for name, operator in OPERATORS.items() if operator.negated} == {
        name for name in OPERATORS if "Not" in name
    }
    assert len(OPERATORS) == 26


@pytest.mark.parametrize(
    ("operator", "policy_value", "request_value", "answer"),
    [
        ("StringEquals", "ab", "ab", True),
        ("StringEquals", "ab", "AB", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", "", "", True),
        ("StringEquals", "${aws:username}", "A*l", True),
        ("StringEquals", "${*}${$}", "*$", True),
        ("StringEqualsIgnoreCase", "aB", "Ab", True),
        ("StringEqualsIgnoreCase", "${aws:USERNAME}", "a*L", True),
        ("StringLike", "a*c?", "abbcd", True),
        ("StringLike", "a*", "Ab", False),
        ("StringLike", "${aws:username}-?", "A*l-1", True),
        ("StringLike", "${aws:username}", "Axl", False),
        ("NumericEquals", "7", "7.0", True),
        ("NumericEquals", "7", "seven", False),
        ("NumericLessThan", "7", "6.99", True),
        ("NumericLessThan", "7", "7", False),
        ("NumericLessThanEquals", "7", "7", True),
        ("NumericGreaterThan", "7", "8", True),
        ("NumericGreaterThan", "7", "7", False),
        ("NumericGreaterThanEquals", "-7", "-7.0", True),
        ("DateEquals", "2026-11-21T13:00:00Z", "1795266000", True),
        ("DateLessThan", "2026-11-22", "2026-11-21T23:59:59Z", True),
        ("DateLessThan", "2026-11-22", "2026-11-22T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-11-22", "2026-11-22T01:00:00+01:00", True),
        ("DateGreaterThan", "2026-11-22", "whenever", False),
        ("Bool", "true", "TRUE", True),
        ("Bool", "false", "true", False),
        ("Bool", "false", "maybe", False),
        ("Bool", "${aws:username}", "true", False),
        ("BinaryEquals", "QmlZ", "QmlZ", True),
        ("BinaryEquals", "QmlZ", "qmlz", False),
        ("IpAddress", "192.0.2.0/24", "192.0.2.9", True),
        ("IpAddress", "192.0.2.0/24", "nowhere", False),
        ("ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::111122223333:user/al", True),
        ("ArnEquals", "arn:aws:iam::*:user/*", "arn:aws:iam::111122223333:user/al", True),
        ("ArnLike", "${aws:PrincipalArn}", "arn:aws:iam::111122223333:user/A*l", True),
        ("ArnLike", "${aws:PrincipalArn}", "arn:aws:iam::111122223333:user/Axl", False),
        ("ArnLike", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::111122223333:user/A*l", True),
        ("ArnLike", "${aws:username}", "arn:aws:iam::111122223333:user/A*l", False),
    ],
)
def test_what_an_operator_compares(operator, policy_value, request_value, answer):
    assert matches(operator, policy_value, request_value) is answer


@pytest.mark.parametrize("operator", ["NumericEquals", "DateEquals", "BinaryEquals", "IpAddress"])
def test_typed_operators_have_no_variables(operator):
    with pytest.raises(UnreadableValue):
        OPERATORS[operator].compile("${aws:username}", True)


def test_a_value_knows_the_keys_of_its_variables():
    assert OPERATORS["StringLike"].compile("${aws:username}*${aws:userid, 'x'}", True).keys == (
        "aws:username",
        "aws:userid",
    )
    assert OPERATORS["StringLike"].compile("${aws:username}", False).keys == ()


def test_null_takes_true_and_false_only():
    with pytest.raises(UnreadableValue, match="true or false"):
        null_value("null")
