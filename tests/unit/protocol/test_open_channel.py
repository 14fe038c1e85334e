import json

import pytest

from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.open_channel import (
    MAX_OPEN_FRAME_BYTES,
    AgentOpen,
    ClientOpen,
    ControlOpen,
    parse_control_channel_open,
    parse_data_channel_open,
)

SECRET, DIGEST = "5e" * 32, "d1" * 32
CLIENT = ClientOpen("request", "token", "client-id", "1.2.764.0")
AGENT = AgentOpen("request", "token", "mi-0123456789abcdef0")
CONTROL = ControlOpen("request", "token", "3.3.0.0", "linux")


def test_our_own_ends_are_recognised_by_their_member():
    assert json.loads(CLIENT.encode())["Fairlead"] == {"Version": 1}
    assert parse_data_channel_open(CLIENT.encode()) == CLIENT
    assert parse_data_channel_open(AGENT.encode().encode()) == AGENT
    assert parse_control_channel_open(memoryview(CONTROL.encode().encode())) == CONTROL


def test_an_agents_process_is_told_from_the_next_one():
    data = AgentOpen("request", "token", "mi-0123456789abcdef0", incarnation="one")
    control = ControlOpen("request", "token", "3.3.0.0", "linux", incarnation="one")
    assert json.loads(data.encode())["Fairlead"] == {"Version": 1, "Incarnation": "one"}
    assert parse_data_channel_open(data.encode()).incarnation == "one"
    assert parse_control_channel_open(control.encode()).incarnation == "one"
    assert parse_control_channel_open(CONTROL.encode()).incarnation == ""


@pytest.mark.parametrize("bad", ["a b", "\u00e9", "x" * 65, "-", "a\0"])
def test_an_incarnation_is_a_short_plain_name(bad):
    for opened in (
        AgentOpen("request", "token", "mi-0123456789abcdef0", incarnation=bad),
        ControlOpen("request", "token", "3.3.0.0", "linux", incarnation=bad),
    ):
        parse = parse_data_channel_open if isinstance(opened, AgentOpen) else parse_control_channel_open
        with pytest.raises(MalformedMessage, match="Incarnation of Fairlead in the open frame is not up to"):
            parse(opened.encode())


def test_an_official_program_is_one_without_it():
    stock = AgentOpen("request", "token", "mi-0123456789abcdef0", fairlead_version=0)
    assert "Fairlead" not in stock.encode()
    assert parse_data_channel_open(stock.encode()) == stock


def test_an_old_plugin_sends_no_version():
    old = ClientOpen("request", "token", "client-id", fairlead_version=0)
    assert "ClientVersion" not in old.encode()
    assert parse_data_channel_open(old.encode()) == old


def test_a_client_promises_the_secret_with_which_it_will_come_back():
    promising = ClientOpen("request", "token", "client-id", "1.2.764.0", resume_digest=DIGEST)
    assert json.loads(promising.encode())["Fairlead"] == {"Version": 1, "ResumeDigest": DIGEST}
    assert parse_data_channel_open(promising.encode()) == promising != CLIENT


def test_a_client_that_comes_back_shows_it_in_place_of_a_token():
    back = ClientOpen("request", "", "client-id", resume_secret=SECRET, resume_digest=DIGEST)
    members = json.loads(back.encode())
    assert members["TokenValue"] == ""
    assert members["Fairlead"] == {"Version": 1, "ResumeSecret": SECRET, "ResumeDigest": DIGEST}
    assert parse_data_channel_open(back.encode()) == back
    assert SECRET not in repr(back)


@pytest.mark.parametrize(
    ("token", "own", "words"),
    [
        (
            "token",
            {"ResumeSecret": SECRET, "ResumeDigest": DIGEST},
            "needs a ResumeDigest and an empty Token",
        ),
        ("", {"ResumeSecret": SECRET}, "needs a ResumeDigest and an empty TokenValue"),
        ("", {"ResumeDigest": DIGEST}, "has no TokenValue"),
        ("", {"ResumeSecret": SECRET.upper(), "ResumeDigest": DIGEST}, "ResumeSecret .* 64 hexadecimal"),
        ("", {"ResumeSecret": SECRET, "ResumeDigest": DIGEST[:-1]}, "ResumeDigest .* 64 hexadecimal digits"),
        ("token", {"ResumeDigest": 7}, "ResumeDigest of Fairlead in the open frame is not a string"),
    ],
)
def test_a_wrong_secret_or_promise_is_refused_without_repeating_it(token, own, words):
    frame = {"TokenValue": token, "ClientId": "c", "Fairlead": {"Version": 1, **own}}
    with pytest.raises(MalformedMessage, match=words) as refused:
        parse_data_channel_open(json.dumps(frame))
    assert SECRET not in str(refused.value).lower()


@pytest.mark.parametrize("parse", [parse_data_channel_open, parse_control_channel_open])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        (b"\xff", "not JSON"),
        ("[" * 5000, "not JSON"),
        ("{}", "has no TokenValue"),
        ('{"TokenValue":""}', "has no TokenValue"),
        ('{"TokenValue":7}', "TokenValue of the open frame is not a string"),
        ('{"TokenValue":"t","RequestId":[]}', "RequestId"),
        ('{"TokenValue":"t","Fairlead":1}', "Fairlead of the open frame is not an object"),
        ('{"TokenValue":"t","Fairlead":{"Version":true}}', "not a whole number"),
        (" " * (MAX_OPEN_FRAME_BYTES + 1), "above the limit of 8192"),
    ],
)
def test_a_wrong_open_frame_is_refused_without_repeating_it(parse, text, words):
    with pytest.raises(MalformedMessage, match=words):
        parse(text)


@pytest.mark.parametrize("opened", [CLIENT, AGENT, CONTROL])
def test_no_token_in_the_text_form(opened):
    assert "token" not in repr(opened)
