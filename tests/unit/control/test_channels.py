"""Tokens and identities of channels, and what becomes of sessions."""

from dataclasses import replace

import pytest

from fairlead.control.identifiers import digest
from fairlead.domain.errors import AccessDenied, InvalidChannelToken, SessionEnded
from fairlead.domain.nodes import Presence
from fairlead.domain.operations.sessions import TerminateSessionRequest
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from tests.support.control_world import NODE_ID, ORIGIN, World, policy, statement

OTHER_NODE = "mi-00000000000000001"
END = SessionEnd(
    status=SessionStatus.TERMINATED,
    reason=EndReason.CLIENT_LEFT,
    details="bye\x1b[31m",
    bytes_to_node=7,
    bytes_to_client=9,
)


@pytest.fixture
def agent(world):
    return world.node()


@pytest.fixture
def other_agent(world):
    return world.node(OTHER_NODE)


@pytest.fixture
def started(world, agent):
    return world.start(world.user("alice"))


def event_names(world):
    return [record.event_name for record in world.audit if record.event_source == "fairlead.security"]


def test_a_node_opens_its_control_channel_with_its_token_once(world, agent):
    token = world.channels.create_control_channel(agent, NODE_ID)
    assert world.channels.open_control_channel(agent, NODE_ID, token) == world.now
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, token)
    assert event_names(world) == ["ChannelTokenRefused"]


def test_a_node_is_connected_from_its_opening_until_that_very_channel_has_ended(world, agent):
    def opened() -> Presence:
        world.advance(seconds=1)
        token = world.channels.create_control_channel(agent, NODE_ID)
        return Presence(NODE_ID, world.channels.open_control_channel(agent, NODE_ID, token))

    first, second, third = opened(), opened(), opened()
    assert world.channels.connected_nodes() == []
    world.channels.control_channels_changed([first, second], [first])
    assert world.channels.connected_nodes() == [NODE_ID]
    world.channels.control_channels_changed([], [first])
    assert world.channels.connected_nodes() == [NODE_ID]
    world.channels.control_channels_changed([third], [third, second])
    assert world.channels.connected_nodes() == []


def test_a_refused_opening_connects_nobody(world, agent):
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, "no token")
    assert world.channels.connected_nodes() == []


def test_sessions_of_before_are_disconnected_together_and_those_that_ended_meanwhile_are_not(world, started):
    world.channels.session_connected(started.session_id)
    world.channels.sessions_disconnected([started.session_id, "unknown"])
    assert world.session(started.session_id).status is SessionStatus.DISCONNECTED
    world.channels.end_session(
        started.session_id, SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT)
    )
    world.channels.sessions_disconnected([started.session_id])
    assert world.session(started.session_id).status is SessionStatus.TERMINATED


def test_a_good_channel_call_of_a_node_leaves_no_record_and_writes_nothing(world, agent):
    commits = world.store.commits
    token = world.channels.create_control_channel(agent, NODE_ID)
    world.channels.open_control_channel(agent, NODE_ID, token)
    assert not world.audit
    assert world.store.commits == commits


def test_a_new_control_token_voids_the_one_before(world, agent):
    first = world.channels.create_control_channel(agent, NODE_ID)
    world.channels.create_control_channel(agent, NODE_ID)
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, first)


@pytest.mark.parametrize("node_id", [OTHER_NODE, NODE_ID.upper(), f"{NODE_ID}/../{OTHER_NODE}", ""])
def test_a_node_cannot_use_another_nodes_control_channel(world, agent, other_agent, node_id):
    token = world.channels.create_control_channel(other_agent, OTHER_NODE)
    with pytest.raises(AccessDenied, match="its own control channel only"):
        world.channels.create_control_channel(agent, node_id)
    with pytest.raises(AccessDenied):
        world.channels.open_control_channel(agent, node_id, token)
    assert event_names(world) == ["ChannelRefused"] * 2
    assert world.last_record.principal_id == agent.principal_id


def test_a_control_token_of_another_node_is_refused_on_the_own_channel(world, agent, other_agent):
    token = world.channels.create_control_channel(other_agent, OTHER_NODE)
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, token)


def test_a_user_cannot_open_a_control_channel_whatever_the_policies_say(world, agent):
    user = world.user("root")
    with pytest.raises(AccessDenied):
        world.channels.create_control_channel(user, NODE_ID)
    with pytest.raises(AccessDenied):
        world.channels.create_control_channel(replace(user, node_id=NODE_ID), NODE_ID)


def test_an_expired_token_is_refused(world, agent, started):
    token = world.channels.create_control_channel(agent, NODE_ID)
    world.advance(seconds=60)
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, token)
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, started.token_value)


def test_a_token_is_good_until_just_before_it_expires(world, agent):
    token = world.channels.create_control_channel(agent, NODE_ID)
    world.advance(seconds=59.9)
    world.channels.open_control_channel(agent, NODE_ID, token)


def test_an_explicit_deny_of_the_role_closes_the_channels():
    world = World()
    world.role(policy(statement("Deny", "ssmmessages:*")))
    agent = world.node()
    session_id = world.start(world.user()).session_id
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.channels.create_control_channel(agent, NODE_ID)
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.channels.create_data_channel(agent, session_id)


def test_both_sides_open_the_data_channel_with_their_own_tokens(world, agent, started):
    token = world.channels.create_data_channel(agent, started.session_id)
    by_agent = world.channels.open_agent_data_channel(agent, started.session_id, token, "")
    by_client = world.open_client(started.session_id, started.token_value)
    assert by_agent.id == by_client.id == started.session_id


def test_which_process_of_the_agent_holds_a_session_is_kept_with_it(world, agent, started):
    for incarnation in ("first", "first", "second"):
        token = world.channels.create_data_channel(agent, started.session_id)
        opened = world.channels.open_agent_data_channel(agent, started.session_id, token, incarnation)
        assert opened.agent_incarnation == incarnation
        assert [session.agent_incarnation for session in world.channels.active_sessions()] == [incarnation]


def test_who_has_no_good_token_does_not_hold_the_session(world, agent, started):
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, started.session_id, "guessed", "second")
    assert [session.agent_incarnation for session in world.channels.active_sessions()] == [""]


def test_a_node_cannot_join_a_session_to_another_node(world, agent, other_agent, started):
    token = world.channels.create_data_channel(agent, started.session_id)
    with pytest.raises(AccessDenied, match="its own sessions only"):
        world.channels.create_data_channel(other_agent, started.session_id)
    with pytest.raises(AccessDenied):
        world.channels.open_agent_data_channel(other_agent, started.session_id, token, "")
    assert event_names(world) == ["ChannelRefused"] * 2
    world.channels.open_agent_data_channel(agent, started.session_id, token, "")


def test_a_node_of_another_region_is_not_the_target(world, agent, started):
    elsewhere = replace(agent, scope=Scope("111122223333", "eu-central-1"))
    with pytest.raises(AccessDenied):
        world.channels.create_data_channel(elsewhere, started.session_id)


def test_an_unknown_session_is_refused_like_another_nodes(world, agent):
    with pytest.raises(AccessDenied, match="its own sessions only"):
        world.channels.create_data_channel(agent, "alice-x")


def test_a_clients_token_does_not_open_the_nodes_side(world, agent, started):
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, started.session_id, started.token_value, "")


def test_a_token_tried_on_the_wrong_side_is_used_up(world, agent, started):
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, started.session_id, started.token_value, "")
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, started.token_value)


def test_a_nodes_token_does_not_open_the_clients_side(world, agent, started):
    token = world.channels.create_data_channel(agent, started.session_id)
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, token)
    assert world.last_record.request_parameters == {"side": "client", "channelId": started.session_id}
    assert world.last_record.source_address == ORIGIN.source_address


def test_a_clients_token_opens_its_own_session_only(world, agent, started):
    other = world.start(world.user("bob"))
    with pytest.raises(InvalidChannelToken):
        world.open_client(other.session_id, started.token_value)


def test_a_token_opens_none_of_its_holders_other_sessions(world, agent):
    alice = world.user("alice")
    one, other = world.start(alice), world.start(alice)
    with pytest.raises(InvalidChannelToken):
        world.open_client(other.session_id, one.token_value)
    token = world.channels.create_data_channel(agent, one.session_id)
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, other.session_id, token, "")


@pytest.mark.parametrize(
    "altered", [str.upper, lambda text: f"{text} ", lambda text: text.replace("-", "%2d")]
)
def test_the_session_id_in_the_path_must_be_equal_byte_for_byte(world, started, altered):
    with pytest.raises(InvalidChannelToken):
        world.open_client(altered(started.session_id), started.token_value)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "A" * 10_000])
def test_a_token_that_was_never_given_out_is_refused(world, started, token):
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, token)


def test_a_refused_clients_token_is_not_recorded_where_the_gateway_says_so(world, started):
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, "x", may_record_refusal=lambda: False)
    assert not event_names(world)


def test_no_token_gets_into_the_trail(world, agent, started):
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, started.session_id, started.token_value, "")
    assert started.token_value not in repr(world.audit)


def test_the_end_of_a_session_is_kept_and_voids_the_nodes_token(world, agent, started):
    token = world.channels.create_data_channel(agent, started.session_id)
    world.advance(minutes=1)
    assert world.channels.end_session(started.session_id, END)
    session = world.session(started.session_id)
    assert session.end == replace(END, details="bye[31m")
    assert session.ended_at == world.now
    assert digest(token) not in world.store.tables.tokens
    with pytest.raises(InvalidChannelToken):
        world.channels.open_agent_data_channel(agent, started.session_id, token, "")
    with pytest.raises(SessionEnded, match="Session is already terminated"):
        world.channels.create_data_channel(agent, started.session_id)


def test_a_client_that_comes_too_late_is_told_how_the_session_ended(world, started):
    world.channels.end_session(started.session_id, END)
    with pytest.raises(SessionEnded) as refused:
        world.open_client(started.session_id, started.token_value)
    assert refused.value.explanation == world.session(started.session_id).end.explanation
    with pytest.raises(InvalidChannelToken):
        world.open_client(started.session_id, started.token_value)


def test_a_second_end_changes_nothing(world, started):
    world.channels.end_session(started.session_id, END)
    other = replace(END, reason=EndReason.IDLE_TIMEOUT, bytes_to_node=99)
    assert not world.channels.end_session(started.session_id, other)
    assert world.session(started.session_id).end.bytes_to_node == 7
    assert not world.channels.end_session("alice-x", END)


def test_after_terminate_session_the_byte_counts_are_added(world, agent):
    alice = world.user("alice")
    session_id = world.start(alice).session_id
    world.sessions.terminate_session(alice, TerminateSessionRequest(session_id=session_id))
    assert not world.channels.end_session(session_id, END)
    end = world.session(session_id).end
    assert end.reason is EndReason.TERMINATED_BY_API
    assert (end.bytes_to_node, end.bytes_to_client) == (7, 9)


def test_a_token_taken_for_a_session_that_is_over_says_so(world, agent, started):
    token = world.channels.create_data_channel(agent, started.session_id)
    sessions = world.store.tables.sessions
    over = replace(world.session(started.session_id), status=SessionStatus.FAILED)
    sessions[started.session_id] = over
    with pytest.raises(SessionEnded):
        world.channels.open_agent_data_channel(agent, started.session_id, token, "")
    with pytest.raises(SessionEnded):
        world.open_client(started.session_id, started.token_value)


def test_pending_sessions_are_those_that_connect_to_this_node(world, agent, other_agent, started):
    other = world.start(world.user("bob"), OTHER_NODE)
    connected = world.start(world.user("carol"))
    world.channels.session_connected(connected.session_id)
    assert [session.id for session in world.channels.pending_sessions(NODE_ID)] == [started.session_id]
    assert [session.id for session in world.channels.pending_sessions(OTHER_NODE)] == [other.session_id]
    assert world.channels.pending_sessions("mi-x") is None
    assert len(world.channels.active_sessions()) == 3


def test_a_session_goes_back_and_forth_between_connected_and_disconnected(world, started):
    session_id = started.session_id
    assert world.channels.session_connected(session_id)
    assert world.channels.session_disconnected(session_id)
    assert world.session(session_id).status is SessionStatus.DISCONNECTED
    assert world.channels.session_connected(session_id)
    world.channels.end_session(session_id, END)
    assert not world.channels.session_connected(session_id)
    assert not world.channels.session_disconnected(session_id)
    assert not world.channels.session_connected("alice-x")


def test_the_gateway_records_what_it_refuses(world, agent):
    world.channels.record_security_event(agent, "FrameRefused", {"messageType": "x", "bytes": 3})
    record = world.last_record
    assert (record.event_name, record.principal_id) == ("FrameRefused", agent.principal_id)
    assert record.request_parameters == {"messageType": "x", "bytes": 3}


def test_a_control_channel_of_a_node_that_is_gone_is_not_open(world, agent):
    token = world.channels.create_control_channel(agent, NODE_ID)
    del world.store.tables.nodes[NODE_ID]
    with pytest.raises(InvalidChannelToken):
        world.channels.open_control_channel(agent, NODE_ID, token)
