"""The public keys of one issuer: its discovery document, its key set (RFC 7517), and when to ask again.

Reading is pure. `IssuerKeys` keeps what was fetched; a key id that it does not know makes it ask again, at
most once a minute, so that made-up ids cost the issuer nothing. Keys are used for an hour and then fetched
anew: one that the issuer has withdrawn is not trusted for longer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from fairlead.domain.errors import IdentityProviderUnreachable, InvalidIdentityToken
from fairlead.server.oidc_settings import OidcIssuer
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import TransportError, printable

KEYS_LIFETIME_S = 3600.0
"""How long a fetched key set is used."""
REFETCH_INTERVAL_S = 60.0
"""Shortest time between two fetches from one issuer, failed ones included."""
MAX_KEYS = 100
"""Most keys of a set that are looked at."""
MAX_NUMBER_CHARACTERS = {"n": 1_366, "e": 6}
"""Longest numbers of an RSA key, in base64: 8,192 bits and 32. Longer ones would hold up the event loop."""

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_PRIVATE_MEMBERS = ("d", "k")

Fetch = Callable[[OidcIssuer, str], Awaitable[bytes]]
"""The body of an answer from a URL of an issuer. Raises IdentityProviderUnreachable."""
KeySet = tuple[Mapping[str, Any], ...]  # Any: JSON of the issuer's


def parse_discovery(body: bytes, issuer: OidcIssuer) -> str:
    """The address of the issuer's key set. Raises IdentityProviderUnreachable for any other document."""
    document = _json_object(body, issuer, "discovery document")
    if document.get("issuer") != issuer.url:
        named = printable(str(document.get("issuer")), 200)
        raise _unusable(issuer, f"its discovery document is that of {named!r}")
    address = document.get("jwks_uri")
    try:
        endpoint = parse_endpoint(address if isinstance(address, str) else "")
    except TransportError:
        raise _unusable(issuer, "its discovery document names no usable jwks_uri") from None
    if not endpoint.uses_tls and issuer.url.startswith("https:"):
        raise _unusable(issuer, "its keys are not offered over https")
    return str(address)


def parse_key_set(body: bytes, issuer: OidcIssuer) -> KeySet:
    """The keys for signatures in a JWK set. Raises IdentityProviderUnreachable for any other document."""
    keys = _json_object(body, issuer, "key set").get("keys")
    if not isinstance(keys, list):
        raise _unusable(issuer, "its key set has no keys")
    return tuple(key for key in keys[:MAX_KEYS] if isinstance(key, dict) and _is_for_signatures(key))


def find_key(keys: KeySet, key_id: str | None, algorithm: str) -> PyJWK | None:
    """The key with this id for this algorithm; None if there is none.

    Without an id: the only key that fits. Raises InvalidIdentityToken if the key is damaged.
    """
    fitting = [
        key
        for key in keys
        if key.get("kty") == _KEY_TYPES[algorithm[:2]] and key.get("alg", algorithm) == algorithm
    ]
    named = [key for key in fitting if key.get("kid") == key_id] if key_id is not None else fitting
    if len(named) != 1:
        return None
    try:
        return PyJWK(dict(named[0]), algorithm)
    except (PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidIdentityToken("The issuer's key for this token is not usable.") from None


class IssuerKeys:
    """The keys of one issuer, kept and renewed. Used from one event loop."""

    def __init__(self, issuer: OidcIssuer, fetch: Fetch, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: KeySet = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._failure: IdentityProviderUnreachable | None = None

    async def get(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """The key, fetched if need be; None if the issuer has none like it.

        Raises IdentityProviderUnreachable if there are no keys that are still good, InvalidIdentityToken if
        the key is damaged.
        """
        key = self._known(key_id, algorithm)
        if key is not None:
            return key
        async with self._lock:
            key = self._known(key_id, algorithm)
            if key is None and self._may_fetch():
                await self._refresh()
                key = self._known(key_id, algorithm)
            if key is None and self._is_old():
                raise self._failure or _unusable(self._issuer, "its keys could not be fetched")
            return key

    def _known(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        return None if self._is_old() else find_key(self._keys, key_id, algorithm)

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at >= KEYS_LIFETIME_S

    def _may_fetch(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= REFETCH_INTERVAL_S

    async def _refresh(self) -> None:
        """Fetch; a failure leaves the keys as they were."""
        self._tried_at = self._clock()
        try:
            discovery = await self._fetch(self._issuer, self._issuer.discovery_url)
            address = parse_discovery(discovery, self._issuer)
            self._keys = parse_key_set(await self._fetch(self._issuer, address), self._issuer)
        except IdentityProviderUnreachable as error:
            self._failure = error
        else:
            self._fetched_at, self._failure = self._clock(), None


def _is_for_signatures(key: Mapping[str, Any]) -> bool:  # Any: JSON of the issuer's
    is_public = not any(member in key for member in _PRIVATE_MEMBERS)
    is_small = all(len(str(key.get(name, ""))) <= most for name, most in MAX_NUMBER_CHARACTERS.items())
    return is_public and is_small and key.get("use", "sig") == "sig"


def _json_object(body: bytes, issuer: OidcIssuer, what: str) -> dict[str, Any]:  # Any: JSON of the issuer's
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _unusable(issuer, f"its {what} is not a JSON object")
    return document


def _unusable(issuer: OidcIssuer, reason: str) -> IdentityProviderUnreachable:
    return IdentityProviderUnreachable(f"The identity provider {issuer.provider} cannot be used: {reason}.")
