"""Values of declared parameters."""

import pytest

from fairlead.domain.document_parameters import Parameter, ParameterType
from fairlead.domain.errors import InvalidParameters

LIST = ParameterType.STRING_LIST


def test_a_parameter_without_a_default_is_required():
    with pytest.raises(InvalidParameters, match='"command" requires a value'):
        Parameter().value_of("command", None)
    assert Parameter(default="").value_of("command", None) == ""


@pytest.mark.parametrize("values", [[], ["22", "23"]])
def test_a_text_takes_exactly_one_value(values):
    with pytest.raises(InvalidParameters, match=f"exactly one value, {len(values)} were given"):
        Parameter().value_of("port", values)


def test_a_list_takes_as_many_values_as_are_given():
    assert Parameter(type=LIST).value_of("names", ["a", "b"]) == ["a", "b"]
    assert Parameter(type=LIST, default=["x"]).value_of("names", None) == ["x"]


@pytest.mark.parametrize(
    ("limits", "values", "text"),
    [
        ({"allowed_pattern": "a+"}, ["ab"], '"ab" not matching "a[+]"'),
        ({"allowed_pattern": "^a|b$"}, ["ac"], "not matching"),
        ({"allowed_values": ("x", "y")}, ["z"], r'"z" not in \[x, y\]'),
        ({"min_chars": 2}, ["a"], "fewer than 2 characters"),
        ({"max_chars": 2}, ["abc"], "more than 2 characters"),
        ({"type": LIST, "min_items": 2}, ["a"], "1 values and needs 2 or more"),
        ({"type": LIST, "max_items": 1}, ["a", "b"], "2 values and can have 1 at most"),
        ({"type": LIST, "allowed_pattern": "a"}, ["a", "b"], '"b" not matching'),
    ],
)
def test_a_value_beyond_a_limit_is_refused_by_what_it_breaks(limits, values, text):
    with pytest.raises(InvalidParameters, match=text):
        Parameter(**limits).value_of("p", values)


@pytest.mark.parametrize(
    ("limits", "values"),
    [
        ({"allowed_pattern": "a+"}, ["aaa"]),
        ({"allowed_values": ("x", "y")}, ["y"]),
        ({"min_chars": 2, "max_chars": 2}, ["ab"]),
        ({"type": LIST, "min_items": 1, "max_items": 2}, ["a", "b"]),
    ],
)
def test_a_value_within_all_limits_is_taken(limits, values):
    Parameter(**limits).check("p", values)


def test_a_long_value_is_not_repeated_whole():
    with pytest.raises(InvalidParameters) as caught:
        Parameter(max_chars=1).value_of("p", ["x" * 60_000])
    assert len(str(caught.value)) < 400


def test_the_declaration_holds_what_was_declared_and_nothing_else():
    declared = Parameter(type=LIST, default=["a"], allowed_values=("a", "b"), min_items=1)
    assert declared.content() == {
        "type": "StringList",
        "default": ["a"],
        "allowedValues": ["a", "b"],
        "minItems": 1,
    }
