"""Who is connected, and what nodes report."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fairlead.domain.callers import CallerKind, Origin
from fairlead.domain.nodes import ChannelSighting
from fairlead.domain.scope import Scope
from fairlead.gateway import control_channels
from fairlead.gateway.control_channels import ControlChannels
from fairlead.gateway.messages import Messages
from fairlead.protocol.control_channel import (
    ChannelClosed,
    TaskAcknowledge,
    TaskComplete,
    decode_control_message,
    encode_control_message,
)
from tests.support.gateway_fakes import FakeSocket, frame
from tests.support.gateway_rig import a_caller

OPENED = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 13, tzinfo=UTC)
MESSAGES = Messages(lambda: datetime(2026, 11, 20, tzinfo=UTC), bytes(10))


class Events:
    def __init__(self) -> None:
        self.opened: list[str] = []
        self.completed: list = []
        self.departed: list = []
        self.twins: list = []

    def control_channel_opened(self, node_id) -> None:
        self.opened.append(node_id)

    def task_completed(self, node_id, completion, acknowledge) -> None:
        self.completed.append((node_id, completion.session_id))
        acknowledge()


def registry():
    events = Events()
    channels = ControlChannels(
        MESSAGES,
        lambda node_id, opened_at: events.departed.append((node_id, opened_at)),
        lambda *seen: events.twins.append(seen),
    )
    channels.report_to(events)
    return channels, events


def test_a_node_is_connected_from_the_opening_to_the_end_of_its_channel():
    channels, events = registry()
    channel = channels.open("mi-1", FakeSocket(), OPENED)
    assert channels.is_connected("mi-1")
    assert events.opened == ["mi-1"]
    channel.disconnected(None)
    assert not channels.is_connected("mi-1")


def test_the_end_of_an_older_channel_does_not_end_the_newer_one():
    channels, _ = registry()
    older_socket = FakeSocket()
    older = channels.open("mi-1", older_socket, OPENED)
    channels.open("mi-1", FakeSocket(), OPENED)
    assert older_socket.closed is not None
    older.disconnected(None)
    assert channels.is_connected("mi-1")
    assert len(channels) == 1


def test_a_channel_that_another_one_replaced_is_told_nothing_more():
    channels, _ = registry()
    older, newer = FakeSocket(), FakeSocket()
    first = channels.open("mi-1", older, OPENED)
    second = channels.open("mi-1", newer, OPENED)
    assert second.send(b"frame")
    assert not first.send(b"frame")
    assert (older.wire, newer.wire) == ([], [b"frame"])


def test_what_the_nodes_of_a_fleet_have_in_common_is_kept_once():
    channels, _ = registry()
    callers = [
        replace(
            a_caller(CallerKind.NODE, node_id, Origin(source_address="".join(("192.0.", "2.1")))),
            scope=Scope("".join(("1111", "22223333")), "".join(("us-", "east-1"))),
            role_arn="".join(("arn:aws:iam::", "111122223333:role/nodes")),
        )
        for node_id in ("mi-1", "mi-2")
    ]
    first, second = (channels.open(caller.node_id, FakeSocket(), OPENED, caller).caller for caller in callers)
    assert [first, second] == callers
    assert first.scope is second.scope
    assert first.role_arn is second.role_arn
    assert first.origin.source_address is second.origin.source_address


def test_of_what_peers_have_in_common_no_more_than_the_limit_is_kept(monkeypatch):
    monkeypatch.setattr(control_channels, "MAX_COMMON_VALUES", 10)
    channels, _ = registry()
    for number in range(100):
        caller = a_caller(CallerKind.NODE, "mi-1", Origin(source_address="192.0.2.1", user_agent=str(number)))
        assert channels.open("mi-1", FakeSocket(), OPENED, caller).caller == caller
        assert len(channels._common) <= 10


def test_the_channels_of_our_agents_are_those_with_an_incarnation():
    channels, _ = registry()
    channels.open("mi-1", FakeSocket(), OPENED)
    ours = channels.open("mi-2", FakeSocket(), OPENED, incarnation="one")
    assert channels.of_our_agents() == [ours]


def test_a_message_reaches_the_connected_node_only():
    channels, _ = registry()
    socket = FakeSocket()
    channels.open("mi-1", socket, OPENED)
    assert channels.send("mi-1", b"frame")
    assert not channels.send("mi-2", b"frame")
    assert socket.wire == [b"frame"]


def test_nothing_is_heaped_on_a_node_that_does_not_read():
    channels, _ = registry()
    socket = FakeSocket()
    channel = channels.open("mi-1", socket, OPENED)
    socket.is_congested = True
    channel.congested()
    assert not channels.send("mi-1", b"frame")
    assert not socket.is_reading
    channel.drained()
    assert socket.is_reading


def test_each_completion_is_acknowledged_with_its_message_id():
    channels, events = registry()
    socket = FakeSocket()
    channel = channels.open("mi-1", socket, OPENED)
    message = encode_control_message(
        TaskComplete("s", "Success"), message_id=bytes(range(16)), created_date=1
    )
    for _ in range(2):
        channel.receive_binary(message, True)
    channel.flush()
    bodies = [decode_control_message(each).body for each in socket.wire]
    assert bodies == [TaskAcknowledge("00010203-0405-0607-0809-0a0b0c0d0e0f", "s")] * 2
    assert events.completed == [("mi-1", "s")] * 2


def test_telemetry_and_messages_of_the_wrong_direction_are_ignored():
    channels, events = registry()
    socket = FakeSocket()
    channel = channels.open("mi-1", socket, OPENED)
    channel.receive_binary(frame(b"agent_job_reply", b"{}"), True)
    channel.receive_binary(
        encode_control_message(ChannelClosed("s"), message_id=bytes(16), created_date=1), True
    )
    assert (socket.wire, events.completed, socket.closed) == ([], [], None)


def test_what_is_no_control_message_closes_the_channel():
    for send in (
        lambda channel: channel.receive_binary(b"x", True),
        lambda channel: channel.receive_text(b"x"),
    ):
        channels, _ = registry()
        socket = FakeSocket()
        send(channels.open("mi-1", socket, OPENED))
        assert socket.closed is not None
        assert not channels.is_connected("mi-1")


def test_all_channels_can_be_closed():
    channels, _ = registry()
    sockets = [FakeSocket(), FakeSocket()]
    for number, socket in enumerate(sockets):
        channels.open(f"mi-{number}", socket, OPENED)
    channels.close_all(1012, "restart")
    channels.close("mi-0", 1012, "again")
    assert [socket.closed for socket in sockets] == [(1012, "restart")] * 2
    assert len(channels) == 0


def test_an_end_is_told_once_and_by_the_moment_of_the_opening():
    channels, events = registry()
    older = channels.open("mi-1", FakeSocket(), OPENED)
    newer = channels.open("mi-1", FakeSocket(), LATER)
    older.disconnected(None)
    assert events.departed == []  # the newer one is recorded in its place
    newer.disconnected(None)
    newer.disconnected(None)
    assert events.departed == [("mi-1", LATER)]


def test_a_channel_that_is_closed_from_here_has_ended_too():
    channels, events = registry()
    channel = channels.open("mi-1", FakeSocket(), OPENED)
    channels.close("mi-1", 1008, "deregistered")
    channel.disconnected(1008)
    assert events.departed == [("mi-1", OPENED)]


FIRST = a_caller(CallerKind.NODE, "mi-1", Origin(source_address="192.0.2.1"))
SECOND = a_caller(CallerKind.NODE, "mi-1", Origin(source_address="192.0.2.2"))
SIGHTINGS = (ChannelSighting("192.0.2.2", LATER), ChannelSighting("192.0.2.1", OPENED))


def replaced(older="", newer=""):
    """The socket of a channel that another one has replaced, of agents with these incarnations."""
    channels, events = registry()
    socket = FakeSocket()
    channels.open("mi-1", socket, OPENED, FIRST, older)
    channels.open("mi-1", FakeSocket(), LATER, SECOND, newer)
    return socket, events


@pytest.mark.parametrize(
    ("older", "newer", "code"), [("", "", 1008), ("a", "b", 1000), ("", "b", 1008), ("a", "", 1000)]
)
def test_an_older_channel_that_answers_is_a_twin_of_the_newer_one(older, newer, code):
    socket, events = replaced(older, newer)
    assert events.twins == []
    socket.answered(code)
    assert events.twins == [(SECOND, *SIGHTINGS)]


def test_a_process_that_dials_again_is_no_twin_of_itself():
    socket, events = replaced("a", "a")
    socket.answered(1000)
    assert events.twins == []


@pytest.mark.parametrize(("older", "code"), [("", 1000), ("", 1001), ("a", 1001), ("a", None)])
def test_a_goodbye_that_crossed_with_ours_is_no_sign_of_a_twin(older, code):
    socket, events = replaced(older, "b")
    socket.answered(code)
    assert events.twins == []
