"""Connections that are reset: what had come before is read, and then their end, on uvloop as on asyncio."""

import asyncio
import os
import socket

import pytest
import uvloop

from fairlead.domain.sessions import EndReason
from fairlead.gateway.resets import ResetWatch
from fairlead.protocol import message as m
from fairlead.protocol.open_channel import ClientOpen
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.client_frames import BINARY, TEXT, encode_frame
from fairlead.transport.websocket_link import open_websocket
from tests.support.gateway_rig import SESSION, GatewayRig, receive, rest_of, stream
from tests.support.waiting import eventually
from tools.wire import reset_at_close

CLIENT_PATH = f"/v1/data-channel/{SESSION}?role=publish_subscribe"

READ_BYTES = 100


class Reader:
    """Reads a part of what there is at each event, as a transport whose buffer is small does."""

    def __init__(self, loop, system_socket) -> None:
        self.loop, self.system_socket = loop, system_socket
        self.fileno = system_socket.fileno()
        self.received = b""
        self.is_at_end = False
        self.looks = 0
        self.is_reading = False

    def resume(self) -> None:
        self.is_reading = True
        self.loop.add_reader(self.fileno, self.ready)

    def pause(self) -> None:
        self.is_reading = False
        self.loop.remove_reader(self.fileno)

    def read_on(self) -> None:
        self.looks += 1
        if self.is_reading and not self.is_at_end:
            self.pause()
            self.resume()

    def ready(self) -> None:
        try:
            data = self.system_socket.recv(READ_BYTES)
        except ConnectionResetError:
            data = b""
        self.received += data
        if not data:
            self.is_at_end = True
            self.pause()


def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far = listener.accept()[0]
    far.setblocking(False)
    return near, far


async def some_turns() -> None:
    """For what would happen by now, if it did."""
    for _ in range(10):
        await asyncio.sleep(0.01)


def reset(near) -> None:
    reset_at_close(near)
    near.close()


@pytest.mark.parametrize("when", ["while it is read", "while it is paused"])
@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_what_came_before_a_reset_is_read_to_its_end(run, when):
    async def test():
        loop = asyncio.get_running_loop()
        near, far = pair()
        watch, reader = ResetWatch(loop), Reader(loop, far)
        watch.watch(reader)
        if when == "while it is read":
            reader.resume()
        near.sendall(b"x" * 10 * READ_BYTES)
        reset(near)
        if when == "while it is paused":
            await eventually(lambda: reader.looks == 1)
            reader.resume()
        await eventually(lambda: reader.is_at_end)
        assert len(reader.received) == 10 * READ_BYTES
        watch.leave(reader)
        watch.close()
        far.close()

    run(test())


def test_who_has_left_is_not_called_and_its_descriptor_is_free_for_the_next():
    async def test():
        loop = asyncio.get_running_loop()
        watch = ResetWatch(loop)
        (near, far), (other_near, other_far) = pair(), pair()
        gone = Reader(loop, far)
        watch.watch(gone)
        watch.leave(gone)
        watch.leave(gone)
        reset(near)
        await some_turns()
        assert gone.looks == 0
        far.close()
        following = Reader(loop, socket.socket(fileno=os.dup2(other_far.fileno(), gone.fileno)))
        other_far.close()
        watch.watch(following)
        watch.leave(gone)
        other_near.sendall(b"x")
        reset(other_near)
        await eventually(lambda: following.looks == 1)
        assert (following.fileno, gone.looks) == (gone.fileno, 0)
        watch.close()
        following.system_socket.close()

    uvloop.run(test())


def test_a_goodbye_in_good_order_is_no_reset():
    async def test():
        loop = asyncio.get_running_loop()
        near, far = pair()
        watch, reader = ResetWatch(loop), Reader(loop, far)
        watch.watch(reader)
        reader.resume()
        near.close()
        await eventually(lambda: reader.is_at_end)
        far.shutdown(socket.SHUT_WR)
        await some_turns()
        assert reader.looks == 0
        watch.close()
        far.close()

    uvloop.run(test())


@pytest.mark.parametrize("use_tls", [True, False])
def test_an_agent_that_died_while_it_was_not_read_is_noticed_when_its_client_is_back(use_tls):
    async def test(rig):
        await rig.control(incarnation="first")
        client, agent = await rig.pair(incarnation="first")
        client.transport.abort()
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        sending = asyncio.ensure_future(flood(agent))
        await asyncio.wait([sending], timeout=0.3)  # never done: by then it is read no more
        reset_at_close(agent.transport.get_extra_info("socket"))
        agent.transport.abort()
        sending.cancel()
        await rig.control(incarnation="second")
        client = await rig.client()
        last = (await rest_of(client))[-1]
        assert b"The agent on the node was restarted." in last
        assert rig.channels.ends[SESSION].reason is EndReason.AGENT_RESTARTED

    GatewayRig.run(test, use_tls=use_tls)


@pytest.mark.parametrize("use_tls", [True, False])
def test_the_last_words_of_a_client_that_resets_its_connection_are_passed_on(use_tls):
    async def test(rig):
        rig.channels.add_session()
        agent = await rig.agent()
        client = await asyncio.to_thread(blocking_client, rig)
        await eventually(lambda: (SESSION, "Connected") in rig.channels.steps)
        last_words = stream(m.INPUT_STREAM_DATA, b"last words")
        client.sendall(encode_frame(BINARY, last_words, bytes(4)))
        reset(client)  # both are there before the gateway's loop, which is this one, looks again
        assert await receive(agent) == last_words
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)

    GatewayRig.run(test, use_tls=use_tls)


def blocking_client(rig) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", rig.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if rig.use_tls:
        connection = rig.client_tls.wrap_socket(connection, server_hostname="localhost")
    open_websocket(connection, parse_endpoint(f"{rig.base}{CLIENT_PATH}"), os.urandom)
    connection.settimeout(None)
    opening = ClientOpen("r", rig.channels.client_token(), "c", "1.2.764.0", 1).encode().encode()
    connection.sendall(encode_frame(TEXT, opening, bytes(4)))
    return connection


async def flood(agent) -> None:
    """More than the gateway holds and the kernel keeps, as an agent does whose client is away."""
    while True:
        await agent.send(stream(m.OUTPUT_STREAM_DATA, b"x" * 131_072))
