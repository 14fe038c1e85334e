"""A provider's endpoints and answers, as a public client meets them."""

import pytest

from fairlead.client.oidc_provider import GrantError, LoginError, Provider
from tests.support.api_server import ScriptedDialer

ISSUER = "https://login.example/staff"
DOCUMENT = {"issuer": ISSUER, "token_endpoint": "https://login.example/token"}
GRANT = {"grant_type": "refresh_token", "refresh_token": "r"}


def provider(*answers, document=DOCUMENT, status=200):
    dialer = ScriptedDialer([(status, document), *answers])
    return Provider(ISSUER, "fairlead", dialer), dialer


def test_tokens_come_from_the_endpoint_that_the_issuer_names():
    found, dialer = provider((200, {"id_token": "id", "refresh_token": "next"}))
    tokens = found.tokens(GRANT)
    assert (tokens.id_token, tokens.refresh_token) == ("id", "next")
    assert [request.target for request in dialer.requests] == [
        "/staff/.well-known/openid-configuration",
        "/token",
    ]
    assert dialer.requests[1].text == "client_id=fairlead&grant_type=refresh_token&refresh_token=r"
    assert "next" not in repr(tokens)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {**DOCUMENT, "issuer": "https://login.example/other"}),
        (404, DOCUMENT),
        (200, []),
        (200, "<html>"),
        (200, "[" * 100_000),
    ],
)
def test_another_issuers_document_is_refused(status, document):
    with pytest.raises(LoginError, match="check --issuer"):
        provider(status=status, document=document)


@pytest.mark.parametrize("address", ["http://127.0.0.1/token", "http://login.example/token", "nonsense"])
def test_an_endpoint_without_tls_is_refused(address):
    found, dialer = provider(document={**DOCUMENT, "token_endpoint": address})
    with pytest.raises(LoginError, match="without TLS"):
        found.tokens(GRANT)
    assert len(dialer.requests) == 1


def test_an_endpoint_that_is_not_there_is_told():
    found, _ = provider()
    assert found.endpoint("device_authorization_endpoint") is None
    with pytest.raises(LoginError, match="use another --grant"):
        found.required_endpoint("device_authorization_endpoint")


def test_a_refusal_is_told_in_the_providers_words():
    found, _ = provider((400, {"error": "invalid_grant", "error_description": "used\x1b[31m"}))
    with pytest.raises(GrantError, match=r"refused \(invalid_grant\): used") as caught:
        found.tokens(GRANT)
    assert caught.value.code == "invalid_grant"
    assert "\x1b" not in str(caught.value)


def test_an_answer_that_is_no_json_has_its_status():
    found, _ = provider((502, "<html>"))
    with pytest.raises(GrantError, match="HTTP 502"):
        found.tokens(GRANT)


@pytest.mark.parametrize("answer", [{}, {"id_token": ""}, {"id_token": 7}, {"id_token": "x" * 20_001}])
def test_without_an_id_token_the_scope_is_to_blame(answer):
    found, _ = provider((200, answer))
    with pytest.raises(LoginError, match="openid"):
        found.tokens(GRANT)
