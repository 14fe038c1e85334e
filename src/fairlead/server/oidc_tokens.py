"""ID tokens of OpenID Connect issuers (RFC 7519, Core §3.1.3.7): what they must be to prove who somebody is.

`look` reads which issuer and key a token claims, before anything of it is believed; `verify` believes it.
PyJWT checks the signature; the claims are checked here, because time is an argument and every claim that
counts has a type and a limit.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from fairlead.aws.strict_json import strict_object
from fairlead.domain.errors import IdentityTokenExpired, InvalidIdentityToken
from fairlead.domain.web_identity import WebIdentity
from fairlead.server.oidc_settings import OidcIssuer

MAX_TOKEN_CHARACTERS = 20_000
"""As the API's member; the limit on bodies of unsigned calls comes before it."""
MAX_CLAIM_CHARACTERS = 255
"""Longest subject, audience or party (Core §2)."""
MAX_KEY_ID_CHARACTERS = 512
MAX_AUDIENCES = 32
MAX_METHODS = 32
LEEWAY = timedelta(seconds=60)
"""How far clocks may differ."""
MAX_AGE = timedelta(hours=24)
"""Oldest token, whatever its expiry says: a sign-in is a fresh thing."""

_JWS = PyJWS(options={"enforce_minimum_key_length": True})
"""Below 2,048 bits an RSA key proves nothing."""
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAX_EPOCH_S = 253_402_300_799
"""The last second of the year 9999."""

Claims = Mapping[str, Any]  # Any: JSON of strangers


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """What an unverified token says of its own origin."""

    issuer: str
    algorithm: str
    key_id: str | None


def look(token: str) -> TokenClaim:
    """What the token claims. Nothing of it is believed yet. Raises InvalidIdentityToken."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _malformed(f"longer than {MAX_TOKEN_CHARACTERS} characters")
    segments = token.split(".")
    if len(segments) != 3 or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise _malformed("not a signed JSON Web Token")
    header = _json_object(_decoded(segments[0]))
    claims = _json_object(_decoded(segments[1]))
    algorithm, key_id, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if "crit" in header or "b64" in header:
        raise _malformed("its header asks for an extension")
    if not isinstance(algorithm, str) or not isinstance(issuer, str):
        raise _malformed("alg or iss is missing")
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= MAX_KEY_ID_CHARACTERS):
        raise _malformed("kid is not a short text")
    return TokenClaim(issuer, algorithm, key_id)


def verify(token: str, issuer: OidcIssuer, key: PyJWK, now: datetime) -> WebIdentity:
    """Check signature and claims of a token that `look` has taken.

    Raises InvalidIdentityToken or, for a token that is good but for its age, IdentityTokenExpired.
    """
    try:
        verified = _JWS.decode_complete(token, key, algorithms=[key.algorithm_name])
    except (PyJWTError, ValueError, TypeError):
        raise InvalidIdentityToken("The signature of the token is not valid.") from None
    claims = _json_object(verified["payload"])
    if claims.get("iss") != issuer.url:
        raise _malformed("iss is not the issuer whose key signed it")
    party = _text(claims, "azp") if "azp" in claims else None
    identity = WebIdentity(
        provider=issuer.provider,
        subject=_text(claims, "sub"),
        audience=_audience(claims, party, issuer.audiences),
        authorized_party=party,
        methods=_methods(claims),
    )
    _check_times(claims, now)
    return identity


def _audience(claims: Claims, party: str | None, accepted: frozenset[str]) -> str:
    """The client id that the token was issued to: its audience, or of several the authorized party."""
    named = claims.get("aud")
    audiences: Sequence[Any] = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    if not 0 < len(audiences) <= MAX_AUDIENCES or not all(isinstance(item, str) for item in audiences):
        raise _malformed("aud is missing")
    if party is not None and party not in accepted:
        raise InvalidIdentityToken("Incorrect token audience: azp is not an accepted client id.")
    audience = audiences[0] if len(audiences) == 1 else party
    if audience not in audiences or audience not in accepted:
        raise InvalidIdentityToken("Incorrect token audience: aud is not an accepted client id.")
    return str(audience)


def _check_times(claims: Claims, now: datetime) -> None:
    issued_s, expires_s = _moment(claims, "iat"), _moment(claims, "exp")
    now_s, leeway_s = now.timestamp(), LEEWAY.total_seconds()
    starts_s = max(issued_s, _moment(claims, "nbf")) if "nbf" in claims else issued_s
    if starts_s > now_s + leeway_s:
        raise InvalidIdentityToken("The token is not valid yet: is a clock wrong?")
    if expires_s <= now_s - leeway_s or issued_s <= now_s - MAX_AGE.total_seconds():
        raise IdentityTokenExpired


def _moment(claims: Claims, name: str) -> float:
    """A NumericDate (RFC 7519 §2), in epoch seconds."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MAX_EPOCH_S:
        raise _malformed(f"{name} is missing or not a time")
    return float(value)


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not (isinstance(value, str) and 0 < len(value) <= MAX_CLAIM_CHARACTERS and value.isprintable()):
        raise _malformed(f"{name} is missing or not a printable text of {MAX_CLAIM_CHARACTERS} characters")
    return value


def _methods(claims: Claims) -> tuple[str, ...]:
    methods = claims.get("amr", [])
    if not isinstance(methods, list) or len(methods) > MAX_METHODS:
        raise _malformed("amr is not a short list")
    if not all(isinstance(method, str) and len(method) <= MAX_CLAIM_CHARACTERS for method in methods):
        raise _malformed("amr is not a list of texts")
    return tuple(methods)


def _decoded(segment: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (ValueError, binascii.Error):
        raise _malformed("not base64url") from None


def _json_object(data: bytes) -> Claims:
    try:
        return strict_object(data)
    except ValueError as error:
        raise _malformed(str(error)) from None


def _malformed(reason: str) -> InvalidIdentityToken:
    return InvalidIdentityToken(f"The token is malformed: {reason}.")
