"""A whole server in an attacker's hands, with a certificate that our client trusts: API and data channel."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from websockets.frames import Opcode
from websockets.http11 import Request as UpgradeRequest
from websockets.server import ServerProtocol

from fairlead.aws.sigv4 import Request
from tests.support.certificates import Authority
from tests.support.fake_gateway import NODE, Answer, FakeGateway, Leg, Seen
from tests.support.waiting import PATIENCE_S
from tools.processes import environment
from tools.stack import SCRIPTS

SESSION = "alice-0123456789abcdefghijklmnop"
Play = Callable[[Leg], Awaitable[None]]
"""What is done with a data channel once its open frame is there."""


class Left(NamedTuple):
    """How the client ended."""

    status: int
    stdout: bytes
    stderr: str


class EvilService(FakeGateway):
    """Grants every session; `plays` are done one after the other, one for each data channel."""

    def __init__(self, *plays: Play) -> None:
        super().__init__()
        self.plays = list(plays)
        self.received: list[bytes] = []
        """The binary messages of the client."""
        self.answers = {
            "StartSession": lambda _: self.grant(),
            "ResumeSession": Answer(200, json.dumps({"SessionId": SESSION}).encode()),
            "TerminateSession": Answer(200, b"{}"),
        }
        self.client: asyncio.subprocess.Process | None = None

    def grant(self, **changes: str) -> Answer:
        """A session and the way to its data channel."""
        url = f"wss://127.0.0.1:{self.port}/v1/data-channel/{SESSION}?role=publish_subscribe"
        members = {"SessionId": SESSION, "TokenValue": "t" * 40, "StreamUrl": url, **changes}
        return Answer(200, json.dumps(members).encode())

    async def serve_proxy(self, directory: Path, **variables: str) -> Left:
        """Run `fairlead proxy` against this server until it leaves by itself; its stdin stays open."""
        authority = Authority()
        ca_file = directory / "ca.pem"
        ca_file.write_bytes(authority.pem)
        async with self.serving(authority.server_context(directory / "tls")):
            env = environment(
                AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
                AWS_SECRET_ACCESS_KEY="secret",
                AWS_REGION="us-east-1",
                AWS_ENDPOINT_URL=self.url,
                AWS_CA_BUNDLE=str(ca_file),
                FAIRLEAD_CONNECT_WINDOW="1",
                FAIRLEAD_RESUME_WINDOW="1",
                **variables,
            )
            self.client = await asyncio.create_subprocess_exec(
                *map(str, _command()),
                env=env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            streams = self.client.stdout, self.client.stderr
            async with asyncio.timeout(PATIENCE_S):
                stdout, stderr = await asyncio.gather(*(stream.read() for stream in streams if stream))
                return Left(await self.client.wait(), stdout, stderr.decode())

    def peak_memory_bytes(self) -> int:
        """The most that the client has had resident so far."""
        assert self.client is not None
        status = Path(f"/proc/{self.client.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def _refusal(self, request: Request, seen: Seen) -> Answer | None:
        """Nobody's signature matters here; a client's WebSocket has none."""
        answer = self.answers.get(seen.operation)
        return answer(seen) if callable(answer) else answer

    async def _websocket(
        self, raw: bytes, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        protocol = ServerProtocol(max_size=None)
        leg = Leg(protocol, writer)
        self._legs.add(leg)
        playing: asyncio.Future[None] | None = None
        data = raw
        try:
            while data:
                protocol.receive_data(data)
                for event in protocol.events_received():
                    if isinstance(event, UpgradeRequest):
                        protocol.send_response(protocol.accept(event))
                    elif event.opcode is Opcode.TEXT and self.plays:
                        playing = asyncio.ensure_future(self.plays.pop(0)(leg))
                    elif event.opcode is Opcode.BINARY:
                        self.received.append(bytes(event.data))
                leg.flush()
                data = await reader.read(65536)
        finally:
            self._legs.discard(leg)
            if playing is not None:
                await asyncio.gather(playing, return_exceptions=True)


def _command() -> Sequence[object]:
    return [SCRIPTS / "fairlead", "proxy", NODE, "22"]
