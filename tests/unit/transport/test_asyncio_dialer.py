"""Connecting on asyncio: the first address that answers wins, losers are closed, proxies are asked first."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import pytest

from fairlead.transport import asyncio_dialer
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.asyncio_dialer import connect, open_endpoint, resolve
from fairlead.transport.errors import ConnectError, ProxyError, ResolveError

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def listening(serve=None, host=LOOPBACK):
    peers = []

    async def connection(reader, writer):
        peers.append(writer.get_extra_info("peername"))
        try:
            if serve is not None:
                await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connection, host, 0)
    try:
        yield server.sockets[0].getsockname()[1], peers
    finally:
        server.close()


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def address(port, host=LOOPBACK):
    return (int(socket.AF_INET), (host, port))


def test_localhost_is_both_loopback_addresses():
    found = asyncio.run(resolve("localhost", 22))
    assert {where[0] for _, where in found} == {"::1", "127.0.0.1"}


def test_a_name_without_an_address_is_named():
    with pytest.raises(ResolveError, match="no-such-name"):
        asyncio.run(resolve("no-such-name.invalid", 22))
    with pytest.raises(ResolveError, match="not a host name"):
        asyncio.run(resolve("x" * 300 + ".invalid", 22))


def test_a_refusal_is_told_with_its_reason_at_once(monkeypatch):
    monkeypatch.setattr(asyncio_dialer, "ATTEMPT_DELAY_S", 3600.0)

    async def scenario():
        with pytest.raises(ConnectError, match="cannot connect to the target: Connection refused"):
            await connect([address(free_port()), address(free_port())], "the target")

    asyncio.run(scenario())


def test_no_address_is_a_failure_too():
    with pytest.raises(ConnectError, match="it has no address"):
        asyncio.run(connect([], "nothing"))


def test_the_next_address_is_tried_when_one_refuses():
    async def scenario():
        async with listening() as (port, _):
            connected = await connect([address(free_port()), address(port)], "it")
            with connected:
                assert connected.getpeername() == (LOOPBACK, port)
                assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert not connected.getblocking()

    asyncio.run(scenario())


def test_a_silent_address_only_has_a_head_start(monkeypatch):
    async def scenario():
        async with listening() as (port, _):
            loop = asyncio.get_running_loop()
            real_connect = loop.sock_connect
            candidates = []

            async def connect_slowly(candidate, where):
                candidates.append(candidate)
                if where[0] == "127.0.0.9":
                    await asyncio.sleep(3600)
                await real_connect(candidate, where)

            monkeypatch.setattr(loop, "sock_connect", connect_slowly)
            started = time.monotonic()
            connected = await connect([address(port, "127.0.0.9"), address(port)], "it")
            assert time.monotonic() - started > 0.2
            assert connected is candidates[1]
            assert candidates[0].fileno() == -1, "the loser is closed"
            connected.close()

    asyncio.run(scenario())


def test_a_cancelled_attempt_closes_its_sockets(monkeypatch):
    async def scenario():
        loop = asyncio.get_running_loop()
        candidates = []

        async def never(candidate, where):
            candidates.append(candidate)
            await asyncio.sleep(3600)

        monkeypatch.setattr(loop, "sock_connect", never)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connect([address(1)], "it"), 0.05)
        assert [candidate.fileno() for candidate in candidates] == [-1]

    asyncio.run(scenario())


@pytest.mark.skipif(not hasattr(socket, "SO_BINDTODEVICE"), reason="Linux has all of 127.0.0.0/8")
def test_a_connection_can_come_from_a_given_address():
    async def scenario():
        async with listening() as (port, peers):
            (await connect([address(port)], "it", "127.77.5.3")).close()
            (await connect([address(port)], "it", "192.0.2.1")).close()
            while len(peers) < 2:  # noqa: ASYNC110  # the server's own callbacks
                await asyncio.sleep(0.005)
        assert peers[0][0] == "127.77.5.3"
        assert peers[1][0] == LOOPBACK, "an address that cannot be bound is left out"

    asyncio.run(scenario())


def test_an_endpoint_that_does_not_answer_is_given_up(monkeypatch):
    async def scenario():
        async def never(candidate, where):
            await asyncio.sleep(3600)

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
        with pytest.raises(
            ConnectError, match=r"127\.0\.0\.1:443 did not accept a connection within 0\.05 s"
        ):
            await open_endpoint(parse_endpoint("https://127.0.0.1"), {}, 0.05)

    asyncio.run(scenario())


def through_proxy(answer, *, request_end=b"\r\n\r\n"):
    """Ask a proxy that answers `answer` for a tunnel; return what it was asked and what came through."""

    async def scenario():
        asked = []

        async def proxy(reader, writer):
            asked.append(await reader.readuntil(request_end))
            writer.write(answer)
            await writer.drain()
            writer.write(await reader.read(100))
            await writer.drain()

        async with listening(proxy) as (port, _):
            environ = {"https_proxy": f"http://user:pass@127.0.0.1:{port}"}
            tunnel = await open_endpoint(parse_endpoint("https://gateway.example"), environ, 5)
            with tunnel:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(tunnel, b"hello")
                return asked[0], await loop.sock_recv(tunnel, 100)

    return asyncio.run(scenario())


def test_a_tunnel_is_asked_for_and_then_transparent():
    asked, echoed = through_proxy(b"HTTP/1.1 200 OK\r\n\r\n")
    assert asked.startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in asked
    assert echoed == b"hello"


def test_a_proxy_that_refuses_is_named_without_its_password():
    with pytest.raises(ProxyError, match=r"refuses a connection to gateway\.example:443: 403") as caught:
        through_proxy(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert "pass" not in str(caught.value)


def test_a_proxy_that_hangs_up_is_named():
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")

    async def scenario():
        async with listening(hang_up) as (port, _):
            with pytest.raises(ProxyError, match=rf"the proxy 127\.0\.0\.1:{port} .* instead of opening"):
                await open_endpoint(
                    parse_endpoint("https://gateway.example"), {"https_proxy": f"127.0.0.1:{port}"}, 5
                )

    asyncio.run(scenario())
