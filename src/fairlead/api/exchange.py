"""One request on its way through the API: the value that the steps of the request path fill."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from starlette.types import Receive
from starlette.types import Scope as AsgiScope

from fairlead.aws.canonical import Request
from fairlead.aws.shapes import Operation
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import WebIdentityRefused
from fairlead.domain.web_identity import WebIdentity


class WireProtocol(Enum):
    """How requests, responses and errors are written."""

    JSON = "json"
    QUERY = "query"
    NONE = "none"
    """Neither: somebody who looks at the address with a browser, a scanner."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request asks for, before anything of it is believed.

    `operation` is None for a name that is not served. `version` is the API version of a Query request.
    """

    protocol: WireProtocol
    service: str
    operation_name: str
    operation: Operation | None
    version: str = ""


class Exchange:
    """Filled from top to bottom, one step after the other; a step reads what earlier ones filled."""

    __slots__ = (
        "asgi_scope",
        "caller",
        "identity",
        "input",
        "origin",
        "output",
        "receive",
        "request",
        "request_id",
        "response_body",
        "stream_base_url",
        "web_identity",
    )

    asgi_scope: AsgiScope
    receive: Receive
    request_id: str
    request: Request
    """As on the wire, body included."""
    identity: Identity
    origin: Origin
    stream_base_url: str
    """Where a client of this caller is to open its data channel: `wss://name:port`."""
    caller: Caller | None
    """None for an operation that is unsigned by design."""
    web_identity: WebIdentity | WebIdentityRefused
    """What the identity provider's token says, or why it is refused; for AssumeRoleWithWebIdentity only."""
    # Any: both are dataclasses of the operation at hand, which the type checker cannot know.
    input: Any
    output: Any
    response_body: bytes

    def __init__(self, asgi_scope: AsgiScope, receive: Receive, request_id: str) -> None:
        self.asgi_scope = asgi_scope
        self.receive = receive
        self.request_id = request_id

    @property
    def known_caller(self) -> Caller:
        """The caller of an operation that is signed."""
        assert self.caller is not None, "an unsigned operation has no caller"
        return self.caller
