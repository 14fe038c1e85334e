"""AWS Signature Version 4: signing requests, and judging signed ones. The only copy of either.

Signing serves our own programs; judging serves the server, in steps, so that the caller can look up the
key in between:

    signed = parse(request)                               # who claims to send it
    secret = ...                                          # the caller's part, by signed.access_key_id
    check_scope(signed, service="ssm", regions=served)    # once the operation is known
    verify(signed, hmac_verifier(secret), now)            # covers everything, is fresh, is authentic

The proof itself is a callable on both sides. The usual one is an HMAC made with a secret access key; an
agent proves its node's identity with RSA-PSS over the same string to sign, in the same header, so its
signer and verifier live with their key and everything else is shared.

Left to the caller: finding the key, comparing the session token with the one that belongs to it, and
every limit on the size of a request. Source of all rules: "AWS Signature Version 4 for API requests" in
the IAM User Guide. Part of the ProxyCommand path: the imports are few on purpose.
"""

from __future__ import annotations

import hashlib
import hmac

from fairlead.aws.canonical import Request, canonical_request, normal_path
from fairlead.aws.errors import (
    HeaderNotSigned,
    IncompleteSignature,
    ScopeMismatch,
    SignatureExpired,
    SignatureMismatch,
    SignatureNotYetCurrent,
    excerpt,
)
from fairlead.aws.signed_request import (
    ALGORITHM,
    MAX_EXPIRES_S,
    TERMINATOR,
    Scope,
    SignedRequest,
    format_amz_date,
    parse,
)

TYPE_CHECKING = False  # `typing` takes milliseconds to import; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    Signer = Callable[["Scope", str], str]
    """Makes the signature: scope and string to sign in, the text after `Signature=` out."""

    Verifier = Callable[["Scope", str, str], bool]
    """Judges a signature: scope, string to sign and the text after `Signature=`."""

__all__ = [
    "ALGORITHM",
    "MAX_EXPIRES_S",
    "MAX_SKEW_S",
    "Credentials",
    "Request",
    "Scope",
    "SignedRequest",
    "check_coverage",
    "check_scope",
    "check_time",
    "format_amz_date",
    "hmac_signer",
    "hmac_verifier",
    "parse",
    "sign",
    "sign_with",
    "string_to_sign",
    "verify",
    "verify_hmac",
]

MAX_SKEW_S = 5 * 60
"""How far the time of signing may lie from the server's clock, in seconds."""

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


class Credentials:
    """An access key, with the session token of a temporary one. Its repr hides what is secret."""

    __slots__ = ("access_key_id", "secret_access_key", "session_token")

    def __init__(self, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token

    def __repr__(self) -> str:
        return f"<Credentials {self.access_key_id}>"


def sign(
    request: Request,
    *,
    credential_id: str,
    signer: Signer,
    region: str,
    service: str,
    now: float,
    session_token: str | None = None,
) -> list[tuple[str, str]]:
    """The headers to add to a request: its date, the session token if there is one, and the signature.

    `now` is in epoch seconds. The request must already carry its `Host` as it will be sent. Signed are
    `host`, `content-type` and every `x-amz-*` header, and no other: proxies may change those.
    """
    amz_date = format_amz_date(now)
    scope = Scope(amz_date[:8], region, service)
    added = [("X-Amz-Date", amz_date)]
    if session_token is not None:
        added.append(("X-Amz-Security-Token", session_token))
    complete = Request(request.method, request.path, request.query, (*request.headers, *added), request.body)
    names = {name.lower() for name, _ in complete.headers}
    if "host" not in names:
        raise ValueError("a request without its Host header cannot be signed")
    signed_headers = sorted(filter(_matters, names))
    text = _string_to_sign(complete, signed_headers, amz_date, scope)
    authorization = (
        f"{ALGORITHM} Credential={credential_id}/{scope}, "
        f"SignedHeaders={';'.join(signed_headers)}, Signature={signer(scope, text)}"
    )
    return [*added, ("Authorization", authorization)]


def sign_with(
    credentials: Credentials, request: Request, *, region: str, service: str, now: float
) -> list[tuple[str, str]]:
    """`sign` with an access key."""
    return sign(
        request,
        credential_id=credentials.access_key_id,
        signer=hmac_signer(credentials.secret_access_key),
        region=region,
        service=service,
        now=now,
        session_token=credentials.session_token,
    )


def hmac_signer(secret_access_key: str) -> Signer:
    """A signer for a secret access key."""

    def signer(scope: Scope, text: str) -> str:
        key = b"AWS4" + secret_access_key.encode()
        for part in (scope.date, scope.region, scope.service, TERMINATOR):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    return signer


def verify(signed: SignedRequest, verifier: Verifier, now: float) -> None:
    """Judge a parsed request completely, region and service apart. `now` is in epoch seconds.

    Raises what `check_coverage` and `check_time` raise, or SignatureMismatch.
    """
    check_coverage(signed)
    check_time(signed, now)
    if not verifier(signed.scope, string_to_sign(signed), signed.signature):
        raise SignatureMismatch(_MISMATCH)


def verify_hmac(signed: SignedRequest, secret_access_key: str, now: float) -> None:
    """`verify` with a secret access key."""
    verify(signed, hmac_verifier(secret_access_key), now)


def hmac_verifier(secret_access_key: str) -> Verifier:
    """A verifier for a secret access key; it compares in constant time."""
    signer = hmac_signer(secret_access_key)

    def verifier(scope: Scope, text: str, signature: str) -> bool:
        return hmac.compare_digest(signer(scope, text).encode(), signature.encode())

    return verifier


def check_scope(signed: SignedRequest, *, service: str, regions: Collection[str]) -> None:
    """Raise ScopeMismatch unless the request was signed for this service in one of these regions."""
    if signed.scope.service != service:
        raise ScopeMismatch(f"Credential should be scoped to correct service: '{service}'.")
    if signed.scope.region not in regions:
        raise ScopeMismatch(
            f"Credential should be scoped to a valid region, not '{excerpt(signed.scope.region)}'."
        )


def check_time(signed: SignedRequest, now: float) -> None:
    """Raise SignatureExpired or SignatureNotYetCurrent, or ScopeMismatch where the scope's day is another.

    A signature in a header is good for MAX_SKEW_S to either side, one in a URL from MAX_SKEW_S before its
    time of signing until it expires.
    """
    if signed.scope.date != signed.amz_date[:8]:
        raise ScopeMismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{excerpt(signed.scope.date)}' != '{signed.amz_date[:8]}', from '{signed.amz_date}'."
        )
    life = MAX_SKEW_S if signed.expires_s is None else signed.expires_s
    if now - signed.signed_at > life:
        raise SignatureExpired(
            f"Signature expired: {signed.amz_date} is now earlier than {format_amz_date(now - life)} "
            f"({format_amz_date(now)} - {_duration(life)})"
        )
    if signed.signed_at - now > MAX_SKEW_S:
        raise SignatureNotYetCurrent(
            f"Signature not yet current: {signed.amz_date} is still later than "
            f"{format_amz_date(now + MAX_SKEW_S)} ({format_amz_date(now)} + {_duration(MAX_SKEW_S)})"
        )


def check_coverage(signed: SignedRequest) -> None:
    """Refuse a signature that leaves out what decides the meaning of the request.

    Signed must be `host`, every `x-amz-*` header that is there and the `content-type` that a body is read
    by; a presigned POST without a body may carry an unsigned one. The exception is `x-amz-content-sha256`,
    which the agent adds too late to sign it: it must be the hash of the body. The path must be in normal
    form, because the signature is over that form. Raises HeaderNotSigned, IncompleteSignature or
    SignatureMismatch.
    """
    request = signed.request
    present = {name.lower() for name, _ in request.headers}
    needed = {name for name in present if name.startswith("x-amz-")} - {"x-amz-content-sha256"}
    if request.body or (request.method == "POST" and not signed.is_presigned):
        needed |= present & {"content-type"}
    for name in sorted(needed | {"host"}):
        if name not in signed.signed_headers:
            raise HeaderNotSigned(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    for name in signed.signed_headers:
        if name not in present:
            raise SignatureMismatch(f"'{excerpt(name)}' is a 'SignedHeader' but not a header of the request.")
    for digest in request.header_values("x-amz-content-sha256"):
        if digest.strip() != hashlib.sha256(request.body).hexdigest():
            raise SignatureMismatch(
                "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
    if request.path != normal_path(request.path):
        raise IncompleteSignature(f"The path '{excerpt(request.path)}' is not in normal form.")


def string_to_sign(signed: SignedRequest) -> str:
    """The text that the signature is over, as this server sees the request."""
    without = "X-Amz-Signature" if signed.is_presigned else None
    return _string_to_sign(signed.request, signed.signed_headers, signed.amz_date, signed.scope, without)


def _matters(name: str) -> bool:
    return name in ("content-type", "host") or name.startswith("x-amz-")


def _string_to_sign(
    request: Request,
    signed_headers: Iterable[str],
    amz_date: str,
    scope: Scope,
    without_argument: str | None = None,
) -> str:
    canonical = canonical_request(request, signed_headers, without_argument)
    return f"{ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"


def _duration(seconds: int) -> str:
    return f"{seconds // 60} min." if seconds % 60 == 0 else f"{seconds} s."
