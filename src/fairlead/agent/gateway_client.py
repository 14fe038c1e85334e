"""The calls of a node to the message gateway: a token over REST, then the WebSocket that it opens.

`POST /v1/control-channel/<node>` and `POST /v1/data-channel/<session>` answer 201 with a small XML document
whose `TokenValue` goes into the first frame of the WebSocket at the same path. Both requests carry the
role's credentials (SigV4, service `ssmmessages`), and go over one connection where the server keeps it open.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

from fairlead.agent.errors import MalformedAnswerError, ServiceError
from fairlead.agent.service_client import clock_offset_s
from fairlead.aws.sigv4 import Credentials, Request, sign_with
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from picows import WSListener, WSTransport

    from fairlead.agent.connector import Connector

SERVICE = "ssmmessages"
MESSAGE_SCHEMA_VERSION = "1.0"

MAX_TOKEN_DOCUMENT_BYTES = 64 * 1024
MAX_TOKEN_CHARACTERS = 8 * 1024

TERMINATED = "Session is already terminated"
"""In the answer to a token request: the session is over and no further attempt makes sense."""

_TOKEN = re.compile(rb"<TokenValue(?:\s[^<>]*)?>([^<>]*)</TokenValue\s*>")


class Liveness(NamedTuple):
    """When a silent WebSocket is pinged, and how long the ping may find no sign of life."""

    ping_interval_s: float
    pong_timeout_s: float


class GatewayClient:
    """Opens channels of one node. `credentials` gives the role's credentials, waiting for them where needed.

    Every call may raise `ServiceError`, `MalformedAnswerError` or a `TransportError`.
    """

    def __init__(
        self,
        connector: Connector,
        region: str,
        credentials: Callable[[], Awaitable[Credentials]],
        incarnation: str,
    ) -> None:
        self._connector = connector
        self._region = region
        self._credentials = credentials
        self.incarnation = incarnation
        """What tells the holder of these sessions from another one, for the open frames."""

    async def create_control_channel(self, instance_id: str) -> str:
        """A token for the control channel of this node."""
        return await self._create("CreateControlChannel", f"/v1/control-channel/{instance_id}", {})

    async def create_data_channel(self, session_id: str) -> str:
        """A token for the data channel of a session; `ServiceError.text` holds `TERMINATED` when it is
        over."""
        return await self._create("CreateDataChannel", f"/v1/data-channel/{session_id}", {"ClientId": ""})

    async def open_control_channel(
        self, instance_id: str, listener: WSListener, max_frame_bytes: int, liveness: Liveness
    ) -> WSTransport:
        """The WebSocket of the control channel, before its open frame."""
        path = f"/v1/control-channel/{instance_id}"
        return await self._open(path, "role=subscribe&stream=input", listener, max_frame_bytes, liveness)

    async def open_data_channel(
        self, session_id: str, listener: WSListener, max_frame_bytes: int, liveness: Liveness
    ) -> WSTransport:
        """The WebSocket of a data channel, before its open frame."""
        path = f"/v1/data-channel/{session_id}"
        return await self._open(path, "role=publish_subscribe", listener, max_frame_bytes, liveness)

    async def _create(self, operation: str, path: str, members: dict[str, str]) -> str:
        document = {
            "MessageSchemaVersion": MESSAGE_SCHEMA_VERSION,
            "RequestId": str(uuid.uuid4()),
            **members,
        }
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = [("Host", self._connector.endpoint.host_header), ("Content-Type", "application/json")]
        headers += await self._signature(Request("POST", path, "", headers, body))
        response = await self._connector.exchange("POST", path, headers, body, keep=True)
        if response.head.status != 201:
            text = printable(response.body.decode("utf-8", "replace"))
            offset_s = clock_offset_s(response.head.value("date"), time.time())
            raise ServiceError(operation, response.head.status, "", text, offset_s)
        return parse_token(response.body)

    async def _open(
        self, path: str, query: str, listener: WSListener, max_frame_bytes: int, liveness: Liveness
    ) -> WSTransport:
        host = self._connector.endpoint.host_header
        signature = await self._signature(Request("GET", path, query, [("Host", host)]))
        return await self._connector.open_websocket(
            listener,
            f"{path}?{query}",
            signature,
            max_frame_bytes=max_frame_bytes,
            ping_interval_s=liveness.ping_interval_s,
            pong_timeout_s=liveness.pong_timeout_s,
        )

    async def _signature(self, request: Request) -> list[tuple[str, str]]:
        credentials = await self._credentials()
        return sign_with(credentials, request, region=self._region, service=SERVICE, now=time.time())


def parse_token(document: bytes) -> str:
    """The text of the element `TokenValue` in an answer of the gateway. Raises `MalformedAnswerError`.

    A pattern and not an XML parser: the document is flat, its root has no fixed name, and a parser would
    bring entities and nesting, of which nothing good can come here.
    """
    found = _TOKEN.findall(document) if len(document) <= MAX_TOKEN_DOCUMENT_BYTES else []
    token = unescape(found[0].decode("utf-8", "replace")).strip() if len(found) == 1 else ""
    if not token or len(token) > MAX_TOKEN_CHARACTERS or not token.isprintable():
        raise MalformedAnswerError("the gateway's answer holds no usable TokenValue")
    return token
