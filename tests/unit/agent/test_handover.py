"""What one program tells the next: there and back, and nothing that is damaged."""

import dataclasses
import json
import struct

import pytest

from fairlead.agent.completions import Pending
from fairlead.agent.handover import (
    FORMAT_VERSION,
    MAX_AGENT_BYTES,
    MAX_PART_BYTES,
    MAX_SESSIONS,
    AgentState,
    InvalidHandover,
    SessionState,
    decode,
    encode_agent,
    encode_prefix,
    encode_session,
    encode_suffix,
)
from fairlead.agent.outcome import Outcome
from fairlead.protocol.control_channel import (
    ChannelClosed,
    StartSession,
    TaskComplete,
    encode_control_message,
)
from fairlead.transport.endpoint_contract import EndpointState

DOCUMENT = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}}


def start(session_id):
    return StartSession(session_id, "AWS-StartSSHSession", DOCUMENT, {"portNumber": "22"}, "arn:owner", "")


AGENT = AgentState(
    incarnation="5b0f6d3a-5a0e-4bb6-9f0e-2c1f6f5f0001",
    restarts=3,
    sessions=3,
    pending=(Pending(bytes(range(16)), TaskComplete("dora-1", "Failed", "mi-1", "äöü\x1b", 2)),),
    ended=(("carl-1", Outcome("Success")), ("dora-1", Outcome("Failed", "why"))),
)
STREAMING = SessionState(
    start=start("alice-1"),
    endpoint=EndpointState(b"snapshot" * 1000, 7, False, True, 10_000_000_000, 42),
    target=17,
    early=None,
)
DIALING = SessionState(start=start("bob-1"), endpoint=None, early=b"SSH-2.0-client\r\n")
ENDING = SessionState(
    start=start("carl-2"),
    endpoint=EndpointState(b"", 0, True, True, 0, 0),
    early=None,
    target_is_gone=True,
    target_error="Connection reset by peer",
)
SESSIONS = (STREAMING, DIALING, ENDING)


def encoded(agent=AGENT, sessions=SESSIONS, count=None):
    records = [encode_session(session) for session in sessions]
    prefix = encode_prefix(len(sessions) if count is None else count)
    return b"".join((prefix, encode_agent(agent), *records, encode_suffix()))


def decoded(handover):
    agent, sessions = decode(memoryview(handover))
    return agent, tuple(sessions)


def test_everything_comes_back_as_it_was():
    assert decoded(encoded()) == (AGENT, SESSIONS)


def test_an_agent_without_sessions_comes_back_too():
    assert decoded(encoded(AgentState(incarnation="i"), ())) == (AgentState(incarnation="i"), ())


def test_sessions_are_read_one_after_the_other():
    _, sessions = decode(memoryview(encoded()))
    assert next(sessions) == STREAMING


def test_a_handover_that_is_cut_short_anywhere_is_refused_before_any_session():
    whole = encoded(sessions=(dataclasses.replace(STREAMING, endpoint=None), DIALING))
    for length in range(len(whole)):
        with pytest.raises(InvalidHandover):
            decode(memoryview(whole[:length]))


def test_what_could_not_be_read_is_not_written():
    huge = AgentState(incarnation="i", ended=(("alice-1", Outcome("Failed", "x" * MAX_AGENT_BYTES)),))
    with pytest.raises(InvalidHandover, match="would have more than"):
        encode_agent(huge)
    too_long = STREAMING.endpoint._replace(channel=bytes(MAX_PART_BYTES + 1))
    with pytest.raises(InvalidHandover, match="would have more than"):
        encode_session(dataclasses.replace(STREAMING, endpoint=too_long))


def test_bytes_behind_the_end_are_refused():
    with pytest.raises(InvalidHandover, match="does not end"):
        decode(memoryview(encoded() + b"x"))


def test_another_version_is_refused_by_its_number():
    other = bytearray(encoded())
    struct.pack_into(">H", other, 4, FORMAT_VERSION + 1)
    with pytest.raises(
        InvalidHandover, match=f"version {FORMAT_VERSION + 1}, this program reads {FORMAT_VERSION}"
    ):
        decode(memoryview(other))


@pytest.mark.parametrize("handover", [b"", b"FLDC" + bytes(100), bytes(1000), b"\xff" * 1000])
def test_what_is_no_handover_is_refused(handover):
    with pytest.raises(InvalidHandover):
        decode(memoryview(handover))


@pytest.mark.parametrize("count", [0, 2, 4, MAX_SESSIONS, MAX_SESSIONS + 1, 2**32 - 1])
def test_a_wrong_number_of_sessions_is_refused(count):
    with pytest.raises(InvalidHandover):
        decode(memoryview(encoded(count=count)))


def test_a_part_beyond_the_limit_is_refused_by_its_length_alone():
    bad = bytearray(encoded())
    struct.pack_into(">I", bad, 10, MAX_PART_BYTES + 1)
    with pytest.raises(InvalidHandover, match="above the limit"):
        decode(memoryview(bad))


@pytest.mark.parametrize(
    "changed",
    [
        {"target": 2},
        {"target": -1},
        {"target": "3"},
        {"has_spoken": "no"},
        {"target_is_gone": 1},
        {"endpoint": []},
        {"endpoint": {}},
        {"endpoint": {**STREAMING.endpoint._asdict(), "channel": None, "part_written": -1}},
        {"endpoint": {**STREAMING.endpoint._asdict(), "channel": None, "input_bytes": 1.5}},
    ],
)
def test_a_session_that_makes_no_sense_is_refused(changed):
    sizes = struct.unpack_from(">4I", encode_session(STREAMING))
    record = encode_session(STREAMING)[16:]
    members = json.dumps(json.loads(record[: sizes[0]]) | changed).encode()
    bad = struct.pack(">4I", len(members), *sizes[1:]) + members + record[sizes[0] :]
    handover = encode_prefix(1) + encode_agent(AGENT) + bad + encode_suffix()
    with pytest.raises(InvalidHandover):
        decode(memoryview(handover))


def test_a_session_whose_start_is_another_message_is_refused():
    closed = encode_control_message(ChannelClosed("alice-1"), message_id=bytes(16), created_date=1)
    members = b'{"has_spoken":true,"target_is_gone":false}'
    record = struct.pack(">4I", len(members), len(closed), 0, 0) + members + closed
    with pytest.raises(InvalidHandover, match="no start message"):
        decode(memoryview(encode_prefix(1) + encode_agent(AGENT) + record + encode_suffix()))


@pytest.mark.parametrize(
    "twin", [STREAMING, dataclasses.replace(DIALING, target=17), dataclasses.replace(STREAMING, target=18)]
)
def test_a_session_or_a_connection_that_is_there_twice_is_refused(twin):
    with pytest.raises(InvalidHandover, match="twice"):
        decode(memoryview(encoded(sessions=(STREAMING, twin))))


@pytest.mark.parametrize(
    "changed",
    [
        {"incarnation": ""},
        {"restarts": -1},
        {"restarts": None},
        {"pending": {}},
        {"pending": [{}]},
        {"pending": [{"message_id": "zz", "session_id": "a", "status": "Success", "sends": 1}]},
        {"pending": [{"message_id": "00", "session_id": "a", "status": "Success", "sends": 1}]},
        {"ended": [{"session_id": "a"}]},
        {"ended": ["a"]},
    ],
)
def test_an_agent_that_makes_no_sense_is_refused(changed):
    members = json.dumps(json.loads(encode_agent(AGENT)[4:]) | changed).encode()
    handover = encode_prefix(0) + struct.pack(">I", len(members)) + members + encode_suffix()
    with pytest.raises(InvalidHandover):
        decode(memoryview(handover))
