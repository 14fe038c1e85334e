import pytest

from fairlead.policy.context import Context
from fairlead.policy.errors import SYNTAX, MalformedPolicy
from fairlead.policy.variables import Variable, fill_in, parse_template
from fairlead.policy.wildcards import Wildcard, compile_glob

BOB = Context({"aws:username": "bob", "aws:TagKeys": ("a", "b")})


def filled(text, context=BOB):
    tokens = fill_in(parse_template(text), context)
    return None if tokens is None else compile_glob(tokens)


def test_a_template_keeps_text_wildcards_and_variables_apart():
    template = parse_template("session/${aws:username}-*?")
    assert template == ("session/", Variable("aws:username"), "-", Wildcard.RUN, Wildcard.ONE)


def test_a_variable_takes_the_value_of_its_key():
    glob = filled("session/${aws:username}-*")
    assert glob.matches("session/bob-1")
    assert not glob.matches("session/alice-1")


def test_a_key_is_found_without_regard_to_case_and_outer_blanks():
    assert filled("${ AWS:UserName }").matches("bob")


@pytest.mark.parametrize("key", ["aws:userid", "aws:TagKeys"])
def test_an_absent_or_multivalued_key_gives_no_pattern(key):
    assert filled(f"a${{{key}}}") is None


def test_a_default_stands_in_for_an_absent_key_only():
    assert filled("${aws:userid, 'no}ne'}").matches("no}ne")
    assert filled("${aws:username,'none'}").matches("bob")
    assert filled("${aws:userid, ''}").matches("")


def test_substituted_text_has_no_wildcards():
    glob = filled("${aws:username}", Context({"aws:username": "a*"}))
    assert glob.matches("a*")
    assert not glob.matches("abc")
    assert not filled("${aws:userid, '*'}").matches("x")


def test_wildcards_and_the_dollar_sign_can_be_written_as_characters():
    assert filled("${*}${?}${$}").matches("*?$")
    assert not filled("${*}").matches("x")


def test_a_lone_dollar_sign_or_brace_is_text():
    assert filled("$a{b}$").matches("$a{b}$")


@pytest.mark.parametrize(
    "text", ["${", "${}", "${ }", "${aws:username", "${a,}", "${a, b}", "${a, 'b}", "${a${b}}", "x${a'b}"]
)
def test_an_unreadable_variable_is_refused(text):
    with pytest.raises(MalformedPolicy, match="unreadable policy variable") as caught:
        parse_template(text)
    assert caught.value.wording == SYNTAX
