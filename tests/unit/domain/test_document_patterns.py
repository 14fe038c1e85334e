"""Patterns of parameters."""

import pytest

from fairlead.domain.document_patterns import (
    MAX_PATTERN_CHARACTERS,
    UnusablePattern,
    check_pattern,
    matches,
)


@pytest.mark.parametrize(
    ("pattern", "value", "does_match"),
    [
        ("a+", "aaa", True),
        ("a+", "aab", False),
        ("^a+$", "aaa", True),
        ("a|ab", "ab", True),
        ("^22$", "22\n", False),
        (r"\d{2}", "٢٢", False),
        (r"[\p{L} ]+", "Ärger ja", True),
        (r"[^\[\]&&]+", "abc", None),
        (r"[\w.-]{3,}", "web-1.example", True),
        ("(?i)abc", "ABC", True),
        ("a", "\ud800", False),
    ],
)
def test_the_whole_value_has_to_match(pattern, value, does_match):
    if does_match is None:
        with pytest.raises(UnusablePattern):
            matches(pattern, value)
    else:
        assert matches(pattern, value) is does_match


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("[", "missing"),
        ("(?=a)b", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("a{2000}", "invalid repetition size"),
        ("a++", "bad repetition operator"),
        ("[a-z&&[^b]]", "backslash before &"),
        ("[a-c[x-z]]", r"backslash before \["),
        ("\ud800", "not text"),
        ("a" * (MAX_PATTERN_CHARACTERS + 1), "longer than"),
        (r"\p{L}{900}", "too large"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_or_means_another_thing_in_java_is_refused(pattern, text):
    with pytest.raises(UnusablePattern, match=text):
        check_pattern(pattern)


def test_escaped_brackets_and_ampersands_outside_of_brackets_are_taken():
    check_pattern(r"a&&b[\[\]&]")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*x", "(([a-z])+.)+[A-Z]([a-z])+"])
def test_patterns_that_would_blow_up_elsewhere_are_done_in_one_pass(pattern):
    assert not matches(pattern, "a" * 65535)  # an engine that tries all ways would never come back
