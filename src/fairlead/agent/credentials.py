"""The credentials of the node's role: obtained with the node's key, kept in memory, renewed at half their
life.

A key change that the server asks for happens here too, because it is part of the same conversation: the new
key is on the disk before the server hears of it, and the old one stays until the server has taken the new
one; a crash in between is settled at the next start by trying both.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from fairlead.agent import keys
from fairlead.agent.backoff import Backoff
from fairlead.agent.errors import AgentError, IdentityError, ServiceError
from fairlead.aws.sigv4 import Credentials, Request, Scope, sign, sign_with
from fairlead.transport.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.agent.identity import Registration, StateDirectory
    from fairlead.agent.service_client import RequestSigner, RoleToken, ServiceClient

logger = logging.getLogger(__name__)

SERVICE = "ssm"

RETRY_FIRST_S = 1.0
RETRY_CAP_S = 60.0
HURRIED_RETRY_CAP_S = 2.0
"""The cap while sessions wait for the first credentials: no longer than a lost data channel waits."""

REFUSED_RETRY_FIRST_S = 300.0
REFUSED_RETRY_CAP_S = 4 * 3600.0
"""Delays after an answer that only an operator can change."""

LASTING_REFUSALS = frozenset(
    {
        "MachineFingerprintDoesNotMatch",
        "AccessDeniedException",
        "InvalidInstanceId",
        "InvalidActivation",
        "InvalidActivationId",
    }
)
"""Codes that say: this node is not, or no longer, known under this identity."""

SPARE_LIFE_S = 30.0
"""Credentials with less life left than this are not used: a request takes time to arrive."""

NOTICEABLE_CLOCK_OFFSET_S = 60.0


def renewal_delay_s(obtained_at: float, expires_at: float, now: float) -> float:
    """Seconds from `now` until half of the life between `obtained_at` and `expires_at` is over."""
    return max(0.0, obtained_at + (expires_at - obtained_at) / 2 - now)


def is_lasting(error: Exception) -> bool:
    """Whether trying again soon is pointless."""
    return isinstance(error, ServiceError) and error.code in LASTING_REFUSALS


def explain(error: Exception) -> str:
    """`error` with what can be done about it."""
    text = str(error)
    if isinstance(error, ServiceError):
        if error.code in LASTING_REFUSALS:
            text += "; the server does not know this node (any more): register it again, with --force"
        offset_s = error.clock_offset_s
        if offset_s is not None and abs(offset_s) >= NOTICEABLE_CLOCK_OFFSET_S:
            text += f"; this machine's clock differs from the server's by {offset_s:.0f} s: set it right"
    return text


class RoleCredentials:
    """Keeps credentials of the role. `run` obtains and renews them; `get` waits for them."""

    def __init__(
        self,
        state: StateDirectory,
        registration: Registration,
        service: ServiceClient,
        *,
        clock: Callable[[], float] = time.time,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._state = state
        self._registration = registration
        self._service = service
        self._clock = clock
        self._uniform = uniform
        self._token: RoleToken | None = None
        self._was_obtained = False
        self._available = asyncio.Event()
        self._renew_now = asyncio.Event()
        self._retry = Backoff(RETRY_FIRST_S, RETRY_CAP_S, uniform)
        self._refused_retry = Backoff(REFUSED_RETRY_FIRST_S, REFUSED_RETRY_CAP_S, uniform, least=0.5)

    async def get(self) -> Credentials:
        """Credentials with life left, waiting until there are some."""
        while True:
            token = self._token
            if token is not None and token.expires_at - self._clock() > SPARE_LIFE_S:
                return Credentials(token.access_key_id, token.secret_access_key, token.session_token)
            self._available.clear()
            await self._available.wait()

    async def signer(self) -> RequestSigner:
        """A signer for calls to the session service."""
        credentials = await self.get()
        return role_signer(credentials, self._registration.region, self._clock)

    def distrust(self) -> None:
        """A server refused the present credentials: renew them now and not at half their life."""
        self._renew_now.set()

    def hurry(self) -> None:
        """Sessions wait for the first credentials, as after a restart in place: until there are some, try
        again about as often as a lost data channel does."""
        self._retry = Backoff(RETRY_FIRST_S, HURRIED_RETRY_CAP_S, self._uniform)

    async def run(self) -> None:
        """Obtain and renew for ever."""
        while True:
            delay_s = await self._obtain()
            if not self._was_obtained:
                # Also when the old ones are distrusted: a refusal is not asked for again before its time.
                await asyncio.sleep(delay_s)
                continue
            try:
                async with asyncio.timeout(delay_s):
                    await self._renew_now.wait()
            except TimeoutError:
                continue

    async def _obtain(self) -> float:
        """Try once; return the seconds until the next try."""
        obtained_at = self._clock()
        self._was_obtained = False
        try:
            token = await self._request()
        except (AgentError, TransportError) as error:
            lasting = is_lasting(error)
            delay_s = (self._refused_retry if lasting else self._retry).next_delay_s()
            logger.warning("no role credentials: %s; trying again in %.0f s", explain(error), delay_s)
            return delay_s
        finally:
            self._renew_now.clear()
        if self._token is None:
            logger.info("role credentials obtained, access key id %s", token.access_key_id)
        self._token = token
        self._was_obtained = True
        self._available.set()
        self._retry = Backoff(RETRY_FIRST_S, RETRY_CAP_S, self._uniform)
        self._refused_retry.reset()
        if token.update_key_pair:
            await self._change_key()
        return max(1.0, renewal_delay_s(obtained_at, token.expires_at, self._clock()))

    async def _request(self) -> RoleToken:
        registration = self._registration
        try:
            return await self._request_with(registration.key_file)
        except ServiceError as error:
            if registration.next_key_file is None or error.status >= 500:
                raise
        # A crash came between the server taking a new key and our writing that down.
        token = await self._request_with(registration.next_key_file)
        self._registration = self._state.adopt_next_key(registration)
        logger.info("the new key of an interrupted key change is in force")
        return token

    async def _request_with(self, key_file: str) -> RoleToken:
        signer = self._key_signer(key_file)
        return await self._service.request_role_token(self._registration.fingerprint, signer, self._clock())

    async def _change_key(self) -> None:
        """Give the server a new key. A failure leaves the old one in force; the server will ask again."""
        try:
            pair = await asyncio.to_thread(keys.generate_in_child)
            pending = replace(self._registration, next_key_file=self._state.write_key(pair.private_pem))
            self._state.save(pending)
            self._registration = pending
            await self._service.update_public_key(pair.public_base64, self._key_signer(pending.key_file))
            self._registration = self._state.adopt_next_key(pending)
        except (AgentError, TransportError) as error:
            logger.warning("the key that the server asked for could not be put in force: %s", explain(error))
        else:
            logger.info("a new key is in force, as the server asked")

    def _key_signer(self, key_file: str) -> RequestSigner:
        return key_signer(self._state, self._registration, key_file, self._clock)


def key_signer(
    state: StateDirectory, registration: Registration, key_file: str, clock: Callable[[], float]
) -> RequestSigner:
    """A signer with a key of the node itself, in a child process. Raises `IdentityError` if it is missing."""
    path = state.key_path(key_file)
    if not path.exists():
        raise IdentityError(f"{path}: the private key is missing; register again with --force")

    def proof(_: Scope, text: str) -> str:
        return keys.sign_in_child(path, text)

    def sign_request(request: Request) -> list[tuple[str, str]]:
        return sign(
            request,
            credential_id=registration.instance_id,
            signer=proof,
            region=registration.region,
            service=SERVICE,
            now=clock(),
        )

    return sign_request


def role_signer(credentials: Credentials, region: str, clock: Callable[[], float]) -> RequestSigner:
    """A signer with the role's credentials, for the session service."""

    def sign_request(request: Request) -> list[tuple[str, str]]:
        return sign_with(credentials, request, region=region, service=SERVICE, now=clock())

    return sign_request
