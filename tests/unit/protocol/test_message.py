import hashlib
import struct

import pytest

from fairlead.protocol import message as m
from fairlead.protocol.errors import MalformedMessage

MESSAGE_ID = bytes(range(16))


def frame(payload: bytes = b"payload", **changes) -> bytearray:
    fields = {
        "message_id": MESSAGE_ID,
        "created_date": 7,
        "sequence_number": 3,
        "flags": 1,
        "payload_type": 1,
    } | changes
    return bytearray(m.make_frame(m.INPUT_STREAM_DATA, payload, **fields))


def test_the_layout_is_the_documented_one():
    made = frame()
    assert made[:4] == bytes([0, 0, 0, 116])
    assert made[4:36] == b"input_stream_data               "
    assert struct.unpack_from(">IQqQ", made, 36) == (1, 7, 3, 1)
    assert made[64:80] == MESSAGE_ID[8:] + MESSAGE_ID[:8]
    assert made[80:112] == hashlib.sha256(b"payload").digest()
    assert struct.unpack_from(">II", made, 112) == (1, 7)
    assert made[120:] == b"payload"


def test_decode_gives_back_the_fields_and_encode_the_frame():
    decoded = m.decode(bytes(frame()))
    assert decoded.message_type == m.INPUT_STREAM_DATA
    assert decoded.message_id == MESSAGE_ID
    assert decoded.payload == b"payload"
    assert m.encode(decoded) == frame()


def test_the_payload_of_a_view_is_a_view():
    made = bytes(frame())
    assert m.decode(memoryview(made)).payload.obj is made


@pytest.mark.parametrize("padding", [b" ", b"\0"])
def test_padding_of_the_type_may_be_spaces_or_zeros(padding):
    made = frame()
    made[4:36] = m.INPUT_STREAM_DATA.ljust(32, padding)
    assert m.decode(bytes(made)).message_type == m.INPUT_STREAM_DATA
    assert m.peek_type(made) == m.INPUT_STREAM_DATA


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (slice(0, 4), b"\0\0\0\x78", "HeaderLength is 120"),
        (slice(4, 36), bytes(32), "MessageType is empty"),
        (slice(4, 5), b"\xff", "not ASCII"),
        (slice(40, 48), bytes(8), "CreatedDate"),
        (slice(116, 120), b"\0\0\0\x06", "PayloadLength is 6, but 7 bytes follow"),
        (slice(80, 81), b"\0", "PayloadDigest"),
        (slice(120, 121), b"P", "PayloadDigest"),
    ],
)
def test_a_wrong_field_is_named(where, value, words):
    made = frame()
    made[where] = value
    with pytest.raises(MalformedMessage, match=words):
        m.decode(bytes(made))


@pytest.mark.parametrize("read", [m.decode, m.peek_type])
@pytest.mark.parametrize("size", [0, 36, 119])
def test_a_frame_without_room_for_a_header_is_refused(read, size):
    with pytest.raises(MalformedMessage, match="no room"):
        read(bytes(frame())[:size])


def test_a_frame_may_be_as_large_as_the_limit_and_no_larger():
    largest = bytes(frame(bytes(m.MAX_PAYLOAD_BYTES)))
    assert len(m.decode(largest).payload) == m.MAX_PAYLOAD_BYTES
    with pytest.raises(MalformedMessage, match="above the limit"):
        m.decode(largest + b"x")


def test_a_zero_digest_passes_only_when_allowed_and_a_wrong_one_never():
    made = frame()
    made[80:112] = m.ZERO_DIGEST
    with pytest.raises(MalformedMessage):
        m.decode(bytes(made))
    assert m.decode(bytes(made), zero_digest_allowed=True).payload == b"payload"
    made[80:112] = b"\x01" * 32
    with pytest.raises(MalformedMessage):
        m.decode(bytes(made), zero_digest_allowed=True)
    assert m.decode(bytes(made), verify_digest=False).payload == b"payload"


def test_an_empty_payload_needs_no_digest():
    made = frame(b"")
    made[80:112] = b"\x01" * 32
    assert m.decode(bytes(made)).payload == b""


def test_peeking_looks_at_nothing_behind_the_type():
    made = frame()
    made[36:] = b"\xff" * (len(made) - 36)
    assert m.peek_type(memoryview(made)) == m.INPUT_STREAM_DATA


@pytest.mark.parametrize("payload_type", [m.PayloadType.NONE, m.PayloadType.OUTPUT, 2**32 - 1])
def test_the_payload_type_can_be_read_alone(payload_type):
    assert m.peek_payload_type(memoryview(frame(payload_type=payload_type))) == payload_type


@pytest.mark.parametrize("changes", [{"sequence_number": 2**63}, {"created_date": -1}, {"flags": 2**64}])
def test_a_value_that_does_not_fit_its_field_is_refused(changes):
    with pytest.raises(MalformedMessage, match="does not fit"):
        frame(**changes)


def test_a_header_can_be_written_into_the_middle_of_a_buffer():
    made = bytes(frame())
    buffer = bytearray(14) + bytearray(120) + b"payload"
    m.write_header_into(
        buffer,
        14,
        message_type=m.INPUT_STREAM_DATA,
        created_date=7,
        sequence_number=3,
        flags=1,
        message_id=MESSAGE_ID,
        payload_digest=hashlib.sha256(b"payload").digest(),
        payload_type=1,
        payload_length=7,
    )
    assert buffer[14:] == made
    assert buffer[:14] == bytes(14)
