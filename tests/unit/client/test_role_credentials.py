"""STS calls: web identity, and refusals. Assumed roles are in test_credentials."""

import pytest

from fairlead.client.credentials import resolve_credentials
from fairlead.client.errors import CredentialsError
from fairlead.client.role_credentials import element_text
from fairlead.client.settings import ClientSettings
from tests.support.api_server import ScriptedDialer

ANSWER = (
    "<R><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken></Credentials></R>"
)
REFUSAL = "<R><Error><Code>AccessDenied</Code><Message>not &lt;you&gt;</Message></Error></R>"


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "token").write_text("identity.token\n")
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_REGION": "us-east-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Web",
        "AWS_ROLE_SESSION_NAME": "job-7",
    }


def resolve(environ, *answers, profile=None):
    dialer = ScriptedDialer(list(answers))
    return resolve_credentials(ClientSettings(environ, profile=profile), dialer), dialer


def test_a_web_identity_is_presented_unsigned(environ):
    found, dialer = resolve(environ, (200, ANSWER))
    assert found.credentials.access_key_id == "ASIAWEB"
    assert found.expires_at is None
    [request] = dialer.requests
    assert "authorization" not in request.headers
    assert "Action=AssumeRoleWithWebIdentity" in request.text
    assert "RoleSessionName=job-7&WebIdentityToken=identity.token" in request.text
    assert dialer.dialled == ["sts.us-east-1.amazonaws.com:443"]


def test_a_profile_can_name_the_web_identity(environ, tmp_path):
    token = environ["AWS_WEB_IDENTITY_TOKEN_FILE"]
    role = "arn:aws:iam::123456789012:role/Profile"
    (tmp_path / "config").write_text(f"[profile w]\nrole_arn = {role}\nweb_identity_token_file = {token}\n")
    _, dialer = resolve(environ, (200, ANSWER), profile="w")
    assert "role%2FProfile" in dialer.requests[0].text


def test_a_refusal_is_told_in_the_services_words(environ):
    with pytest.raises(CredentialsError, match=r"role/Web \(AccessDenied\): not <you>"):
        resolve(environ, (403, REFUSAL))


def test_an_answer_without_keys_is_told(environ):
    with pytest.raises(CredentialsError, match="gave no credentials"):
        resolve(environ, (200, "<R/>"))


def test_a_missing_role_or_token_file_is_told(environ):
    with pytest.raises(CredentialsError, match="set AWS_ROLE_ARN"):
        resolve({**environ, "AWS_ROLE_ARN": ""})
    with pytest.raises(CredentialsError, match="cannot read the web identity token file"):
        resolve({**environ, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"})


def test_elements_are_found_and_entities_resolved_once():
    assert element_text("<a><b> x &amp;lt; </b></a>", "b") == "x &lt;"
    assert element_text("<a>", "a") == element_text("", "a") == ""
