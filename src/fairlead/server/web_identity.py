"""From the token of an identity provider to who its holder is: the issuer's keys fetched, the token verified.

Runs on the event loop: a signature takes some 100 µs. The network has threads of its own, so that neither the
loop nor the database's thread ever waits for an issuer.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from fairlead.domain.errors import IdentityProviderUnreachable, InvalidIdentityToken, WebIdentityRefused
from fairlead.domain.web_identity import WebIdentity
from fairlead.server.oidc_keys import Fetch, IssuerKeys
from fairlead.server.oidc_settings import OidcIssuer
from fairlead.server.oidc_tokens import look, verify
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.dialer import Dialer
from fairlead.transport.errors import TransportError
from fairlead.transport.http import exchange, request_bytes
from fairlead.transport.tls import trust_source

FETCH_TIMEOUT_S = 10.0
"""For one answer of an issuer, once connected."""
MAX_ANSWER_BYTES = 256 * 1024
"""Longest discovery document or key set."""
FETCH_THREADS = 4
"""Issuers that are asked at the same time; each has one request under way at most."""

NO_ISSUER = "No OpenIDConnect provider found in your account for this issuer."


class WebIdentityVerifier:
    """Knows the trusted issuers and their keys. Used from one event loop."""

    def __init__(
        self,
        issuers: Sequence[OidcIssuer],
        fetch: Fetch,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        """`now` is the wall clock, `clock` monotonic seconds."""
        self._issuers = {issuer.url: (issuer, IssuerKeys(issuer, fetch, clock)) for issuer in issuers}
        self._now = now

    async def verify(self, token: str) -> WebIdentity | WebIdentityRefused:
        """What the token says, or why it is not believed; only values, so that the use case can record it."""
        try:
            return await self._verified(token)
        except WebIdentityRefused as refusal:
            return refusal

    async def _verified(self, token: str) -> WebIdentity:
        claim = look(token)
        known = self._issuers.get(claim.issuer)
        if known is None:
            raise InvalidIdentityToken(NO_ISSUER)
        issuer, keys = known
        if claim.algorithm not in issuer.algorithms:
            raise InvalidIdentityToken("The token is signed with an algorithm that is not accepted here.")
        key = await keys.get(claim.key_id, claim.algorithm)
        if key is None:
            raise InvalidIdentityToken("The token is signed with a key that its issuer does not publish.")
        return verify(token, issuer, key, self._now())


class Fetcher:
    """Fetches what issuers publish, on threads. Never follows a redirect."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="oidc")

    async def __call__(self, issuer: OidcIssuer, url: str) -> bytes:
        """The body of a 200. Raises IdentityProviderUnreachable with the reason."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, fetch, issuer, url)

    def close(self) -> None:
        """Wait for nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def fetch(issuer: OidcIssuer, url: str) -> bytes:
    """GET `url`, trusting whom the settings of the issuer say. Raises IdentityProviderUnreachable."""
    try:
        endpoint = parse_endpoint(url)
        headers = [("Host", endpoint.host_header), ("Accept", "application/json"), ("Connection", "close")]
        sock = Dialer(trust_source(issuer.ca_file, os.environ), os.environ).dial(endpoint)
        try:
            request = request_bytes("GET", endpoint.target, headers)
            answer = exchange(sock, request, FETCH_TIMEOUT_S, endpoint.authority)
        finally:
            sock.close()
    except TransportError as error:
        raise _unreachable(issuer, str(error)) from None
    if answer.head.status != 200:
        raise _unreachable(issuer, f"{endpoint.authority} answers with HTTP {answer.head.status}")
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise _unreachable(issuer, f"{endpoint.authority} answers with more than {MAX_ANSWER_BYTES} bytes")
    return answer.body


def _unreachable(issuer: OidcIssuer, reason: str) -> IdentityProviderUnreachable:
    text = f"The identity provider {issuer.provider} cannot be reached: {reason.rstrip('.')}."
    return IdentityProviderUnreachable(text)
