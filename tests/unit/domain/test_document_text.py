"""Reading and writing texts of documents."""

import pytest

from fairlead.domain.document_text import MAX_DOCUMENT_BYTES, DocumentFormat, read_text, write_text
from fairlead.domain.errors import InvalidDocumentContent, MaxDocumentSizeExceeded

JSON, YAML = DocumentFormat.JSON, DocumentFormat.YAML
VALUE = {"a": [1, -2.5, True, None, "x"], "b": {"c": "two\nlines", "": "é"}}


@pytest.mark.parametrize("form", DocumentFormat)
def test_what_is_written_is_read_again(form):
    assert read_text(write_text(VALUE, form), form) == VALUE


@pytest.mark.parametrize(
    "text",
    ["", "yes", "no", "null", "~", "true", "1", "1.5", "0x1f", "1:20", "2020-01-01", "- a", "*x", "9" * 40],
)
def test_a_text_that_looks_like_something_else_stays_a_text_in_yaml(text):
    assert read_text(write_text({"a": text}, YAML), YAML) == {"a": text}


def test_yaml_means_what_json_can_say():
    text = """
schemaVersion: '1.0'
words: [yes, 2020-01-01, 1:20, 0x1f, 1e3, "true"]
values: [true, False, ~, null, 12, -1.5]
block: |
  one
  two
nothing:
7: a key
"""
    assert read_text(text, YAML) == {
        "schemaVersion": "1.0",
        "words": ["yes", "2020-01-01", "1:20", "0x1f", "1e3", "true"],
        "values": [True, False, None, None, 12, -1.5],
        "block": "one\ntwo\n",
        "nothing": None,
        "7": "a key",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("a: *x", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [id]", "tags"),
        ("a: !!str 1", "tags"),
        ("!%c0%af", "tags"),
        ("a: 1\na: 2", '"a" occurs twice'),
        ("a: 1\n---\nb: 2", "more than one"),
        ("? [a]\n: 1", "a key must be a text"),
        ("a: {", "at line 1|at line 2"),
        ("a: \x00", "not YAML"),
        ("- 1", "one object"),
        ("", "one object"),
        ("a: " + "9" * 40, "too many digits"),
        ("a: " + "9" * 30 + ".0e999", "too large|too many"),
        ("a: " + "[" * 60_000, "nested more than 16"),
        ("- " * 30_000, "nested more than 16"),
    ],
)
def test_yaml_beyond_json_is_refused_with_a_reason(text, why):
    with pytest.raises(InvalidDocumentContent, match=why):
        read_text(text, YAML)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "at line 1, column 2"),
        ('{"a":1,"a":2}', '"a" occurs twice'),
        ('{"a":NaN}', "NaN is not JSON"),
        ('{"a":1e999}', "too large"),
        ('{"a":' + "9" * 5000 + "}", "too many digits"),
        ('{"a":"\\ud800"}', "surrogate"),
        ("[1]", "one object"),
        ("[" * 60_000, "nested more than 16"),
        ('{"a":' + "[" * 16 + "]" * 16 + "}", "nested more than 16"),
    ],
)
def test_json_that_could_mean_two_things_or_is_none_is_refused(text, why):
    with pytest.raises(InvalidDocumentContent, match=why):
        read_text(text, JSON)


def test_sixteen_levels_are_read():
    assert read_text('{"a":' + "[" * 15 + "]" * 15 + "}", JSON)
    assert read_text("a: " + "[" * 15 + "]" * 15, YAML)


def test_the_size_is_counted_in_bytes():
    overhead = len('{"a":""}')
    read_text('{"a":"' + "x" * (MAX_DOCUMENT_BYTES - overhead) + '"}', JSON)
    with pytest.raises(MaxDocumentSizeExceeded, match="65538 bytes; the size limit is 65536"):
        read_text('{"a":"' + "é" * ((MAX_DOCUMENT_BYTES - overhead + 2) // 2) + '"}', JSON)


def test_half_a_character_is_no_text():
    with pytest.raises(InvalidDocumentContent, match="not text"):
        read_text('{"a":"\ud800"}', JSON)
