"""The life of a session between its node, its client and the store: offers, resumption, ends."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from fairlead.domain.callers import Origin
from fairlead.domain.errors import SessionEnded
from fairlead.domain.sessions import ChannelSide, EndReason, SessionEnd, SessionStatus
from fairlead.protocol import message as m
from fairlead.protocol.acknowledgements import encode_one
from fairlead.protocol.control_channel import (
    ChannelClosed,
    TaskAcknowledge,
    decode_control_message,
)
from fairlead.protocol.open_channel import AgentOpen, ClientOpen, ControlOpen
from tests.support.gateway_fakes import FakeSocket
from tests.support.gateway_rig import (
    MESSAGE_ID,
    NODE,
    SESSION,
    GatewayRig,
    close_code,
    closed_text,
    completion,
    eventually,
    offered,
    receive,
    rest_of,
    stream,
    told_closed,
)
from tests.support.waiting import PATIENCE_S

OTHER_NODE = "mi-0fedcba9876543210"
DATA_PATH = f"/v1/data-channel/{SESSION}?role=publish_subscribe"


def test_a_new_session_is_offered_at_once_and_again_until_the_agent_shows_up():
    async def test(rig):
        control = await rig.control()
        session = rig.channels.add_session()
        rig.notifier.session_started(session)
        for _ in range(3):
            offer = await offered(control)
            assert offer.session_id == SESSION
            assert offer.document_content["properties"] == {"portNumber": "22"}
        await rig.agent()
        await eventually(lambda: rig.gateway.live_sessions._sessions[SESSION].offers is None)
        rig.notifier.node_removed(NODE)  # closes the channel, so that what was sent can be counted
        assert len(await rest_of(control)) <= 1

    GatewayRig.run(test, offer_delays_s=(0.1,))


def test_a_session_that_waits_is_offered_when_the_control_channel_opens():
    async def test(rig):
        rig.channels.add_session()
        assert (await offered(await rig.control())).session_id == SESSION

    GatewayRig.run(test)


@pytest.mark.parametrize("notices_first", ["the loss", "the new process"])
def test_what_an_agents_process_held_ends_when_the_next_one_shows_up(notices_first):
    async def test(rig):
        await rig.control(incarnation="first")
        client, agent = await rig.pair(incarnation="first")
        if notices_first == "the loss":
            agent.transport.abort()
            await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        await rig.control(incarnation="second")
        if notices_first == "the new process":
            assert SESSION not in rig.channels.ends
            agent.transport.abort()
        assert await closed_text(client) == "The agent on the node was restarted."
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_RESTARTED

    GatewayRig.run(test)


@pytest.mark.parametrize("status", [SessionStatus.CONNECTING, SessionStatus.CONNECTED])
def test_what_an_agents_process_held_ends_also_where_the_server_was_restarted_with_it(status):
    async def test(rig):
        rig.channels.add_session(status=status, agent_incarnation="first")
        await rig.gateway.live_sessions.recover()
        client = await rig.client()
        await rig.control(incarnation="second")
        assert await closed_text(client) == "The agent on the node was restarted."
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_RESTARTED

    GatewayRig.run(test, holder_return_s=0.1)


@pytest.mark.parametrize("others", [["first"], ["first", "twin"], ["twin", "first"], ["twin"]])
def test_after_a_restart_of_the_server_the_process_that_holds_a_session_keeps_it(others):
    """Also where another agent runs under the same id, whose control channel may be the newest."""

    async def test(rig):
        rig.channels.add_session(status=SessionStatus.CONNECTED, agent_incarnation="first")
        await rig.gateway.live_sessions.recover()
        client = await rig.client()
        for incarnation in others:
            await rig.control(incarnation=incarnation)
        back = await rig.agent(incarnation="first")
        await client.send(stream(m.INPUT_STREAM_DATA, b"still here"))
        assert await receive(back) == stream(m.INPUT_STREAM_DATA, b"still here")

    GatewayRig.run(test)


def test_an_agent_that_lost_its_control_channel_alone_keeps_its_sessions():
    async def test(rig):
        await rig.control(incarnation="first")
        client, agent = await rig.pair(incarnation="first")
        agent.transport.abort()
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        await rig.control(incarnation="first")
        back = await rig.agent(incarnation="first")
        await client.send(stream(m.INPUT_STREAM_DATA, b"still here"))
        assert await receive(back) == stream(m.INPUT_STREAM_DATA, b"still here")

    GatewayRig.run(test)


def test_the_newest_control_channel_wins():
    async def test(rig):
        older = await rig.control()
        newer = await rig.control()
        assert await close_code(older) == 1008
        await eventually(lambda: rig.channels.twins == [(NODE, "127.0.0.1", "127.0.0.1")])
        assert rig.notifier.is_connected(NODE)
        rig.notifier.session_started(rig.channels.add_session())
        assert (await offered(newer)).session_id == SESSION
        await newer.close()
        await eventually(lambda: not rig.notifier.is_connected(NODE))

    GatewayRig.run(test)


def test_an_older_control_channel_that_is_dead_is_no_twin():
    async def test(rig):
        older = await rig.control(incarnation="first")
        older.transport.pause_reading()  # as of a machine that lost its power
        await rig.control(incarnation="second")
        older.transport.abort()
        newest = await rig.control(incarnation="third")
        await eventually(lambda: rig.channels.twins != [])
        assert len(rig.channels.twins) == 1  # the second and the third
        await newest.close()

    GatewayRig.run(test)


def test_a_completed_session_is_acknowledged_each_time_and_told_to_the_client_once():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair()
        await client.send(stream(m.INPUT_STREAM_DATA, b"12345"))
        await receive(agent)
        await agent.close()
        for _ in range(2):
            await control.send(completion(output="sshd\x1b[31m is\nnot running", status="Failed"))
            body = decode_control_message(await receive(control)).body
            assert body == TaskAcknowledge("00010203-0405-0607-0809-0a0b0c0d0e0f", SESSION)
        assert "The node could not carry out the session: sshd [31m is not running" in await closed_text(
            client
        )
        end = rig.channels.ends[SESSION]
        assert (end.reason, end.bytes_to_node, end.bytes_to_client) == (EndReason.AGENT_FAILED, 5, 0)

    GatewayRig.run(test, completion_grace_s=PATIENCE_S, offer_delays_s=(PATIENCE_S,))


def test_an_agent_that_closes_in_good_order_ends_the_session_without_waiting_for_its_return():
    async def test(rig):
        client, agent = await rig.pair()
        await agent.close()
        assert await closed_text(client) == ""
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_ENDED

    GatewayRig.run(test)


def test_a_client_that_closes_in_good_order_ends_the_session_and_the_agent_is_told():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair()
        await client.close()
        assert m.peek_type(await receive(agent)) == m.CHANNEL_CLOSED
        assert (await told_closed(control)).session_id == SESSION
        assert rig.channels.ends[SESSION].reason is EndReason.CLIENT_LEFT

    GatewayRig.run(test)


def test_a_node_cannot_end_the_session_of_another_node():
    async def test(rig):
        client, agent = await rig.pair()
        stranger = await rig.control(OTHER_NODE)
        await stranger.send(completion())
        await receive(stranger)
        await agent.send(frame := stream(m.OUTPUT_STREAM_DATA, b"still open"))
        assert await receive(client) == frame
        await eventually(lambda: [name for name, _ in rig.channels.security_events] == ["ForeignCompletion"])

    GatewayRig.run(test)


@pytest.mark.parametrize("side", ["client", "agent"])
def test_a_side_that_was_cut_off_comes_back_and_finds_what_waited(side):
    async def test(rig):
        client, agent = await rig.pair()
        leaving, staying = (client, agent) if side == "client" else (agent, client)
        leaving.transport.abort()
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        kind = m.OUTPUT_STREAM_DATA if side == "client" else m.INPUT_STREAM_DATA
        await staying.send(frame := stream(kind, b"meanwhile"))
        back = await (rig.client() if side == "client" else rig.agent())
        assert await receive(back) == frame
        await eventually(lambda: rig.channels.steps[-1] == (SESSION, "Connected"))

    GatewayRig.run(test)


def test_a_stock_side_that_was_cut_off_is_given_what_was_lost_with_its_connection():
    async def test(rig):
        client, agent = await rig.pair(is_ours=False)
        await agent.send(first := stream(m.OUTPUT_STREAM_DATA, b"first", 0))
        assert await receive(client) == first
        client.transport.abort()
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        await agent.send(second := stream(m.OUTPUT_STREAM_DATA, b"second", 1))
        back = await rig.client(is_ours=False)
        assert [await receive(back), await receive(back)] == [first, second]

    GatewayRig.run(test)


def test_the_last_output_of_a_stock_agent_reaches_a_client_that_reads_it_late():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair(is_ours=False)
        await agent.send(last := stream(m.OUTPUT_STREAM_DATA, b"the end", 0))
        agent.transport.abort()
        await control.send(completion())
        await receive(control)
        assert await receive(client) == last
        assert SESSION not in rig.channels.ends
        payload = encode_one(m.OUTPUT_STREAM_DATA, MESSAGE_ID, 0)
        await client.send(stream(m.ACKNOWLEDGE, payload))
        assert await closed_text(client) == ""
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_ENDED

    GatewayRig.run(test)


def test_a_session_that_ends_while_its_client_opens_does_not_come_to_life_again():
    async def test(rig):
        control = await rig.control()
        await rig.pair()
        read_before = rig.channels.sessions[SESSION]
        await control.send(completion(status="Failed", output="no sshd"))
        await eventually(lambda: len(rig.gateway.live_sessions) == 0)
        with pytest.raises(SessionEnded) as refused:
            rig.gateway.live_sessions.join(
                read_before,
                ChannelSide.CLIENT,
                FakeSocket(),
                is_ours=True,
                who=Origin(source_address="127.0.0.1"),
            )
        assert "no sshd" in refused.value.explanation
        rig.notifier.session_started(read_before)
        await asyncio.sleep(0)
        assert len(rig.gateway.live_sessions) == 0

    GatewayRig.run(test)


@pytest.mark.parametrize(
    ("side", "is_ours", "reason"),
    [
        ("client", True, EndReason.CLIENT_LOST),
        ("client", False, EndReason.CLIENT_LOST),
        ("agent", True, EndReason.AGENT_LOST),
        ("agent", False, EndReason.AGENT_LOST),
    ],
)
def test_a_side_that_does_not_come_back_ends_the_session(side, is_ours, reason):
    async def test(rig):
        client, agent = await rig.pair(is_ours=is_ours)
        (client if side == "client" else agent).transport.abort()
        frame = await receive(agent if side == "client" else client)
        assert m.peek_type(frame) == m.CHANNEL_CLOSED
        assert rig.channels.ends[SESSION].reason is reason

    windows = {"resume_window_s": 0.2, "stock_resume_window_s": 60.0}
    if not is_ours:
        windows = {"resume_window_s": 60.0, "stock_resume_window_s": 0.2}
    GatewayRig.run(test, **windows)


def test_a_session_whose_agent_never_comes_fails_and_its_client_reads_so():
    async def test(rig):
        rig.channels.add_session()
        client = await rig.client()
        assert "missing: agent" in await closed_text(client)
        end = rig.channels.ends[SESSION]
        assert (end.status, end.reason) == (SessionStatus.FAILED, EndReason.NEVER_CONNECTED)

    GatewayRig.run(test, connect_timeout_s=0.3)


def test_an_idle_session_ends_and_pings_do_not_count():
    async def test(rig):
        client, _ = await rig.pair()
        for _ in range(5):
            await client.ping()
            await asyncio.sleep(0.05)
        assert "idle timeout" in await closed_text(client)

    GatewayRig.run(test, idle_timeout_s=2.0)  # in which both sides have to come, however slowly


@pytest.mark.parametrize(
    ("times", "text", "reason"),
    [
        ({"idle_timeout_minutes": 0}, "idle timeout", EndReason.IDLE_TIMEOUT),
        ({"max_duration_minutes": 1}, "lasted as long as it may", EndReason.MAX_DURATION),
    ],
    ids=["idle", "duration"],
)
def test_a_session_has_times_of_its_own_and_its_client_reads_which_one_is_over(times, text, reason):
    async def test(rig):
        rig.channels.add_session(started_at=datetime.now(UTC) - timedelta(hours=1), **times)
        assert text in await closed_text(await rig.client())
        assert rig.channels.ends[SESSION].reason is reason

    GatewayRig.run(test, connect_timeout_s=7200.0)


def test_a_session_ended_by_the_api_closes_on_both_sides_with_its_byte_counts():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair()
        await agent.send(stream(m.OUTPUT_STREAM_DATA, b"1234567"))
        await receive(client)
        end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.TERMINATED_BY_API)
        rig.notifier.session_terminated(rig.channels.sessions[SESSION], end)
        assert await closed_text(client) == "Terminated by TerminateSession."
        assert m.peek_type(await receive(agent)) == m.CHANNEL_CLOSED
        assert (await told_closed(control)).session_id == SESSION
        assert rig.channels.ends[SESSION].bytes_to_client == 7

    GatewayRig.run(test)


def test_an_end_that_could_not_be_recorded_is_told_at_once_and_recorded_later(caplog):
    async def test(rig):
        record, failures = rig.channels.end_session, iter((OSError("disk full"), OSError("disk full")))

        def end_session(session_id, end):
            for failure in failures:
                raise failure
            return record(session_id, end)

        rig.channels.end_session = end_session
        client, agent = await rig.pair()
        await agent.close()
        assert m.peek_type(await receive(client)) == m.CHANNEL_CLOSED
        await eventually(lambda: SESSION in rig.channels.ends)
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_ENDED
        assert caplog.text.count("could not record the end of session") == 2

    GatewayRig.run(test, record_again_s=0.1)


def test_a_completion_is_acknowledged_when_the_end_is_recorded_and_not_before():
    async def test(rig):
        record, entered, released = rig.channels.end_session, threading.Event(), threading.Event()

        def end_session(session_id, end):
            entered.set()
            assert released.wait(PATIENCE_S)
            return record(session_id, end)

        rig.channels.end_session = end_session
        control = await rig.control()
        await rig.pair()
        acknowledged = asyncio.ensure_future(receive(control))
        await control.send(completion())
        await eventually(entered.is_set)
        await (await control.ping())  # its answer would come behind an acknowledgement
        assert not acknowledged.done()
        released.set()
        assert isinstance(decode_control_message(await acknowledged).body, TaskAcknowledge)
        assert SESSION in rig.channels.ends

    GatewayRig.run(test, offer_delays_s=(PATIENCE_S,))


def test_an_agent_is_told_of_the_end_again_until_it_reports_the_completion():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair(is_ours=False)
        await client.close()
        for _ in range(3):
            assert m.peek_type(await receive(agent)) == m.CHANNEL_CLOSED
            assert isinstance(decode_control_message(await receive(control)).body, ChannelClosed)
        await control.send(completion())
        await rest_of(agent)  # what it was told meanwhile; unread, it would keep the goodbye out
        assert agent.close_code == 1000

    GatewayRig.run(test, closed_repeat_s=0.1)


def test_a_node_that_was_away_at_the_end_is_told_when_it_comes_back():
    async def test(rig):
        client, _ = await rig.pair()
        await client.close()
        await eventually(lambda: SESSION in rig.channels.ends)
        assert (await told_closed(await rig.control())).session_id == SESSION

    GatewayRig.run(test)


def test_a_deregistered_node_loses_its_channels_and_its_sessions():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair()
        rig.notifier.node_removed(NODE)
        assert await close_code(control) == 1008
        assert await close_code(agent) == 1008
        assert await closed_text(client) == "The node was deregistered."

    GatewayRig.run(test)


def test_a_stopping_gateway_tells_everybody_to_come_back_and_ends_no_session():
    async def test(rig):
        control = await rig.control()
        client, agent = await rig.pair()
        await rig.gateway.stop(2)
        assert [await close_code(ws) for ws in (control, agent, client)] == [1012] * 3
        assert not rig.channels.ends

    GatewayRig.run(test)


def test_after_a_restart_both_sides_come_back_and_those_that_do_not_lose_their_session():
    async def test(rig):
        lost = "bob-0123456789abcdefghijklmnop"
        rig.channels.add_session(status=SessionStatus.CONNECTED)
        rig.channels.add_session(id=lost, status=SessionStatus.DISCONNECTED)
        with ThreadPoolExecutor(1) as executor:
            client, agent = await rig.connect(DATA_PATH), await rig.connect(DATA_PATH, f"node {NODE}")
            await rig.gateway.live_sessions.recover()
            await client.send(ClientOpen("r", rig.channels.client_token(), "c", "1.2.764.0", 1).encode())
            token = rig.channels.give_token("agent", SESSION, NODE)
            await agent.send(AgentOpen("r", token, NODE, "", 1).encode())
            await client.send(frame := stream(m.INPUT_STREAM_DATA, b"again"))
            assert await receive(agent) == frame
            await eventually(lambda: lost in rig.channels.ends)
            assert SESSION not in rig.channels.ends
            executor.shutdown()

    GatewayRig.run(test, resume_window_s=4.0)  # in which both sides have to come back, however slowly


def test_a_session_to_a_node_that_is_expected_back_is_offered_when_it_returns():
    async def test(rig):
        assert rig.notifier.is_reconnecting(NODE)
        assert not rig.notifier.is_connected(NODE)
        rig.notifier.session_started(rig.channels.add_session())
        await rig.client()
        await asyncio.sleep(0.3)
        control = await rig.control()
        assert (await offered(control)).session_id == SESSION
        assert not rig.notifier.is_reconnecting(NODE)

    GatewayRig.run(test, connected=(NODE,), connect_timeout_s=0.1)


def test_a_session_to_a_node_that_does_not_come_back_fails_and_its_client_reads_so():
    async def test(rig):
        rig.notifier.session_started(rig.channels.add_session())
        client = await rig.client()
        await eventually(
            lambda: rig.gateway.live_sessions._sessions[SESSION].relay.has_joined(ChannelSide.CLIENT)
        )
        rig.gateway.live_sessions.nodes_stayed_away([NODE, OTHER_NODE])
        assert await closed_text(client) == "The node did not come back after the server had been restarted."
        assert rig.channels.ends[SESSION].status is SessionStatus.FAILED

    GatewayRig.run(test, connected=(NODE,))


def test_a_node_that_leaves_is_not_expected_back_and_one_that_the_stop_cuts_off_is():
    async def test(rig):
        leaving, staying = await rig.control(), await rig.control(OTHER_NODE)
        await leaving.close()
        await eventually(lambda: rig.channels.connected_nodes() == [OTHER_NODE])
        await rig.gateway.stop(2)
        assert await close_code(staying) == 1012
        assert rig.channels.connected_nodes() == [OTHER_NODE]

    GatewayRig.run(test, presences_together_s=0.05)


def test_a_node_that_is_deregistered_while_its_channel_is_judged_does_not_stay_connected():
    async def test(rig):
        rig.channels.deregistered.add(NODE)
        ws = await rig.connect(f"/v1/control-channel/{NODE}?role=subscribe&stream=input", f"node {NODE}")
        token = rig.channels.give_token("control", NODE, NODE)
        await ws.send(ControlOpen("r", token, "3.3.0.0", "linux").encode())
        assert await close_code(ws) == 1008
        await eventually(lambda: not rig.notifier.is_connected(NODE))

    GatewayRig.run(test)


def test_a_stopping_gateway_lets_nodes_go_before_clients():
    async def test(rig):
        client, agent = await rig.pair()
        agent.transport.pause_reading()  # a node that says no goodbye
        stopping = asyncio.get_running_loop().create_task(rig.gateway.stop(30))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.wait_closed(), 0.3)
        agent.transport.resume_reading()
        assert await close_code(agent) == 1012
        assert await close_code(client) == 1012
        await stopping

    GatewayRig.run(test, nodes_goodbye_s=60)


def test_after_a_restart_a_stock_agent_that_gave_its_session_up_is_not_awaited_for_long():
    async def test(rig):
        rig.channels.add_session(status=SessionStatus.CONNECTED)
        await rig.gateway.live_sessions.recover()
        client = await rig.client()
        await rig.control()
        assert await closed_text(client) == "The node did not come back within the resume window."

    GatewayRig.run(test, resume_window_s=60, stock_resume_window_s=0.3)


def test_fifty_sessions_of_one_node_run_at_once():
    async def test(rig):
        control = await rig.control()
        ids = [f"user{n}-0123456789abcdefghijklmnop" for n in range(50)]
        for session_id in ids:
            rig.notifier.session_started(rig.channels.add_session(id=session_id))
        assert {(await offered(control)).session_id for _ in ids} == set(ids)

        async def use(session_id):
            client, agent = await asyncio.gather(rig.client(session_id), rig.agent(session_id))
            await client.send(frame := stream(m.INPUT_STREAM_DATA, session_id.encode()))
            assert await receive(agent) == frame
            await agent.close()
            assert await closed_text(client) == ""

        await asyncio.gather(*map(use, ids))
        assert set(rig.channels.ends) == set(ids)
        assert len(rig.gateway.live_sessions) == 0

    GatewayRig.run(test)


def test_a_malformed_control_message_closes_the_control_channel():
    async def test(rig):
        control = await rig.control()
        await control.send(b"x" * 200)
        assert await close_code(control) == 1008
        assert not rig.notifier.is_connected(NODE)

    GatewayRig.run(test)


def test_a_long_control_message_in_fragments_is_taken():
    async def test(rig):
        control = await rig.control()
        await rig.pair()
        frame = completion(output="x" * 60_000, status="Failed")
        await control.send([frame[at : at + 4096] for at in range(0, len(frame), 4096)])
        assert isinstance(decode_control_message(await receive(control)).body, TaskAcknowledge)
        await eventually(lambda: SESSION in rig.channels.ends)
        assert len(rig.channels.ends[SESSION].details) <= 500

    GatewayRig.run(test)


def test_a_silent_socket_is_pinged_and_then_closed():
    async def test(rig):
        control = await rig.control()
        control.protocol.recv_frame = lambda frame: None  # hears nothing, answers nothing
        await eventually(lambda: not rig.notifier.is_connected(NODE))

    GatewayRig.run(test, silence_check_s=0.2)
