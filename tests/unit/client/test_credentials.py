"""Where credentials come from, compared with botocore for every source that needs no network."""

import json
import stat
import sys

import botocore.session
import pytest

from fairlead.aws.sigv4 import Credentials
from fairlead.client import credentials as module
from fairlead.client.credentials import CredentialSource, process_credentials, resolve_credentials
from fairlead.client.errors import CredentialsError
from fairlead.client.resolved import Resolved
from fairlead.client.settings import ClientSettings
from tests.support.api_server import ScriptedDialer

CONFIG = """\
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default-secret
[profile both]
aws_access_key_id = AKIACONFIG
aws_secret_access_key = config-secret
[profile process]
credential_process = {process}
aws_access_key_id = AKIANEVER
aws_secret_access_key = never
[profile half]
aws_access_key_id = AKIAHALF
[profile empty]
region = us-east-1
[profile role]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = both
region = us-east-1
[profile role-env]
role_arn = arn:aws:iam::123456789012:role/R
credential_source = Environment
region = us-east-1
[profile role-process]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = process
[profile role-chain]
role_arn = arn:aws:iam::123456789012:role/Outer
source_profile = role
region = us-east-1
[profile circle-a]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = circle-b
[profile circle-b]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = circle-a
[profile self]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = self
aws_access_key_id = AKIASELF
aws_secret_access_key = self-secret
region = us-east-1
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = both
mfa_serial = arn:aws:iam::123456789012:mfa/me
[profile undecided]
role_arn = arn:aws:iam::123456789012:role/R
[profile orphan]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = ghost
[profile odd]
role_arn = arn:aws:iam::123456789012:role/R
credential_source = Moon
[profile poor]
role_arn = arn:aws:iam::123456789012:role/R
source_profile = empty
"""
CREDENTIALS = """\
[both]
aws_access_key_id = AKIAFILE
aws_secret_access_key = file-secret
aws_session_token = file-token
"""


@pytest.fixture
def environ(tmp_path, monkeypatch):
    program = tmp_path / "helper"
    answer = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "p", "SessionToken": "t"}
    program.write_text(f"#!{sys.executable}\nprint('''{json.dumps(answer)}''')\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(CONFIG.format(process=program))
    (tmp_path / "credentials").write_text(CREDENTIALS)
    names = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return names


STS_ANSWER = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
    "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>a&amp;b</SessionToken>"
    "<Expiration>2026-11-20T23:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def resolve(environ, profile=None, dialer=None):
    return resolve_credentials(ClientSettings(environ, profile=profile), dialer or ScriptedDialer([]))


def triple(credentials):
    return credentials.access_key_id, credentials.secret_access_key, credentials.session_token


@pytest.mark.parametrize("profile", [None, "default", "both", "process"])
@pytest.mark.parametrize(
    "extra",
    [{}, {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env"}],
    ids=["files", "environment"],
)
def test_botocore_finds_the_same(environ, monkeypatch, profile, extra):
    for name, value in extra.items():
        monkeypatch.setenv(name, value)
    theirs = botocore.session.Session(profile=profile).get_credentials().get_frozen_credentials()
    ours = resolve({**environ, **extra}, profile).credentials
    assert triple(ours) == (theirs.access_key, theirs.secret_key, theirs.token)


def test_a_profile_of_the_environment_gives_way_to_keys_of_the_environment(environ):
    extra = {"AWS_PROFILE": "both", "AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env"}
    assert resolve({**environ, **extra}).credentials.access_key_id == "AKIAENV"


def test_temporary_keys_of_the_environment_carry_token_and_expiry(environ):
    extra = {
        "AWS_ACCESS_KEY_ID": "ASIAENV",
        "AWS_SECRET_ACCESS_KEY": "env",
        "AWS_SESSION_TOKEN": "token",
        "AWS_CREDENTIAL_EXPIRATION": "2026-11-20T23:00:00Z",
    }
    found = resolve({**environ, **extra})
    assert (triple(found.credentials)[2], found.expires_at) == ("token", 1795215600.0)


@pytest.mark.parametrize("profile", ["role", "self", "role-env"])
def test_a_role_is_assumed_with_the_keys_it_names(environ, profile):
    dialer = ScriptedDialer([(200, STS_ANSWER)])
    extra = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env"}
    found = resolve({**environ, **extra}, profile, dialer)
    assert triple(found.credentials) == ("ASIAROLE", "role-secret", "a&b")
    assert found.expires_at == 1795215600.0
    [request] = dialer.requests
    signer = {"role": "AKIAFILE", "self": "AKIASELF", "role-env": "AKIAENV"}[profile]
    assert f"Credential={signer}/" in request.headers["authorization"]
    assert "/us-east-1/sts/aws4_request" in request.headers["authorization"]
    assert "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FR&" in request.text


def test_a_chain_of_roles_is_walked_from_its_end(environ):
    dialer = ScriptedDialer([(200, STS_ANSWER.replace("ASIAROLE", "ASIAINNER")), (200, STS_ANSWER)])
    resolve(environ, "role-chain", dialer)
    inner, outer = dialer.requests
    assert "role%2FR" in inner.text
    assert "role%2FOuter" in outer.text
    assert "Credential=ASIAINNER/" in outer.headers["authorization"]
    assert outer.headers["x-amz-security-token"] == "a&b"


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("half", "'half' has aws_access_key_id but no aws_secret_access_key"),
        ("circle-a", "leads in a circle"),
        ("mfa", "asks for an MFA code"),
        ("undecided", "either source_profile or credential_source"),
        ("orphan", "'ghost' of AWS profile 'orphan' does not exist"),
        ("odd", "unknown credential_source 'Moon'"),
        ("poor", "'empty' has no credentials"),
        ("role-env", "AWS_ACCESS_KEY_ID is not set"),
        ("empty", "no AWS credentials"),
    ],
)
def test_a_profile_that_leads_nowhere_is_told(environ, profile, said):
    with pytest.raises(CredentialsError, match=said):
        resolve(environ, profile)


def test_half_a_pair_in_the_environment_is_told(environ):
    with pytest.raises(CredentialsError, match="AWS_SECRET_ACCESS_KEY is not"):
        resolve({**environ, "AWS_ACCESS_KEY_ID": "AKIA"})


def test_without_botocore_one_line_says_what_is_missing(environ, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    with pytest.raises(CredentialsError, match="need the botocore package"):
        resolve(environ, "empty")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/nonexistent/helper", "cannot be run"),
        ("sh -c 'echo \"no\\033[1m luck\" >&2; exit 3'", r"failed: no \[1m luck"),
        ("sh -c 'exit 3'", "failed: exit status 3"),
        ("echo nonsense", "did not print JSON"),
        ("echo '{\"Version\": 2}'", "Version 1"),
        ("echo '{\"Version\": 1}'", "no AccessKeyId"),
        ("'unclosed", "cannot be run"),
    ],
)
def test_a_failing_credential_process_is_told(command, said):
    with pytest.raises(CredentialsError, match=said):
        process_credentials(command)


def test_a_hanging_credential_process_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "PROCESS_TIMEOUT_S", 0.05)
    with pytest.raises(CredentialsError, match="no answer"):
        process_credentials("sleep 5")


def test_credentials_are_fetched_again_shortly_before_they_expire():
    now = [0.0]
    made = []

    def resolve_once():
        made.append(now[0])
        return Resolved(Credentials("a", "b"), now[0] + 1000, "test")

    source = CredentialSource(resolve_once, clock=lambda: now[0])
    for moment in (0.0, 900.0, 945.0, 950.0):
        now[0] = moment
        source.get()
    assert made == [0.0, 945.0]
    source.forget()
    source.get()
    assert made == [0.0, 945.0, 950.0]


def test_a_source_that_failed_is_asked_again_only_after_a_while():
    now = [0.0]
    asked = []

    def resolve():
        asked.append(now[0])
        if len(asked) < 3:
            raise CredentialsError("run: fairlead login")
        return Resolved(Credentials("a", "b"), None, "test")

    source = CredentialSource(resolve, clock=lambda: now[0])
    for moment in (0.0, 1.0, 14.0, 15.0, 16.0):
        now[0] = moment
        with pytest.raises(CredentialsError, match="fairlead login"):
            source.get()
    assert asked == [0.0, 15.0]
    now[0] = 30.0
    assert source.get().credentials.access_key_id == "a"
