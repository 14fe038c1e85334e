"""How a running agent keeps its connections, its credentials and its key; cuts, refusals and silence."""

import asyncio
import hashlib
import os
import time
from typing import NamedTuple

import pytest
from picows import WSMsgType

from fairlead.agent.backoff import Backoff, ReturnDelay
from fairlead.agent.control_channel import ControlChannel
from fairlead.agent.errors import IdentityError
from fairlead.agent.gateway_client import Liveness
from fairlead.agent.identity import StateDirectory
from fairlead.protocol.control_channel import ReturnPace, encode_control_message
from fairlead.protocol.settings import AGENT_VERSION
from fairlead.transport.errors import ConnectError
from tests.support.agent_runs import agent, echo, gateway, registered, tcp_server
from tests.support.certificates import Authority
from tests.support.fake_gateway import NODE, Answer, FakeGateway, error
from tests.support.waiting import PATIENCE_S


def test_the_start_asks_for_credentials_and_reports_the_node(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            await server.until(lambda gateway: len(gateway.of("UpdateInstanceInformation")) == 2)
        return server

    server = asyncio.run(scenario())
    (token_request,) = server.of("RequestManagedInstanceRoleToken")
    assert set(token_request.json) == {"Fingerprint"}
    signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-target"
    assert f"Credential={NODE}/" in token_request.headers["authorization"]
    assert signed in token_request.headers["authorization"]
    short, full = (seen.json for seen in server.of("UpdateInstanceInformation"))
    assert short == {
        "AgentName": "fairlead-agent",
        "AgentVersion": "3.3.0.0",
        "InstanceId": NODE,
        "PlatformType": "Linux",
    }
    assert full["AgentStatus"] == "Active"
    assert full["IPAddress"] == "127.0.0.1"
    assert full["ComputerName"]
    assert full["PlatformName"]
    opened = server.control_opens[0]
    assert (opened.agent_version, opened.platform_type) == (AGENT_VERSION, "linux")
    (upgrade,) = server.of("OpenControlChannel")
    assert upgrade.target == f"/v1/control-channel/{NODE}?role=subscribe&stream=input"
    assert "sec-websocket-extensions" not in upgrade.headers


def test_it_is_told_why_there_is_no_control_channel():
    class NoGateway:
        incarnation = ""

        async def create_control_channel(self, instance_id):
            raise ConnectError("cannot connect to 192.0.2.1:443: no answer")

    async def scenario():
        delay = ReturnDelay(Backoff(3600.0, 3600.0, lambda low, high: high), lambda low, high: high)
        channel = ControlChannel(
            NoGateway(),
            NODE,
            "Linux",
            handle=lambda message: None,
            refused=lambda: None,
            liveness=Liveness(1.0, 1.0),
            delay=delay,
        )
        holding = asyncio.ensure_future(channel.run())
        await asyncio.wait_for(channel.link_changed.wait(), PATIENCE_S)
        holding.cancel()
        await asyncio.wait([holding])
        return channel

    channel = asyncio.run(scenario())
    assert channel.link == "cannot connect to 192.0.2.1:443: no answer"
    assert channel.displaced_at == 0


class ClosingGateway:
    """Opens a control channel, sends a pace and a close frame on it, and is away from then on."""

    incarnation = ""

    def __init__(self, pace, close_code):
        self._frames = [
            ScriptedFrame(
                WSMsgType.BINARY,
                encode_control_message(ReturnPace(pace), message_id=bytes(16), created_date=1),
            ),
            ScriptedFrame(WSMsgType.CLOSE, b"goodbye", close_code),
        ]

    async def create_control_channel(self, instance_id):
        if not self._frames:
            raise ConnectError("away")
        return "token"

    async def open_control_channel(self, instance_id, listener, max_frame_bytes, liveness):
        transport = ScriptedTransport()
        listener.on_ws_connected(transport)
        for frame in self._frames:
            listener.on_ws_frame(transport, frame)
        self._frames = []
        return transport


class ScriptedFrame(NamedTuple):
    msg_type: WSMsgType
    payload: bytes
    close_code: int = 0
    fin: bool = True

    def get_payload_as_bytes(self):
        return self.payload

    def get_close_message(self):
        return self.payload

    def get_close_code(self):
        return self.close_code


class ScriptedTransport:
    """Takes everything, and is gone when it is waited for."""

    is_disconnected = True

    def send(self, *message):
        pass

    def send_close(self, code):
        pass

    def disconnect(self):
        pass

    def notify_user_specific_pong_received(self):
        pass

    async def wait_disconnected(self):
        pass


@pytest.mark.parametrize(
    ("close_code", "is_wanted", "longest"), [(1012, False, 40), (1013, False, 40), (1012, True, 1)]
)
def test_a_node_that_is_sent_away_comes_back_at_the_pace_of_its_fleet_unless_it_is_wanted(
    close_code, is_wanted, longest
):
    longest_pauses = []

    def uniform(low, high):
        longest_pauses.append(high)
        return 0

    async def scenario():
        channel = ControlChannel(
            ClosingGateway(40, close_code),
            NODE,
            "Linux",
            handle=lambda message: None,
            refused=lambda: None,
            liveness=Liveness(1.0, 1.0),
            delay=ReturnDelay(Backoff(1.0, 60.0, uniform), uniform),
            is_wanted=lambda: is_wanted,
        )
        holding = asyncio.ensure_future(channel.run())
        while channel.link != "away":
            channel.link_changed.clear()
            await asyncio.wait_for(channel.link_changed.wait(), PATIENCE_S)
        holding.cancel()
        await asyncio.wait([holding])

    asyncio.run(scenario())
    assert max(longest_pauses[: 1 if is_wanted else 2]) == longest


def test_the_control_channel_comes_back_and_running_sessions_do_not_notice(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            (await server.until_control()).cut()
            await client.send(b"still here")
            await client.until(lambda client: client.received == b"still here")
            await server.until(lambda gateway: len(gateway.control_opens) == 2)
            await client.terminate()
            await server.completion("alice-1")
            tokens = {opened.token_value for opened in server.control_opens}
            assert len(tokens) == 2, "each connection has a token of its own"

    asyncio.run(scenario())


def test_a_session_that_ends_while_the_control_channel_is_down_is_still_reported(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            server.answers["CreateControlChannel"] = Answer(503, b"later")
            (await server.until_control()).cut()
            await client.terminate()
            await client.until(lambda client: client.channel.is_drained)
            del server.answers["CreateControlChannel"]
            assert (await server.completion("alice-1")).final_task_status == "Success"

    asyncio.run(scenario())


@pytest.mark.parametrize("cuts", [1, 5])
def test_a_cut_data_channel_resumes_with_no_byte_lost_or_doubled(tmp_path, cuts):
    async def scenario():
        data = os.urandom(12_000_000)
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            async with asyncio.TaskGroup() as group:
                group.create_task(client.send(data))
                for number in range(1, cuts + 1):
                    await client.until(
                        lambda client, n=number: len(client.received) > len(data) * n // (cuts + 2)
                    )
                    legs = len(client.legs)
                    client.cut()
                    await client.until(lambda client, n=legs: len(client.legs) > n)
                await client.until(lambda client: len(client.received) >= len(data))
            assert hashlib.sha256(client.received).digest() == hashlib.sha256(data).digest()
            await client.end_input()
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Success"
        assert len(client.opens) == cuts + 1
        assert len({opened.token_value for opened in client.opens}) == cuts + 1
        assert len(server.completions) == 1

    asyncio.run(scenario())


def test_a_data_channel_is_opened_again_without_the_patience_of_the_control_channel(tmp_path):
    async def scenario():
        slow = {"reconnect_first_s": 60, "reconnect_cap_s": 60}
        async with gateway(tmp_path) as server, agent(tmp_path, server, **slow), tcp_server(echo) as port:
            client = server.offer("alice-1", port)
            await client.until_open()
            client.cut()
            await client.until(lambda client: len(client.legs) == 2)
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_a_session_ends_when_its_data_channel_cannot_be_had_in_time(tmp_path):
    async def scenario():
        async with (
            gateway(tmp_path) as server,
            agent(tmp_path, server, resume_window_s=0.3),
            tcp_server(echo) as port,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            server.answers["CreateDataChannel"] = Answer(503, b"later")
            client.cut()
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Failed"
        assert "resume_window_s" in completion.output

    asyncio.run(scenario())


def test_a_session_without_credentials_ends_after_its_window_too(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            server.token_life_s = 31.5  # usable for a second and a half
            async with (
                agent(tmp_path, server, resume_window_s=0.3, request_timeout_s=1.0),
                tcp_server(echo) as port,
            ):
                client = server.offer("alice-1", port)
                await client.until_open()
                server.answers["RequestManagedInstanceRoleToken"] = error(500, "InternalServerError")
                await asyncio.sleep(2.0)
                client.cut()
                completion = await server.completion("alice-1")
            assert "resume_window_s" in completion.output

    asyncio.run(scenario())


def test_a_gateway_that_restarts_gets_node_and_session_back(tmp_path):
    async def scenario():
        authority = Authority()
        context = authority.server_context(tmp_path / "server")
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        first = FakeGateway(authority.pem)
        second = FakeGateway(authority.pem)
        async with tcp_server(echo) as port:
            async with first.serving(context):
                running = agent(tmp_path, first)
                await running.__aenter__()
                client = first.offer("alice-1", port)
                await client.until_open()
                await client.send(b"before ")
            second.public_key, second.clients = first.public_key, first.clients
            async with second.serving(context, first.port):
                await second.until_control()
                await client.send(b"after")
                await client.until(lambda client: client.received == b"before after")
                await client.terminate()
                assert (await second.completion("alice-1")).final_task_status == "Success"
                await running.__aexit__(None, None, None)

    asyncio.run(scenario())


def test_a_silent_gateway_is_pinged_and_given_up(tmp_path):
    async def scenario():
        options = {"ping_interval_s": 1, "pong_timeout_s": 1}
        async with gateway(tmp_path) as server, agent(tmp_path, server, **options):
            leg = await server.until_control()
            await server.until(lambda gateway: leg.pings > 0)
            assert server.control is leg, "a ping that is answered keeps the connection"
            leg.reads.clear()
            await server.until(lambda gateway: len(gateway.control_opens) == 2)
            leg.reads.set()

    asyncio.run(scenario())


def test_a_frame_beyond_the_limit_ends_the_connection_and_not_the_agent(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            (await server.until_control()).send(bytes(400_000))
            await server.until(lambda gateway: len(gateway.control_opens) == 2)

    asyncio.run(scenario())


def test_nonsense_on_the_control_channel_is_dropped(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server), tcp_server(echo) as port:
            leg = await server.until_control()
            leg.send(b"nonsense")
            leg.send(bytes(120))
            client = server.offer("alice-1", port)
            await client.until_open()
            assert server.control is leg
            await client.terminate()
            await server.completion("alice-1")

    asyncio.run(scenario())


def test_credentials_are_renewed_at_half_their_life(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            server.token_life_s = 70.0
            async with agent(tmp_path, server):
                assert len(server.of("RequestManagedInstanceRoleToken")) == 1
            server.token_life_s = 2.0
            async with agent_again(tmp_path, server):
                started = time.monotonic()
                await server.until(lambda gateway: len(gateway.of("RequestManagedInstanceRoleToken")) == 3)
                assert time.monotonic() - started > 0.5

    asyncio.run(scenario())


def agent_again(directory, server):
    """Run the agent of an existing registration, without waiting for its control channel."""
    from contextlib import asynccontextmanager

    from fairlead.agent.process import serve
    from fairlead.agent.settings import load_settings

    @asynccontextmanager
    async def running():
        stopping = asyncio.Event()
        serving = asyncio.ensure_future(serve(load_settings(directory / "state"), {}, stopping))
        try:
            yield stopping
        finally:
            stopping.set()
            await serving

    return running()


def test_the_server_can_ask_for_a_new_key(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            first = await registered(tmp_path, server)
            old_public_key = server.public_key
            server.wants_new_key = True
            async with agent_again(tmp_path, server):
                await server.until(lambda gateway: not gateway.wants_new_key)
                state = StateDirectory(tmp_path / "state")
                await server.until(lambda _: state.load().key_file != first.key_file)
            assert server.public_key != old_public_key
            assert not state.key_path(first.key_file).exists()
            async with agent_again(tmp_path, server):
                await server.until_control()

    asyncio.run(scenario())


def test_an_interrupted_key_change_is_settled_at_the_next_start(tmp_path):
    """The server took the new key, but this side crashed before it could write that down."""

    async def scenario():
        from dataclasses import replace

        from fairlead.agent import keys

        async with gateway(tmp_path) as server:
            first = await registered(tmp_path, server)
            state = StateDirectory(tmp_path / "state")
            pair = keys.generate_key()
            pending = replace(first, next_key_file=state.write_key(pair.private_pem))
            state.save(pending)
            server.public_key = pair.public_base64
            async with agent_again(tmp_path, server):
                await server.until_control()
            assert state.load() == replace(first, key_file=pending.next_key_file)

    asyncio.run(scenario())


def test_a_node_that_the_server_does_not_know_waits_long_and_says_what_to_do(tmp_path, caplog):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            server.answers["RequestManagedInstanceRoleToken"] = error(400, "MachineFingerprintDoesNotMatch")
            async with agent_again(tmp_path, server):
                await server.until(lambda _: "register it again" in caplog.text)
            assert len(server.of("RequestManagedInstanceRoleToken")) == 1

    asyncio.run(scenario())


def test_credentials_that_the_gateway_refuses_are_renewed(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            refusals = [Answer(403, b"<ExpiredTokenException/>")]
            server.answers["CreateControlChannel"] = lambda _: refusals.pop() if refusals else None
            async with agent_again(tmp_path, server):
                await server.until_control()
                await server.until(lambda gateway: len(gateway.of("RequestManagedInstanceRoleToken")) == 2)

    asyncio.run(scenario())


def test_a_second_agent_on_the_same_registration_refuses_to_start(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server, agent(tmp_path, server):
            with pytest.raises(IdentityError, match="in use by another agent"):
                async with agent_again(tmp_path, server):
                    await asyncio.sleep(0.1)

    asyncio.run(scenario())


def test_the_agent_goes_through_the_proxy_that_the_environment_names(tmp_path):
    """Loopback is exempt from proxies, so the server is called by a name that only the proxy knows."""
    from fairlead.agent.connector import Connector
    from fairlead.transport.addresses import parse_endpoint
    from fairlead.transport.tls import Trust

    async def scenario():
        authority = Authority()
        context = authority.server_context(tmp_path / "server", "gateway.example")
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        asked = []
        async with FakeGateway(authority.pem).serving(context) as server:

            async def proxy(reader, writer):
                asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

                async def pump(source, sink):
                    while data := await source.read(65536):
                        sink.write(data)
                    sink.close()

                await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

            async with tcp_server(proxy) as port:
                endpoint = parse_endpoint("https://gateway.example:8443")
                environ = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
                connector = Connector(endpoint, Trust(str(tmp_path / "ca.pem"), "a test"), environ, 5.0)
                response = await connector.exchange("GET", "/ca.pem", [("Host", endpoint.host_header)])
        assert response.body == authority.pem
        assert asked == [b"CONNECT gateway.example:8443 HTTP/1.1"]

    asyncio.run(scenario())
