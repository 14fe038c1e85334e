"""What our ends write is what the real programs wrote: the same header and payload, byte for byte.

Every kind of message in the recordings is pinned here, by feeding our writer what the recorded one said. The
server's own frames in them are only examples that the programs accepted: of those, ours has every member.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from fairlead.protocol import control_channel, handshake, message
from fairlead.protocol.acknowledgements import encode_one
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.outgoing import FrameWriter
from fairlead.protocol.roles import AGENT
from fairlead.protocol.settings import ChannelSettings

FRAMES = Path(__file__).parents[2] / "vectors" / "frames"
PayloadType = message.PayloadType


@cache
def recorded() -> tuple[dict, ...]:
    """Every frame of every scenario that carries a message or opens a channel."""
    paths = sorted(FRAMES.glob("*.jsonl"))
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return tuple(line for line in lines if line.get("opcode") in ("binary", "text"))


def kind_of(line: dict) -> tuple[str, str, str, int]:
    """Channel, sender, message type and payload type."""
    decoded = line["decoded"]
    if line["opcode"] == "text":
        return line["channel"], line["from"], "open", 0
    return line["channel"], line["from"], decoded["message_type"], decoded["payload_type"]


def unchanged(line: dict) -> bytes:
    """Streams, sizes, flags: the payload is the writer's to carry, not to make."""
    return payload_of(line)


def acknowledgement(line: dict) -> bytes:
    said = json.loads(payload_of(line))
    message_id = bytes.fromhex(said["AcknowledgedMessageId"].replace("-", ""))
    message_type = said["AcknowledgedMessageType"].encode()
    return encode_one(message_type, message_id, said["AcknowledgedMessageSequenceNumber"])


def handshake_request(line: dict) -> bytes:
    return handshake.parse_handshake_request(payload_of(line)).encode()


def handshake_response(line: dict) -> bytes:
    return handshake.parse_handshake_response(payload_of(line)).encode()


def handshake_complete(line: dict) -> bytes:
    return handshake.parse_handshake_complete(payload_of(line)).encode()


def session_state(line: dict) -> bytes:
    said = json.loads(payload_of(line))
    settings = ChannelSettings("3.3.0.0", session_id=said["SessionId"])
    channel = DataChannel(AGENT, settings, MessageIds(bytes(SEED_BYTES)), 1.0)
    channel.announce(said["SessionState"], 1.0)
    (frame,) = channel.frames_to_send()
    return bytes(message.decode(bytes(frame.message)).payload)


def control_message(line: dict) -> bytes:
    return bytes(message.decode(written_by_control_channel(line)).payload)


PAYLOADS: dict[tuple[str, str, str, int], Callable[[dict], bytes]] = {
    ("control", "agent", "agent_task_complete", PayloadType.NONE): control_message,
    ("data", "agent", "acknowledge", PayloadType.NONE): acknowledgement,
    ("data", "agent", "agent_session_state", PayloadType.NONE): session_state,
    ("data", "agent", "output_stream_data", PayloadType.OUTPUT): unchanged,
    ("data", "agent", "output_stream_data", PayloadType.HANDSHAKE_REQUEST): handshake_request,
    ("data", "agent", "output_stream_data", PayloadType.HANDSHAKE_COMPLETE): handshake_complete,
    ("data", "agent", "output_stream_data", PayloadType.FLAG): unchanged,
    ("data", "agent", "output_stream_data", PayloadType.STD_ERR): unchanged,
    ("data", "agent", "output_stream_data", PayloadType.EXIT_CODE): unchanged,
    ("data", "client", "acknowledge", PayloadType.NONE): acknowledgement,
    ("data", "client", "input_stream_data", PayloadType.OUTPUT): unchanged,
    ("data", "client", "input_stream_data", PayloadType.SIZE): unchanged,
    ("data", "client", "input_stream_data", PayloadType.HANDSHAKE_RESPONSE): handshake_response,
    ("data", "client", "input_stream_data", PayloadType.FLAG): unchanged,
}
"""How our ends make the payload of each kind that the ends send."""
OF_THE_SERVER = {
    ("control", "server", "interactive_shell", PayloadType.NONE),
    ("control", "server", "channel_closed", PayloadType.NONE),
    ("control", "server", "agent_task_acknowledge", PayloadType.NONE),
    ("data", "server", "channel_closed", PayloadType.NONE),
}
RECORDERS_OWN = {"interactive_shell": {"TaskId", "Topic"}, "channel_closed": {"MessageId"}}
"""Members that no program looks at, with values that the recording server chose."""
OPENS = {(*ends, "open", 0) for ends in (("control", "agent"), ("data", "agent"), ("data", "client"))}
"""Pinned in test_recorded_frames.py."""


def payload_of(line: dict) -> bytes:
    return bytes.fromhex(line["hex"])[message.HEADER_BYTES :]


def unescaped(payload: bytes) -> bytes:
    """Without the escapes that only Go writes, for three characters that mean something in HTML."""
    for char in b"<>&":
        payload = payload.replace(b"\\u%04x" % char, bytes([char]))
    return payload


def of_kind(kind: tuple[str, str, str, int]) -> Iterator[dict]:
    return (line for line in recorded() if kind_of(line) == kind)


def written_by_control_channel(line: dict) -> bytes:
    """Our frame with the body, id and date of the recorded one."""
    frame = bytes.fromhex(line["hex"])
    body = control_channel.decode_control_message(frame).body
    original = message.decode(frame)
    return control_channel.encode_control_message(
        body, message_id=original.message_id, created_date=original.created_date
    )


class OneId:
    """Gives the id that a recorded message has."""

    def __init__(self, message_id: bytes) -> None:
        self._message_id = message_id

    def next_id(self) -> bytes:
        return self._message_id


def written_by_frame_writer(line: dict, payload: bytes) -> bytes:
    """Our frame with `payload`, and number, flags, id and date of the recorded one."""
    original = message.decode(bytes.fromhex(line["hex"]))
    writer = FrameWriter(OneId(original.message_id), 0.0)
    frame = writer.write(
        original.message_type.ljust(32),
        payload,
        (original.created_date + 0.5) / 1000,
        sequence=original.sequence_number,
        flags=original.flags,
        payload_type=original.payload_type,
    )
    return bytes(frame.message)


def test_every_kind_of_message_in_the_recordings_is_pinned_and_none_is_missing():
    assert {kind_of(line) for line in recorded()} == set(PAYLOADS) | OF_THE_SERVER | OPENS


@pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: f"{kind[1]}-{kind[2]}-{kind[3]}")
def test_ours_is_the_recorded_frame_byte_for_byte(kind):
    for line in of_kind(kind):
        assert PAYLOADS[kind](line) == unescaped(payload_of(line))
        assert written_by_frame_writer(line, payload_of(line)) == bytes.fromhex(line["hex"])


@pytest.mark.parametrize("kind", sorted(OF_THE_SERVER), ids=lambda kind: f"{kind[0]}-{kind[2]}")
def test_what_the_server_says_has_every_member_of_what_the_programs_accepted(kind):
    for line in of_kind(kind):
        ours, theirs = written_by_control_channel(line), bytes.fromhex(line["hex"])
        assert ours[:80] == theirs[:80]  # the header as far as the digest
        assert ours[112:116] == theirs[112:116]
        mine, accepted = (members(frame[message.HEADER_BYTES :]) for frame in (ours, theirs))
        assert accepted.keys() <= mine.keys()
        assert {name for name in accepted if accepted[name] != mine[name]} <= RECORDERS_OWN.get(
            kind[2], set()
        )


def members(payload: bytes) -> dict:
    """The members of a message, with those of the JSON text that one of them may be."""
    found = json.loads(payload)
    content = json.loads(found.pop("Content", "{}"))
    return {
        **found,
        **{f"Content.{name}": json.dumps(value, sort_keys=True) for name, value in content.items()},
    }
