"""The token calls and the limits that hold before anybody is recognised, over real sockets."""

import asyncio
import gc
import socket
import ssl
from contextlib import suppress
from xml.etree import ElementTree

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from fairlead.gateway.http_edge import LimitedHttpProtocol
from fairlead.gateway.openings import Opening
from fairlead.gateway.upgrade import UpgradeProtocol
from fairlead.protocol import message as m
from tests.support.gateway_rig import NODE, SESSION, GatewayRig, eventually, receive, stream
from tests.support.waiting import PATIENCE_S

CONTROL = f"/v1/control-channel/{NODE}"
DATA = f"/v1/data-channel/{SESSION}"


async def call(rig, head: bytes, body: bytes = b"") -> tuple[int, str]:
    """Send a request as it stands; its status and body, or 0 when the connection ends without one."""
    answer = b""
    with suppress(ConnectionError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", rig.port, ssl=rig.client_tls, server_hostname="localhost" if rig.use_tls else None
        )
        try:
            writer.write(head + body)
            async with asyncio.timeout(PATIENCE_S):
                answer = await reader.read()
        finally:
            writer.transport.abort()
    head, _, text = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), text.decode()


def post(path: str, authorization: str | None = f"node {NODE}", body: bytes = b"{}") -> bytes:
    signed = f"authorization: {authorization}\r\n" if authorization else ""
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{signed}connection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("path", [CONTROL, DATA])
def test_a_node_gets_a_token_that_opens_its_channel(path):
    async def test(rig):
        rig.channels.add_session()
        status, text = await call(rig, post(path))
        assert status == 201
        token = ElementTree.fromstring(text).findtext("TokenValue")
        if path == DATA:
            await rig.agent(token=token)
            await eventually(lambda: len(rig.gateway.live_sessions) == 1)
        else:
            await rig.control(token=token)

    GatewayRig.run(test)


def test_what_a_connection_needed_before_it_was_recognised_goes_without_a_search_for_garbage():
    def held():
        kinds = LimitedHttpProtocol, RequestResponseCycle, UpgradeProtocol, Opening
        return {id(each): each for each in gc.get_objects() if issubclass(type(each), kinds)}

    async def test(rig):
        of_other_tests = held()
        gc.disable()
        try:
            assert (await call(rig, post(CONTROL)))[0] == 201
            await rig.control()
            await eventually(lambda: held().keys() <= of_other_tests.keys())
        finally:
            gc.enable()

    GatewayRig.run(test)


@pytest.mark.parametrize(
    ("path", "authorization", "status", "text"),
    [
        (CONTROL, "node mi-00000000000000666", 403, "<AccessDeniedException>"),
        (DATA, "node mi-00000000000000666", 403, "<AccessDeniedException>"),
        (CONTROL, None, 403, "<MissingAuthenticationTokenException>"),
        (CONTROL, "nonsense", 403, "<UnrecognizedClientException>"),
        ("/v1/control-channel/..%2f" + NODE, f"node {NODE}", 404, "<NotFoundException>"),
        (f"/v1/control-channel/x/../{NODE}", f"node {NODE}", 404, "<NotFoundException>"),
        ("/v1/control-channel/mi%2D0123456789abcdef0", f"node {NODE}", 404, "<NotFoundException>"),
        (CONTROL + "/", f"node {NODE}", 404, "<NotFoundException>"),
        ("/v1/Control-Channel/" + NODE, f"node {NODE}", 404, ""),
    ],
)
def test_other_calls_are_refused_with_the_words_that_agents_look_for(path, authorization, status, text):
    async def test(rig):
        rig.channels.add_session()
        answered = await call(rig, post(path, authorization))
        assert answered[0] == status
        assert text in answered[1]

    GatewayRig.run(test)


def test_an_agent_of_an_ended_session_reads_that_it_is_terminated():
    async def test(rig):
        rig.channels.add_session()
        end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT)
        rig.channels.end_session(SESSION, end)
        status, text = await call(rig, post(DATA))
        assert (status, "Session is already terminated" in text) == (400, True)

    GatewayRig.run(test)


def test_another_host_is_refused():
    async def test(rig):
        request = post(CONTROL).replace(b"host: localhost", b"host: elsewhere")
        status, text = await call(rig, request)
        assert (status, "--public-url" in text) == (421, True)

    GatewayRig.run(test)


def test_a_body_over_the_limit_is_refused():
    async def test(rig):
        assert (await call(rig, post(CONTROL, body=bytes(5000))))[0] == 413

    GatewayRig.run(test)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 20_000,
        b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
    ],
    ids=["long header", "endless header", "long target", "many headers"],
)
def test_a_header_over_the_limit_is_refused(head):
    async def test(rig):
        assert (await call(rig, head))[0] == 431

    GatewayRig.run(test)


@pytest.mark.parametrize("sent", [b"", b"POST / HTT", b"POST / HTTP/1.1\r\nhost: localhost\r\n"])
def test_a_request_that_does_not_come_to_an_end_is_cut(sent):
    async def test(rig):
        status, _ = await call(rig, sent)
        assert status == 0

    GatewayRig.run(test, request_timeout_s=0.2)


def test_a_body_that_does_not_come_to_an_end_is_cut():
    async def test(rig):
        status, _ = await call(rig, post(CONTROL)[:-1])
        assert status == 0

    GatewayRig.run(test, body_timeout_s=0.2)


def test_a_node_that_leaves_in_the_middle_of_a_body_leaves_no_trace_in_the_log(caplog):
    async def test(rig):
        await call(rig, post(CONTROL)[:-1])
        assert "Traceback" not in caplog.text

    GatewayRig.run(test, body_timeout_s=0.2)


def test_an_upgrade_without_a_key_is_refused_and_leaves_no_socket_behind():
    async def test(rig):
        before = len(rig.gateway.admission)
        upgrade = (
            f"GET {DATA}?role=publish_subscribe HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n"
            "upgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n"
        ).encode()
        status, _ = await call(rig, upgrade)
        assert status == 400
        await eventually(lambda: len(rig.gateway.admission) == before)

    GatewayRig.run(test)


def test_a_socket_that_never_begins_tls_is_cut():
    async def test(rig):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()

    GatewayRig.run(test, request_timeout_s=0.2)


def test_silent_sockets_of_the_same_address_keep_nobody_out():
    async def test(rig):
        client, agent = await rig.pair()
        silent = [socket.create_connection(("127.0.0.1", rig.port)) for _ in range(300)]
        await eventually(lambda: len(rig.gateway.admission) == 20)
        assert (await call(rig, post(CONTROL)))[0] == 201
        frame = stream(m.INPUT_STREAM_DATA, b"echo")
        await client.send(frame)
        assert await receive(agent) == frame
        assert len(rig.gateway.admission) <= 20
        for each in silent:
            each.close()
        await eventually(lambda: len(rig.gateway.admission) == 0)

    GatewayRig.run(test, max_unauthenticated_sockets_per_source=20)


async def begin_tls(rig) -> tuple[bool, asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that says the first word of TLS and no other, and whether the server answered."""
    outgoing = ssl.MemoryBIO()
    tls = rig.client_tls.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    answer = b""
    with suppress(ConnectionError):
        writer.write(outgoing.read())
        answer = await asyncio.wait_for(reader.read(1), PATIENCE_S)
    return bool(answer), reader, writer


@pytest.mark.parametrize(("spared_for_s", "is_newcomer_begun"), [(600.0, False), (0.0, True)])
def test_who_is_in_the_middle_of_tls_is_not_cut_for_a_newcomer_before_it_had_some_time(
    spared_for_s, is_newcomer_begun
):
    async def test(rig):
        begun = [await begin_tls(rig) for _ in range(6)]
        assert [was_answered for was_answered, *_ in begun] == [True] * 5 + [is_newcomer_begun]
        if is_newcomer_begun:
            with suppress(ConnectionError):  # the oldest was cut
                await asyncio.wait_for(begun[0][1].read(), PATIENCE_S)
        for *_, writer in begun:
            writer.transport.abort()

    limits = {"max_unauthenticated_sockets_per_source": 5, "request_timeout_s": 600.0}
    GatewayRig.run(test, spared_for_s=spared_for_s, **limits)


def test_recognised_sockets_do_not_count():
    async def test(rig):
        await rig.control()
        await rig.pair()
        assert len(rig.gateway.admission) == 0

    GatewayRig.run(test)


def test_a_kept_connection_serves_the_next_request():
    async def test(rig):
        context: ssl.SSLContext = rig.client_tls
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", rig.port, ssl=context, server_hostname="localhost"
        )
        for _ in range(3):
            writer.write(post(CONTROL).replace(b"connection: close\r\n", b""))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            assert b" 201 " in head
            await reader.readuntil(b"Result>")
            await reader.readuntil(b"Result>")
            await eventually(lambda: len(rig.gateway.admission) == 1)
        writer.transport.abort()

    GatewayRig.run(test)
