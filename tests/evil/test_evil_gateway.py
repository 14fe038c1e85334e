"""A gateway in an attacker's hands and a real agent: replayed offers, other names, every wrong frame."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.frames import Opcode

from fairlead.protocol import message as m
from tests.evil.test_evil_frames import HUGE, acknowledgement, forged
from tests.support.agent_runs import agent, echo, gateway, tcp_server
from tests.support.fake_gateway import SSH_DOCUMENT, FakeClient, FakeGateway, Leg

WORDS = b"SSH-2.0-still the same\r\n"


@asynccontextmanager
async def counting_server(connections: list[object]) -> AsyncIterator[int]:
    """An echo server that keeps account of who came."""

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await echo(reader, writer)

    async with tcp_server(counted) as port:
        yield port


async def still_works(server: FakeGateway, session_id: str, port: int) -> None:
    """A new session, from offer to completion."""
    client = server.offer(session_id, port)
    await client.until_open()
    await client.send(WORDS)
    await client.until(lambda client: client.received == WORDS)
    await client.terminate()
    await server.completion(session_id)


def in_log(caplog: pytest.LogCaptureFixture) -> str:
    """Everything the agent logged, which must be fit for a terminal and without a trace."""
    assert all(line.isprintable() for line in caplog.messages)
    assert not any(record.exc_info for record in caplog.records)
    return "\n".join(caplog.messages)


def test_an_old_offer_with_another_port_leads_nowhere(tmp_path: Path) -> None:
    """While its session runs, and after its end: an id is good for one session and one target."""

    async def scenario() -> None:
        theirs: list[object] = []
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server),
            tcp_server(echo) as port,
            counting_server(theirs) as other_port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            server.offer("alice-1", other_port)
            await client.send(WORDS)
            await client.until(lambda client: client.received == WORDS)
            await client.terminate()
            await server.completion("alice-1")
            server.offer("alice-1", other_port)
            await server.until(lambda gateway: len(gateway.completions) > 1)
            await still_works(server, "alice-2", port)
            assert theirs == []
            assert len(server.of("CreateDataChannel")) == 2

    asyncio.run(scenario())


NAMES = [
    "../control-channel/mi-1", "..", ".", "a/b", "a?role=x", "a#b", "a%2Fb", "a b", "a\r\nX-Evil: 1",
    "a\x1b[2J", "é", "x" * 300,
]  # fmt: skip


def test_sessions_of_impossible_names_make_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")

    async def scenario() -> None:
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            for name in NAMES:
                server.offer(name, port)
                server.close_session(name)
            await still_works(server, "alice-1", port)
            targets = {seen.target for seen in server.seen if "data-channel" in seen.target}
            assert {target.partition("?")[0] for target in targets} == {"/v1/data-channel/alice-1"}

    asyncio.run(scenario())
    assert in_log(caplog).count("impossible id") >= len(NAMES)


def test_texts_of_an_offer_are_fit_for_a_terminal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")
    evil = "al\x1b]0;owned\x07\r\n2026-01-01 INFO forged \u202e"

    async def scenario() -> None:
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port, owner=evil, document_name=evil)
            await client.until_open()
            server.offer("alice-2", port, owner=evil, document={"schemaVersion": evil, "sessionType": evil})
            done = await server.completion("alice-2")
            assert done.output.isprintable()
            server.offer("alice-3", port, document=SSH_DOCUMENT | {"sessionType": evil})
            done = await server.completion("alice-3")
            assert done.output.isprintable()

    asyncio.run(scenario())
    assert "forged" in in_log(caplog)


CONTROL_RUBBISH = [
    b"",
    b"\x00" * 200,
    os.urandom(500),
    forged(m.INTERACTIVE_SHELL, b"[" * 50_000),
    forged(m.INTERACTIVE_SHELL, {"Content": "[" * 50_000}),
    forged(m.INTERACTIVE_SHELL, {"Content": '{"SessionId": 7}'}),
    forged(m.CHANNEL_CLOSED, {"SessionId": ["x"]}),
    forged(m.AGENT_TASK_ACKNOWLEDGE, {"MessageId": "\x1b" * 10, "TaskId": "x"}),
    forged(b"never_heard_of", {"x": 1}),
    forged(m.OUTPUT_STREAM_DATA, b"data on the wrong channel"),
]


def send(leg: Leg, opcode: Opcode, data: bytes) -> None:
    """One WebSocket message of any kind."""
    if opcode is Opcode.TEXT:
        leg._protocol.send_text(data)
    else:
        leg._protocol.send_binary(data)
    leg.flush()


def test_rubbish_on_the_control_channel_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")

    async def scenario() -> None:
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            control = await server.until_control()
            for opcode in (Opcode.BINARY, Opcode.TEXT):
                for data in CONTROL_RUBBISH:
                    send(control, opcode, data)
            await still_works(server, "alice-1", port)
            assert server.control is control

    asyncio.run(scenario())
    assert "dropped a control message" in in_log(caplog)


def test_a_control_message_beyond_all_limits_costs_the_connection_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")

    async def scenario() -> None:
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            control = await server.until_control()
            control.send(bytes(3 * m.MAX_FRAME_BYTES))
            await server.until(lambda gateway: gateway.control not in (None, control), 60)
            await still_works(server, "alice-1", port)

    asyncio.run(scenario())
    in_log(caplog)


STREAM_RUBBISH = [
    b"",
    os.urandom(400),
    acknowledgement(HUGE, Cumulative=True, Received=HUGE, Reconnected=True),
    acknowledgement(-5),
    forged(m.ACKNOWLEDGE, b"{" * 900),
    forged(m.OUTPUT_STREAM_DATA, b"the agent's own type", 2, m.PayloadType.OUTPUT),
    forged(m.INPUT_STREAM_DATA, b"an old number", 0, m.PayloadType.OUTPUT),
    forged(m.INPUT_STREAM_DATA, b"far ahead", HUGE, m.PayloadType.OUTPUT),
    forged(m.INPUT_STREAM_DATA, b"before all", -3, m.PayloadType.OUTPUT),
    forged(m.CHANNEL_CLOSED, b"not JSON"),
    forged(m.INTERACTIVE_SHELL, {"Content": "{}"}),
    forged(m.START_PUBLICATION, b""),
]


def test_rubbish_on_a_data_channel_changes_nothing_of_the_stream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")

    async def scenario() -> None:
        data = os.urandom(200_000)
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            for start in range(0, len(data), 50_000):
                for rubbish in STREAM_RUBBISH:
                    for opcode in (Opcode.BINARY, Opcode.TEXT):
                        send(client.legs[-1], opcode, rubbish)
                await client.send(data[start : start + 50_000])
            await client.until(lambda client: len(client.received) >= len(data))
            assert bytes(client.received) == data
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())
    in_log(caplog)


def test_old_frames_again_after_a_cut_are_not_taken_twice(tmp_path: Path) -> None:
    """Everything that the client ever sent, once more and in reverse, on the agent's new connection."""

    async def scenario() -> None:
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            sent = recording(client)
            await client.until_open()
            for number in range(20):
                await client.send(b"%d," % number)
            expected = b"".join(b"%d," % number for number in range(20))
            await client.until(lambda client: client.received == expected)
            client.cut()
            await client.until(lambda client: len(client.legs) == 2)
            for frame in list(reversed(sent)):
                client.legs[-1].send(frame)
            await client.send(b"the end")
            await client.until(lambda client: client.received.endswith(b"the end"))
            assert bytes(client.received) == expected + b"the end"
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())


def recording(client: FakeClient) -> list[bytes]:
    """Keeps every frame that the client's channel hands out from now on."""
    sent: list[bytes] = []
    take = client.channel.frames_to_send

    def taken() -> list[object]:
        frames = take()
        sent.extend(bytes(frame.message) for frame in frames)
        return frames

    client.channel.frames_to_send = taken
    return sent


def test_a_flood_of_offers_opens_no_more_connections_than_the_owner_allows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fairlead.agent")

    async def scenario() -> None:
        connections: list[object] = []
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, max_sessions=3),
            counting_server(connections) as port,
        ):
            for number in range(500):
                server.offer(f"flood-{number}", port)
            await server.until(lambda gateway: len(connections) == 3, 60)
            await server.until(lambda gateway: gateway.completions, 60)
            assert all("max_sessions" in done.output for _, done in server.completions)
            assert len(connections) == 3

    asyncio.run(scenario())
    in_log(caplog)
