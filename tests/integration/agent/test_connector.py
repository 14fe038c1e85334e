"""Requests and WebSockets to servers that refuse, stall, lie or are no servers at all."""

import asyncio
from binascii import b2a_base64
from contextlib import asynccontextmanager
from hashlib import sha1

import pytest
from picows import WSListener

from fairlead.agent.connector import Connector
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import ConnectionLost, PeerError, TlsError, TransportError, UpgradeError
from fairlead.transport.tls import Trust
from fairlead.transport.upgrade import ACCEPT_SUFFIX
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


KEPT = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def websocket_server(answer, *, hangs_up=False):
    """Answers a request with `answer` and upgrades what follows on the same connection, unless it hangs up
    first; gives its port, the targets by connection, and the ends of connections."""
    connections = []
    ended = asyncio.Queue()

    async def connection(reader, writer):
        targets = []
        connections.append(targets)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                targets.append(head.split()[1])
                if "Sec-WebSocket-Key" in head:
                    key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
                    accept = b2a_base64(sha1(key.encode() + ACCEPT_SUFFIX).digest(), newline=False)
                    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
                    writer.write(b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                else:
                    writer.write(answer)
                    if hangs_up:
                        break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            ended.put_nowait(targets)

    running = await asyncio.start_server(connection, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1], connections, ended


def exchange_kept(opener):
    return opener.exchange("GET", "/", [("Host", opener.endpoint.host_header)], keep=True)


def test_a_websocket_goes_over_the_connection_of_the_request_before_it():
    async def scenario():
        async with websocket_server(KEPT) as (port, connections, _):
            opener = connector(port)
            assert (await exchange_kept(opener)).body == b"ok"
            first = await open_websocket(opener)
            second = await open_websocket(opener)
            assert connections == [["/", "/v1/x"], ["/v1/x"]]
            for transport in (first, second):
                transport.disconnect(False)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answer", "hangs_up"),
    [
        (KEPT, True),
        (KEPT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False),
        (KEPT + b"?", False),
    ],
    ids=["hangs up", "says that it will", "sends more than its answer"],
)
def test_a_connection_that_did_not_last_is_replaced(answer, hangs_up):
    async def scenario():
        async with websocket_server(answer, hangs_up=hangs_up) as (port, connections, _):
            opener = connector(port)
            await exchange_kept(opener)
            transport = await open_websocket(opener)
            assert connections[-1] == ["/v1/x"]
            assert len(connections) == 2
            transport.disconnect(False)

    asyncio.run(scenario())


def test_a_connection_on_which_no_websocket_follows_is_let_go(monkeypatch):
    monkeypatch.setattr("fairlead.agent.connector.KEEP_S", 0.02)

    async def scenario():
        async with websocket_server(KEPT) as (port, _, ended):
            opener = connector(port)
            await exchange_kept(opener)
            assert await asyncio.wait_for(ended.get(), PATIENCE_S) == ["/"]

    asyncio.run(scenario())
