"""Who is at the door, and the answers to those who may not in."""

import asyncio

import pytest

from fairlead.api.public_names import PublicNames
from fairlead.aws.canonical import Request
from fairlead.aws.errors import MissingAuthentication, SignatureExpired, SignatureMismatch
from fairlead.domain.callers import CallerKind, Origin
from fairlead.domain.errors import (
    AccessDenied,
    CredentialsExpired,
    InvalidRequest,
    SessionEnded,
    Throttled,
    UnknownAccessKey,
)
from fairlead.gateway.doorkeeper import Doorkeeper, Refused, refusal
from fairlead.gateway.requests import Peer
from tests.support.gateway_rig import a_caller

PEER = Peer("192.0.2.1", True)


def identify(*headers, error=None):
    calls = []

    async def authenticate(request, origin, service):
        calls.append(service)
        if error is not None:
            raise error
        return a_caller(CallerKind.NODE, "mi-1", origin)

    keeper = Doorkeeper(
        authenticate,
        lambda request, peer: Origin(source_address=peer.address, secure=peer.is_secure),
        PublicNames(["https://here"]).check,
    )
    return asyncio.run(keeper.identify(Request("GET", "/", "", headers), PEER)), calls


def test_a_signed_request_is_judged_for_this_service():
    identity, calls = identify(("Host", "here"), ("Authorization", "x"))
    assert identity.caller.node_id == "mi-1"
    assert identity.origin.source_address == "192.0.2.1"
    assert calls == ["ssmmessages"]


def test_an_unsigned_request_is_nobodys():
    identity, calls = identify(("Host", "here"))
    assert (identity.caller, calls) == (None, [])


@pytest.mark.parametrize("hosts", [[], ["there"], ["here", "here"]])
def test_a_host_that_is_not_ours_is_refused(hosts):
    with pytest.raises(Refused) as refused:
        identify(*(("Host", host) for host in hosts))
    assert (refused.value.status, refused.value.code) == (421, "MisdirectedRequest")


def test_a_signature_that_proves_nothing_is_refused():
    with pytest.raises(Refused) as refused:
        identify(("Host", "here"), ("Authorization", "x"), error=SignatureMismatch("no"))
    assert (refused.value.status, refused.value.code) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AccessDenied("x"), 403, "AccessDeniedException"),
        (MissingAuthentication("x"), 403, "MissingAuthenticationTokenException"),
        (SignatureExpired("x"), 403, "InvalidSignatureException"),
        (CredentialsExpired(), 403, "ExpiredTokenException"),
        (UnknownAccessKey(), 403, "UnrecognizedClientException"),
        (Throttled(), 429, "ThrottlingException"),
        (SessionEnded(), 400, "SessionTerminatedException"),
        (InvalidRequest("x"), 400, "ValidationException"),
    ],
)
def test_each_error_has_its_answer(error, status, code):
    answer = refusal(error)
    assert (answer.status, answer.code, str(answer)) == (status, code, str(error))
