"""JSON that something hangs on."""

import pytest

from fairlead.aws.strict_json import strict_object


def test_an_object_is_read():
    assert strict_object(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data):
    with pytest.raises(ValueError, match="not a JSON object"):
        strict_object(data)
