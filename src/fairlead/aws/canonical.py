"""An HTTP request as it is on the wire, and the canonical form of it that a signature is over.

Two ends that see the same request must arrive at the same bytes, whatever harmless changes proxies made
in between: the order and case of header names, runs of blanks, the order and spelling of query arguments.
Source: "Create a signed AWS API request" in the IAM User Guide, step 1. What is done with these bytes is
left to `sigv4`. Part of the ProxyCommand path: the imports are few on purpose.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False  # `typing` takes milliseconds to import; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Iterable

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class Request:
    """An HTTP request as it is on the wire. Nobody changes one.

    `path` and `query` are the raw parts of the request target, before and after the first `?`; `headers`
    are (name, value) pairs in wire order. Each character of a text stands for one byte (Latin-1), as HTTP
    servers and ASGI decode them.
    """

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(
        self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = tuple(headers)
        self.body = body

    @classmethod
    def from_wire(
        cls, method: str, path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes = b""
    ) -> Request:
        """From the bytes that were on the wire, such as `raw_path` and `query_string` of ASGI."""
        texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        return cls(method, path.decode("latin-1"), query.decode("latin-1"), texts, body)

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, in wire order; `name` in lower case."""
        return [value for key, value in self.headers if key.lower() == name]


def canonical_request(
    request: Request, signed_headers: Iterable[str], without_argument: str | None = None
) -> bytes:
    """The canonical form, over these headers (lower case, sorted) and all of the query.

    `without_argument` names the query argument that holds the signature itself. Raises UnicodeEncodeError
    for text that cannot have been on a wire.
    """
    names = tuple(signed_headers)
    lines = [
        request.method.encode("latin-1"),
        _encoded(normal_path(request.path).encode("latin-1"), keep=b"/").encode(),
        _canonical_query(request.query, without_argument).encode(),
        *(_canonical_header(request, name) for name in names),
        b"",
        ";".join(names).encode("latin-1"),
        hashlib.sha256(request.body).hexdigest().encode(),
    ]
    return b"\n".join(lines)


def _canonical_header(request: Request, name: str) -> bytes:
    """Name and values with runs of blanks reduced to one. Bytes: text would split at Latin-1's own blanks."""
    values = (b" ".join(value.encode("latin-1").split()) for value in request.header_values(name))
    return name.encode("latin-1") + b":" + b",".join(values)


def _canonical_query(query: str, without: str | None) -> str:
    pairs = [
        (_encoded(name), _encoded(value))
        for name, value in decoded_pairs(query)
        if without is None or name != without.encode()
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def decoded_pairs(query: str) -> list[tuple[bytes, bytes]]:
    """Names and values of a query, in wire order."""
    pairs = [part.partition("=") for part in query.split("&")] if query else []
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _decoded(text: str) -> bytes:
    """Form decoding: `+` is a blank, `%` without two hexadecimal digits stands for itself."""
    first, *escapes = text.replace("+", " ").encode("latin-1").split(b"%")
    pieces = [first]
    for escape in escapes:
        digits = escape[:2]
        if len(digits) == 2 and _HEX_DIGITS.issuperset(digits):
            pieces += (bytes((int(digits, 16),)), escape[2:])
        else:
            pieces += (b"%", escape)
    return b"".join(pieces)


def _encoded(data: bytes, keep: bytes = b"") -> str:
    """Percent-encoding of everything but the unreserved characters of RFC 3986 §2.3 and those in `keep`."""
    return "".join(chr(byte) if byte in keep else _ENCODED[byte] for byte in data)


def normal_path(path: str) -> str:
    """The path without dot segments (RFC 3986 §5.2.4) and without empty ones, which AWS leaves out too."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    trailing = "/" if segments and path.endswith("/") else ""
    leading = "/" if path.startswith("/") or not path else ""
    return leading + "/".join(segments) + trailing
