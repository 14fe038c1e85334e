"""A gateway on a loopback port with TLS, over a session store in memory, and scripted peers for it.

`GatewayRig.run(test)` starts uvicorn on an event loop of its own, calls the coroutine and stops everything.
The credentials are one header: `Authorization: node mi-…` or `user alice`; the signature itself is another
test's subject.
"""

import asyncio
import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiofastnet
import uvicorn
import uvloop
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fairlead.api.public_names import PublicNames
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import (
    AccessDenied,
    DomainError,
    InvalidChannelToken,
    SessionEnded,
    UnknownAccessKey,
)
from fairlead.domain.resumption import ClientClaim
from fairlead.domain.sessions import TRANSITIONS, Session, SessionEnd, SessionStatus
from fairlead.gateway.gateway import Gateway
from fairlead.gateway.notifier import GatewayNotifier
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.control_channel import (
    ChannelClosed,
    StartSession,
    TaskComplete,
    decode_control_message,
    encode_control_message,
    parse_channel_closed,
)
from fairlead.protocol.open_channel import AgentOpen, ClientOpen, ControlOpen
from tests.support.certificates import Authority
from tests.support.factories import SCOPE, a_session
from tests.support.waiting import PATIENCE_S, eventually

NODE = "mi-0123456789abcdef0"
SESSION = "alice-0123456789abcdefghijklmnop"
MESSAGE_ID = bytes(range(16))


class MemoryChannels:
    """`control.channels.Channels` in memory: the same rules for tokens, no store."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.steps: list[tuple[str, str]] = []
        self.ends: dict[str, SessionEnd] = {}
        self.security_events: list[tuple[str, dict]] = []
        self.connected: dict[str, datetime] = {}
        self.deregistered: set[str] = set()
        self.twins: list[tuple[str, str, str]] = []
        self.claims: list[ClientClaim] = []
        self.refusal: DomainError | None = None
        self._tokens: dict[str, tuple[str, str, str]] = {}
        self._count = 0
        self._lock = threading.Lock()

    def add_session(self, **changes) -> Session:
        session = a_session(**{"id": SESSION, "target": NODE, "started_at": datetime.now(UTC), **changes})
        self.sessions[session.id] = session
        return session

    def give_token(self, side: str, channel_id: str, holder: str) -> str:
        with self._lock:
            self._count += 1
            token = f"token-{self._count}-of-{side}"
            self._tokens[token] = (side, channel_id, holder)
            return token

    def client_token(self, session_id: str = SESSION) -> str:
        return self.give_token("client", session_id, "")

    def create_control_channel(self, caller: Caller, node_id: str) -> str:
        if caller.node_id != node_id:
            raise AccessDenied(f"{caller.arn} is not authorized to perform: ssmmessages:CreateControlChannel")
        return self.give_token("control", node_id, node_id)

    def open_control_channel(self, caller: Caller, node_id: str, token: str):
        self._take(token, "control", node_id, node_id)
        return datetime.now(UTC)

    def twins_seen(self, caller, served, displaced) -> None:
        self.twins.append((caller.node_id, served.source_address, displaced.source_address))

    def connected_nodes(self) -> list[str]:
        return list(self.connected)

    def control_channels_changed(self, opened, closed) -> None:
        self.connected |= {come.node_id: come.connected_since for come in opened}
        for gone in closed:
            if self.connected.get(gone.node_id) == gone.connected_since:
                del self.connected[gone.node_id]

    def create_data_channel(self, caller: Caller, session_id: str) -> str:
        session = self.sessions.get(session_id)
        if session is None or session.target != caller.node_id:
            raise AccessDenied(f"{caller.arn} is not authorized to perform: ssmmessages:CreateDataChannel")
        if not session.status.is_active:
            raise SessionEnded
        return self.give_token("agent", session_id, session.target)

    def open_agent_data_channel(
        self, caller: Caller, session_id: str, token: str, incarnation: str
    ) -> Session:
        self._take(token, "agent", session_id, caller.node_id)
        session = replace(self._active(session_id), agent_incarnation=incarnation)
        self.sessions[session_id] = session
        return session

    def open_client_data_channel(
        self, session_id: str, claim: ClientClaim, origin: Origin, may_record_refusal: Callable[[], bool]
    ) -> Session:
        self.claims.append(claim)
        if self.refusal is not None:
            raise self.refusal
        if not claim.resume_secret:
            self._take(claim.token, "client", session_id, "")
        return self._active(session_id)

    def pending_sessions(self, node_id: str) -> list[Session] | None:
        if node_id in self.deregistered:
            return None
        return [
            session
            for session in self.sessions.values()
            if session.target == node_id and session.status is SessionStatus.CONNECTING
        ]

    def active_sessions(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.status.is_active]

    def session_connected(self, session_id: str) -> bool:
        return self._step(session_id, SessionStatus.CONNECTED)

    def session_disconnected(self, session_id: str) -> bool:
        return self._step(session_id, SessionStatus.DISCONNECTED)

    def sessions_disconnected(self, session_ids) -> None:
        for session_id in session_ids:
            self._step(session_id, SessionStatus.DISCONNECTED)

    def end_session(self, session_id: str, end: SessionEnd) -> bool:
        self.ends.setdefault(session_id, end)
        return self._step(session_id, end.status)

    def record_security_event(self, who, name: str, details) -> None:
        self.security_events.append((name, dict(details)))

    def _take(self, token: str, side: str, channel_id: str, holder: str) -> None:
        with self._lock:
            if self._tokens.pop(token, None) != (side, channel_id, holder):
                raise InvalidChannelToken("The token is not valid.")

    def _active(self, session_id: str) -> Session:
        session = self.sessions[session_id]
        if not session.status.is_active:
            raise SessionEnded
        return session

    def _step(self, session_id: str, status: SessionStatus) -> bool:
        session = self.sessions[session_id]
        self.steps.append((session_id, status.value))
        if status not in TRANSITIONS[session.status]:
            return False
        self.sessions[session_id] = replace(session, status=status)
        return True


class GatewayRig:
    """One gateway, listening."""

    def __init__(self, settings: GatewaySettings, *, use_tls: bool = True) -> None:
        self.settings = settings
        self.use_tls = use_tls
        self.channels = MemoryChannels()
        self.notifier = GatewayNotifier()
        self.gateway: Gateway
        self.port = 0
        self._client_tls: ssl.SSLContext | None = None
        self._peers: list[ClientConnection] = []

    @classmethod
    def run(
        cls,
        test: Callable[["GatewayRig"], Awaitable[None]],
        *,
        use_tls: bool = True,
        connected: Sequence[str] = (),
        **settings,
    ) -> None:
        """Run one test against a new gateway with these settings; `connected`: the nodes that were so before
        its start."""
        rig = cls(GatewaySettings(**settings), use_tls=use_tls)
        rig.channels.connected.update(dict.fromkeys(connected, datetime.now(UTC)))
        uvloop.run(rig._run(test))

    @property
    def base(self) -> str:
        return f"{'wss' if self.use_tls else 'ws'}://localhost:{self.port}"

    @property
    def client_tls(self) -> ssl.SSLContext | None:
        return self._client_tls

    async def _run(self, test: Callable[["GatewayRig"], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        aiofastnet.patch_loop(loop)
        vars(loop).pop("create_connection")  # the peers are on the loop's own transports
        bound = socket.create_server(("127.0.0.1", 0))
        self.port = bound.getsockname()[1]
        with ThreadPoolExecutor(1) as executor, tempfile.TemporaryDirectory() as directory:
            await self.start_gateway(executor)
            server = self._server(Path(directory))
            serving = asyncio.get_running_loop().create_task(
                server.serve(sockets=[self.gateway.listener(bound)])
            )
            await eventually(lambda: server.started)
            try:
                await test(self)
            finally:
                for peer in self._peers:
                    peer.transport.abort()
                server.should_exit = True
                await self.gateway.stop(drain_s=0.5)
                await serving

    async def start_gateway(self, executor: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()

        async def run(function, *arguments):
            return await loop.run_in_executor(executor, function, *arguments)

        async def authenticate(request, origin, service):
            assert service == "ssmmessages"
            kind, _, name = request.header_values("authorization")[0].partition(" ")
            if kind not in ("node", "user"):
                raise UnknownAccessKey
            return a_caller(CallerKind.NODE if kind == "node" else CallerKind.USER, name, origin)

        self.gateway = Gateway(
            channels=self.channels,
            run=run,
            authenticate=authenticate,
            origin_of=lambda request, peer: Origin(source_address=peer.address, secure=peer.is_secure),
            check_host=PublicNames(["https://localhost"], [f"localhost:{self.port}"]).check,
            notifier=self.notifier,
            settings=self.settings,
        )
        await self.gateway.start()

    def _server(self, directory: Path) -> uvicorn.Server:
        config = uvicorn.Config(
            Starlette(routes=self.gateway.routes),
            http=self.gateway.http_protocol,
            ws=self.gateway.upgrade_protocol,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        config.load()
        if self.use_tls:
            authority = Authority()
            config.ssl = authority.server_context(directory)
            self._client_tls = ssl.create_default_context(cadata=authority.pem.decode())
        server = uvicorn.Server(config)
        server.capture_signals = suppress  # the tests keep their own signal handlers
        return server

    # Peers.

    async def connect(
        self, path: str, authorization: str | None = None, source: str = "127.0.0.1"
    ) -> ClientConnection:
        headers = {"Authorization": authorization} if authorization else {}
        ws = await connect(
            self.base + path,
            ssl=self.client_tls,
            host="127.0.0.1",
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=PATIENCE_S,
            close_timeout=1,
            local_addr=(source, 0),
            proxy=None,
        )
        self._peers.append(ws)
        return ws

    async def client(
        self, session_id: str = SESSION, token: str | None = None, *, is_ours: bool = True
    ) -> ClientConnection:
        ws = await self.connect(f"/v1/data-channel/{session_id}?role=publish_subscribe")
        token = self.channels.client_token(session_id) if token is None else token
        await ws.send(ClientOpen("r", token, "c", "1.2.764.0", int(is_ours)).encode())
        return ws

    async def agent(
        self,
        session_id: str = SESSION,
        node: str = NODE,
        token: str | None = None,
        *,
        is_ours: bool = True,
        incarnation: str = "",
    ) -> ClientConnection:
        ws = await self.connect(f"/v1/data-channel/{session_id}?role=publish_subscribe", f"node {node}")
        if token is None:
            token = self.channels.give_token("agent", session_id, node)
        await ws.send(AgentOpen("r", token, node, "", int(is_ours), incarnation).encode())
        return ws

    async def control(
        self, node: str = NODE, token: str | None = None, incarnation: str = ""
    ) -> ClientConnection:
        ws = await self.connect(f"/v1/control-channel/{node}?role=subscribe&stream=input", f"node {node}")
        token = self.channels.give_token("control", node, node) if token is None else token
        await ws.send(ControlOpen("r", token, "3.3.0.0", "linux", incarnation=incarnation).encode())
        await eventually(lambda: self.notifier.is_connected(node))
        return ws

    async def pair(self, *, incarnation: str = "", **options) -> tuple[ClientConnection, ClientConnection]:
        """A connected session: client and agent."""
        self.channels.add_session()
        client, agent = await self.client(**options), await self.agent(**options, incarnation=incarnation)
        await eventually(lambda: (SESSION, "Connected") in self.channels.steps)
        return client, agent


def a_caller(kind: CallerKind, name: str, origin: Origin) -> Caller:
    return Caller(
        kind=kind,
        scope=SCOPE,
        arn=f"arn:aws:sts::{SCOPE.account_id}:assumed-role/FairleadNode/{name}",
        principal_id=f"AROAEXAMPLE:{name}",
        name=name,
        access_key_id="ASIAEXAMPLE",
        origin=origin,
        node_id=name if kind is CallerKind.NODE else None,
    )


async def receive(ws: ClientConnection) -> bytes:
    """The next message."""
    return await asyncio.wait_for(ws.recv(), PATIENCE_S)


async def rest_of(ws: ClientConnection) -> list[bytes]:
    """What still comes until the connection is closed."""
    messages = []
    with suppress(ConnectionClosed):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                messages.append(await ws.recv())
    return messages


async def closed_text(ws: ClientConnection) -> str:
    """The Output of the channel_closed that comes next."""
    frame = await receive(ws)
    assert m.peek_type(frame) == m.CHANNEL_CLOSED
    return parse_channel_closed(frame[m.HEADER_BYTES :]).output


async def close_code(ws: ClientConnection) -> int | None:
    """How the server closes the connection."""
    await asyncio.wait_for(ws.wait_closed(), PATIENCE_S)
    return ws.close_code


async def offered(ws: ClientConnection) -> StartSession:
    """The session that is offered next on a control channel."""
    body = decode_control_message(await receive(ws)).body
    assert isinstance(body, StartSession), body
    return body


async def told_closed(ws: ClientConnection) -> ChannelClosed:
    """The next message, a channel_closed."""
    body = decode_control_message(await receive(ws)).body
    assert isinstance(body, ChannelClosed), body
    return body


def stream(message_type: bytes, payload: bytes, sequence: int = 0) -> bytes:
    """A frame of stream data."""
    return m.make_frame(
        message_type, payload, message_id=MESSAGE_ID, created_date=1, sequence_number=sequence, payload_type=1
    )


def completion(session_id: str = SESSION, status: str = "Success", output: str = "") -> bytes:
    """An agent_task_complete."""
    return encode_control_message(
        TaskComplete(session_id, status, NODE, output), message_id=MESSAGE_ID, created_date=1
    )


def golden(scenario: str) -> list[dict]:
    """The events of a recorded scenario."""
    path = Path(__file__).parents[1] / "vectors" / "frames" / f"{scenario}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
