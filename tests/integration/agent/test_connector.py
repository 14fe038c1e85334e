"""Requests and WebSockets to servers that refuse, stall, lie or are no servers at all."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from picows import WSListener

from fairlead.agent.connector import Connector
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import ConnectionLost, PeerError, TlsError, TransportError, UpgradeError
from fairlead.transport.tls import Trust
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE_S


@asynccontextmanager
async def server(answer, context=None):
    """Answers whatever comes with `answer`; None says nothing and stays."""
    gone = asyncio.Event()

    async def connection(reader, writer):
        try:
            await reader.read(4096)
            if answer is None:
                await reader.read(-1)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            gone.set()

    running = await asyncio.start_server(connection, "127.0.0.1", 0, ssl=context)
    try:
        yield running.sockets[0].getsockname()[1], gone
    finally:
        running.close()


def connector(port, scheme="http", trust=None, timeout_s=PATIENCE_S):
    return Connector(
        parse_endpoint(f"{scheme}://127.0.0.1:{port}"), trust or Trust(None, "a test"), {}, timeout_s
    )


def open_websocket(opener):
    return opener.open_websocket(
        WSListener(), "/v1/x", [], max_frame_bytes=1000, ping_interval_s=10, pong_timeout_s=10
    )


def exchange(opener):
    return opener.exchange("GET", "/", [("Host", opener.endpoint.host_header)])


def run_against(answer, call, **changes):
    async def scenario():
        async with server(answer) as (port, _):
            return await call(connector(port, **changes))

    return asyncio.run(scenario())


def test_a_refused_upgrade_carries_the_status_and_printable_text():
    with pytest.raises(UpgradeError, match=r"HTTP status 403: no entry$") as caught:
        run_against(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno\x1bentry\n", open_websocket)
    assert caught.value.status == 403


def test_a_redirect_is_not_followed():
    answer = b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(UpgradeError) as caught:
        run_against(answer, open_websocket)
    assert caught.value.status == 302


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_what_is_no_websocket_server_is_named(answer):
    with pytest.raises((PeerError, UpgradeError)) as caught:
        run_against(answer, open_websocket)
    assert "127.0.0.1" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("call", [open_websocket, exchange])
def test_a_server_that_hangs_up_instead_of_answering_is_named(call):
    with pytest.raises(ConnectionLost):
        run_against(b"", call)


@pytest.mark.parametrize("call", [open_websocket, exchange])
def test_a_server_that_says_nothing_is_given_up_and_let_go(call):
    async def scenario():
        async with server(None) as (port, gone):
            with pytest.raises(TransportError, match=r"gave no answer in 0\.2 s"):
                await call(connector(port, timeout_s=0.2))
            await asyncio.wait_for(gone.wait(), PATIENCE_S)

    asyncio.run(scenario())


@pytest.mark.parametrize("call", [open_websocket, exchange])
def test_a_cancelled_call_lets_the_server_go(call):
    async def scenario():
        async with server(None) as (port, gone):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call(connector(port)), 0.2)
            await asyncio.wait_for(gone.wait(), PATIENCE_S)

    asyncio.run(scenario())


@pytest.mark.parametrize("call", [open_websocket, exchange])
def test_a_server_without_tls_is_no_tls_server(call):
    async def scenario():
        async with server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _):
            with pytest.raises(TransportError, match="TLS"):
                await call(connector(port, "https"))

    asyncio.run(scenario())


@pytest.mark.parametrize("call", [open_websocket, exchange])
def test_a_certificate_of_a_stranger_ends_the_connection_before_a_word(tmp_path, call):
    async def scenario():
        (tmp_path / "ca.pem").write_bytes(Authority("ours").pem)
        context = Authority("stranger").server_context(tmp_path)
        async with server(b"HTTP/1.1 200 OK\r\n\r\n", context) as (port, _):
            with pytest.raises(TlsError, match="not trusted"):
                await call(connector(port, "https", Trust(str(tmp_path / "ca.pem"), "a test")))

    asyncio.run(scenario())


def test_extended_anchors_count_for_the_next_connection(tmp_path):
    async def scenario():
        authority = Authority()
        anchors = tmp_path / "ca.pem"
        anchors.write_bytes(Authority("another").pem)
        context = authority.server_context(tmp_path)
        async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", context) as (port, _):
            opener = connector(port, "https", Trust(str(anchors), "a test"))
            with pytest.raises(TlsError):
                await exchange(opener)
            anchors.write_bytes(anchors.read_bytes() + authority.pem)
            with pytest.raises(TlsError):
                await exchange(opener)
            opener.reload_trust()
            assert (await exchange(opener)).head.status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("call", [exchange, open_websocket])
def test_nothing_is_dialled_under_trust_anchors_that_cannot_be_read(tmp_path, call):
    async def scenario():
        connections = []
        listening = await asyncio.start_server(lambda *both: connections.append(both), "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            opener = connector(port, "https", Trust(str(tmp_path / "absent.pem"), "a test"))
            with pytest.raises(TlsError, match=r"absent\.pem"):
                await call(opener)
            await asyncio.sleep(0.05)
        assert connections == []

    asyncio.run(scenario())


def test_an_old_tls_version_is_refused(tmp_path):
    import ssl
    import warnings

    async def scenario():
        authority = Authority()
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        context = authority.server_context(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        async with server(b"HTTP/1.1 200 OK\r\n\r\n", context) as (port, _):
            with pytest.raises(TlsError):
                await exchange(connector(port, "https", Trust(str(tmp_path / "ca.pem"), "a test")))

    asyncio.run(scenario())
