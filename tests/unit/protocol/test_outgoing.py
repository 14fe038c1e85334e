from fairlead.protocol import message
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.outgoing import HEADROOM_BYTES, UNNUMBERED, FrameWriter

TYPE = message.OUTPUT_STREAM_DATA.ljust(32)


def writer(offset: float = 1000.0) -> FrameWriter:
    return FrameWriter(MessageIds(bytes(SEED_BYTES)), offset)


def test_a_frame_is_the_same_as_the_slow_path_makes():
    frame = writer().write(TYPE, b"payload", 1.5, sequence=4, flags=1, payload_type=1)
    assert bytes(frame.message) == message.make_frame(
        message.OUTPUT_STREAM_DATA,
        b"payload",
        message_id=MessageIds(bytes(SEED_BYTES)).next_id(),
        created_date=1_001_500,
        sequence_number=4,
        flags=1,
        payload_type=1,
    )
    assert (frame.sequence, len(frame)) == (4, 127)


def test_the_headroom_belongs_to_the_driver_and_does_not_touch_the_message():
    frame = writer().write(TYPE, b"payload", 1.0)
    before = bytes(frame.message)
    frame.buffer[:HEADROOM_BYTES] = b"\xff" * HEADROOM_BYTES
    assert bytes(frame.message) == before
    assert frame.sequence == UNNUMBERED
    assert message.decode(before).sequence_number == 0


def test_the_payload_is_a_copy():
    source = bytearray(b"payload")
    frame = writer().write(TYPE, memoryview(source), 1.0)
    source[:] = b"changed"
    assert bytes(frame.message).endswith(b"payload")


def test_a_digest_left_out_is_zero():
    frame = writer().write(TYPE, b"payload", 1.0, digest=False)
    assert message.decode(frame.message, zero_digest_allowed=True).payload_digest == message.ZERO_DIGEST


def test_the_date_is_never_zero():
    assert message.decode(writer(0.0).write(TYPE, b"x", 0.0).message).created_date == 1
