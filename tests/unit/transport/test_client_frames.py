"""Frames of RFC 6455, examples and rules; `tests/property/test_client_frames.py` has the rest."""

import pytest

from fairlead.protocol.outgoing import HEADROOM_BYTES
from fairlead.transport.client_frames import (
    BINARY,
    BUFFER_BYTES,
    CLOSE,
    MAX_FRAGMENTS,
    MAX_MESSAGE_BYTES,
    PING,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    FrameError,
    FrameReader,
    decode_close,
    encode_behind_headroom,
    encode_close,
    encode_frame,
)


def read(*pieces: bytes, limit: int = 1000) -> list[tuple[int, bytes]]:
    reader = FrameReader(limit)
    found = []
    for piece in pieces:
        reader.feed(piece)
        found += [(opcode, bytes(payload)) for opcode, payload in reader.messages()]
    return found


def test_the_examples_of_the_rfc():
    assert encode_frame(TEXT, b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("818537fa213d7f9f4d5158")
    assert read(bytes.fromhex("810548656c6c6f")) == [(TEXT, b"Hello")]
    assert read(bytes.fromhex("010348656c80026c6f")) == [(TEXT, b"Hello")]
    assert read(bytes.fromhex("827e0100") + bytes(256)) == [(BINARY, bytes(256))]


@pytest.mark.parametrize(
    ("size", "head"), [(125, "82fd"), (126, "82fe007e"), (65536, "82ff0000000000010000")]
)
def test_the_shortest_length_form_is_written(size, head):
    assert encode_frame(BINARY, bytes(size), bytes(4)).hex().startswith(head)


def test_control_frames_come_between_fragments():
    assert read(b"\x01\x01a" + b"\x89\x01p" + b"\x80\x01b") == [(PING, b"p"), (TEXT, b"ab")]


def test_a_message_is_the_same_however_it_is_cut():
    data = b"\x01\x01a\x89\x00\x00\x00\x80\x01b\x82\x7e\x00\x80" + bytes(128)
    expected = [(PING, b""), (TEXT, b"ab"), (BINARY, bytes(128))]
    assert read(*(data[i : i + 1] for i in range(len(data)))) == expected
    assert read(data) == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("c100", PROTOCOL_ERROR),
        ("a100", PROTOCOL_ERROR),
        ("9100", PROTOCOL_ERROR),
        ("8300", PROTOCOL_ERROR),
        ("8f00", PROTOCOL_ERROR),
        ("8180", PROTOCOL_ERROR),
        ("0900", PROTOCOL_ERROR),
        ("897e0080", PROTOCOL_ERROR),
        ("8000", PROTOCOL_ERROR),
        ("01008100", PROTOCOL_ERROR),
        ("880103", PROTOCOL_ERROR),
        ("827e03e9", TOO_BIG),
        ("827fffffffffffffffff", TOO_BIG),
        ("027e03e8" + "00" * 1000 + "8001", TOO_BIG),
    ],
)
def test_what_breaks_the_rules_ends_the_connection(data, code):
    with pytest.raises(FrameError) as refused:
        read(bytes.fromhex(data))
    assert refused.value.code == code


def test_a_message_of_endless_empty_fragments_is_refused():
    with pytest.raises(FrameError, match="fragments"):
        read(b"\x02\x00" + b"\x00\x00" * MAX_FRAGMENTS)


def test_a_payload_is_valid_until_more_is_fed():
    reader = FrameReader()
    reader.feed(b"\x82\x03abc\x82\x03def\x82")
    assert [bytes(payload) for _, payload in list(reader.messages())] == [b"abc", b"def"]
    reader.feed(b"\x03ghi")
    assert [bytes(payload) for _, payload in reader.messages()] == [b"ghi"]


def test_bytes_read_straight_into_the_room_are_as_good_as_fed_ones():
    reader = FrameReader()
    reader.room()[:5] = b"\x82\x03abc"
    reader.filled(5)
    assert [bytes(payload) for _, payload in reader.messages()] == [b"abc"]


def test_one_buffer_does_for_any_number_of_messages_and_grows_for_a_long_one():
    frame = b"\x82\x7f" + (100_000).to_bytes(8, "big") + bytes(range(250)) * 400
    long = b"\x82\x7f" + (BUFFER_BYTES + 1).to_bytes(8, "big") + bytes(BUFFER_BYTES + 1)
    stream = frame * 20 + long + frame * 20
    reader, room_bytes, sizes = FrameReader(MAX_MESSAGE_BYTES), [], []
    while stream:
        room = reader.room()
        room_bytes.append(len(room))
        taken, stream = stream[: len(room)], stream[len(room) :]
        room[: len(taken)] = taken
        reader.filled(len(taken))
        for _, payload in reader.messages():
            assert len(payload) > 100_000 or payload == frame[10:]
            sizes.append(len(payload))
    assert sizes == [100_000] * 20 + [BUFFER_BYTES + 1] + [100_000] * 20
    assert min(room_bytes) >= 1
    assert max(room_bytes) <= 2 * BUFFER_BYTES + 11


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_frame_made_behind_its_headroom_is_the_same(size):
    message = bytes(range(256)) * (size // 256 + 1)
    buffer = bytearray(b"used before...") + message[:size]
    frame = encode_behind_headroom(buffer, HEADROOM_BYTES, b"key!")
    assert frame == encode_frame(BINARY, message[:size], b"key!")
    assert buffer[HEADROOM_BYTES:] == message[:size]


def test_what_an_early_stop_left_is_still_there():
    reader = FrameReader()
    reader.feed(b"\x82\x01a\x82\x01b\x82")
    assert bytes(next(reader.messages())[1]) == b"a"
    assert reader.has_more
    assert [bytes(payload) for _, payload in reader.messages()] == [b"b"]
    assert not reader.has_more
    assert reader.buffered_bytes == 1


def test_close_frames_carry_status_and_reason():
    assert decode_close(b"") == (1005, "")
    assert decode_close(b"\x03\xf1why\xff") == (1009, "why\ufffd")
    frame = encode_close(1000, "ä" * 200, bytes(4))
    assert frame[0] == 0x80 | CLOSE
    assert len(frame) <= 2 + 4 + 125
    assert decode_close(frame[6:]) == (1000, "ä" * 61)
