import pytest

from fairlead.policy.wildcards import Wildcard, compile_glob, has_wildcards, tokens_of


def matches(pattern, value):
    return compile_glob(tokens_of(pattern)).matches(value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("", ""),
        ("abc", "abc"),
        ("*", ""),
        ("*", "a/b:c"),
        ("**", "x"),
        ("a*", "a"),
        ("*a", "ba"),
        ("a*c", "abbc"),
        ("a*b*c", "abc"),
        ("a*b*c", "axbxbxc"),
        ("?", "a"),
        ("a?c", "abc"),
        ("a??", "abc"),
        ("*?", "a"),
        ("*??*", "ab"),
        ("*a?c*", "xxabcxx"),
        ("*a?a?b*", "aaacaab"),
        ("*ab?d*e", "ababcdxe"),
        ("*?b*", "abb"),
        ("*?b?d*", "abcd"),
        ("*?b*", "bcb"),
    ],
)
def test_a_pattern_matches(pattern, value):
    assert matches(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("", "a"),
        ("abc", "abcd"),
        ("abc", "ABC"),
        ("a*", "ba"),
        ("*a", "ab"),
        ("ab*ba", "aba"),
        ("a*b*c", "acb"),
        ("a*bb*c", "abc"),
        ("?", ""),
        ("?", "ab"),
        ("a?", "a"),
        ("*??*", "a"),
        ("a*??*b", "axb"),
        ("*a?c*", "ac"),
        ("*a?c*", "abbc"),
        ("a*b?d*z", "abcz"),
        ("*ab*ba*", "xaba"),
        ("*?b*", "bc"),
    ],
)
def test_a_pattern_does_not_match(pattern, value):
    assert not matches(pattern, value)


def test_a_star_given_as_text_is_only_a_star():
    glob = compile_glob(["a*", Wildcard.RUN, "?"])
    assert glob.matches("a*b?")
    assert not glob.matches("ab?")
    assert not glob.matches("a*bc")


def test_texts_that_follow_each_other_are_one_text():
    assert compile_glob(["a", "b"]) == compile_glob(["ab"])
    assert compile_glob(["a", "b"]).matches("ab")


def test_stars_in_a_row_are_one_star():
    assert compile_glob(tokens_of("a***b")) == compile_glob(tokens_of("a*b"))


def test_wildcards_are_seen():
    assert has_wildcards("a*")
    assert has_wildcards("?")
    assert not has_wildcards("a$")


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("*a" * 500 + "*b*", "a" * 2_000),
        ("*a?" * 300 + "b", "a" * 2_000),
        ("*" + "a" * 500 + "?" + "a" * 500 + "b*", "a" * 2_000),
        ("*" + "a?" * 500 + "b*", "a" * 2_000),
    ],
)
@pytest.mark.timeout(5)
def test_a_hostile_pattern_does_not_blow_up(pattern, value):
    assert not matches(pattern, value)
