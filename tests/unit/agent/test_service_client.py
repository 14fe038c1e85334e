"""Answers of the session service: members, errors in AWS JSON 1.1, and the difference of the clocks."""

import json

import pytest

from fairlead.agent.errors import MalformedAnswerError, ServiceError
from fairlead.agent.service_client import RoleToken, clock_offset_s, parse_answer
from fairlead.transport.http import Response, ResponseHead

NOW = 1_795_209_769.0
DATE = "Fri, 20 Nov 2026 21:22:49 GMT"


def answer(status, document, headers=()):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Response(ResponseHead("HTTP/1.1", status, "Reason", list(headers)), body, False)


def test_a_successful_answer_is_its_members():
    assert parse_answer("Op", answer(200, {"InstanceId": "mi-1"}), NOW) == {"InstanceId": "mi-1"}
    assert parse_answer("Op", answer(200, b""), NOW) == {}


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b"7", b"\xff", b"[" * 100_000])
def test_a_success_that_is_no_object_is_malformed(body):
    with pytest.raises(MalformedAnswerError, match="something else than a JSON object"):
        parse_answer("Op", answer(200, body), NOW)


@pytest.mark.parametrize(
    ("document", "code", "text"),
    [
        ({"__type": "InvalidActivation", "message": "expired"}, "InvalidActivation", "expired"),
        (
            {"__type": "com.amazonaws.ssm#AccessDeniedException", "Message": "no"},
            "AccessDeniedException",
            "no",
        ),
        ({}, "", "Reason"),
        (b"<html>", "", "Reason"),
        ({"__type": "X\x1b[31m", "message": "a\nb"}, "X [31m", "a b"),
    ],
)
def test_an_error_has_code_and_text_made_printable(document, code, text):
    with pytest.raises(ServiceError) as caught:
        parse_answer("Op", answer(400, document), NOW)
    assert (caught.value.operation, caught.value.status) == ("Op", 400)
    assert (caught.value.code, caught.value.text) == (code, text)
    assert str(caught.value).isprintable()


def test_an_error_tells_the_difference_of_the_clocks():
    with pytest.raises(ServiceError) as caught:
        parse_answer("Op", answer(403, {}, [("date", DATE)]), NOW - 600)
    assert caught.value.clock_offset_s == 600


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 32 Nov 2026 21:22:49 GMT"])
def test_without_a_usable_date_there_is_no_difference(date):
    assert clock_offset_s(DATE, NOW) == 0
    assert clock_offset_s(date, NOW) is None


def test_secrets_do_not_show():
    token = RoleToken("AKID", "very secret", "token too", NOW, False)
    assert "secret" not in repr(token)
    assert "token too" not in repr(token)
