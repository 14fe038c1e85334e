"""The gateway's own messages."""

from datetime import UTC, datetime

import pytest

from fairlead.gateway.messages import Messages, readable
from fairlead.protocol.control_channel import (
    ChannelClosed,
    StartSession,
    TaskAcknowledge,
    decode_control_message,
)
from fairlead.protocol.message import decode
from tests.support.factories import a_session

NOW = datetime(2026, 11, 20, 12, 0, 0, 123_000, tzinfo=UTC)
MESSAGES = Messages(lambda: NOW, bytes(10))


def test_an_offer_carries_the_document_with_its_parameters_filled_in_and_declared():
    body = decode_control_message(MESSAGES.interactive_shell(a_session())).body
    assert isinstance(body, StartSession)
    assert (body.session_id, body.document_name) == (a_session().id, "AWS-StartSSHSession")
    assert body.parameters == {"portNumber": "22"}
    assert body.document_content["sessionType"] == "Port"
    assert body.document_content["properties"] == {"portNumber": "22"}
    assert "portNumber" in body.document_content["parameters"]
    assert body.session_owner == a_session().owner_arn


def test_a_document_of_the_accounts_own_is_offered_too():
    body = decode_control_message(MESSAGES.interactive_shell(a_session(document_name="mine"))).body
    assert body.document_content["parameters"] == {}
    assert body.document_content["properties"] == {"portNumber": "22"}


def test_a_document_of_the_account_is_offered_with_what_the_session_was_started_with():
    document = {"description": "d", "inputs": {"runAsEnabled": True}, "parameters": {"a": {"type": "String"}}}
    session = a_session(document_name="mine", document=document, parameters={"a": "1", "b": ["x", "y"]})
    body = decode_control_message(MESSAGES.interactive_shell(session)).body
    assert body.parameters == {"a": "1"}
    assert {name: body.document_content[name] for name in document} == document


def test_inputs_that_are_empty_are_not_offered():
    document = {"description": "d", "inputs": {}, "parameters": {}}
    body = decode_control_message(MESSAGES.interactive_shell(a_session(document=document))).body
    assert "inputs" not in body.document_content


def test_an_end_carries_its_text_and_a_date():
    body = decode_control_message(MESSAGES.channel_closed("s", "mi-1", "why")).body
    assert body == ChannelClosed(
        "s", destination_id="mi-1", created_date="2026-11-20T12:00:00.123+00:00", output="why"
    )


def test_an_acknowledgement_names_the_message_it_is_for():
    frame = MESSAGES.task_acknowledge("1234", "s")
    assert decode_control_message(frame).body == TaskAcknowledge("1234", "s")


def test_dates_are_milliseconds_and_ids_differ():
    first, second = (decode(MESSAGES.channel_closed("s", "")) for _ in range(2))
    assert first.created_date == int(NOW.timestamp() * 1000)
    assert first.message_id != second.message_id


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\r\n", "two lines"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\u202eright to left", "right to left"),
        ("", ""),
        ("ten chars!", "ten chars!"),
        ("eleven char", "eleven ch…"),
    ],
)
def test_text_of_a_peer_is_one_line_of_bounded_length(text, shown):
    assert readable(text, 10 if len(text) in (10, 11) else 40) == shown
