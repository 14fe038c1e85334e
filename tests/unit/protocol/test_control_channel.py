import json

import pytest

from fairlead.protocol import message
from fairlead.protocol.control_channel import (
    MAX_CONTROL_PAYLOAD_BYTES,
    MAX_RETURN_SPREAD_S,
    ChannelClosed,
    FinalTaskStatus,
    Received,
    ReturnPace,
    StartSession,
    TaskAcknowledge,
    TaskComplete,
    UnknownMessage,
    decode_control_message,
    encode_control_message,
    parse_channel_closed,
)
from fairlead.protocol.errors import MalformedMessage

MESSAGE_ID = bytes(range(16))
DOCUMENT = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "{{ portNumber }}"}}
START = StartSession("ann-0123456789abcdef0", "AWS-StartSSHSession", DOCUMENT, {"portNumber": "22"}, "arn")


def frame(message_type: bytes, payload: object) -> bytes:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return message.make_frame(message_type, content, message_id=MESSAGE_ID, created_date=1)


def start(content: object) -> bytes:
    return frame(message.INTERACTIVE_SHELL, {"Content": json.dumps(content)})


@pytest.mark.parametrize(
    "body",
    [
        START,
        ChannelClosed("ann-0", destination_id="mi-0", created_date="2026-11-01T00:00:00Z", output="bye"),
        TaskComplete("ann-0", FinalTaskStatus.FAILED, "mi-0", "no route", 2),
        TaskAcknowledge("00010203-0405-0607-0809-0a0b0c0d0e0f", "ann-0"),
        ReturnPace(50),
    ],
)
def test_what_is_written_is_read(body):
    made = encode_control_message(body, message_id=MESSAGE_ID, created_date=1)
    assert decode_control_message(made) == Received("00010203-0405-0607-0809-0a0b0c0d0e0f", body)


def test_the_content_of_a_session_start_is_json_within_json():
    made = encode_control_message(START, message_id=MESSAGE_ID, created_date=1)
    decoded = message.decode(made)
    assert decoded.message_type == message.INTERACTIVE_SHELL
    content = json.loads(json.loads(decoded.payload)["Content"])
    assert content["Parameters"] == {"portNumber": "22"}
    assert content["DocumentContent"] == DOCUMENT


def test_no_agent_is_kept_away_for_good():
    slowest = decode_control_message(frame(message.RETURN_PACE, {"SpreadSeconds": 10**9}))
    assert slowest.body == ReturnPace(MAX_RETURN_SPREAD_S)


@pytest.mark.parametrize("spread", [-1, 1.5, "1", True, None])
def test_a_pace_is_a_whole_number_of_seconds(spread):
    with pytest.raises(MalformedMessage, match="SpreadSeconds of return_pace"):
        decode_control_message(frame(message.RETURN_PACE, {"SpreadSeconds": spread}))


def test_the_same_message_closes_a_data_channel():
    made = encode_control_message(ChannelClosed("ann-0", output="bye"), message_id=MESSAGE_ID, created_date=1)
    assert parse_channel_closed(message.decode(memoryview(made)).payload) == ChannelClosed(
        "ann-0", output="bye"
    )


def test_types_of_others_are_named_and_not_read():
    received = decode_control_message(frame(b"agent_job", b"not even JSON"))
    assert received.body == UnknownMessage(b"agent_job")


def test_a_parameter_may_come_as_a_list_of_one():
    body = decode_control_message(start({"SessionId": "s", "Parameters": {"a": ["1"], "b": "2"}})).body
    assert (body.parameters, body.document_content) == ({"a": "1", "b": "2"}, {})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (b"", "no room"),
        (frame(message.CHANNEL_CLOSED, b"{"), "channel_closed is not JSON"),
        (frame(message.CHANNEL_CLOSED, {}), "has no SessionId"),
        (frame(message.INTERACTIVE_SHELL, {}), "has no Content"),
        (frame(message.INTERACTIVE_SHELL, {"Content": "{"}), "Content of interactive_shell is not JSON"),
        (start({}), "has no SessionId"),
        (start({"SessionId": "s", "DocumentContent": "x"}), "DocumentContent"),
        (start({"SessionId": "s", "Parameters": {"a": ["1", "2"]}}), "parameter 'a'"),
        (frame(message.AGENT_TASK_COMPLETE, {"TaskId": "s"}), "has no FinalTaskStatus"),
        (
            frame(
                message.AGENT_TASK_COMPLETE, {"TaskId": "s", "FinalTaskStatus": "Success", "RetryNumber": "1"}
            ),
            "RetryNumber",
        ),
        (frame(message.AGENT_TASK_ACKNOWLEDGE, {"TaskId": "s"}), "has no MessageId"),
        (frame(message.CHANNEL_CLOSED, bytes(MAX_CONTROL_PAYLOAD_BYTES + 1)), "above the limit"),
        (frame(message.AGENT_TASK_COMPLETE, b'{"RetryNumber":' + b"9" * 5000 + b"}"), "not JSON"),
        (frame(message.CHANNEL_CLOSED, b'{"SessionId":NaN}'), "not JSON"),
    ],
)
def test_what_is_missing_or_wrong_is_named(made, words):
    with pytest.raises(MalformedMessage, match=words):
        decode_control_message(made)
