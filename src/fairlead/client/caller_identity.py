"""Who the server takes us for: GetCallerIdentity of STS, which needs no permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fairlead.client.api_calls import clock_difference, remedy_for
from fairlead.client.errors import ServiceError
from fairlead.client.role_credentials import element_text, sts_response
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from fairlead.client.resolved import Resolved
    from fairlead.transport.dialer import Dialer

MAX_TEXT = 1000


class CallerIdentity(NamedTuple):
    """The account, 12 digits, and the ARN of the caller: a user, or a role that somebody took on."""

    account: str
    arn: str


def caller_identity(
    endpoint_url: str, region: str, resolved: Resolved, dialer: Dialer, now: float
) -> CallerIdentity:
    """Ask the STS at `endpoint_url`; `now` in epoch seconds. Raises `ServiceError` or a `TransportError`."""
    endpoint = parse_endpoint(endpoint_url)
    parameters = {"Action": "GetCallerIdentity"}
    response = sts_response(endpoint, dialer, parameters, (resolved.credentials, region), now)
    text = response.body.decode(errors="replace")
    status = response.head.status
    account, arn = (printable(element_text(text, name), MAX_TEXT) for name in ("Account", "Arn"))
    if status == 200 and account and arn:
        return CallerIdentity(account, arn)
    code, words = (printable(element_text(text, name), MAX_TEXT) for name in ("Code", "Message"))
    if not code:
        raise ServiceError(
            f"{endpoint.authority} does not answer GetCallerIdentity as STS (HTTP {status});"
            " check AWS_ENDPOINT_URL",
            "",
            status,
        )
    remedy = remedy_for(code, words, resolved.source, clock_difference(response, now))
    refusal = f"{endpoint.authority} refused GetCallerIdentity ({code}): {words.rstrip('.')}"
    raise ServiceError(f"{refusal}; {remedy}" if remedy else refusal, code, status)
