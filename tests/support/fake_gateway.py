"""A scripted server for tests of the agent: session API, gateway REST calls and WebSockets on one TLS port.

It keeps every request, checks every signature, answers with the least that an agent needs, and lets a test
offer sessions, play their client, cut connections and refuse what it likes. WebSocket framing is that of the
`websockets` package, so that the agent's own is checked by a stranger. Runs on the test's event loop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as UpgradeRequest
from websockets.server import ServerProtocol

from fairlead.aws.errors import AwsError
from fairlead.aws.sigv4 import Request, hmac_verifier, parse, verify
from fairlead.protocol.control_channel import (
    ChannelClosed,
    StartSession,
    TaskAcknowledge,
    TaskComplete,
    decode_control_message,
    encode_control_message,
)
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import Event, StreamData
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.open_channel import AgentOpen, parse_control_channel_open, parse_data_channel_open
from fairlead.protocol.roles import CLIENT
from fairlead.protocol.settings import CLIENT_VERSION, ChannelSettings
from tests.support.waiting import PATIENCE_S

NODE = "mi-0123456789abcdef0"
ACCESS_KEY = "ASIAFAKEGATEWAY00001"
SECRET_KEY = "fake-gateway-secret-access-key"  # of this test server
SESSION_TOKEN = "fake-gateway-session-token"
OWNER = "arn:aws:iam::123456789012:user/alice"
SIGNED_BY_NODE = ("RequestManagedInstanceRoleToken", "UpdateManagedInstancePublicKey")

SSH_DOCUMENT = {
    "schemaVersion": "1.0",
    "description": "ssh",
    "sessionType": "Port",
    "parameters": {"portNumber": {"type": "String", "default": "22"}},
    "properties": {"portNumber": "{{ portNumber }}"},
}


class Seen(NamedTuple):
    """One request as it came."""

    operation: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Answer(NamedTuple):
    """What is answered instead of the usual."""

    status: int
    body: bytes
    content_type: str = "application/x-amz-json-1.1"


def error(status: int, code: str, text: str = "no") -> Answer:
    """An error in AWS JSON 1.1."""
    return Answer(status, json.dumps({"__type": code, "message": text}).encode())


class Leg:
    """One WebSocket of the agent."""

    def __init__(self, protocol: ServerProtocol, writer: asyncio.StreamWriter) -> None:
        self._protocol = protocol
        self._writer = writer
        self.pings = 0
        self.reads = asyncio.Event()
        self.reads.set()

    def send(self, frame: bytes) -> None:
        self._protocol.send_binary(frame)
        self.flush()

    def flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)

    def cut(self) -> None:
        """Break the TCP connection without a word."""
        self._writer.transport.abort()

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._protocol.send_close(code, reason)
        self.flush()


class FakeClient:
    """The client of one session: a DataChannel in the client's role, fed by the agent's data legs."""

    def __init__(self, settings: ChannelSettings) -> None:
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        ids = MessageIds(os.urandom(SEED_BYTES))
        self.channel = DataChannel(CLIENT, settings, ids, time.time() - loop.time())
        self.received = bytearray()
        self.events: list[Event] = []
        self.legs: list[Leg] = []
        self.opens: list[AgentOpen] = []
        self.drops_frames = False
        self._leg: Leg | None = None

    async def until(self, condition: Callable[[FakeClient], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self.channel.handle_deadline(self._clock())
                await self._step()
                await asyncio.sleep(0.005)

    async def until_open(self) -> None:
        await self.until(lambda client: client.channel.is_open)

    async def send(self, data: bytes) -> None:
        """Send stream bytes as fast as the window allows."""
        view = memoryview(data)
        while view:
            await self.until(lambda client: client.channel.can_send)
            size = min(len(view), self.channel.send_capacity)
            self.channel.send_data(view[:size], self._clock())
            view = view[size:]
            await self._step()

    async def end_input(self) -> None:
        self.channel.end_input(self._clock())
        await self._step()

    async def terminate(self) -> None:
        self.channel.terminate(self._clock())
        await self._step()

    def has(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def cut(self) -> None:
        assert self._leg is not None
        self._leg.cut()

    # -- driven by the gateway --

    async def joined(self, leg: Leg, opened: AgentOpen) -> None:
        self.opens.append(opened)
        if self.legs:
            self.channel.connection_restored(self._clock())
        self.legs.append(leg)
        self._leg = leg
        await self._step()

    async def left(self, leg: Leg) -> None:
        if self._leg is leg:
            self._leg = None
            self.channel.connection_lost(self._clock())

    async def frame(self, frame: bytes) -> None:
        if not self.drops_frames:
            self.channel.receive(frame, self._clock())
            await self._step()

    async def _step(self) -> None:
        while events := self.channel.events():
            for event in events:
                if isinstance(event, StreamData):
                    self.received += event.data
                    self.channel.written(event.sequence, self._clock())
                else:
                    self.events.append(event)
        for frame in self.channel.frames_to_send():
            if self._leg is not None:
                self._leg.send(bytes(frame.message))


class FakeGateway:
    """The server. `answers` maps an operation to what is answered instead of the usual, or to a function that
    decides for each request (None: the usual). Times of role tokens: `token_life_s`."""

    def __init__(self, ca_pem: bytes = b"") -> None:
        self.ca_pem = ca_pem
        self.seen: list[Seen] = []
        self.answers: dict[str, Answer | Callable[[Seen], Answer | None]] = {}
        self.public_key: str | None = None
        self.token_life_s = 3600.0
        self.wants_new_key = False
        self.acknowledges = True
        self.control: Leg | None = None
        self.control_opens: list[object] = []
        self.completions: list[tuple[str, TaskComplete]] = []
        self.clients: dict[str, FakeClient] = {}
        self.url = ""
        self._ids = MessageIds(os.urandom(SEED_BYTES))
        self._legs: set[Leg] = set()

    @asynccontextmanager
    async def serving(self, context: ssl.SSLContext | None, port: int = 0):
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        try:
            yield self
        finally:
            server.close()
            for leg in list(self._legs):
                leg.cut()
            await asyncio.sleep(0.02)

    def operations(self) -> list[str]:
        return [seen.operation for seen in self.seen]

    def of(self, operation: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.operation == operation]

    async def until(self, condition: Callable[[FakeGateway], object], patience_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(patience_s):
            while not condition(self):  # noqa: ASYNC110  # conditions of many kinds, looked at in one place
                await asyncio.sleep(0.005)

    async def until_control(self) -> Leg:
        await self.until(lambda gateway: gateway.control is not None)
        assert self.control is not None
        return self.control

    def say(self, body: StartSession | ChannelClosed | TaskAcknowledge) -> None:
        assert self.control is not None
        self.control.send(
            encode_control_message(body, message_id=self._ids.next_id(), created_date=int(time.time() * 1000))
        )

    def offer(
        self,
        session_id: str,
        port: int | str,
        *,
        document: dict | None = None,
        document_name: str = "AWS-StartSSHSession",
        owner: str = OWNER,
        settings: ChannelSettings | None = None,
    ) -> FakeClient:
        """Offer a session and return its client; offering it again keeps the client."""
        if session_id not in self.clients:
            usual = ChannelSettings(CLIENT_VERSION, zero_digest=True)
            self.clients[session_id] = FakeClient(settings or usual)
        parameters = {"portNumber": str(port)}
        self.say(StartSession(session_id, document_name, document or SSH_DOCUMENT, parameters, owner))
        return self.clients[session_id]

    def close_session(self, session_id: str) -> None:
        self.say(ChannelClosed(session_id))

    async def completion(self, session_id: str, patience_s: float = PATIENCE_S) -> TaskComplete:
        def found(_: object) -> list[TaskComplete]:
            return [done for _, done in self.completions if done.session_id == session_id]

        await self.until(found, patience_s)
        return found(None)[0]

    # -- one connection --

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
            request = await self._read(raw, reader)
            seen = Seen(
                _operation(request),
                request.method,
                request.path + (f"?{request.query}" if request.query else ""),
                {name.lower(): value for name, value in request.headers},
                request.body,
            )
            self.seen.append(seen)
            answer = self._refusal(request, seen) or self._answer(seen)
            if answer is not None:
                writer.write(_encoded(answer))
                await writer.drain()
            else:
                await self._websocket(raw, seen, reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _read(self, raw: bytes, reader: asyncio.StreamReader) -> Request:
        first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, await reader.readexactly(length))

    def _refusal(self, request: Request, seen: Seen) -> Answer | None:
        special = self.answers.get(seen.operation)
        answer = special(seen) if callable(special) else special
        if answer is not None or seen.operation in ("RegisterManagedInstance", "GetCa"):
            return answer
        try:
            signed = parse(request)
            by_node = signed.access_key_id == NODE
            verify(signed, self._node_verifier if by_node else hmac_verifier(SECRET_KEY), time.time())
        except AwsError as problem:
            return error(403, type(problem).__name__, str(problem))
        if by_node != (seen.operation in SIGNED_BY_NODE):
            return error(403, "AccessDeniedException", "signed with the wrong kind of key")
        return None

    def _node_verifier(self, _: object, text: str, signature: str) -> bool:
        assert self.public_key is not None
        key = serialization.load_der_public_key(base64.b64decode(self.public_key))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        try:
            key.verify(base64.b64decode(signature), text.encode(), pss, hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def _answer(self, seen: Seen) -> Answer | None:
        match seen.operation:
            case "GetCa":
                return Answer(200, self.ca_pem, "application/x-pem-file")
            case "RegisterManagedInstance":
                self.public_key = seen.json["PublicKey"]
                return Answer(200, json.dumps({"InstanceId": NODE}).encode())
            case "RequestManagedInstanceRoleToken":
                return self._role_token()
            case "UpdateManagedInstancePublicKey":
                self.public_key = seen.json["NewPublicKey"]
                self.wants_new_key = False
                return Answer(200, b"{}")
            case "UpdateInstanceInformation":
                return Answer(200, b"{}")
            case "CreateControlChannel" | "CreateDataChannel":
                token = f"token-{len(self.seen)}"
                text = f"<?xml version='1.0'?><R><TokenValue>{token}</TokenValue></R>"
                return Answer(201, text.encode(), "application/xml")
            case "OpenControlChannel" | "OpenDataChannel":
                return None
        return error(400, "UnknownOperationException")

    def _role_token(self) -> Answer:
        token = {
            "AccessKeyId": ACCESS_KEY,
            "SecretAccessKey": SECRET_KEY,
            "SessionToken": SESSION_TOKEN,
            "TokenExpirationDate": time.time() + self.token_life_s,
            "UpdateKeyPair": self.wants_new_key,
        }
        return Answer(200, json.dumps(token).encode())

    # -- WebSockets --

    async def _websocket(
        self, raw: bytes, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        protocol = ServerProtocol(max_size=2**21)
        leg = Leg(protocol, writer)
        self._legs.add(leg)
        client: FakeClient | None = None
        data = raw
        try:
            while data:
                protocol.receive_data(data)
                for event in protocol.events_received():
                    if isinstance(event, UpgradeRequest):
                        protocol.send_response(protocol.accept(event))
                    elif event.opcode is Opcode.TEXT and "control" in seen.operation.lower():
                        self.control_opens.append(parse_control_channel_open(bytes(event.data)))
                        self.control = leg
                    elif event.opcode is Opcode.TEXT:
                        opened = parse_data_channel_open(bytes(event.data))
                        client = self.clients[seen.target.split("/")[-1].partition("?")[0]]
                        await client.joined(leg, opened)
                    elif event.opcode is Opcode.PING:
                        leg.pings += 1
                    elif event.opcode is Opcode.BINARY:
                        await self._binary(leg, client, event)
                leg.flush()
                await writer.drain()
                await leg.reads.wait()
                data = await reader.read(65536)
        finally:
            self._legs.discard(leg)
            if self.control is leg:
                self.control = None
            if client is not None:
                await client.left(leg)

    async def _binary(self, leg: Leg, client: FakeClient | None, frame: Frame) -> None:
        if client is not None:
            await client.frame(bytes(frame.data))
            return
        received = decode_control_message(bytes(frame.data))
        if isinstance(received.body, TaskComplete):
            self.completions.append((received.message_id, received.body))
            if self.acknowledges:
                self.say(TaskAcknowledge(received.message_id, received.body.session_id))


def _operation(request: Request) -> str:
    target = next((value for name, value in request.headers if name.lower() == "x-amz-target"), None)
    if target is not None:
        return target.rpartition(".")[2]
    if request.path == "/ca.pem":
        return "GetCa"
    kind = "ControlChannel" if request.path.startswith("/v1/control-channel/") else "DataChannel"
    return ("Create" if request.method == "POST" else "Open") + kind


def _encoded(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Answer", f"Content-Type: {answer.content_type}"]
    lines += [f"Content-Length: {len(answer.body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + answer.body
