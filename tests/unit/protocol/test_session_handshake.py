import json
import re
from pathlib import Path

import pytest

from fairlead.protocol import session_handshake as s
from fairlead.protocol.errors import IllegalState, MalformedMessage
from fairlead.protocol.handshake import HandshakeRequest, RequestedAction
from fairlead.protocol.session_handshake import HandshakeRefused, SessionHandshake
from fairlead.protocol.settings import ChannelSettings

DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol.md"
STATES = {before for before, _ in s.TRANSITIONS} | set(s.TRANSITIONS.values())
STEPS = {step for _, step in s.TRANSITIONS}
PORT = RequestedAction("SessionType", {"SessionType": "Port", "Properties": None})


def made() -> SessionHandshake:
    return SessionHandshake(ChannelSettings("1.2.764.0"))


@pytest.mark.parametrize("state", sorted(STATES))
@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_leads_where_the_table_says_or_is_refused(state, step):
    handshake = made()
    handshake.state = state
    if (state, step) in s.TRANSITIONS:
        handshake.move(step)
        assert handshake.state == s.TRANSITIONS[state, step]
    else:
        with pytest.raises(IllegalState, match=state):
            handshake.move(step)
        assert handshake.state == state


def test_every_state_but_the_last_can_be_closed():
    assert {state for state, step in s.TRANSITIONS if step == s.CLOSE} == STATES - {s.CLOSED}


def test_the_document_shows_the_table():
    section = DOCUMENT.read_text().split("\n## States\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| ([a-z ]+) \| (\w+) \|$", section, re.MULTILINE)
    documented = {(before, step): after for before, step, after in rows if before != "state"}
    assert documented == s.TRANSITIONS


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"nonsense", "not JSON"),
        (b"{}", "did not process the session type"),
        (b'{"Errors":["no way"]}', "no way"),
        (
            b'{"ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1},'
            b'{"ActionType":"X","ActionStatus":3,"Error":"unknown"}]}',
            "X failed on the client with status 3: unknown",
        ),
        (
            b'{"ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1}],'
            b'"Fairlead":{"MaxPayloadBytes":1,"WindowBytes":1,"Ack":"other"}}',
            "not offered",
        ),
    ],
)
def test_a_response_that_is_no_success_ends_it(payload, words):
    handshake = made()
    handshake.request("Port", None, 1.0)
    with pytest.raises(HandshakeRefused, match=words):
        handshake.receive_response(payload, 2.0)
    assert (handshake.state, handshake.deadline) == (s.FAILED, None)


def response(client_version):
    return json.dumps(
        {
            "ClientVersion": client_version,
            "ProcessedClientActions": [{"ActionType": "SessionType", "ActionStatus": 1}],
        }
    ).encode()


@pytest.mark.parametrize("version", ["1.1.22.0", "nonsense"])
def test_a_client_that_is_too_old_for_a_port_is_told_what_it_needs(version):
    handshake = made()
    handshake.request("Port", {}, 1.0)
    with pytest.raises(HandshakeRefused, match=rf"has version {version}: update .* to 1\.1\.23\.0 or later"):
        handshake.receive_response(response(version), 2.0)
    assert handshake.state == s.FAILED


@pytest.mark.parametrize(
    ("session_type", "version"), [("Port", "1.1.23.0"), ("Port", ""), ("Standard_Stream", "1.0.0.0")]
)
def test_other_clients_and_other_sessions_pass(session_type, version):
    handshake = made()
    handshake.request(session_type, {}, 1.0)
    handshake.receive_response(response(version), 2.0)
    assert handshake.peer_version == version


def test_a_long_reason_is_cut():
    handshake = made()
    handshake.request("Port", None, 1.0)
    with pytest.raises(HandshakeRefused) as refused:
        handshake.receive_response(json.dumps({"Errors": ["x" * 5000]}).encode(), 2.0)
    assert len(str(refused.value)) < 400


def test_the_confirmation_says_how_long_it_took():
    handshake = made()
    handshake.request("Port", None, 1.0)
    success = b'{"ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1}]}'
    complete = json.loads(handshake.receive_response(success, 1.5))
    assert complete == {"HandshakeTimeToComplete": 500_000_000, "CustomerMessage": ""}


@pytest.mark.parametrize(
    ("actions", "status", "words"),
    [
        ((RequestedAction("KMSEncryption", {}), PORT), 3, "asks for KMSEncryption"),
        ((RequestedAction("SessionType", {"SessionType": "Unheard"}),), 2, "type Unheard"),
    ],
)
def test_a_client_says_what_it_cannot_do(actions, status, words):
    handshake = made()
    response, failure = handshake.receive_request(HandshakeRequest("3.3.0.0", actions, None).encode())
    assert words in failure
    assert json.loads(response)["ProcessedClientActions"][0]["ActionStatus"] == status
    assert handshake.state == s.FAILED


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"nonsense", "not JSON"),
        (b"{}", "no session type"),
        (HandshakeRequest("3", (RequestedAction("SessionType", {}),), None).encode(), "has no SessionType"),
    ],
)
def test_a_client_answers_a_request_it_cannot_read(payload, words):
    response, failure = made().receive_request(payload)
    assert words in failure
    assert words in json.loads(response)["Errors"][0]


def test_nonsense_in_the_confirmation_does_not_stop_the_session():
    handshake = made()
    handshake.receive_request(HandshakeRequest("3.3.0.0", (PORT,), None).encode())
    handshake.receive_complete(b"nonsense")
    assert (handshake.state, handshake.customer_message) == (s.OPEN, "")


def test_a_snapshot_of_an_unknown_state_is_refused():
    with pytest.raises(MalformedMessage, match="state"):
        made().restore({"state": "elsewhere"})
