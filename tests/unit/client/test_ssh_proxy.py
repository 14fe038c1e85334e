"""One session from its grant to its end, against an agent and gateway in a thread."""

import os
import random
import signal
import time

import pytest

from fairlead.aws.sigv4 import Credentials
from fairlead.client import ssh_proxy
from fairlead.client.api_calls import SessionApi, SessionGrant
from fairlead.client.credentials import CredentialSource
from fairlead.client.debug_log import DebugLog
from fairlead.client.errors import SessionEnded
from fairlead.client.patience import Patience
from fairlead.client.resolved import Resolved
from fairlead.client.resume_secrets import digest_of
from fairlead.client.session_subject import SessionSubject
from fairlead.client.signals import SignalWatch
from fairlead.client.ssh_proxy import SshProxy
from fairlead.protocol.events import EndOfInput, HandshakeFinished, StreamData, TerminateRequested
from fairlead.protocol.settings import AGENT_VERSION, CLIENT_VERSION, ChannelSettings
from fairlead.transport.errors import ConnectError, HandshakeLostError, RefusedError
from fairlead.transport.local_stream import DescriptorStream
from tests.support.agent_peer import AgentPeer, Stop
from tests.support.api_server import ScriptedDialer
from tests.support.poll_client import Pipes

STREAM_URL = "ws://127.0.0.1:9/v1/data-channel/s-1"
BYTES = random.Random(3).randbytes(2_000_000)


class Dialer:
    """Leads to the API or, for the stream URL, to the peer's next connection."""

    def __init__(self, peer: AgentPeer | None, api: ScriptedDialer) -> None:
        self._peer = peer
        self._api = api
        self.streams = 0

    def dial(self, endpoint):
        if endpoint.port != 9:
            return self._api.dial(endpoint)
        if self._peer is None or self.streams >= len(self._peer.client_sockets):
            raise ConnectError("cannot connect to the gateway")
        sock = self._peer.client_sockets[self.streams]
        self.streams += 1
        return sock


class Session:
    """Everything around one SshProxy."""

    def __init__(
        self,
        peer: AgentPeer | None,
        answers=(),
        connections: int = 1,
        window_s: float = 5.0,
        patience: Patience | None = None,
    ) -> None:
        self.peer = peer
        if peer is not None:
            for _ in range(connections):
                peer.add_connection()
            peer.start()
        self.api_dialer = ScriptedDialer(lambda request: self._answer(request))
        self._answers = iter(answers)
        self.dialer = Dialer(peer, self.api_dialer)
        source = CredentialSource(lambda: Resolved(Credentials("AKIA", "secret"), None, "test"))
        self.api = SessionApi("https://api.example/", "us-east-1", source, self.dialer)
        self.pipes = Pipes()
        self.local = DescriptorStream(self.pipes.stdin, self.pipes.stdout)
        self.watch = SignalWatch()
        self.watch.raises = False
        self.proxy = SshProxy(
            SessionSubject("prog", "mi-1", "2222", "AWS-StartSSHSession"),
            SessionGrant("s-1", "token-1", STREAM_URL),
            self.api,
            self.dialer,
            self.local,
            self.watch,
            DebugLog(),
            resume_window_s=window_s,
            patience=patience,
        )

    def _answer(self, request):
        if request.operation == "TerminateSession":
            return 200, {"SessionId": "s-1"}
        return next(self._answers)

    @property
    def operations(self) -> list[str]:
        return [request.operation for request in self.api_dialer.requests]

    def run(self) -> int:
        try:
            return self.proxy.run()
        finally:
            self.local.close_writing()
            self.pipes.join()
            if self.peer is not None:
                self.peer.finish()


def grant(token: str) -> tuple[int, object]:
    return 200, {"SessionId": "s-1", "TokenValue": token, "StreamUrl": STREAM_URL}


def close_at_the_end(peer, event):
    if isinstance(event, EndOfInput | TerminateRequested):
        peer.close_channel()


def test_a_session_ends_with_its_input_and_status_0():
    session = Session(AgentPeer(close_at_the_end))
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(session.peer.received) == BYTES
    [opened] = session.peer.opens
    assert (opened.token_value, opened.client_version, opened.fairlead_version) == (
        "token-1",
        CLIENT_VERSION,
        1,
    )
    assert session.operations == []


def test_a_cut_connection_is_resumed_under_the_same_client_id_and_no_byte_is_lost():
    def cut_twice(peer, event):
        if (
            isinstance(event, StreamData)
            and len(peer.received) > 500_000 * len(peer.opens)
            and len(peer.opens) < 3
        ):
            raise Stop
        close_at_the_end(peer, event)

    session = Session(AgentPeer(cut_twice), [grant("token-2"), grant("token-3")], connections=3)
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(session.peer.received) == BYTES
    assert [opened.token_value for opened in session.peer.opens] == ["token-1", "token-2", "token-3"]
    assert len({opened.client_id for opened in session.peer.opens}) == 1
    assert len({opened.request_id for opened in session.peer.opens}) == 3
    assert session.operations == ["ResumeSession", "ResumeSession"]


class Everything:
    """Contains whatever is not empty."""

    def __contains__(self, item):
        return bool(item)


def cut_after_every_half_megabyte(peer, event):
    if (
        isinstance(event, StreamData)
        and len(peer.received) > 500_000 * len(peer.opens)
        and len(peer.opens) < 3
    ):
        raise Stop
    close_at_the_end(peer, event)


def test_a_client_comes_back_with_its_secret_and_asks_the_api_nothing():
    peer = AgentPeer(cut_after_every_half_megabyte, takes_resume_secrets=True)
    session = Session(peer, connections=3)
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(peer.received) == BYTES
    assert session.operations == []
    first, second, third = peer.opens
    assert (first.token_value, second.token_value, third.token_value) == ("token-1", "", "")
    assert digest_of(second.resume_secret) == first.resume_digest
    assert digest_of(third.resume_secret) == second.resume_digest
    assert len({opened.resume_digest for opened in peer.opens}) == 3


def test_a_secret_that_is_not_known_is_shown_once_and_then_the_session_is_resumed_by_the_api():
    peer = AgentPeer(cut_after_every_half_megabyte, takes_resume_secrets=True)
    peer.unknown_secrets = Everything()
    session = Session(peer, [grant("token-2")], connections=3)
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(peer.received) == BYTES
    assert [opened.token_value for opened in peer.opens] == ["token-1", "", "token-2"]
    assert session.operations == ["ResumeSession"]


def test_a_gateway_that_does_not_say_so_is_promised_no_secret():
    session = Session(AgentPeer(cut_after_every_half_megabyte), [grant("token-2"), grant("token-3")], 3)
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert {opened.resume_digest for opened in session.peer.opens} == {""}


def test_output_under_way_when_the_connection_is_cut_arrives_once():
    def send_and_cut(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.say(BYTES)

    def cut_in_the_middle(peer):
        if len(peer.opens) == 1 and len(peer.backlog) < 1_000_000 and peer.channel.is_open:
            raise Stop
        if len(peer.opens) == 2 and peer.has_delivered:
            peer.close_channel()

    session = Session(AgentPeer(send_and_cut, on_tick=cut_in_the_middle), [grant("token-2")], connections=2)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(session.pipes.output) == BYTES


def test_a_session_that_is_over_when_it_is_resumed_fails_with_that_reason():
    def cut(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.say(b"banner")
        if isinstance(event, StreamData):
            raise Stop

    session = Session(AgentPeer(cut), [(200, {"SessionId": "s-1"})])
    session.pipes.collect()
    session.pipes.feed(b"x", then_close=False)
    with pytest.raises(SessionEnded, match="session is over"):
        session.run()
    assert session.operations == ["ResumeSession"]
    assert bytes(session.pipes.output) == b"banner"


def test_when_the_window_has_passed_the_service_is_told():
    def cut(peer, event):
        if isinstance(event, StreamData):
            raise Stop

    refusal = (400, {"__type": "InternalServerError"})
    session = Session(AgentPeer(cut), [refusal] * 50, window_s=0.2)
    session.pipes.collect()
    session.pipes.feed(b"x", then_close=False)
    with pytest.raises(SessionEnded, match="within 0 s"):
        session.run()
    assert session.operations[-1] == "TerminateSession"


def test_when_ssh_has_gone_a_cut_connection_is_not_resumed():
    def cut(peer, event):
        if isinstance(event, StreamData):
            session.pipes.hang_up()
            raise Stop

    session = Session(AgentPeer(cut))
    session.pipes.feed(b"x", then_close=False)
    assert session.run() == 0
    assert session.operations == ["TerminateSession"]


def test_the_first_connection_of_a_session_is_insisted_on(monkeypatch):
    peer = AgentPeer(close_at_the_end)
    session = Session(
        peer,
        patience=Patience(
            20, clock=lambda: 0.0, chance=lambda: 0.0, pause=lambda s: True, say=lambda text: None
        ),
    )
    failures = iter([RefusedError("refused"), HandshakeLostError("ended")])
    dial = session.dialer.dial

    def dial_or_fail(endpoint):
        for failure in failures:
            raise failure
        return dial(endpoint)

    monkeypatch.setattr(session.dialer, "dial", dial_or_fail)
    session.pipes.feed(b"abc")
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(peer.received) == b"abc"
    assert session.operations == []


def test_a_gateway_that_cannot_be_reached_leaves_no_session_behind():
    session = Session(None)
    with pytest.raises(ConnectError):
        session.run()
    assert session.operations == ["TerminateSession"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            lambda peer: peer.channel.connect_failed(time.monotonic()),
            "mi-1 does not accept connections on port 2222",
        ),
        (
            lambda peer: peer.close_channel("idle\x1b[1m timeout"),
            r"session s-1 to mi-1 ended: idle \[1m timeout",
        ),
        (lambda peer: peer.close_channel(), "ended before mi-1 sent anything"),
    ],
    ids=["refused port", "text of the gateway", "nothing at all"],
)
def test_why_a_session_failed_is_told(script, said):
    def act(peer, event):
        if isinstance(event, HandshakeFinished):
            script(peer)
        close_at_the_end(peer, event)

    session = Session(AgentPeer(act))
    session.pipes.collect()
    with pytest.raises(SessionEnded, match=said):
        session.run()
    assert session.operations == []


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        (
            AgentPeer(close_at_the_end, properties={"portNumber": "22", "type": "LocalPortForwarding"}),
            "LocalPortForw",
        ),
        (
            AgentPeer(
                on_open=lambda peer: peer.channel.skip_handshake("Standard_Stream", 1.0) or peer.say(b"$ ")
            ),
            "shell session",
        ),
    ],
    ids=["forwarding", "shell"],
)
def test_other_kinds_of_session_are_refused_in_one_line(peer, said):
    session = Session(peer)
    session.pipes.collect()
    with pytest.raises(SessionEnded, match=said):
        session.run()
    assert bytes(session.pipes.output) == b""


def test_a_signal_before_the_node_joined_ends_the_session_at_the_service():
    def stop(peer):
        session.watch.received = signal.SIGTERM
        os.write(session.watch._wake, b"\0")

    session = Session(AgentPeer(on_open=stop))
    session.pipes.collect()
    assert session.run() == 128 + signal.SIGTERM
    assert session.operations == ["TerminateSession"]


def test_a_stock_agent_gets_no_zero_digests_and_every_byte():
    stock = ChannelSettings(AGENT_VERSION, session_id="s-1", fairlead=False)
    session = Session(AgentPeer(close_at_the_end, settings=stock))
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(session.peer.received) == BYTES


def test_the_connection_of_the_api_becomes_the_websocket_of_the_session():
    peer = AgentPeer(close_at_the_end)
    session = Session(peer)
    session.dialer.streams = 1
    session.api.take_connection = lambda endpoint: peer.client_sockets[0]
    session.pipes.feed(b"abc")
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(peer.received) == b"abc"


def test_a_kept_connection_that_refuses_is_replaced_by_a_fresh_one():
    peer = AgentPeer(close_at_the_end)
    session = Session(peer)
    kept = session.api_dialer.dial(session.api.endpoint)
    session._answers = iter([(400, "no upgrade here")])
    session.api.take_connection = lambda endpoint: kept
    session.pipes.feed(b"abc")
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(peer.received) == b"abc"


def test_missing_c_code_is_noted_in_the_log(monkeypatch, tmp_path):
    monkeypatch.setattr(ssh_proxy.mask, "is_fast", False)
    session = Session(AgentPeer(close_at_the_end))
    session.proxy._log = DebugLog.open({"FAIRLEAD_LOG": str(tmp_path / "log")})
    session.pipes.feed(b"abc")
    session.pipes.collect()
    session.run()
    assert "mask function" in (tmp_path / "log").read_text()


def test_an_upload_is_resumed_also_after_the_node_has_said_its_last_word():
    def end_output(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.channel.end_input(time.monotonic())
        if isinstance(event, StreamData) and len(peer.received) > 500_000 and len(peer.opens) == 1:
            raise Stop
        close_at_the_end(peer, event)

    session = Session(AgentPeer(end_output), [grant("token-2")], connections=2)
    session.pipes.feed(BYTES)
    session.pipes.collect()
    assert session.run() == 0
    assert bytes(session.peer.received) == BYTES
    assert session.operations == ["ResumeSession"]


def test_a_signal_that_came_with_the_loss_of_the_connection_ends_the_wait_for_another():
    session = Session(None, window_s=30.0)
    session.watch.received = signal.SIGTERM
    assert session.proxy._pause(3600.0) is False
    session.local.close_writing()


def test_a_stream_that_could_not_be_written_here_is_no_success():
    def say_much(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.say(BYTES)
        close_at_the_end(peer, event)

    session = Session(AgentPeer(say_much))
    with open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), session.pipes.stdout)
    with pytest.raises(SessionEnded, match=r"^cannot write to standard output: No space left on device$"):
        session.run()
    assert session.operations == []
