"""Credentials of a sign-in: given out while they last, renewed where that is possible, else one line."""

import pytest

from fairlead.client.errors import CredentialsError
from fairlead.client.login import current_credentials, take_on_role
from fairlead.client.login_file import Login, LoginFile
from fairlead.client.oidc_provider import LoginError, Tokens
from tests.support.api_server import ScriptedDialer

ISSUER = "https://login.example"
SETTINGS = {
    "issuer": ISSUER,
    "client_id": "fairlead",
    "scope": "openid",
    "role_arn": "arn:aws:iam::111122223333:role/Staff",
    "session_name": "ada",
    "endpoint_url": "https://fairlead.example:8443",
}
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
DISCOVERY = (200, {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"})
TOKENS = (200, {"id_token": "identity", "refresh_token": "next"})
REFUSED = (400, {"error": "invalid_grant"})
CREDENTIALS = (
    "<R><AccessKeyId>ASIANEW</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2027-01-15T09:00:00Z</Expiration></R>"
)


@pytest.fixture
def file(tmp_path):
    return LoginFile("staff", {"XDG_CACHE_HOME": str(tmp_path)})


def signed_in(file, expiration, refresh_token="first"):
    credentials = {"Version": 1, "AccessKeyId": "ASIAOLD", "Expiration": expiration}
    file.write(Login(SETTINGS, credentials, refresh_token))


def current(file, *answers):
    dialer = ScriptedDialer(list(answers))
    return current_credentials("staff", file, lambda: dialer, lambda: NOW), dialer


def test_an_id_token_becomes_credentials_of_the_role():
    dialer = ScriptedDialer([(200, CREDENTIALS)])
    login = take_on_role({**SETTINGS, "duration_s": "900"}, Tokens("identity", "r"), dialer)
    assert login.credentials == {
        "Version": 1,
        "AccessKeyId": "ASIANEW",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": "2027-01-15T09:00:00Z",
    }
    [request] = dialer.requests
    assert dialer.dialled == ["fairlead.example:8443"]
    assert "authorization" not in request.headers
    assert "WebIdentityToken=identity&DurationSeconds=900" in request.text


def test_credentials_that_never_expire_are_not_short_ones():
    answer = CREDENTIALS.replace("<Expiration>2027-01-15T09:00:00Z</Expiration>", "")
    with pytest.raises(CredentialsError, match="when the credentials expire"):
        take_on_role(SETTINGS, Tokens("identity", None), ScriptedDialer([(200, answer)]))


def test_credentials_are_given_out_while_they_last(file):
    signed_in(file, "2027-01-15T08:10:00Z")
    found, dialer = current(file)
    assert found["AccessKeyId"] == "ASIAOLD"
    assert dialer.requests == []


def test_they_are_renewed_shortly_before_they_expire(file):
    signed_in(file, "2027-01-15T08:04:00Z")
    found, dialer = current(file, DISCOVERY, TOKENS, (200, CREDENTIALS))
    assert found["AccessKeyId"] == "ASIANEW"
    assert "refresh_token=first" in dialer.requests[1].text
    assert file.read().refresh_token == "next"
    assert current(file)[0]["AccessKeyId"] == "ASIANEW"


def test_a_new_refresh_token_is_kept_even_if_the_server_is_away(file):
    signed_in(file, "2027-01-15T08:00:00Z")
    with pytest.raises(LoginError, match="could not be renewed"):
        current(file, DISCOVERY, TOKENS, (500, "away"))
    assert file.read().refresh_token == "next"


def test_what_is_still_good_serves_while_it_cannot_be_renewed(file):
    signed_in(file, "2027-01-15T08:04:00Z")
    assert current(file, DISCOVERY, REFUSED)[0]["AccessKeyId"] == "ASIAOLD"


@pytest.mark.parametrize(
    ("expiration", "refresh_token", "answers", "words"),
    [
        ("2027-01-15T08:00:30Z", None, (), "has expired"),
        ("nonsense", None, (), "has expired"),
        ("2027-01-15T08:00:30Z", "first", (DISCOVERY, REFUSED), "could not be renewed .*invalid_grant"),
    ],
)
def test_else_one_line_says_what_to_run(file, expiration, refresh_token, answers, words):
    signed_in(file, expiration, refresh_token)
    with pytest.raises(LoginError, match=f"{words}.*run: fairlead login --profile staff"):
        current(file, *answers)


def test_without_a_sign_in_too(file):
    with pytest.raises(LoginError, match="not signed in: run: fairlead login --profile staff"):
        current(file)
