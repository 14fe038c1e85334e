"""The two REST calls with which an agent gets the tokens of its channels.

    POST /v1/control-channel/<node id>      POST /v1/data-channel/<session id>

Success is 201 with an XML document that has a `TokenValue`; the stock agent reads nothing else. It looks for
two texts in the body of an error: `<AccessDeniedException>` and "Session is already terminated".
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fairlead.aws.canonical import Request
from fairlead.domain.callers import Caller
from fairlead.domain.errors import DomainError
from fairlead.gateway.doorkeeper import Doorkeeper, Identity, Refused, refusal
from fairlead.gateway.live_sessions import Run
from fairlead.gateway.refusal_log import refusal_log
from fairlead.gateway.requests import ChannelAddress, ChannelKind, Peer
from fairlead.gateway.settings import GatewaySettings


class TokenGiver(Protocol):
    """What these calls ask of `control.channels`; each raises a DomainError for what is refused."""

    def create_control_channel(self, caller: Caller, node_id: str) -> str: ...
    def create_data_channel(self, caller: Caller, session_id: str) -> str: ...


def routes(giver: TokenGiver, run: Run, doorkeeper: Doorkeeper, settings: GatewaySettings) -> list[BaseRoute]:
    """The routes, for the application that serves the port."""
    calls = ChannelCalls(giver, run, doorkeeper, settings)
    return [
        Route("/v1/control-channel/{rest:path}", calls.create, methods=["POST"]),
        Route("/v1/data-channel/{rest:path}", calls.create, methods=["POST"]),
    ]


class ChannelCalls:
    """CreateControlChannel and CreateDataChannel."""

    def __init__(
        self, giver: TokenGiver, run: Run, doorkeeper: Doorkeeper, settings: GatewaySettings
    ) -> None:
        self._giver = giver
        self._run = run
        self._doorkeeper = doorkeeper
        self._settings = settings

    async def create(self, http_request: HttpRequest) -> Response:
        """Answer one call."""
        try:
            request = await self._read(http_request)
            address = ChannelAddress.parse(request.path)
            if address is None:
                raise Refused(HTTPStatus.NOT_FOUND, "NotFoundException", "There is no such channel.")
            identity = await self._doorkeeper.identify(request, _peer(http_request))
            token = await self._token(address, identity)
        except ClientDisconnect:
            return Response()  # nobody reads it
        except Refused as refused:
            refusal_log.info("refused a channel call from %s: %s", _peer(http_request).address, refused)
            return _xml(
                f"<{refused.code}><Message>{escape(str(refused))}</Message></{refused.code}>", refused.status
            )
        name = (
            "CreateControlChannelResult" if address.kind is ChannelKind.CONTROL else "CreateDataChannelResult"
        )
        return _xml(
            f"<{name}><MessageSchemaVersion>1.0</MessageSchemaVersion>"
            f"<TokenValue>{escape(token)}</TokenValue></{name}>",
            HTTPStatus.CREATED,
        )

    async def _token(self, address: ChannelAddress, identity: Identity) -> str:
        if identity.caller is None:
            raise Refused(
                HTTPStatus.FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        create: Callable[[Caller, str], str] = self._giver.create_data_channel
        if address.kind is ChannelKind.CONTROL:
            create = self._giver.create_control_channel
        try:
            token: str = await self._run(create, identity.caller, address.id)
        except DomainError as error:
            raise refusal(error) from error
        return token

    async def _read(self, http_request: HttpRequest) -> Request:
        """Refuses at the first byte too many: unlike the API's callers, an agent never sends a long body."""
        body = bytearray()
        async for chunk in http_request.stream():
            body += chunk
            if len(body) > self._settings.max_request_body_bytes:
                raise Refused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLarge", "The body is too large."
                )
        scope = http_request.scope
        return Request.from_wire(
            scope["method"], scope["raw_path"], scope["query_string"], scope["headers"], bytes(body)
        )


def _peer(http_request: HttpRequest) -> Peer:
    client = http_request.scope.get("client")
    return Peer(client[0] if client else "", http_request.scope["scheme"] == "https")


def _xml(body: str, status: HTTPStatus) -> Response:
    return Response(body, status.value, media_type="application/xml")
