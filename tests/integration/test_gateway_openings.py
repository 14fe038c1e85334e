"""How a WebSocket gets its place, or does not: addresses, signatures, open frames, tokens."""

import asyncio
import gc
import json
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fairlead.domain.errors import SessionEnded, Throttled, UnknownResumeSecret
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from fairlead.gateway.close_codes import CloseCode
from fairlead.protocol import message as m
from fairlead.protocol.control_channel import (
    ChannelClosed,
    ReturnPace,
    decode_control_message,
    encode_control_message,
)
from fairlead.protocol.open_channel import RESUME_HEADER, RESUME_HEADER_VALUE, AgentOpen, ClientOpen
from tests.support.gateway_rig import (
    NODE,
    SESSION,
    GatewayRig,
    close_code,
    closed_text,
    eventually,
    receive,
    rest_of,
    stream,
)
from tests.support.waiting import PATIENCE_S

DATA_PATH = f"/v1/data-channel/{SESSION}?role=publish_subscribe"
CONTROL_PATH = f"/v1/control-channel/{NODE}?role=subscribe&stream=input"


def test_pings_before_the_open_frame_are_answered():
    async def test(rig):
        rig.channels.add_session()
        ws = await rig.connect(DATA_PATH)
        await asyncio.wait_for(await ws.ping(b"keepalive"), PATIENCE_S)
        await ws.send(ClientOpen("r", rig.channels.client_token(), "c").encode())
        await eventually(lambda: len(rig.gateway.live_sessions) == 1)

    GatewayRig.run(test)


def test_an_old_plugin_without_a_version_in_its_open_frame_is_a_client():
    async def test(rig):
        rig.channels.add_session()
        agent = await rig.agent()
        client = await rig.connect(DATA_PATH)
        await client.send(json.dumps({"TokenValue": rig.channels.client_token(), "ClientId": "c"}))
        frame = stream(m.OUTPUT_STREAM_DATA, b"hello")
        await agent.send(frame)
        assert await receive(client) == frame

    GatewayRig.run(test)


@pytest.mark.parametrize("authorization", [None, "user alice"])
def test_a_client_may_sign_its_upgrade_or_not(authorization):
    async def test(rig):
        rig.channels.add_session()
        ws = await rig.connect(DATA_PATH, authorization)
        await ws.send(ClientOpen("r", rig.channels.client_token(), "c").encode())
        await eventually(lambda: len(rig.gateway.live_sessions) == 1)

    GatewayRig.run(test)


def test_a_client_whose_token_is_refused_is_told_so_before_its_connection_closes():
    async def test(rig):
        rig.channels.add_session()
        client = await rig.client(token="made up")
        assert await closed_text(client) == "The token is not valid."
        assert await close_code(client) == 1008

    GatewayRig.run(test)


def test_a_token_opens_one_channel():
    async def test(rig):
        rig.channels.add_session()
        token = rig.channels.client_token()
        await rig.client(token=token)
        assert await closed_text(await rig.client(token=token)) == "The token is not valid."

    GatewayRig.run(test)


def test_the_token_of_one_session_does_not_open_another():
    async def test(rig):
        rig.channels.add_session()
        rig.channels.add_session(id="bob-0123456789abcdefghijklmnop")
        client = await rig.client("bob-0123456789abcdefghijklmnop", rig.channels.client_token(SESSION))
        assert await closed_text(client) == "The token is not valid."

    GatewayRig.run(test)


def test_a_node_does_not_get_in_with_a_clients_token_nor_a_client_with_a_nodes():
    async def test(rig):
        rig.channels.add_session()
        assert await close_code(await rig.agent(token=rig.channels.client_token())) == 1008
        agents = rig.channels.give_token("agent", SESSION, NODE)
        assert await closed_text(await rig.client(token=agents)) == "The token is not valid."

    GatewayRig.run(test)


def test_a_node_cannot_open_a_channel_in_the_name_of_another_node():
    async def test(rig):
        rig.channels.add_session()
        ws = await rig.connect(DATA_PATH, "node mi-00000000000000666")
        await ws.send(AgentOpen("r", rig.channels.give_token("agent", SESSION, NODE), NODE).encode())
        assert await close_code(ws) == 1008
        await eventually(lambda: [name for name, _ in rig.channels.security_events] == ["ChannelSideRefused"])

    GatewayRig.run(test)


def test_an_unsigned_agent_is_refused_whatever_its_token():
    async def test(rig):
        rig.channels.add_session()
        ws = await rig.connect(DATA_PATH)
        await ws.send(AgentOpen("r", rig.channels.give_token("agent", SESSION, NODE), NODE).encode())
        assert await closed_text(ws)
        assert await close_code(ws) == 1008

    GatewayRig.run(test)


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        (CONTROL_PATH, None, 403),
        (CONTROL_PATH, "user alice", 403),
        (CONTROL_PATH, "node mi-00000000000000666", 403),
        (DATA_PATH, "nonsense", 403),
        (f"/v1/data-channel/{SESSION}", None, 400),
        (f"/v1/control-channel/{NODE}?role=publish_subscribe", f"node {NODE}", 400),
        ("/v1/data-channel/?role=publish_subscribe", None, 404),
        (f"/v1/data-channel/{SESSION}/?role=publish_subscribe", None, 404),
        (f"/v1/data-channel/..%2f{SESSION}?role=publish_subscribe", None, 404),
        (f"/v1/data-channel/alice%2d{SESSION[6:]}?role=publish_subscribe", None, 404),
        (f"/v1/Data-Channel/{SESSION}?role=publish_subscribe", None, 404),
        (f"/v1/x/../data-channel/{SESSION}?role=publish_subscribe", None, 404),
        ("/", None, 404),
    ],
)
def test_other_addresses_and_callers_are_answered_in_http(path, authorization, status):
    async def test(rig):
        rig.channels.add_session()
        with pytest.raises(InvalidStatus) as refused:
            await rig.connect(path, authorization)
        assert refused.value.response.status_code == status

    GatewayRig.run(test)


def test_a_session_id_in_other_case_is_another_session():
    async def test(rig):
        rig.channels.add_session()
        client = await rig.client(SESSION.upper(), rig.channels.client_token(SESSION))
        assert await closed_text(client) == "The token is not valid."

    GatewayRig.run(test)


def test_a_socket_without_an_open_frame_is_closed_in_time():
    async def test(rig):
        ws = await rig.connect(DATA_PATH)
        assert await close_code(ws) == 1008
        assert "no open frame" in ws.close_reason

    GatewayRig.run(test, open_timeout_s=0.2)


@pytest.mark.parametrize(
    "first", [b"binary", "x" * 9000, "not json", "{}", '{"TokenValue": 7}'], ids=lambda first: repr(first[:9])
)
def test_anything_but_an_open_frame_closes_the_socket(first):
    async def test(rig):
        ws = await rig.connect(DATA_PATH)
        await ws.send(first)
        assert await close_code(ws) == 1008

    GatewayRig.run(test)


def test_what_comes_right_behind_the_open_frame_is_not_lost():
    async def test(rig):
        rig.channels.add_session()
        client = await rig.client()
        agent = await rig.connect(DATA_PATH, f"node {NODE}")
        frames = [stream(m.OUTPUT_STREAM_DATA, bytes(1024), n) for n in range(8)]
        token = rig.channels.give_token("agent", SESSION, NODE)
        await agent.send(AgentOpen("r", token, NODE).encode())
        for frame in frames:
            await agent.send(frame)
        assert [await receive(client) for _ in frames] == frames

    GatewayRig.run(test)


def test_a_flood_before_the_open_frame_is_accepted_is_cut():
    async def test(rig):
        ws = await rig.connect(DATA_PATH)
        with suppress(ConnectionClosed):
            for _ in range(1000):
                await ws.ping()
        assert await close_code(ws) == 1006
        await eventually(lambda: not rig.gateway._open_sockets)

    GatewayRig.run(test, max_opening_bytes=2048)


def test_a_side_that_returns_may_replay_its_window_right_behind_its_open_frame():
    async def test(rig):
        first, agent = await rig.pair()
        await first.close(1001)
        frames = [stream(m.INPUT_STREAM_DATA, bytes([number]) * 65_536) for number in range(64)]
        second = await rig.client()

        async def replay():
            for frame in frames:
                await second.send(frame)

        async with asyncio.TaskGroup() as both:
            both.create_task(replay())
            assert [await receive(agent) for _ in frames] == frames

    GatewayRig.run(test)


def test_a_second_client_takes_the_place_of_the_first():
    async def test(rig):
        first, agent = await rig.pair()
        second = await rig.client()
        assert await close_code(first) == 1008
        frame = stream(m.OUTPUT_STREAM_DATA, b"to the second")
        await agent.send(frame)
        assert await receive(second) == frame
        assert SESSION not in rig.channels.ends

    GatewayRig.run(test)


def test_an_ended_session_is_not_joined_and_the_client_reads_why():
    async def test(rig):
        end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT)
        session = rig.channels.add_session()
        token = rig.channels.client_token()
        rig.channels.end_session(SESSION, end)
        assert await closed_text(await rig.client(token=token)) == "Session is already terminated"
        assert session.id not in rig.gateway.live_sessions._sessions

    GatewayRig.run(test)


def test_a_data_channel_says_that_clients_may_come_back_with_a_secret():
    async def test(rig):
        rig.channels.add_session()
        data, control = await rig.connect(DATA_PATH), await rig.connect(CONTROL_PATH, f"node {NODE}")
        assert data.response.headers[RESUME_HEADER] == RESUME_HEADER_VALUE
        assert RESUME_HEADER not in control.response.headers

    GatewayRig.run(test)


async def come_back(rig):
    ws = await rig.connect(DATA_PATH)
    frame = ClientOpen("r", "", "c", "1.2.764.0", resume_secret="5e" * 32, resume_digest="d1" * 32)
    await ws.send(frame.encode())
    return ws


def test_a_client_that_comes_back_with_its_secret_takes_its_place_again():
    async def test(rig):
        first, agent = await rig.pair()
        second = await come_back(rig)
        assert await close_code(first) == 1008
        frame = stream(m.OUTPUT_STREAM_DATA, b"to the second")
        await agent.send(frame)
        assert await receive(second) == frame
        claim = rig.channels.claims[-1]
        assert (claim.token, claim.resume_secret, claim.version) == ("", "5e" * 32, "1.2.764.0")
        assert claim.promised_digest == bytes.fromhex("d1" * 32)

    GatewayRig.run(test)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(UnknownResumeSecret(), CloseCode.RESUME_UNKNOWN), (Throttled(), CloseCode.TRY_LATER)],
)
def test_a_client_that_may_try_something_else_is_told_by_the_close_code_alone(refusal, code):
    async def test(rig):
        rig.channels.add_session()
        rig.channels.refusal = refusal
        ws = await come_back(rig)
        assert await rest_of(ws) == []
        assert await close_code(ws) == code

    GatewayRig.run(test)


def test_a_client_whose_owner_lost_the_right_reads_why():
    async def test(rig):
        rig.channels.add_session()
        rig.channels.refusal = SessionEnded("The right to this session was withdrawn: no.")
        ws = await come_back(rig)
        assert await closed_text(ws) == "The right to this session was withdrawn: no."
        assert await close_code(ws) == 1008

    GatewayRig.run(test)


def test_an_open_channel_holds_nothing_of_the_request_that_it_began_with():
    async def test(rig):
        await rig.control()
        of_this_gateway = (rig.gateway.http_protocol, rig.gateway.upgrade_protocol)
        await eventually(lambda: not _alive(of_this_gateway))

    GatewayRig.run(test)


def _alive(kinds) -> list[object]:
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, kinds)]


def test_a_node_has_a_limited_number_of_data_channels():
    async def test(rig):
        other = "bob-0123456789abcdefghijklmnop"
        rig.channels.add_session()
        rig.channels.add_session(id=other)
        await rig.agent()
        await eventually(lambda: len(rig.gateway.live_sessions) == 1)
        assert await close_code(await rig.agent(other)) == 1013

    GatewayRig.run(test, max_data_channels_per_node=1)


def test_an_agent_of_ours_is_told_at_what_pace_its_fleet_comes_back_and_aws_agent_is_not():
    async def test(rig):
        stock = await rig.control("mi-0aaaaaaaaaaaaaaaa")
        ours = await rig.control(incarnation="7e1f3c52-6f7b-4a57-9c0b-0f5d2f9b7f11")
        received = decode_control_message(await receive(ours))
        assert received.body == ReturnPace(20)
        assert rig.gateway.control_channels.send("mi-0aaaaaaaaaaaaaaaa", frame := closed_frame())
        assert await receive(stock) == frame

    GatewayRig.run(test, return_cost_s=10.0, paces_together_s=0.01)


def closed_frame() -> bytes:
    return encode_control_message(ChannelClosed(SESSION), message_id=bytes(16), created_date=1)
