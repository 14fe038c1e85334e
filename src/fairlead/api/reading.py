"""Reading a request off the connection, within its limits."""

from starlette.types import Receive
from starlette.types import Scope as AsgiScope

from fairlead.api.errors import ClientLeft, RequestTooLarge
from fairlead.api.limits import MAX_BODY_BYTES, MAX_DISCARDED_BYTES, MAX_HEADER_BYTES
from fairlead.aws.canonical import Request


async def read_request(scope: AsgiScope, receive: Receive) -> Request:
    """The request as it was on the wire: target and headers undecoded, in their order, the body complete.

    Raises RequestTooLarge or ClientLeft.
    """
    head = read_head(scope)
    header_bytes = (
        len(head.path) + len(head.query) + sum(len(name) + len(text) for name, text in head.headers)
    )
    if header_bytes > MAX_HEADER_BYTES:
        raise RequestTooLarge(f"The request's header is longer than {MAX_HEADER_BYTES} bytes.")
    body = await _read_body(receive)
    return Request(head.method, head.path, head.query, head.headers, body)


def read_head(scope: AsgiScope) -> Request:
    """The request without its body."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return Request.from_wire(scope["method"], raw_path, scope["query_string"], scope["headers"])


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    size = 0
    more = True
    while more and size <= MAX_DISCARDED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft("The connection ended before the request was complete.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        more = message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        raise RequestTooLarge(f"The request's body is longer than {MAX_BODY_BYTES} bytes.")
    return bytes(body)
