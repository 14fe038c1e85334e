"""Sessions of a running agent: bytes both ways, every way to end, offers that come twice or go too far."""

import asyncio
import hashlib
import logging
import os
import re

import pytest

from fairlead.agent.port_session import MAX_LOGGED_DROPS
from fairlead.protocol.events import ConnectFailed, EndOfInput
from fairlead.protocol.settings import ChannelSettings
from tests.support.agent_runs import agent, echo, gateway, tcp_server
from tests.support.fake_gateway import NODE, SSH_DOCUMENT, Answer
from tests.support.waiting import PATIENCE_S, at_rest
from tools.wire import reset_at_close


def test_bytes_pass_unchanged_both_ways(tmp_path):
    async def scenario():
        data = os.urandom(8_000_000)
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            async with asyncio.TaskGroup() as group:
                group.create_task(client.send(data))
                group.create_task(client.until(lambda client: len(client.received) == len(data)))
            assert hashlib.sha256(client.received).digest() == hashlib.sha256(data).digest()
            await client.end_input()
            completion = await server.completion("alice-1")
        assert (completion.final_task_status, completion.output) == ("Success", "")
        assert completion.instance_id == NODE
        assert client.has(EndOfInput)
        assert client.opens[0].fairlead_version == 1
        assert client.opens[0].client_instance_id == NODE

    asyncio.run(scenario())


def test_an_official_client_is_served_too(tmp_path):
    async def scenario():
        data = os.urandom(500_000)
        stock = ChannelSettings("1.2.0.0", fairlead=False)
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port, settings=stock)
            await client.until_open()
            assert not client.channel.terms.own
            await client.send(data)
            await client.until(lambda client: len(client.received) == len(data))
            assert bytes(client.received) == data
            await client.terminate()
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Success"

    asyncio.run(scenario())


@pytest.mark.parametrize("wanted", [False, True])
def test_an_ssh_session_has_payload_digests_where_the_agent_is_set_to_make_them(tmp_path, wanted):
    async def scenario():
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, payload_digests=wanted),
            tcp_server(echo) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            assert client.channel.terms.zero_digest is not wanted
            await client.send(b"there and back")
            await client.until(lambda client: client.received == b"there and back")
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_the_last_bytes_of_the_target_arrive_before_the_session_ends(tmp_path):
    async def talk_and_leave(reader, writer):
        writer.write(b"x" * 3_000_000 + b"the end")
        await writer.drain()

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(talk_and_leave) as port:
            client = server.offer("alice-1", port)
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Success"
        assert len(client.received) == 3_000_007
        assert client.received.endswith(b"the end")

    asyncio.run(scenario())


def test_the_end_of_the_clients_input_reaches_the_target_and_its_answer_the_client(tmp_path):
    async def count(reader, writer):
        writer.write(str(len(await reader.read(-1))).encode())
        await writer.drain()

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(count) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.send(b"12345" * 1000)
            await client.end_input()
            await server.completion("alice-1")
        assert client.received == b"5000"

    asyncio.run(scenario())


def test_a_client_may_go_on_after_the_targets_last_byte(tmp_path):
    grace = {"half_closed_grace_s": 2.0}

    async def scenario():
        arrived = bytearray()

        async def speak_first(reader, writer):
            writer.write(b"my last word")
            writer.write_eof()
            while data := await reader.read(65536):
                arrived.extend(data)

        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, **grace),
            tcp_server(speak_first) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until(lambda client: client.has(EndOfInput))
            for _ in range(12):  # for longer than the grace, and far more often
                await asyncio.sleep(0.2)
                await client.send(b"more ")
            await client.end_input()
            await server.completion("alice-1")
        assert arrived == b"more " * 12

    asyncio.run(scenario())


def test_a_slow_target_that_has_spoken_its_last_word_still_gets_all_of_the_clients_input(tmp_path):
    async def scenario():
        arrived = []

        async def speak_first_and_read_late(reader, writer):
            writer.write(b"my last word")
            writer.write_eof()
            await asyncio.sleep(1.0)
            arrived.append(len(await reader.read(-1)))

        data = bytes(12_000_000)
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, window_bytes=16 * 1024 * 1024, half_closed_grace_s=0.2),
            tcp_server(speak_first_and_read_late) as port,
        ):
            client = server.offer(
                "alice-1", port, settings=ChannelSettings("1.2.0.0", window_bytes=16 * 1024 * 1024)
            )
            await client.until(lambda client: client.has(EndOfInput))
            await client.send(data)
            await client.end_input()
            await server.completion("alice-1")
        assert arrived == [len(data)]

    asyncio.run(scenario())


def test_a_session_ends_with_its_target_although_the_client_goes_on_sending(tmp_path):
    async def scenario():
        async def speak_and_close(reader, writer):
            writer.write(b"my last word")

        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(speak_and_close) as port:
            client = server.offer("alice-1", port)
            await client.until(lambda client: client.has(EndOfInput))
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(_send_for_ever(client))
                completion = await server.completion("alice-1")
                sending.cancel()
        assert completion.final_task_status == "Success"
        assert client.received == b"my last word"

    asyncio.run(scenario())


async def _send_for_ever(client):
    while True:
        await client.send(b"more ")
        await asyncio.sleep(0.1)


def test_a_client_that_says_nothing_after_the_targets_end_does_not_hold_the_session(tmp_path):
    async def speak(reader, writer):
        writer.write(b"my last word")

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(speak) as port:
            client = server.offer("alice-1", port)
            await client.until(lambda client: client.has(EndOfInput))
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_a_client_that_sends_rubbish_cannot_fill_the_log(tmp_path, caplog):
    caplog.set_level(logging.INFO, "fairlead.agent")

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            for _ in range(500):
                client.legs[-1].send(b"no agent message")
            await client.send(b"and one that is")
            await client.until(lambda client: client.received == b"and one that is")
            await client.terminate()
            await server.completion("alice-1")
        lines = [line for line in caplog.messages if "dropped a frame" in line]
        assert len(lines) == MAX_LOGGED_DROPS
        assert lines[-1].endswith("further ones are dropped in silence")

    asyncio.run(scenario())


def test_a_target_that_breaks_the_connection_is_named_with_the_reason(tmp_path):
    async def scenario():
        async def speak_and_reset(reader, writer):
            writer.write(b"part")
            await reader.read(100)
            reset_at_close(writer.get_extra_info("socket"))
            writer.transport.abort()

        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(speak_and_reset) as port:
            client = server.offer("alice-1", port)
            await client.until(lambda client: client.received == b"part")
            await client.send(b"go")
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Failed"
        assert completion.output == (
            f"the connection to localhost:{port} on the node broke: Connection reset by peer"
        )

    asyncio.run(scenario())


def test_a_refused_port_ends_in_words(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            async with tcp_server(echo) as free_port:
                pass
            server.offer("alice-1", free_port)
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Failed"
        assert completion.output.startswith(
            f"Unable to connect to specified port: cannot connect to localhost:{free_port}"
        )
        assert "refused" in completion.output

    asyncio.run(scenario())


def test_a_client_that_hears_nothing_from_the_gateway_is_told_by_flag(tmp_path):
    """Here the target is found to be gone only after the client has come."""

    async def hang_up(reader, writer):
        pass

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server, redial_limit=1):
            async with tcp_server(hang_up) as port:
                client = server.offer("alice-1", port)
                completion = await server.completion("alice-1")
            assert "hung up 2 times before its first word" in completion.output
            assert "MaxStartups" in completion.output
            await client.until(lambda client: client.has(ConnectFailed))

    asyncio.run(scenario())


def test_a_target_that_hangs_up_before_its_first_word_is_dialled_again(tmp_path):
    async def scenario():
        attempts = []

        async def busy_sshd(reader, writer):
            attempts.append(writer.get_extra_info("peername")[0])
            if len(attempts) == 1:
                return
            if len(attempts) == 2:
                writer.write(b"Exceeded MaxStartups\r\n")
                return
            writer.write(b"SSH-2.0-test\r\n")
            while data := await reader.read(1000):
                writer.write(data)

        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(busy_sshd) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.send(b"SSH-2.0-client\r\n")
            await client.until(lambda client: len(client.received) == 30)
            assert client.received == b"SSH-2.0-test\r\nSSH-2.0-client\r\n"
            await client.terminate()
            await server.completion("alice-1")
        assert len(attempts) == 3
        assert len(set(attempts)) == 1, "one principal, one source address"
        assert attempts[0] != "127.0.0.1"

    asyncio.run(scenario())


def test_what_is_no_ssh_client_is_not_repeated_to_a_target_that_hangs_up(tmp_path):
    async def scenario():
        requests = []

        async def drop_after_request(reader, writer):
            requests.append(await reader.read(1000))

        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server),
            tcp_server(drop_after_request) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.send(b"transfer 100")
            completion = await server.completion("alice-1")
        assert requests == [b"transfer 100"]
        assert completion.final_task_status == "Success"

    asyncio.run(scenario())


def test_a_second_offer_of_a_running_session_is_ignored(tmp_path):
    async def scenario():
        connections = []

        async def counted(reader, writer):
            connections.append(writer)
            await echo(reader, writer)

        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(counted) as port:
            client = server.offer("alice-1", port)
            server.offer("alice-1", port)
            await client.until_open()
            server.offer("alice-1", port)
            await client.send(b"still here")
            await client.until(lambda client: client.received == b"still here")
            assert len(connections) == 1
            assert len(server.of("CreateDataChannel")) == 1
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_an_offer_of_an_ended_session_is_answered_with_its_end(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.terminate()
            await server.completion("alice-1")
            server.offer("alice-1", port)
            await server.until(lambda gateway: len(gateway.completions) == 2)
            assert len(server.of("CreateDataChannel")) == 1

    asyncio.run(scenario())


def test_a_request_to_end_is_answered_with_the_end_again_and_again(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.terminate()
            await server.completion("alice-1")
            server.close_session("alice-1")
            await server.until(lambda gateway: len(gateway.completions) == 2)
            assert server.completions[1][1].final_task_status == "Success"

    asyncio.run(scenario())


def test_a_request_to_end_a_session_of_an_earlier_process_is_answered_in_words(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            server.close_session("alice-before")
            completion = await server.completion("alice-before")
        assert completion.final_task_status == "Failed"
        assert "started anew" in completion.output

    asyncio.run(scenario())


def test_the_server_ends_a_session_on_the_control_channel(tmp_path):
    async def scenario():
        ended = asyncio.Event()

        async def watched(reader, writer):
            await reader.read(-1)
            ended.set()

        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(watched) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            server.close_session("alice-1")
            completion = await server.completion("alice-1")
            assert completion.final_task_status == "Success"
            await asyncio.wait_for(ended.wait(), PATIENCE_S)

    asyncio.run(scenario())


def test_a_completion_is_sent_three_times_unless_acknowledged(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            server.acknowledges = False
            server.offer("alice-1", 1)
            await server.until(lambda gateway: len(gateway.completions) == 3)
            assert [done.retry_number for _, done in server.completions] == [1, 2, 3]
            assert len({message_id for message_id, _ in server.completions}) == 1

    asyncio.run(scenario())


def _document(**changes):
    return {**SSH_DOCUMENT, **changes}


@pytest.mark.parametrize(
    ("options", "document", "words"),
    [
        ({"allow_ports": ["22"]}, None, "does not allow connections to port .* allow_ports is 22"),
        (
            {},
            _document(sessionType="Standard_Stream"),
            "'Standard_Stream': its setting allow_session_types is Port",
        ),
        (
            {},
            _document(properties={"portNumber": "22", "host": "192.0.2.7"}),
            "host '192.0.2.7': its setting allow_hosts is loopback",
        ),
        ({}, _document(properties={"portNumber": "0"}), "not a port to connect to: '0'"),
        ({}, _document(schemaVersion="9"), "schema version '9'"),
        (
            {},
            _document(properties={"portNumber": "22", "type": "LocalPortForwarding"}),
            "'LocalPortForwarding' yet",
        ),
        (
            {"allow_session_types": ["Port", "Standard_Stream"]},
            _document(sessionType="Standard_Stream"),
            "does not serve sessions of type 'Standard_Stream' yet",
        ),
    ],
)
def test_an_offer_beyond_the_ceiling_is_refused_by_name_of_the_setting(tmp_path, options, document, words):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server, **options), tcp_server(echo) as port:
            server.offer("alice-1", port, document=document)
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Failed"
        assert "CreateDataChannel" not in server.operations()
        return completion.output

    assert re.search(words, asyncio.run(scenario()))


def test_sessions_beyond_the_limit_are_refused_by_name_of_the_setting(tmp_path):
    async def scenario():
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, max_sessions=1),
            tcp_server(echo) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            server.offer("bob-1", port)
            completion = await server.completion("bob-1")
            assert "max_sessions" in completion.output
            await client.terminate()
            await server.completion("alice-1")
            client = server.offer("bob-2", port)
            await client.until_open()

    asyncio.run(scenario())


def test_a_fault_in_one_session_ends_that_session_only(tmp_path, monkeypatch):
    from fairlead.agent import dialing

    def fault(principal):
        if principal.endswith("mallory"):
            raise RuntimeError("a fault")
        return "127.0.0.1"

    monkeypatch.setattr(dialing, "source_address", fault)

    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            server.offer("mallory-1", port, owner="arn:aws:iam::1:user/mallory")
            completion = await server.completion("mallory-1")
            assert "a fault in the agent" in completion.output
            await client.send(b"alive")
            await client.until(lambda client: client.received == b"alive")

    asyncio.run(scenario())


def test_a_session_that_the_server_has_ended_meanwhile_is_given_up_at_once(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            server.answers["CreateDataChannel"] = Answer(400, b"Session is already terminated")
            server.offer("alice-1", port)
            await server.completion("alice-1")
            assert len(server.of("CreateDataChannel")) == 1

    asyncio.run(scenario())


def test_a_target_that_does_not_read_stops_the_client_and_nothing_grows(tmp_path):
    async def scenario():
        go_on = asyncio.Event()
        total = 0

        async def slow(reader, writer):
            nonlocal total
            await go_on.wait()
            while data := await reader.read(65536):
                total += len(data)

        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, window_bytes=1 << 20),
            tcp_server(slow) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            sending = asyncio.ensure_future(client.send(b"x" * 30_000_000))
            await server.until(lambda _: not client.channel.can_send)
            await at_rest(lambda: client.channel.can_send)
            assert not client.channel.can_send
            assert not sending.done()
            go_on.set()
            await sending
            await client.end_input()
            await server.completion("alice-1")
        assert total == 30_000_000

    asyncio.run(scenario())


def test_a_client_that_is_away_stops_the_target(tmp_path):
    """The window is full: the agent reads the target no further and holds no more than the window."""

    async def scenario():
        written = 0

        async def endless(reader, writer):
            nonlocal written
            writer.transport.set_write_buffer_limits(high=0)
            while not writer.is_closing():
                writer.write(bytes(65536))
                await writer.drain()
                written += 65536

        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, window_bytes=1 << 20),
            tcp_server(endless) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until(lambda client: client.channel.is_open and len(client.received) > 0)
            client.drops_frames = True
            client.cut()
            await at_rest(lambda: written)
            assert written - len(client.received) < 20_000_000  # the rest is the kernel's socket buffers
            server.close_session("alice-1")
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_fifty_sessions_at_once_are_served(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            clients = [server.offer(f"user{number}-1", port) for number in range(50)]

            async def use(number, client):
                await client.until_open()
                await client.send(b"session %d" % number)
                await client.until(lambda client: client.received == b"session %d" % number)
                await client.end_input()
                assert (await server.completion(f"user{number}-1")).final_task_status == "Success"

            async with asyncio.TaskGroup() as group:
                for number, client in enumerate(clients):
                    group.create_task(use(number, client))

    asyncio.run(scenario())
