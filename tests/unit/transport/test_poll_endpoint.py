"""The client's loop against an agent in another thread: what arrives, and how a session ends."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time

import pytest

from fairlead.protocol.events import EndOfInput, HandshakeFinished, StreamData, TerminateRequested
from fairlead.protocol.message import CHANNEL_CLOSED
from fairlead.protocol.settings import AGENT_VERSION, CLIENT_VERSION, ChannelSettings
from fairlead.transport import poll_endpoint
from fairlead.transport.local_stream import WIDE_PIPE_BYTES
from fairlead.transport.poll_endpoint import Outcome
from tests.support.agent_peer import AgentPeer, Stop
from tests.support.poll_client import PollClient
from tests.support.waiting import PATIENCE_S, wait_until

STOCK_AGENT = ChannelSettings(AGENT_VERSION, session_id="s-1", fairlead=False)
BYTES = random.Random(7).randbytes(3_000_000)


def start(peer: AgentPeer, settings: ChannelSettings | None = None, **options) -> PollClient:
    peer.add_connection()
    peer.start()
    client = PollClient(peer, settings, **options)
    client.connect()
    return client


def close_when_input_ends(peer: AgentPeer, event) -> None:
    if isinstance(event, EndOfInput):
        peer.close_channel()


def close_on_terminate(peer: AgentPeer, event) -> None:
    if isinstance(event, TerminateRequested):
        peer.close_channel()


@pytest.mark.parametrize("agent", [None, STOCK_AGENT], ids=["own agent", "stock agent"])
def test_megabytes_pass_both_ways_unchanged(agent):
    def echo(peer, event):
        if isinstance(event, StreamData):
            peer.say(bytes(event.data))

    def close_when_all_is_back(peer):
        if len(peer.received) == len(BYTES) and peer.has_delivered:
            peer.close_channel()

    peer = AgentPeer(echo, settings=agent, on_tick=close_when_all_is_back)
    client = start(peer)
    client.pipes.feed(BYTES, then_close=False)
    client.pipes.collect()
    assert client.run().kind == Outcome.PEER_END
    client.pipes.join()
    peer.finish()
    assert bytes(peer.received) == BYTES
    assert bytes(client.pipes.output) == BYTES


def test_end_of_input_reaches_an_own_agent_as_half_close_and_late_output_still_arrives():
    def answer_late(peer, event):
        if isinstance(event, EndOfInput):
            peer.say(b"late answer")

    def close_when_answered(peer):
        if peer.saw(EndOfInput) and peer.has_delivered:
            peer.close_channel()

    peer = AgentPeer(answer_late, on_tick=close_when_answered)
    client = start(peer)
    client.pipes.feed(b"question")
    client.pipes.collect()
    assert client.run().kind == Outcome.PEER_END
    client.pipes.join()
    peer.finish()
    assert bytes(peer.received) == b"question"
    assert bytes(client.pipes.output) == b"late answer"
    assert not peer.saw(TerminateRequested)


def test_end_of_input_terminates_a_stock_session_after_the_last_acknowledgement(monkeypatch):
    monkeypatch.setattr(poll_endpoint, "LINGER_S", 0.05)

    peer = AgentPeer(close_on_terminate, settings=STOCK_AGENT)
    client = start(peer)
    client.pipes.feed(BYTES)
    client.pipes.collect()
    assert client.run().kind == Outcome.LOCAL_END
    client.pipes.join()
    peer.finish()
    assert bytes(peer.received) == BYTES
    assert peer.saw(TerminateRequested)


def test_all_that_was_received_is_written_before_the_end_is_reported():
    data = BYTES[:1_000_000]

    def send_all(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.say(data)

    def close_behind_it(peer):
        if peer.channel.is_open and not peer.backlog:
            peer.close_channel("Session ended by the administrator")

    peer = AgentPeer(send_all, on_tick=close_behind_it)
    client = start(peer)
    client.pipes.collect(chunk=20_000, pause_s=0.002)
    outcome = client.run()
    client.pipes.join()
    peer.finish()
    assert (outcome.kind, outcome.text) == (Outcome.PEER_END, "Session ended by the administrator")
    assert bytes(client.pipes.output) == data


def test_no_more_than_the_window_leaves_the_agent_while_nobody_reads():
    window = 128 * 1024
    a_pipe_and_a_message = WIDE_PIPE_BYTES + window
    settings = ChannelSettings(AGENT_VERSION, session_id="s-1", zero_digest=True, window_bytes=window)
    quiet_since = [0, time.monotonic()]

    def hang_up_when_stuck(peer):
        if quiet_since[0] != len(peer.backlog):
            quiet_since[:] = [len(peer.backlog), time.monotonic()]
        elif peer.channel.is_open and not peer.channel.can_send and time.monotonic() - quiet_since[1] > 0.2:
            client.pipes.hang_up()
            peer.close_channel()

    peer = AgentPeer(settings=settings, on_tick=hang_up_when_stuck)
    client = start(peer)
    peer.say(BYTES)
    client.run()
    peer.finish()
    assert len(peer.backlog) >= len(BYTES) - window - a_pipe_and_a_message


def test_a_vanished_reader_ends_the_session_at_once_and_with_terminate():
    peer = AgentPeer(close_on_terminate)
    client = start(peer)
    client.pipes.hang_up()
    client.pipes.feed(b"last words")
    outcome = client.run()
    peer.finish()
    assert outcome.kind == Outcome.LOCAL_END
    assert peer.saw(TerminateRequested)


def test_a_lost_connection_is_reported_and_the_next_one_goes_on_where_it_stopped():
    def cut_once(peer, event):
        if isinstance(event, StreamData) and len(peer.received) > 500_000 and len(peer.opens) == 1:
            raise Stop
        close_when_input_ends(peer, event)

    peer = AgentPeer(cut_once)
    peer.add_connection()
    client = start(peer)
    client.pipes.feed(BYTES)
    client.pipes.collect()
    first = client.run()
    assert first.kind == Outcome.CONNECTION_LOST
    assert not client.endpoint.is_leaving
    client.connect(1)
    client.channel.connection_restored(time.monotonic())
    assert client.run().kind == Outcome.PEER_END
    client.pipes.join()
    peer.finish()
    assert bytes(peer.received) == BYTES
    assert [opened.client_id for opened in peer.opens] == ["client-1", "client-1"]


def test_a_refusal_at_the_start_ends_the_session_with_its_reason():
    peer = AgentPeer()
    client = start(peer, on_start=lambda started: f"not today: {started.session_type}")
    outcome = client.run()
    peer.finish()
    assert (outcome.kind, outcome.text) == (Outcome.FAILED, "not today: Port")


def test_input_that_comes_together_with_the_end_is_not_read_any_more():
    """The channel has ended within the turn, so it has no place for what was to be read."""
    peer = AgentPeer()

    def end_is_there():
        try:
            waiting = peer.client_sockets[0].recv(65536, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return CHANNEL_CLOSED in waiting

    def begin(event):
        client.pipes.feed(b"too late", then_close=False)
        peer.close_channel("bye")
        assert select.select([client.pipes.stdin], [], [], PATIENCE_S)[0]
        wait_until(end_is_there, "the end of the channel")

    client = start(peer, on_start=begin)
    outcome = client.run()
    peer.finish()
    assert (outcome.kind, outcome.text) == (Outcome.PEER_END, "bye")
    assert peer.received == b""


def test_a_port_that_refuses_is_told_apart():
    def refuse(peer, event):
        if isinstance(event, HandshakeFinished):
            peer.channel.connect_failed(time.monotonic())

    peer = AgentPeer(refuse)
    client = start(peer)
    assert client.run().kind == Outcome.CONNECT_FAILED
    peer.finish()


def test_a_channel_closed_before_the_handshake_brings_its_text():
    peer = AgentPeer(on_open=lambda peer: peer.close_channel("Invalid token"))
    client = start(peer)
    outcome = client.run()
    peer.finish()
    assert (outcome.kind, outcome.text) == (Outcome.PEER_END, "Invalid token")


def test_a_node_that_never_joins_is_given_up(monkeypatch):
    monkeypatch.setattr(poll_endpoint, "START_TIMEOUT_S", 0.1)
    peer = AgentPeer(on_open=lambda peer: None)
    client = start(peer)
    outcome = client.run()
    peer.finish()
    assert outcome.kind == Outcome.FAILED
    assert "did not join" in outcome.text
    assert not client.endpoint.has_started


def test_a_signal_ends_the_session_with_what_was_typed_before():
    def wake_on_data(peer, event):
        close_on_terminate(peer, event)
        if isinstance(event, StreamData):
            os.write(wake, b"\0")

    woken, wake = os.pipe()
    peer = AgentPeer(wake_on_data)
    client = start(peer, wake_descriptor=woken)
    client.pipes.feed(b"typed", then_close=False)
    outcome = client.run()
    peer.finish()
    assert outcome.kind == Outcome.LOCAL_END
    assert bytes(peer.received) == b"typed"
    assert peer.saw(TerminateRequested)


def test_the_stock_version_of_our_client_settings_talks_to_our_agent():
    stock_client = ChannelSettings(CLIENT_VERSION, fairlead=False)
    peer = AgentPeer(close_on_terminate)
    client = start(peer, stock_client)
    client.pipes.feed(b"abc")
    client.pipes.collect()
    assert client.run().kind == Outcome.LOCAL_END
    peer.finish()
    assert bytes(peer.received) == b"abc"


def test_a_connection_lost_while_it_is_not_read_is_no_busy_loop():
    window = 128 * 1024
    looks = []

    def clock():
        looks.append(None)
        return time.monotonic()

    peer = AgentPeer(settings=STOCK_AGENT)
    client = start(peer, ChannelSettings(CLIENT_VERSION, zero_digest=True, window_bytes=window), clock=clock)
    peer.say(BYTES)
    cut = threading.Timer(0.3, peer.client_sockets[0].shutdown, [socket.SHUT_RDWR])
    leave = threading.Timer(0.8, client.pipes.hang_up)
    cut.start()
    leave.start()
    client.run()
    leave.join()
    peer.finish()
    assert len(looks) < 2000
