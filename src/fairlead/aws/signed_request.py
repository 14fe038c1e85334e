"""What the signature of a request claims, read from the `Authorization` header or from the query.

Reading only: every claim is still to be proven (`sigv4.verify`). A request in which anything that matters
is there twice is refused here already, because a proxy, this module and the handler of the request might
each look at another copy. Part of the ProxyCommand path: the imports are few on purpose.
"""

from __future__ import annotations

from fairlead.aws.basic_dates import format_basic, parse_basic
from fairlead.aws.canonical import Request, decoded_pairs
from fairlead.aws.errors import IncompleteSignature, MissingAuthentication, excerpt

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

MAX_EXPIRES_S = 7 * 24 * 3600
"""Longest life of a presigned URL, in seconds."""

_ONCE = frozenset(("authorization", "content-length", "content-type", "date", "host", "transfer-encoding"))
_QUERY_AUTHENTICATION = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
)


class Scope:
    """What a signature is good for: one day (`yyyymmdd`, UTC) in one region for one service."""

    __slots__ = ("date", "region", "service")

    def __init__(self, date: str, region: str, service: str) -> None:
        self.date = date
        self.region = region
        self.service = service

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


class SignedRequest:
    """A request together with what its signature claims. Nothing of it is proven before `verify`.

    `amz_date` is the time of signing as sent, `signed_at` the same in epoch seconds. `expires_s` is the
    life of a presigned URL in seconds, None for a signature in the header. `signature` is hexadecimal, or
    base64 in an agent's RSA form.
    """

    __slots__ = (
        "access_key_id",
        "amz_date",
        "expires_s",
        "request",
        "scope",
        "session_token",
        "signature",
        "signed_at",
        "signed_headers",
    )

    def __init__(
        self,
        request: Request,
        credential: str,
        signed_headers: str,
        signature: str,
        amz_date: str,
        session_token: str | None,
        expires_s: int | None,
    ) -> None:
        self.request = request
        self.access_key_id, self.scope = _parse_credential(credential)
        self.signed_headers = _parse_signed_headers(signed_headers)
        self.signature = signature
        self.amz_date = amz_date
        self.signed_at = _parse_amz_date(amz_date)
        self.session_token = session_token
        self.expires_s = expires_s

    @property
    def is_presigned(self) -> bool:
        """Whether the signature stands in the query."""
        return self.expires_s is not None


def parse(request: Request) -> SignedRequest:
    """Read the signature of a request, from the `Authorization` header or from the query.

    Raises MissingAuthentication where there is none, IncompleteSignature where it cannot be read or where
    anything that matters is there twice.
    """
    headers = _headers_that_come_once(request)
    arguments = _query_arguments(request.query)
    in_query = [name for name in _QUERY_AUTHENTICATION if name in arguments]
    if not headers.get("authorization"):
        if not in_query:
            raise MissingAuthentication("Missing Authentication Token")
        return _parse_presigned(request, headers, arguments)
    if in_query:
        raise IncompleteSignature(
            f"Only one authentication mechanism is allowed: '{in_query[0]}' is in the query beside an "
            "Authorization header."
        )
    return _parse_header_form(request, headers)


def format_amz_date(now: float) -> str:
    """Epoch seconds as `X-Amz-Date` writes them: `20261120T212249Z`."""
    return format_basic(int(now))


def _headers_that_come_once(request: Request) -> dict[str, str]:
    """The headers that must not be repeated: a proxy and this server might each look at another one."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        if key not in _ONCE and not key.startswith("x-amz-"):
            continue
        if key in found:
            raise IncompleteSignature(f"The header '{excerpt(key)}' must not be repeated.")
        found[key] = value.strip()
    return found


def _query_arguments(query: str) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for name, value in decoded_pairs(query):
        key = name.decode("latin-1")
        if key in arguments:
            raise IncompleteSignature(f"The query argument '{excerpt(key)}' must not be repeated.")
        arguments[key] = value.decode("latin-1")
    return arguments


def _parse_header_form(request: Request, headers: dict[str, str]) -> SignedRequest:
    algorithm, _, rest = headers["authorization"].partition(" ")
    _check_algorithm(algorithm)
    # The value of a base64 signature may contain "=", and a signature always stands last.
    listed, _, signature = rest.partition("Signature=")
    parameters = {"Signature": signature.strip()}
    for parameter in filter(None, map(str.strip, listed.split(","))):
        name, _, value = parameter.partition("=")
        if name in parameters or name not in ("Credential", "SignedHeaders"):
            raise IncompleteSignature(f"Authorization header has an unexpected '{excerpt(name)}' parameter.")
        parameters[name] = value
    lacking = [name for name in ("Credential", "Signature", "SignedHeaders") if not parameters.get(name)]
    texts = [f"Authorization header requires '{name}' parameter." for name in lacking]
    if "x-amz-date" not in headers:
        texts.append("Authorization header requires existence of a 'X-Amz-Date' header.")
    if texts:
        raise IncompleteSignature(" ".join(texts))
    return SignedRequest(
        request,
        parameters["Credential"],
        parameters["SignedHeaders"],
        parameters["Signature"],
        headers["x-amz-date"],
        headers.get("x-amz-security-token"),
        None,
    )


def _parse_presigned(request: Request, headers: dict[str, str], arguments: dict[str, str]) -> SignedRequest:
    for name in ("x-amz-date", "x-amz-security-token"):
        if name in headers:
            raise IncompleteSignature(f"A presigned URL must not come with the header '{name}'.")
    for name in _QUERY_AUTHENTICATION:
        if name != "X-Amz-Security-Token" and not arguments.get(name):
            raise IncompleteSignature(f"AWS query-string parameters must include '{name}'.")
    _check_algorithm(arguments["X-Amz-Algorithm"])
    return SignedRequest(
        request,
        arguments["X-Amz-Credential"],
        arguments["X-Amz-SignedHeaders"],
        arguments["X-Amz-Signature"],
        arguments["X-Amz-Date"],
        arguments.get("X-Amz-Security-Token"),
        _parse_expires(arguments["X-Amz-Expires"]),
    )


def _check_algorithm(algorithm: str) -> None:
    if algorithm != ALGORITHM:
        raise IncompleteSignature(
            f"Unsupported AWS 'algorithm': '{excerpt(algorithm)}', expected {ALGORITHM}."
        )


def _parse_credential(credential: str) -> tuple[str, Scope]:
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts):
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{excerpt(credential)}'."
        )
    key_id, date, region, service, terminator = parts
    if terminator != TERMINATOR:
        raise IncompleteSignature(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', "
            f"not '{excerpt(terminator)}'."
        )
    return key_id, Scope(date, region, service)


def _parse_signed_headers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if "" in names or text != text.lower() or list(names) != sorted(set(names)):
        raise IncompleteSignature(
            f"SignedHeaders must be lower-case names, sorted and each once, got '{excerpt(text)}'."
        )
    return names


def _parse_amz_date(text: str) -> int:
    moment = parse_basic(text)
    if moment is None:
        raise IncompleteSignature(
            f"Date must be in ISO-8601 'basic format', e.g. 20261120T212249Z, got '{excerpt(text)}'."
        )
    return moment


def _parse_expires(text: str) -> int:
    expires = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
    if not 1 <= expires <= MAX_EXPIRES_S:
        raise IncompleteSignature(
            f"X-Amz-Expires must be a number of seconds from 1 to {MAX_EXPIRES_S}, got '{excerpt(text)}'."
        )
    return expires
