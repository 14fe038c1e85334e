"""The three signed calls: what is sent, what the answers mean, what is said about refusals."""

import socket
import threading

import pytest

from fairlead.aws.sigv4 import Credentials, Request, parse, verify_hmac
from fairlead.client.api_calls import MAX_ATTEMPTS, SessionApi, parse_http_date
from fairlead.client.credentials import CredentialSource
from fairlead.client.errors import ServiceError
from fairlead.client.patience import Patience
from fairlead.client.resolved import Resolved
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import ConnectionLost, HandshakeLostError, RefusedError, TransportError
from tests.support.api_server import ScriptedDialer, json_answer

NOW = 1795209935.0
URL = "https://ssm.example:8443/"
GRANT = {
    "SessionId": "s-1",
    "TokenValue": "secret-token",
    "StreamUrl": "wss://ssm.example:8443/v1/data-channel/s-1",
}


@pytest.fixture
def make():
    """Makes a SessionApi with scripted answers, its dialer, and the list of its pauses."""
    made = []

    def make_one(answers, token=None):
        dialer = ScriptedDialer(answers)
        slept = []
        credentials = Credentials("AKIAEXAMPLE", "secret", token)
        source = CredentialSource(lambda: Resolved(credentials, None, "the environment"))
        api = SessionApi(URL, "us-east-1", source, dialer, clock=lambda: NOW, sleep=slept.append)
        made.append(api)
        return api, dialer, slept

    yield make_one
    for api in made:
        api.close()


def refused(api, call=lambda api: api.start_session({"Target": "mi-1"})):
    with pytest.raises(ServiceError) as failure:
        call(api)
    return failure.value


@pytest.mark.parametrize("token", [None, "session-token"])
def test_a_request_is_what_the_cli_sends_and_its_signature_holds(make, token):
    api, dialer, _ = make([(200, GRANT)], token)
    members = {"Target": "mi-1", "DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["22"]}}
    grant = api.start_session(members)
    assert (grant.session_id, grant.token_value, grant.stream_url) == tuple(GRANT.values())
    [request] = dialer.requests
    assert (request.method, request.target, request.json) == ("POST", "/", members)
    assert request.headers["x-amz-target"] == "AmazonSSM.StartSession"
    assert request.headers["content-type"] == "application/x-amz-json-1.1"
    assert request.headers["host"] == "ssm.example:8443"
    assert request.headers.get("x-amz-security-token") == token
    signed = parse(Request("POST", "/", "", request.headers.items(), request.text.encode()))
    verify_hmac(signed, "secret", NOW)
    assert (signed.scope.service, signed.scope.region) == ("ssm", "us-east-1")
    assert {"content-type", "host", "x-amz-date", "x-amz-target"} <= set(signed.signed_headers)


def test_calls_share_a_connection(make):
    api, dialer, _ = make([(200, GRANT), (200, GRANT), (200, {"SessionId": "s-1"})])
    api.start_session({})
    assert api.resume_session("s-1").token_value == "secret-token"
    api.terminate_session("s-1")
    assert [request.operation for request in dialer.requests] == [
        "StartSession",
        "ResumeSession",
        "TerminateSession",
    ]
    assert dialer.requests[1].json == {"SessionId": "s-1"}
    assert len(dialer.dialled) == 1
    api.close()


def test_a_connection_that_went_stale_is_replaced(make):
    api, dialer, _ = make([(200, GRANT), None, (200, GRANT)])
    api.start_session({})
    assert api.resume_session("s-1") is not None
    assert len(dialer.dialled) == 2


def test_a_kept_connection_seen_to_have_ended_is_replaced_before_a_session_is_started(make, monkeypatch):
    api, dialer, _ = make([(200, GRANT)])
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(json_answer(200, GRANT))
        theirs.shutdown(socket.SHUT_WR)
        with monkeypatch.context() as first:
            first.setattr(dialer, "dial", lambda endpoint: ours)
            api.start_session({})
        assert api.start_session({}).session_id == "s-1"
    assert len(dialer.requests) == 1


def test_a_session_that_may_have_been_started_is_not_started_again(make):
    api, dialer, _ = make([(500, {}), None, (200, GRANT)])
    with pytest.raises(ConnectionLost):
        api.start_session({})
    assert [request.operation for request in dialer.requests] == ["StartSession"] * 2
    assert len(dialer.dialled) == 1


@pytest.fixture
def patience():
    """Pauses and says nothing."""
    return Patience(20, clock=lambda: 0.0, chance=lambda: 0.0, pause=lambda s: True, say=lambda text: None)


def test_a_connection_that_cannot_be_had_now_is_insisted_on(make, patience, monkeypatch):
    api, dialer, _ = make([(200, GRANT)])
    failures = iter([RefusedError("refused"), HandshakeLostError("ended")])
    dial = dialer.dial

    def dial_or_fail(endpoint):
        for failure in failures:
            raise failure
        return dial(endpoint)

    monkeypatch.setattr(dialer, "dial", dial_or_fail)
    assert api.start_session({}, patience=patience).session_id == "s-1"
    assert len(dialer.requests) == 1


def test_a_session_that_may_have_been_started_is_not_insisted_on(make, patience):
    api, dialer, _ = make([None, (200, GRANT)])
    with pytest.raises(ConnectionLost):
        api.start_session({}, patience=patience)
    assert len(dialer.requests) == 1


@pytest.mark.parametrize("call", ["start", "resume"])
def test_a_call_that_is_not_answered_in_time_is_not_made_again(make, call):
    is_over = threading.Event()
    answers = iter([(200, GRANT)])

    def answer(request):
        return next(answers, None) or (is_over.wait(10) and None)

    api, dialer, _ = make(answer)
    api.start_session({})
    api.timeout_s = 0.1
    with pytest.raises(ConnectionLost, match="no answer"):
        api.start_session({}) if call == "start" else api.resume_session("s-1")
    is_over.set()
    assert len(dialer.requests) == 2
    assert len(dialer.dialled) == 1


def test_a_fresh_connection_that_ends_is_not_tried_again(make):
    api, dialer, _ = make([None])
    with pytest.raises(ConnectionLost):
        api.start_session({})
    assert len(dialer.dialled) == 1


def test_the_connection_is_handed_over_to_a_websocket_on_the_same_server_only(make):
    api, _, _ = make([(200, GRANT)])
    api.start_session({})
    assert api.take_connection(parse_endpoint("wss://other.example:8443/")) is None
    sock = api.take_connection(parse_endpoint(GRANT["StreamUrl"]))
    assert isinstance(sock, socket.socket)
    sock.close()
    assert api.take_connection(parse_endpoint(GRANT["StreamUrl"])) is None


def test_a_connection_that_closes_is_not_handed_over(make):
    api, _, _ = make([json_answer(200, GRANT, "Connection: close")])
    api.start_session({})
    assert api.take_connection(parse_endpoint(GRANT["StreamUrl"])) is None


@pytest.mark.parametrize(
    "answer", [{"SessionId": "s-1"}, {"SessionId": "s-1", "TokenValue": None}, {"TokenValue": ""}]
)
def test_no_token_means_the_session_is_over(make, answer):
    api, _, _ = make([(200, answer)])
    assert api.resume_session("s-1") is None


def test_a_start_without_token_is_an_error(make):
    api, _, _ = make([(200, {})])
    assert "gave no token" in str(refused(api))


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (
            "AccessDeniedException",
            "User: a is not authorized",
            "(AccessDeniedException): User: a is not authorized",
        ),
        (
            "com.x#TargetNotConnected",
            "mi-1 is not connected.",
            "mi-1 is not connected; check the id, and that",
        ),
        ("UnrecognizedClientException", "invalid.", "the access key from the environment is not known there"),
        (
            "InvalidSignatureException",
            "no match",
            "the secret access key from the environment is probably wrong",
        ),
        ("ExpiredTokenException", "expired", "have expired: renew them"),
        (
            "InvalidSignatureException",
            "Signature expired: x",
            "clock is wrong by 3600 s (fast): set it (NTP)",
        ),
        ("RequestTimeTooSkewed", "", "clock is wrong by 3600 s (fast)"),
        ("InvalidDocument", "", "refused StartSession (InvalidDocument)"),
    ],
)
def test_a_refusal_gives_the_services_words_and_a_remedy(make, code, words, said):
    date = "Date: Fri, 20 Nov 2026 20:25:35 GMT"
    api, _, _ = make([json_answer(400, {"__type": code, "message": words}, date)])
    failure = refused(api)
    assert said in str(failure)
    assert str(failure).startswith("ssm.example:8443 refused StartSession (")
    assert (failure.code, failure.status) == (code.rpartition("#")[2], 400)


def test_the_services_words_cannot_move_the_cursor(make):
    api, _, _ = make([(400, {"__type": "X\x1b[2J", "Message": "a\r\nb\x07"})])
    assert "(X [2J): a b" in str(refused(api))


def test_without_a_date_the_clock_difference_is_left_out(make):
    api, _, _ = make([(400, {"__type": "RequestExpired"})])
    assert "clock is wrong: set it" in str(refused(api))


def test_an_answer_of_something_else_is_told(make):
    api, _, _ = make([(404, "<html>nothing here</html>")])
    assert "does not answer StartSession as a Session Manager API (HTTP 404 Status)" in str(refused(api))


@pytest.mark.parametrize(
    "answer", [(500, {"__type": "InternalServerError"}), (400, {"__type": "ThrottlingException"}), (429, "")]
)
def test_passing_failures_are_tried_again_with_growing_pauses(make, answer):
    api, dialer, slept = make([answer, answer, (200, GRANT)])
    assert api.start_session({}).session_id == "s-1"
    assert len(dialer.requests) == 3
    assert slept == [0.3, 0.6]


def test_throttling_that_lasts_is_told(make):
    api, dialer, _ = make(
        lambda request: (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    )
    assert "Rate exceeded; try again later" in str(refused(api))
    assert len(dialer.requests) == MAX_ATTEMPTS


def test_resuming_leaves_repetition_to_its_caller(make):
    api, dialer, _ = make([(500, {"__type": "InternalServerError"})])
    refused(api, lambda api: api.resume_session("s-1"))
    assert len(dialer.requests) == 1


def test_the_token_is_in_no_text_for_people(make):
    api, _, _ = make([(200, GRANT)])
    assert "secret-token" not in repr(api.start_session({}))


def test_an_endpoint_without_tls_is_refused_before_anything_is_sent():
    with pytest.raises(TransportError, match="without TLS"):
        SessionApi("http://ssm.example/", "us-east-1", None, None)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "Fri, 20 Nov 2026 20:25:35 CET", "Fri, 20 Foo 2026 20:25:35 GMT"]
)
def test_what_is_no_http_date_is_nothing(text):
    assert parse_http_date(text) is None


def test_an_http_date_is_epoch_seconds():
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777
