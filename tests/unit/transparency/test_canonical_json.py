"""RFC 8785, as far as records need it."""

import json

import pytest

from fairlead.transparency.canonical_json import MAX_INTEGER, encode


def test_members_are_in_the_order_of_their_utf_16_code_units():
    # The names of RFC 8785 §3.2.3, in an order that differs from that of code points.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    ordered = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(encode(dict.fromkeys(names, 0)))) == ordered
    assert ordered != sorted(ordered)


def test_there_is_no_blank_and_nothing_is_escaped_that_need_not_be():
    value = {"b": [True, None, -5], "a": {"é": 'x"\\/\b\f\n\r\t\x0f\x7f€'}}
    assert encode(value) == '{"a":{"é":"x\\"\\\\/\\b\\f\\n\\r\\t\\u000f\x7f€"},"b":[true,null,-5]}'


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_kept():
    assert encode({"\ud800": "a\udc00b", "\U0001f600": "\U0001f600"}) == (
        '{"\ufffd":"a\ufffdb","\U0001f600":"\U0001f600"}'
    )


@pytest.mark.parametrize("number", [MAX_INTEGER, -MAX_INTEGER, 0])
def test_integers_that_every_reader_reads_alike_are_written(number):
    assert encode([number]) == f"[{number}]"


@pytest.mark.parametrize("number", [MAX_INTEGER + 1, -MAX_INTEGER - 1, 1.5, float("nan")])
def test_other_numbers_are_refused(number):
    with pytest.raises(ValueError, match=r"exact form|no integer"):
        encode([number])


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError, match="bytes is no JSON"):
        encode({"a": b""})
