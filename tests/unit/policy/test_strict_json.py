import pytest

from fairlead.policy.errors import SYNTAX, MalformedPolicy
from fairlead.policy.limits import DOCUMENT_MAX_CHARACTERS
from fairlead.policy.strict_json import Number, read_object


def test_every_kind_of_value_is_read():
    text = ' {"a": [true, null, "x\\u00e9", {}], "n": 12, "f": -1.50e3}\r\n'
    assert read_object(text) == {"a": [True, None, "xé", {}], "n": Number("12"), "f": Number("-1.50e3")}


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"a":1,}', "not JSON"),
        ('{"a":1} x', "not JSON: Extra data"),
        ('{"a":"b\nc"}', "not JSON: Invalid control character"),
        ("{'a':1}", "not JSON"),
        ('{"a":NaN}', "NaN is not JSON"),
        ('{"a":-Infinity}', "-Infinity is not JSON"),
        ("[]", "a policy is a JSON object"),
        ('"a"', "a policy is a JSON object"),
        ('{"a":1,"a":1}', '"a" occurs twice in one object'),
        ('{"x":[{"a":1,"b":2,"a":3}]}', '"a" occurs twice in one object'),
        ('{"a":1,"\\u0061":2}', '"a" occurs twice in one object'),
        ('{"a":"\u0100"}', "character U\\+0100 at position 6 is not allowed"),
        ('\ufeff{"a":1}', "character U\\+FEFF at position 0"),
        ('{"a":\x00}', "character U\\+0000"),
        ("[" * 50_000, "nested too deeply"),
        (" " * (DOCUMENT_MAX_CHARACTERS + 1), "longer than 131072 characters"),
    ],
)
def test_everything_else_is_refused(text, detail):
    with pytest.raises(MalformedPolicy, match=detail) as caught:
        read_object(text)
    assert caught.value.wording == SYNTAX


def test_a_document_may_be_as_long_as_the_limit():
    assert read_object("{}".ljust(DOCUMENT_MAX_CHARACTERS)) == {}


def test_a_number_of_any_length_is_kept_as_written():
    assert read_object('{"a":' + "9" * 5_000 + "}") == {"a": Number("9" * 5_000)}
