"""Acknowledgements in the form in which every program writes them."""

import pytest

from fairlead.protocol.acknowledgements import encode_cumulative, encode_one, parse_acknowledgement
from fairlead.protocol.message import INPUT_STREAM_DATA, OUTPUT_STREAM_DATA
from fairlead.protocol.usual_acknowledgements import usual_sequence

ID = bytes(range(16))


@pytest.mark.parametrize("message_type", [INPUT_STREAM_DATA, OUTPUT_STREAM_DATA])
@pytest.mark.parametrize("number", [0, 1, 10, 10**18 - 1])
def test_one_acknowledged_message_is_read_at_a_glance(message_type, number):
    payload = encode_one(message_type, ID, number)
    assert usual_sequence(payload) == usual_sequence(memoryview(payload)) == number
    assert parse_acknowledgement(payload).sequence == number


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        encode_cumulative(OUTPUT_STREAM_DATA, ID, 7, 9),
        encode_one(OUTPUT_STREAM_DATA, ID, 10**18),
        encode_one(OUTPUT_STREAM_DATA, ID, -1),
        encode_one(OUTPUT_STREAM_DATA, ID, 7).replace(b":7,", b":07,"),
        encode_one(OUTPUT_STREAM_DATA, ID, 7).replace(b"true", b"false"),
        encode_one(OUTPUT_STREAM_DATA, ID, 7).replace(b"output", b"out\\u0070ut"),
        encode_one(OUTPUT_STREAM_DATA, ID, 7) + b"\n",
    ],
)
def test_any_other_form_is_left_to_the_parser(payload):
    assert usual_sequence(payload) is None
