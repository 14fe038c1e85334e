import pytest

from fairlead.policy.conditions import Condition, ConditionTest, operator_name
from fairlead.policy.context import Context


def check(name, key, *texts, with_variables=True):
    operator = operator_name(name)
    compiled = tuple(operator.value(text, with_variables=with_variables) for text in texts)
    return ConditionTest(operator, key, compiled)


def holds(name, texts, *found):
    values = {"aws:x": found[0] if len(found) == 1 and isinstance(found[0], str) else tuple(found)}
    return check(name, "aws:x", *texts).holds(Context(values))


ABSENT = Context({})


@pytest.mark.parametrize(
    ("name", "without_key"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("NumericLessThan", False),
        ("NumericLessThanIfExists", True),
        ("NotIpAddress", True),
        ("ArnNotLike", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
        ("ForAllValues:StringLikeIfExists", True),
    ],
)
def test_what_an_operator_says_of_an_absent_key(name, without_key):
    text = {"NumericLessThan": "1", "NumericLessThanIfExists": "1", "NotIpAddress": "192.0.2.1"}.get(name)
    assert check(name, "aws:x", text or "arn:aws:s3:::x").holds(ABSENT) is without_key
    empty = Context({"aws:x": ()})
    assert check(name, "aws:x", text or "arn:aws:s3:::x").holds(empty) is without_key


@pytest.mark.parametrize(
    ("wanted", "of_absent", "of_present"),
    [(["true"], True, False), (["false"], False, True), (["True", "false"], True, True)],
)
def test_null_asks_whether_the_key_is_absent(wanted, of_absent, of_present):
    assert check("Null", "aws:x", *wanted).holds(ABSENT) is of_absent
    assert check("Null", "aws:x", *wanted).holds(Context({"AWS:X": ""})) is of_present


def test_one_of_several_values_is_enough_and_none_for_a_negated_operator():
    assert holds("StringEquals", ["a", "b"], "b")
    assert not holds("StringEquals", ["a", "b"], "c")
    assert holds("StringNotEquals", ["a", "b"], "c")
    assert not holds("StringNotEquals", ["a", "b"], "b")


@pytest.mark.parametrize(
    ("name", "found", "answer"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "c"), False),
        ("ForAnyValue:StringEquals", ("a", "c"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("StringEquals", ("a", "c"), True),
        ("StringEquals", ("c", "d"), False),
    ],
)
def test_sets_of_values(name, found, answer):
    assert holds(name, ["a", "b"], *found) is answer


def test_a_block_holds_if_all_its_tests_do():
    first, second = check("StringEquals", "aws:x", "a"), check("StringLike", "aws:y", "b*")
    assert Condition((first, second)).holds(Context({"aws:x": "a", "aws:y": "bc"}))
    assert not Condition((first, second)).holds(Context({"aws:x": "a", "aws:y": "c"}))
    assert Condition().holds(ABSENT)


def test_a_variable_without_a_value_matches_nothing():
    assert not check("StringEquals", "aws:x", "${aws:y}").holds(Context({"aws:x": "a"}))
    assert check("StringNotEquals", "aws:x", "${aws:y}").holds(Context({"aws:x": "a"}))
    assert check("StringEquals", "aws:x", "${aws:y}", "a").holds(Context({"aws:x": "a"}))


def test_the_old_language_knows_no_variables():
    old = check("StringEquals", "aws:x", "${aws:y}", with_variables=False)
    assert old.holds(Context({"aws:x": "${aws:y}", "aws:y": "a"}))


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [
        ("StringEquals", True),
        ("ForAnyValue:StringLike", True),
        ("StringNotEquals", False),
        ("StringEqualsIfExists", False),
        ("ForAllValues:StringEquals", False),
    ],
)
def test_a_plain_test_cannot_hold_without_its_key(name, is_plain):
    test = check(name, "aws:x", "a")
    assert test.is_plain is is_plain
    assert not (is_plain and test.holds(ABSENT))


@pytest.mark.parametrize(
    "name", ["", ":", "Null:", "ForAllValues:", "StringEqualsifexists", "IfExists", "bool"]
)
def test_there_is_no_such_operator(name):
    assert operator_name(name) is None
