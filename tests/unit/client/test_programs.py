"""The two programs as processes: exactly the stream on stdout, one line on stderr, the status."""

import json
import os
import subprocess
import sys

import pytest

from fairlead.protocol.events import EndOfInput, StreamData
from tests.support.agent_peer import AgentPeer
from tests.support.api_server import ScriptedDialer

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
REQUEST = {"Target": "mi-1", "DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["22"]}}


def run(code: str, *argv: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FAIRLEAD_"))}
    program = f"import sys; {code}"
    files = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-c", program, *argv],
        input=stdin,
        capture_output=True,
        env={**clean, **files, **environ},
        timeout=30,
        check=False,
    )


PLUGIN = "from fairlead.client.plugin import main; sys.exit(main(['session-manager-plugin', *sys.argv[1:]]))"
PROXY = "from fairlead.client.proxy import main; sys.exit(main(sys.argv[1:]))"


def shout(peer, event):
    if isinstance(event, StreamData):
        peer.say(bytes(event.data).upper())


def close_when_answered(peer):
    if peer.saw(EndOfInput) and peer.has_delivered:
        peer.close_channel()


@pytest.fixture
def peer():
    peer = AgentPeer(shout, on_tick=close_when_answered)
    yield peer
    peer.finish()


def stream_response(port: int) -> dict[str, str]:
    url = f"ws://127.0.0.1:{port}/v1/data-channel/s-1?role=publish_subscribe"
    return {"SessionId": "s-1", "TokenValue": "token-1", "StreamUrl": url}


@pytest.mark.parametrize("in_environment", [True, False], ids=["environment", "argument"])
def test_the_plugin_puts_nothing_but_the_stream_on_stdout(peer, in_environment):
    response = json.dumps(stream_response(peer.listen()))
    peer.start()
    name = "AWS_SSM_START_SESSION_RESPONSE"
    first, extra = (name, {name: response}) if in_environment else (response, {})
    tail = ("us-east-1", "StartSession", "", json.dumps(REQUEST), "http://127.0.0.1:1/")
    done = run(PLUGIN, first, *tail, stdin=b"hello\n\x00", **KEYS, **extra)
    assert (done.stdout, done.stderr, done.returncode) == (b"HELLO\n\x00", b"", 0)
    assert peer.opens[0].token_value == "token-1"


def test_proxy_starts_the_session_itself(peer):
    port = peer.listen()
    peer.start()
    api = ScriptedDialer([(200, stream_response(port))])
    arguments = ("mi-1", "2222", "--reason", "why", "--endpoint-url", f"http://127.0.0.1:{api.listen()}")
    done = run(PROXY, *arguments, stdin=b"hello", **KEYS)
    assert (done.stdout, done.stderr, done.returncode) == (b"HELLO", b"", 0)
    assert api.requests[0].json == {
        "Target": "mi-1",
        "DocumentName": "AWS-StartSSHSession",
        "Parameters": {"portNumber": ["2222"]},
        "Reason": "why",
    }


def test_proxy_tells_a_refusal_in_one_line():
    api = ScriptedDialer([(400, {"__type": "AccessDeniedException", "message": "User: x is not authorized"})])
    done = run(PROXY, "mi-1", "22", AWS_ENDPOINT_URL=f"http://127.0.0.1:{api.listen()}", **KEYS)
    assert (done.stdout, done.returncode) == (b"", 1)
    assert done.stderr.startswith(b"fairlead proxy: 127.0.0.1:")
    assert done.stderr.endswith(b"refused StartSession (AccessDeniedException): User: x is not authorized\n")


def test_without_a_region_nothing_is_tried():
    done = run(PROXY, "mi-1", "22")
    assert (done.stdout, done.returncode) == (b"", 1)
    assert done.stderr.startswith(b"fairlead proxy: no AWS region")
