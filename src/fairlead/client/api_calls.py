"""Calls of a JSON service, signed by hand, one after another on one TLS connection.

`SessionApi` has the three that a session needs; `admin_api` builds on `SignedApi` too. The connection is kept
for the next call, and handed over (`take_connection`) when the session's WebSocket goes to the same server.
AWS's words are passed on; what they mean for the user is added as a remedy.
"""

from __future__ import annotations

import json
import select
import time

from fairlead.aws.sigv4 import Request, sign_with
from fairlead.client.errors import ServiceError
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import ClosedUnanswered, printable
from fairlead.transport.http import Response, exchange, request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.client.credentials import CredentialSource
    from fairlead.client.patience import Patience
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.dialer import Dialer
    from fairlead.transport.tls_stream import Connection

CALL_TIMEOUT_S = 30.0
"""For one request and its answer."""

MAX_ATTEMPTS = 4
"""How often a call is made when the service is throttling or failing."""

FIRST_RETRY_DELAY_S = 0.3
"""Doubled for each further attempt."""

CONTENT_TYPE = "application/x-amz-json-1.1"

THROTTLING_CODES = frozenset(
    ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")
)
EXPIRED_CODES = frozenset(("ExpiredToken", "ExpiredTokenException"))
SKEW_CODES = frozenset(("RequestExpired", "RequestTimeTooSkewed"))
WRONG_SECRET_CODES = frozenset(("InvalidSignatureException", "SignatureDoesNotMatch"))
UNKNOWN_KEY_CODES = frozenset(("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"))


class SessionGrant:
    """What opens a data channel: session id, one-use token, URL. Its repr hides the token."""

    __slots__ = ("session_id", "stream_url", "token_value")

    def __init__(self, session_id: str, token_value: str, stream_url: str) -> None:
        self.session_id = session_id
        self.token_value = token_value
        self.stream_url = stream_url

    def __repr__(self) -> str:
        return f"SessionGrant({self.session_id!r}, {self.stream_url!r})"


class SignedApi:
    """Calls to one service at one endpoint, with the credentials of one user.

    A subclass names the service as in a credential scope, the prefix of its `X-Amz-Target`, and the calls
    that may be made twice without harm.
    """

    SERVICE = ""
    TARGET_PREFIX = ""
    REPEATABLE: frozenset[str] = frozenset()

    def __init__(
        self,
        endpoint_url: str,
        region: str,
        credentials: CredentialSource,
        dialer: Dialer,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = parse_endpoint(endpoint_url)
        self._region = region
        self._credentials = credentials
        self._dialer = dialer
        self._clock = clock
        self._sleep = sleep
        self._connection: Connection | None = None
        self.timeout_s = CALL_TIMEOUT_S

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self,
        operation: str,
        parameters: dict[str, object],
        attempts: int = MAX_ATTEMPTS,
        meanwhile: Callable[[], object] = lambda: None,
        patience: Patience | None = None,
    ) -> dict[str, object]:
        """The members of the answer; `meanwhile` is done while the service makes it. With `patience` it is
        insisted on a connection, and nothing is asked twice.

        Raises `ServiceError`, `CredentialsError` or a `TransportError`."""
        body = json.dumps(parameters).encode()
        delay = FIRST_RETRY_DELAY_S
        for attempts_left in range(attempts - 1, -1, -1):
            response = self._send(operation, body, meanwhile, patience)
            if response.head.status == 200:
                return _json_object(response.body)
            failure = self._failure(operation, response)
            if failure.code in EXPIRED_CODES:
                self._credentials.forget()
            is_passing = failure.status >= 500 or failure.status == 429 or failure.code in THROTTLING_CODES
            if not (attempts_left and is_passing):
                raise failure
            self._sleep(delay)
            delay *= 2
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(
        self, operation: str, body: bytes, meanwhile: Callable[[], object], patience: Patience | None
    ) -> Response:
        """One exchange. A kept connection that has gone stale is replaced, but nothing is asked twice that
        may have been acted on: a second session is not to be started (RFC 9110 §9.2.2)."""
        credentials = self._credentials.get().credentials
        kept = self._take_kept()
        sock = kept or self._dial(patience)
        headers = [
            ("Host", self._endpoint.host_header),
            ("Content-Type", CONTENT_TYPE),
            ("X-Amz-Target", self.TARGET_PREFIX + operation),
        ]
        path, _, query = self._endpoint.target.partition("?")
        request = Request("POST", path, query, headers, body)
        headers += sign_with(
            credentials, request, region=self._region, service=self.SERVICE, now=self._clock()
        )
        try:
            message = request_bytes("POST", self._endpoint.target, headers, body)
            response = exchange(sock, message, self.timeout_s, self._endpoint.authority, meanwhile)
        except ClosedUnanswered:
            sock.close()
            if kept is not None and operation in self.REPEATABLE:
                return self._send(operation, body, meanwhile, patience)
            raise
        except BaseException:
            sock.close()
            raise
        if response.reusable:
            self._connection = sock
        else:
            sock.close()
        return response

    def _dial(self, patience: Patience | None) -> Connection:
        if patience is None:
            return self._dialer.dial(self._endpoint)
        return patience.insist(lambda: self._dialer.dial(self._endpoint))

    def _take_kept(self) -> Connection | None:
        """The kept connection, unless it is seen to have ended: an idle one has nothing else to read."""
        sock, self._connection = self._connection, None
        if sock is None or not _is_readable(sock):
            return sock
        sock.close()
        return None

    def _failure(self, operation: str, response: Response) -> ServiceError:
        answer = _json_object(response.body)
        code = printable(str(answer.get("__type") or "").rpartition("#")[2], 100)
        words = printable(str(answer.get("message") or answer.get("Message") or ""), 1000)
        status = response.head.status
        authority = self._endpoint.authority
        if not code:
            reason = printable(response.head.reason, 100)
            return ServiceError(
                f"{authority} does not answer {operation} as a Session Manager API (HTTP {status} {reason});"
                " check AWS_ENDPOINT_URL and HTTPS_PROXY",
                "",
                status,
            )
        text = f"{authority} refused {operation} ({code})" + (f": {words}" if words else "")
        remedy = self._remedy(code, words, response)
        return ServiceError(f"{text.rstrip('.')}; {remedy}" if remedy else text, code, status)

    def _remedy(self, code: str, words: str, response: Response) -> str:
        source = self._credentials.get().source
        return remedy_for(code, words, source, clock_difference(response, self._clock()))


def remedy_for(code: str, words: str, source: str, skew: str) -> str:
    """What a refusal of the caller's signature means to the user; empty for others. `source` is where the
    credentials are from, `skew` as from `clock_difference`."""
    if code in SKEW_CODES or words.startswith(("Signature expired", "Signature not yet current")):
        return f"this machine's clock is wrong{skew}: set it (NTP)"
    if code in UNKNOWN_KEY_CODES:
        return f"the access key from {source} is not known there; check AWS_ENDPOINT_URL and the credentials"
    if code in EXPIRED_CODES:
        return f"the credentials from {source} have expired: renew them"
    if code in WRONG_SECRET_CODES:
        return f"the secret access key from {source} is probably wrong"
    if code == "TargetNotConnected":
        return "check the id, and that the node's agent runs and reaches the server"
    return "try again later" if code in THROTTLING_CODES else ""


def clock_difference(response: Response, now: float) -> str:
    """How far the clock of this machine, which says `now`, is from that of an answer: ` by 400 s (fast)`."""
    server_time = parse_http_date(response.head.value("date"))
    if server_time is None:
        return ""
    difference = now - server_time
    return f" by {abs(difference):.0f} s ({'fast' if difference > 0 else 'slow'})"


class SessionApi(SignedApi):
    """What a session needs: StartSession, ResumeSession and TerminateSession."""

    SERVICE = "ssm"
    TARGET_PREFIX = "AmazonSSM."
    REPEATABLE = frozenset(("ResumeSession", "TerminateSession"))
    """A second token takes the place of the first, an ended session stays ended."""

    def start_session(
        self,
        parameters: dict[str, object],
        meanwhile: Callable[[], object] = lambda: None,
        patience: Patience | None = None,
    ) -> SessionGrant:
        """`parameters` are the request's members as AWS spells them; the others as of `call`.

        Raises `ServiceError`, `CredentialsError` or a `TransportError`.
        """
        answer = self.call("StartSession", parameters, meanwhile=meanwhile, patience=patience)
        grant = _grant(answer)
        if grant is None:
            raise ServiceError(f"{self._endpoint.authority} started a session but gave no token", "", 200)
        return grant

    def resume_session(self, session_id: str) -> SessionGrant | None:
        """A fresh token, or None when the session is over: AWS says so with an answer without token."""
        return _grant(self.call("ResumeSession", {"SessionId": session_id}, attempts=1))

    def terminate_session(self, session_id: str) -> None:
        self.call("TerminateSession", {"SessionId": session_id}, attempts=1)

    def take_connection(self, endpoint: Endpoint) -> Connection | None:
        """The open connection, if it leads to the server of `endpoint`; the caller owns it from now on."""
        if self._connection is None or not self._endpoint.same_server(endpoint):
            return None
        sock, self._connection = self._connection, None
        return sock


def _grant(answer: dict[str, object]) -> SessionGrant | None:
    values = [answer.get(name) for name in ("SessionId", "TokenValue", "StreamUrl")]
    session_id, token_value, stream_url = (value if isinstance(value, str) else "" for value in values)
    return SessionGrant(session_id, token_value, stream_url) if token_value else None


def _is_readable(sock: Connection) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _json_object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # the latter: an endless row of brackets
        return {}
    return answer if isinstance(answer, dict) else {}


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_http_date(text: str) -> float | None:
    """Epoch seconds of an IMF-fixdate (RFC 9110 §5.6.7); None for anything else."""
    from datetime import UTC, datetime

    try:
        _, day, month, year, clock, zone = text.split()
        hour, minute, second = map(int, clock.split(":"))
        moment = datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment.timestamp() if zone == "GMT" else None
