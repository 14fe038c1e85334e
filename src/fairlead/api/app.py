"""The HTTP API: the path of a request as one list of steps, and the application that serves it.

Steps run in order and fill one `Exchange`; whatever a step raises becomes an error on the wire in one place.
Use cases, authentication and the decoding of large bodies run on the database executor, everything else on
the event loop.
"""

import logging
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from fairlead.api import dispatch
from fairlead.api.errors import ClientLeft, RequestTooLarge, UnknownOperation, translate
from fairlead.api.exchange import Exchange, Identity, WireProtocol
from fairlead.api.handlers import Handler
from fairlead.api.limits import MAX_BODY_BYTES_ON_LOOP, MAX_UNSIGNED_BODY_BYTES
from fairlead.api.message_delivery import GET_MESSAGES, MessagePolls
from fairlead.api.origin import OriginReader
from fairlead.api.public_names import PublicNames
from fairlead.api.reading import read_head, read_request
from fairlead.aws import json_protocol, query_protocol
from fairlead.aws.canonical import Request
from fairlead.aws.errors import RequestError, SignatureError, excerpt
from fairlead.aws.shapes import Operation
from fairlead.control.authentication import Authenticator
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import AccessDenied, AuthenticationFailed, HostRefused, WebIdentityRefused
from fairlead.domain.operations.catalogue import NODE_KEY_OPERATIONS, UNSIGNED_OPERATIONS
from fairlead.domain.operations.security_tokens import ASSUME_ROLE_WITH_WEB_IDENTITY
from fairlead.domain.web_identity import WebIdentity

_log = logging.getLogger(__name__)
_access_log = logging.getLogger("fairlead.access")
_security_log = logging.getLogger("fairlead.security")

_CONTENT_TYPES: Mapping[WireProtocol, str] = {
    WireProtocol.JSON: json_protocol.CONTENT_TYPE,
    WireProtocol.QUERY: query_protocol.CONTENT_TYPE,
    WireProtocol.NONE: "application/xml",
}
_NOBODY = Identity(WireProtocol.NONE, "", "", None)

T = TypeVar("T")


class Executor(Protocol):
    """Runs synchronous work on database threads."""

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        """Raises what `work` raises, or Throttled when too much is waiting."""
        ...


TokenVerifier = Callable[[Origin, str], Awaitable[WebIdentity | WebIdentityRefused]]
"""What a token of an identity provider says, or why it is refused. May fetch the provider's keys; raises
Throttled."""


class Api:
    """The API as an ASGI application."""

    def __init__(
        self,
        *,
        names: PublicNames,
        origins: OriginReader,
        authenticator: Authenticator,
        handlers: Mapping[Operation, Handler],
        polls: MessagePolls,
        executor: Executor,
        verify_token: TokenVerifier,
        record_refusal: Callable[[Caller, Operation, RequestError | AccessDenied], None],
    ) -> None:
        """`record_refusal` audits, on a database thread, a call that is refused before its use case."""
        self._names = names
        self._origins = origins
        self._authenticator = authenticator
        self._handlers = handlers
        self._polls = polls
        self._executor = executor
        self._verify_token = verify_token
        self._record_refusal = record_refusal
        self._steps: tuple[Callable[[Exchange], Awaitable[None]], ...] = (
            self._read,
            self._identify,
            self._check_host,
            self._authenticate,
            self._decode,
            self._verify,
            self._execute,
            self._encode,
        )

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.monotonic()
        exchange = Exchange(scope, receive, new_request_id())
        exchange.identity = _NOBODY
        try:
            for step in self._steps:
                await step(exchange)
            status = 200
        except ClientLeft:
            return
        except Exception as error:
            status = _fail(exchange, error)
        _log_access(exchange, status, time.monotonic() - started)
        await _response(exchange, status)(scope, receive, send)

    async def _read(self, exchange: Exchange) -> None:
        exchange.request = await read_request(exchange.asgi_scope, exchange.receive)

    async def _identify(self, exchange: Exchange) -> None:
        exchange.identity = dispatch.identify(exchange.request)

    async def _check_host(self, exchange: Exchange) -> None:
        """Refuse another server's name; note the sender's address and where its client may stream to."""
        host = self._names.check(exchange.request.header_values("host"))
        exchange.stream_base_url = self._names.stream_base_url(host)
        peer = exchange.asgi_scope.get("client") or ("", 0)
        exchange.origin = self._origins.read(
            exchange.request,
            peer[0],
            is_secure=exchange.asgi_scope["scheme"] == "https",
            request_id=exchange.request_id,
        )

    async def _authenticate(self, exchange: Exchange) -> None:
        """Who calls. An operation that is not served is refused only after this, if its service is known."""
        identity = exchange.identity
        exchange.caller = None
        if identity.operation in UNSIGNED_OPERATIONS:
            if len(exchange.request.body) > MAX_UNSIGNED_BODY_BYTES:
                raise RequestTooLarge(
                    f"The body of this operation may have {MAX_UNSIGNED_BODY_BYTES} bytes at most."
                )
            return
        if identity.operation in NODE_KEY_OPERATIONS:
            exchange.caller = await self._executor.run(
                self._authenticator.authenticate_node_key, exchange.request, exchange.origin
            )
        elif identity.service:
            exchange.caller = await self._executor.run(
                self._authenticator.authenticate, exchange.request, exchange.origin, identity.service
            )

    async def _decode(self, exchange: Exchange) -> None:
        identity = exchange.identity
        if identity.operation is None:
            if _is_tolerated(exchange):
                return
            raise UnknownOperation(_unknown_operation_text(identity))
        try:
            exchange.input = await self._decoded(identity.operation, identity.protocol, exchange.request)
        except RequestError as error:
            await self._record(exchange, error)
            raise

    # Any: the input dataclass of the operation.
    async def _decoded(self, operation: Operation, protocol: WireProtocol, request: Request) -> Any:
        if len(request.body) > MAX_BODY_BYTES_ON_LOOP:
            return await self._executor.run(_decoded_input, operation, protocol, request)
        return _decoded_input(operation, protocol, request)

    async def _verify(self, exchange: Exchange) -> None:
        """What the token of an identity provider says: on the event loop, since its keys may be far away."""
        if exchange.identity.operation == ASSUME_ROLE_WITH_WEB_IDENTITY:
            token = exchange.input.web_identity_token
            exchange.web_identity = await self._verify_token(exchange.origin, token)

    async def _execute(self, exchange: Exchange) -> None:
        operation = exchange.identity.operation
        if operation is None:
            return
        if operation == GET_MESSAGES:
            try:
                exchange.output = await self._polls.get_messages(exchange.known_caller, exchange.input)
            except AccessDenied as error:
                await self._record(exchange, error)
                raise
        else:
            exchange.output = await self._executor.run(self._handlers[operation], exchange)

    async def _record(self, exchange: Exchange, error: RequestError | AccessDenied) -> None:
        """Audit a refusal, if it is known whose call was refused."""
        if exchange.caller is not None and exchange.identity.operation is not None:
            await self._executor.run(
                self._record_refusal, exchange.caller, exchange.identity.operation, error
            )

    async def _encode(self, exchange: Exchange) -> None:
        identity = exchange.identity
        if identity.operation is None:
            exchange.response_body = b"{}"
        elif identity.protocol is WireProtocol.JSON:
            exchange.response_body = json_protocol.encode(exchange.output)
        else:
            exchange.response_body = query_protocol.encode(
                identity.operation, exchange.output, exchange.request_id
            )


def create_app(
    api: Api,
    names: PublicNames,
    *,
    ca_certificates: bytes | None,
    gateway_routes: tuple[BaseRoute, ...] = (),
) -> Starlette:
    """The application of the one port: health, our CA certificates, the gateway's calls, and the API."""

    async def health(request: HttpRequest) -> Response:
        return PlainTextResponse("ok\n")

    async def ca_pem(request: HttpRequest) -> Response:
        try:
            names.check(read_head(request.scope).header_values("host"))
        except HostRefused as refusal:
            return PlainTextResponse(f"{refusal}\n", status_code=421)
        if ca_certificates is None:
            return PlainTextResponse("This server speaks plain HTTP and has no CA.\n", status_code=404)
        return Response(ca_certificates, media_type="application/x-pem-file")

    return Starlette(
        routes=[
            Route("/healthz", health, methods=["GET"]),
            Route("/ca.pem", ca_pem, methods=["GET"]),
            *gateway_routes,
            Route("/{path:path}", api),
        ]
    )


def new_request_id() -> str:
    """A fresh `x-amzn-RequestId`: a random UUID (RFC 9562 §5.4)."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


# Any: the input dataclass of the operation.
def _decoded_input(operation: Operation, protocol: WireProtocol, request: Request) -> Any:
    if protocol is WireProtocol.JSON:
        return json_protocol.decode(operation.input, request.body)
    return query_protocol.decode(operation.input, query_protocol.parse_form(dispatch.form_of(request)))


def _is_tolerated(exchange: Exchange) -> bool:
    """Agents report much that nobody asks of them here; an empty answer keeps them content."""
    caller = exchange.caller
    return exchange.identity.service == "ssm" and caller is not None and caller.kind is CallerKind.NODE


def _unknown_operation_text(identity: Identity) -> str:
    if identity.protocol is WireProtocol.QUERY:
        version = excerpt(identity.version or "(none)")
        return f"Could not find operation {dispatch.describe(identity)} for version {version}."
    return f"This server does not serve the operation {dispatch.describe(identity)}."


def _fail(exchange: Exchange, error: Exception) -> int:
    if exchange.identity is _NOBODY:
        # Refused while it was read: its head tells in which protocol the sender expects an answer.
        exchange.identity = dispatch.identify(read_head(exchange.asgi_scope))
    identity = exchange.identity
    wire = translate(error, identity.protocol, identity.service, identity.operation, exchange.request_id)
    exchange.response_body = wire.encode(exchange.request_id)
    _log.info("request %s refused: %s: %s", exchange.request_id, wire.code, wire.message)
    if isinstance(error, SignatureError | AuthenticationFailed):
        # No caller, so no audit record. Authentication slows down who fails often, and this log with it.
        _security_log.warning(
            "credentials from %s refused: %s: %s", exchange.origin.source_address, wire.code, wire.message
        )
    return wire.status


def _log_access(exchange: Exchange, status: int, elapsed_s: float) -> None:
    if not _access_log.isEnabledFor(logging.INFO):
        return
    identity = exchange.identity
    caller = getattr(exchange, "caller", None)
    origin = getattr(exchange, "origin", None)
    _access_log.info(
        "%s %s %s:%s %s %d %.1f ms",
        exchange.request_id,
        origin.source_address if origin is not None else "-",
        identity.service or "-",
        dispatch.describe(identity),
        caller.arn if caller is not None else "-",
        status,
        elapsed_s * 1000,
    )


def _response(exchange: Exchange, status: int) -> Response:
    headers = {
        "x-amzn-RequestId": exchange.request_id,
        "Content-Type": _CONTENT_TYPES[exchange.identity.protocol],
        "Cache-Control": "no-store",
    }
    if status in (408, 413, 421):
        headers["Connection"] = "close"
    return Response(exchange.response_body, status_code=status, headers=headers)
