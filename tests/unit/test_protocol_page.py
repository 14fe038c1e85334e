"""The page on the protocol is read by our own parsers: its examples, its tables and its limits."""

import ast
import dataclasses
import json
import re
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from fairlead.agent.gateway_client import parse_token
from fairlead.domain.sessions import EndReason
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.message_types import ALLOWED
from fairlead.protocol import handshake, message, open_channel
from fairlead.protocol.acknowledgements import encode_cumulative, encode_one, parse_acknowledgement
from fairlead.protocol.control_channel import decode_control_message, encode_control_message
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds, format_message_id
from fairlead.protocol.roles import AGENT
from fairlead.protocol.settings import AGENT_VERSION, CLIENT_VERSION, ChannelSettings
from tests.support.named_tests import DOCS, TESTS

PAGE = (DOCS / "protocol.md").read_text(encoding="utf-8")
SOURCES = TESTS.parent / "src" / "fairlead"
RECORDED = TESTS / "vectors" / "frames" / "ssh-true.jsonl"
UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "ms": 0.001, "s": 1, "min": 60, "": 1}
CONTROL_MESSAGES = (
    "interactive_shell",
    "agent_task_complete",
    "agent_task_acknowledge",
    "channel_closed",
    "return_pace",
)
IDS = MessageIds(bytes(SEED_BYTES))


def examples(name: str) -> list[str]:
    """The JSON examples that the page gives under this name, at least one."""
    found = re.findall(rf"^```json {name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found


def rows(head: str) -> list[list[str]]:
    """The cells of the table with this head."""
    table = PAGE.split(f"\n{head}\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]


# -- the agent message --


def hex_example() -> bytes:
    """The bytes of the worked example; each line says at which offset it stands."""
    block = re.search(r"^```hex\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    frame = bytearray()
    for line in block[1].splitlines():
        assert int(line[:3]) == len(frame), line
        frame += bytes.fromhex(line[5:52])
    return bytes(frame)


def test_the_worked_example_is_a_recorded_frame_and_says_what_is_in_it() -> None:
    frame = hex_example()
    decoded = message.decode(frame)
    assert frame.hex() in {json.loads(line).get("hex") for line in RECORDED.read_text().splitlines()}
    assert decoded.message_type == message.INPUT_STREAM_DATA
    assert f"CreatedDate {decoded.created_date}\n" in PAGE
    assert f"`{format_message_id(decoded.message_id)}`" in PAGE
    assert (decoded.sequence_number, decoded.flags) == (1, 0)
    assert decoded.payload_type == message.PayloadType.OUTPUT
    assert bytes(decoded.payload) == b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"


def test_the_table_of_fields_lies_on_the_frame_without_a_gap() -> None:
    table = rows("| field | offset | length | value |")
    end = 0
    for _, offset, length, _ in table[:-1]:
        assert int(offset) == end
        end += int(length)
    assert table[-1][:3] == ["Payload", str(end), "n"]
    assert end == message.HEADER_BYTES


def test_each_field_of_the_table_is_where_our_encoder_writes_it() -> None:
    written = message.AgentMessage(
        b"acknowledge", 1, 2, 3, 3, bytes(range(16)), bytes(range(32, 64)), 10, b"payload"
    )
    frame = message.encode(written)
    expected = {
        "HeaderLength": message.HEADER_LENGTH.to_bytes(4, "big"),
        "MessageType": b"acknowledge".ljust(32),
        "SchemaVersion": (1).to_bytes(4, "big"),
        "CreatedDate": (2).to_bytes(8, "big"),
        "SequenceNumber": (3).to_bytes(8, "big"),
        "Flags": (3).to_bytes(8, "big"),
        "MessageId": bytes(range(8, 16)) + bytes(range(8)),
        "PayloadDigest": bytes(range(32, 64)),
        "PayloadType": (10).to_bytes(4, "big"),
        "PayloadLength": (7).to_bytes(4, "big"),
    }
    found = {
        name: frame[int(offset) : int(offset) + int(length)]
        for name, offset, length, _ in rows("| field | offset | length | value |")[:-1]
    }
    assert found == expected


def test_the_types_that_a_side_may_send_are_those_that_the_relay_takes() -> None:
    numbered = {}
    for names, sender, *_ in rows("| MessageType | from | to | numbered | payload |"):
        for name in re.findall(r"`(\w+)`", names):
            numbered[name] = sender
    for side, uses in ALLOWED.items():
        assert {message_type.decode() for message_type in uses} == {
            name for name, sender in numbered.items() if side.value in sender.split(", ")
        }


@pytest.mark.parametrize(
    ("head", "namespace"),
    [
        ("| PayloadType | name | direction | payload |", message.PayloadType),
        ("| flag | name | direction | meaning |", message.PayloadFlag),
    ],
)
def test_a_table_of_numbers_has_those_of_the_code(head: str, namespace: type) -> None:
    in_code = {name: value for name, value in vars(namespace).items() if name.isupper() and value}
    assert {name.strip("`"): int(number) for number, name, *_ in rows(head)} == in_code


# -- JSON --


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("ClientOpen", open_channel.parse_data_channel_open),
        ("AgentOpen", open_channel.parse_data_channel_open),
        ("ControlOpen", open_channel.parse_control_channel_open),
        ("HandshakeRequest", handshake.parse_handshake_request),
        ("HandshakeResponse", handshake.parse_handshake_response),
        ("HandshakeComplete", handshake.parse_handshake_complete),
    ],
)
def test_an_example_is_what_our_ends_read_and_write(name: str, parse: Any) -> None:
    for example in examples(name):
        parsed = parse(example.encode())
        assert type(parsed).__name__ == name
        assert json.loads(parsed.encode()) == json.loads(example)


def test_the_client_of_the_examples_chooses_as_ours_does() -> None:
    settings = ChannelSettings(CLIENT_VERSION, zero_digest=True)
    request = handshake.parse_handshake_request(examples("HandshakeRequest")[0].encode())
    response = handshake.parse_handshake_response(examples("HandshakeResponse")[0].encode())
    assert request.offer == handshake.offer_of(settings)
    assert response.choice == handshake.choose(request.offer, settings)
    assert (request.agent_version, response.client_version) == (AGENT_VERSION, CLIENT_VERSION)


def test_the_acknowledgements_are_what_our_ends_read_and_write() -> None:
    one, cumulative = (json.loads(example) for example in examples("acknowledge"))
    for example in (one, cumulative):
        ack = parse_acknowledgement(json.dumps(example).encode())
        message_id = bytes.fromhex(example["AcknowledgedMessageId"].replace("-", ""))
        written = (
            encode_cumulative(
                message.OUTPUT_STREAM_DATA,
                message_id,
                ack.sequence,
                ack.received,
                reconnected=ack.reconnected,
            )
            if ack.cumulative
            else encode_one(message.OUTPUT_STREAM_DATA, message_id, ack.sequence)
        )
        assert json.loads(written) == example
    assert "Cumulative" in cumulative


@pytest.mark.parametrize("name", CONTROL_MESSAGES)
def test_a_control_message_is_what_our_ends_read_and_write(name: str) -> None:
    for example in examples(name):
        members = json.loads(example)
        text = members.get("MessageId", "") if name == "channel_closed" else ""
        message_id = bytes.fromhex(text.replace("-", "")) or IDS.next_id()
        frame = message.make_frame(name.encode(), example.encode(), message_id=message_id, created_date=1)
        received = decode_control_message(frame)
        again = encode_control_message(received.body, message_id=message_id, created_date=1)  # type: ignore[arg-type]
        written = json.loads(bytes(message.decode(again).payload))
        if "Content" in members:
            assert json.loads(written.pop("Content")) == json.loads(members.pop("Content"))
        assert written == members


def test_the_session_state_is_what_our_agent_says_first() -> None:
    example = json.loads(examples("agent_session_state")[0])
    settings = ChannelSettings(AGENT_VERSION, session_id=example["SessionId"])
    channel = DataChannel(AGENT, settings, MessageIds(bytes(SEED_BYTES)), 1.0)
    channel.start_handshake("Port", {}, 0.0)
    first = message.decode(channel.frames_to_send()[0].message)
    assert first.message_type == message.AGENT_SESSION_STATE
    assert json.loads(bytes(first.payload)) == example


def test_every_json_example_is_tested_here() -> None:
    tested = {"ClientOpen", "AgentOpen", "ControlOpen", "acknowledge", "agent_session_state"} | {
        "HandshakeRequest",
        "HandshakeResponse",
        "HandshakeComplete",
        *CONTROL_MESSAGES,
    }
    assert set(re.findall(r"^```json(.*)$", PAGE, re.MULTILINE)) == {f" {name}" for name in tested}


def test_our_agent_finds_the_token_in_the_answer_to_a_rest_call() -> None:
    document = re.search(r"^```xml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert document is not None
    assert parse_token(document[1].encode()) == "TOKEN"


# -- numbers and texts --


LIMITS = rows("| what | constant | value |")


@pytest.mark.parametrize(("constant", "value"), [(cells[1], cells[2]) for cells in LIMITS])
def test_a_limit_is_that_of_the_code(constant: str, value: str) -> None:
    stated = tuple(quantity(part) for part in re.split(r", (?=\d+ )", value))
    actual = in_code(constant.strip("`"))
    assert stated == pytest.approx(actual if isinstance(actual, tuple) else (actual,))


def quantity(text: str) -> float:
    """`64 KiB` in bytes, `50 ms` in seconds, `8,192` as it is."""
    number, _, unit = text.partition(" ")
    return int(number.replace(",", "")) * UNITS[unit]


def in_code(name: str) -> Any:
    """The value of a constant, or the default of a field of settings."""
    path, _, attribute = name.rpartition(".")
    if not path.rpartition(".")[2][0].isupper():
        return getattr(import_module(f"fairlead.{path}"), attribute)
    module, _, settings = path.rpartition(".")
    fields = dataclasses.fields(getattr(import_module(f"fairlead.{module}"), settings))
    return next(field.default for field in fields if field.name == attribute)


def test_the_close_codes_are_those_of_the_gateway() -> None:
    table = rows("| code | name | when | come back? |")
    stated = {name.strip("`"): int(code) for code, name, *_ in table}
    assert stated == {name: int(code) for name, code in CloseCode.__members__.items()}


def test_the_endings_are_those_of_sessions() -> None:
    table = rows("| name | text | details |")
    assert {name.strip("`"): text for name, text, _ in table} == {r.name: r.value for r in EndReason}


@cache
def texts_in_code() -> str:
    """Every text in the sources, those of f-strings in parts."""
    return "\0".join(
        node.value
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_every_error_code_and_text_is_in_the_code() -> None:
    rest = rows("| status | code | text |")
    texts = [text for cells in rest for text in re.findall(r"`([^`]+)`", " ".join(cells[1:]))]
    texts += [text for _, cell in rows("| code | text |") for text in re.findall(r"`([^`]+)`", cell)]
    # What json_fields writes has the name of the part in front, which is a text of its own.
    parts = [part.removeprefix("the open frame") for text in texts for part in text.split("…")]
    assert len(parts) > 40
    assert [part for part in parts if part.removesuffix("TokenValue") not in texts_in_code()] == []
