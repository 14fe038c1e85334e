"""Single sign-on from the token that the AWS CLI keeps."""

import json
from hashlib import sha1

import pytest

from fairlead.client.credentials import resolve_credentials
from fairlead.client.errors import CredentialsError
from fairlead.client.settings import ClientSettings
from tests.support.api_server import ScriptedDialer

CONFIG = """\
[profile session]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Admin Role
[profile legacy]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Admin
[profile half]
sso_account_id = 123456789012
[profile lost]
sso_session = nowhere
sso_account_id = 123456789012
[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
"""
ANSWER = {
    "roleCredentials": {
        "accessKeyId": "ASIASSO",
        "secretAccessKey": "s",
        "sessionToken": "t",
        "expiration": 1795215600000,
    }
}


@pytest.fixture
def environ(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(CONFIG)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }


def keep_token(tmp_path, key, **fields):
    folder = tmp_path / ".aws/sso/cache"
    folder.mkdir(parents=True)
    token = {"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z", **fields}
    (folder / f"{sha1(key.encode()).hexdigest()}.json").write_text(json.dumps(token))


def resolve(environ, profile, *answers):
    dialer = ScriptedDialer(list(answers))
    return resolve_credentials(ClientSettings(environ, profile=profile), dialer), dialer


@pytest.mark.parametrize(("profile", "key"), [("session", "corp"), ("legacy", "https://corp.example/start")])
def test_the_cached_token_buys_role_credentials(environ, tmp_path, profile, key):
    keep_token(tmp_path, key)
    found, dialer = resolve(environ, profile, (200, ANSWER))
    assert (found.credentials.access_key_id, found.expires_at) == ("ASIASSO", 1795215600.0)
    [request] = dialer.requests
    assert request.target.startswith("/federation/credentials?role_name=Admin")
    assert request.target.endswith("&account_id=123456789012")
    assert request.headers["x-amz-sso_bearer_token"] == "sso-token"
    assert dialer.dialled == ["portal.sso.eu-west-1.amazonaws.com:443"]


def test_no_token_and_an_old_one_name_the_command_that_helps(environ, tmp_path):
    with pytest.raises(CredentialsError, match="run: aws sso login --profile session"):
        resolve(environ, "session")
    keep_token(tmp_path, "corp", expiresAt="2020-01-01T00:00:00Z")
    with pytest.raises(CredentialsError, match="has expired; run: aws sso login"):
        resolve(environ, "session")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (401, {"message": "Session token not found"}),
            "HTTP 401.: Session token not found; run: aws sso login",
        ),
        ((200, {}), "gave no single sign-on credentials"),
        ((200, "nonsense"), "gave no single sign-on credentials"),
        ((200, []), "gave no single sign-on credentials"),
    ],
)
def test_what_the_portal_refuses_is_told(environ, tmp_path, answer, said):
    keep_token(tmp_path, "corp")
    with pytest.raises(CredentialsError, match=said):
        resolve(environ, "session", answer)


@pytest.mark.parametrize(
    ("profile", "said"),
    [("half", "lacks sso_role_name, sso_start_url, sso_region"), ("lost", "there is none")],
)
def test_an_incomplete_profile_is_told(environ, profile, said):
    with pytest.raises(CredentialsError, match=said):
        resolve(environ, profile)
