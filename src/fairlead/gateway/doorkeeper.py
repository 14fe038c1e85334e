"""Who is at the door: the origin and, where there is a signature, the caller of a request.

The judgement itself is injected by `server`; here is only what REST calls and upgrades have in common.
"""

from dataclasses import dataclass
from http import HTTPStatus

from fairlead.aws.canonical import Request
from fairlead.aws.errors import (
    AwsError,
    IncompleteSignature,
    MissingAuthentication,
    SignatureError,
)
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import (
    AccessDenied,
    AuthenticationFailed,
    CredentialsExpired,
    DomainError,
    HostRefused,
    SessionEnded,
    Throttled,
)
from fairlead.gateway.requests import (
    SERVICE,
    Authenticate,
    CheckHost,
    OriginOf,
    Peer,
    is_signed,
)


class Refused(Exception):
    """A request that is answered with an error. `code` is AWS's name for it."""

    def __init__(self, status: HTTPStatus, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a request came from, and who signed it, if anybody did."""

    origin: Origin
    caller: Caller | None


class Doorkeeper:
    """Identifies requests. `check_host` knows the names under which the server is reached."""

    def __init__(self, authenticate: Authenticate, origin_of: OriginOf, check_host: CheckHost) -> None:
        self._authenticate = authenticate
        self._origin_of = origin_of
        self._check_host = check_host

    async def identify(self, request: Request, peer: Peer) -> Identity:
        """Raises Refused for a host that is not ours and for a signature that proves nothing."""
        try:
            self._check_host(request.header_values("host"))
            origin = self._origin_of(request, peer)
            if not is_signed(request):
                return Identity(origin, None)
            return Identity(origin, await self._authenticate(request, origin, SERVICE))
        except (AwsError, DomainError) as error:
            raise refusal(error) from error


def refusal(error: AwsError | DomainError) -> Refused:
    """The answer to an error. Codes and statuses: "Common Errors" of the AWS API references."""
    for kind, status, code in _ANSWERS:
        if isinstance(error, kind):
            return Refused(status, code, str(error))
    return Refused(HTTPStatus.BAD_REQUEST, "ValidationException", str(error))


def access_denied(text: str) -> Refused:
    """The caller is known and may not."""
    return Refused(HTTPStatus.FORBIDDEN, "AccessDeniedException", text)


_ANSWERS: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (HostRefused, HTTPStatus.MISDIRECTED_REQUEST, "MisdirectedRequest"),
    (AccessDenied, HTTPStatus.FORBIDDEN, "AccessDeniedException"),
    (MissingAuthentication, HTTPStatus.FORBIDDEN, "MissingAuthenticationTokenException"),
    (IncompleteSignature, HTTPStatus.FORBIDDEN, "IncompleteSignatureException"),
    (SignatureError, HTTPStatus.FORBIDDEN, "InvalidSignatureException"),
    (CredentialsExpired, HTTPStatus.FORBIDDEN, "ExpiredTokenException"),
    (AuthenticationFailed, HTTPStatus.FORBIDDEN, "UnrecognizedClientException"),
    (Throttled, HTTPStatus.TOO_MANY_REQUESTS, "ThrottlingException"),
    (SessionEnded, HTTPStatus.BAD_REQUEST, "SessionTerminatedException"),
)
