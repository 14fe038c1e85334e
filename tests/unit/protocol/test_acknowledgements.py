import json

import pytest

from fairlead.protocol import acknowledgements as a
from fairlead.protocol.errors import MalformedMessage

MESSAGE_ID = bytes(range(16))


def test_one_message_is_acknowledged_in_the_words_of_the_protocol():
    payload = a.encode_one(b"input_stream_data", MESSAGE_ID, 7)
    assert json.loads(payload) == {
        "AcknowledgedMessageType": "input_stream_data",
        "AcknowledgedMessageId": "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "AcknowledgedMessageSequenceNumber": 7,
        "IsSequentialMessage": True,
    }
    assert a.parse_acknowledgement(payload) == a.Acknowledgement(7)


@pytest.mark.parametrize("reconnected", [True, False])
def test_a_cumulative_acknowledgement_adds_members(reconnected):
    payload = a.encode_cumulative(b"input_stream_data", MESSAGE_ID, 7, 9, reconnected=reconnected)
    assert json.loads(payload)["IsSequentialMessage"] is True
    assert a.parse_acknowledgement(payload) == a.Acknowledgement(7, True, 9, reconnected)


def test_nothing_received_yet_can_be_said():
    payload = a.encode_cumulative(b"input_stream_data", MESSAGE_ID, -1, -1)
    assert a.parse_acknowledgement(memoryview(payload)).sequence == -1


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"AcknowledgedMessageSequenceNumber":"1"}',
        b'{"AcknowledgedMessageSequenceNumber":true}',
        b'{"AcknowledgedMessageSequenceNumber":1.0}',
        b'{"AcknowledgedMessageSequenceNumber":1,"Cumulative":"yes"}',
        b'{"AcknowledgedMessageSequenceNumber":1,"Received":0}',
        b"{" + b" " * a.MAX_ACK_PAYLOAD_BYTES + b"}",
    ],
)
def test_anything_else_is_refused(payload):
    with pytest.raises(MalformedMessage):
        a.parse_acknowledgement(payload)
