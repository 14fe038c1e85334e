"""Signing in with an organisation's own issuer, from its token to the unmodified AWS CLI."""

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from fairlead.domain.errors import IdentityProviderUnreachable
from fairlead.server import oidc_settings
from fairlead.server.web_identity import fetch
from fairlead.testing.server import FairleadServer
from tests.support.aws_cli import AwsCli
from tests.support.certificates import Authority
from tests.support.oidc_issuer import CLIENT_ID, SUBJECT, OidcIssuer
from tests.support.oidc_tokens import SigningKey
from tests.support.waiting import PATIENCE_S

SESSION = "ada"
CHALLENGE = {"code_challenge": "x", "code_challenge_method": "S256"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcIssuer]:
    with OidcIssuer(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OidcIssuer) -> Iterator[FairleadServer]:
    directory = tmp_path_factory.mktemp("server")
    (directory / "issuer.pem").write_bytes(issuer.ca_pem)
    oidc_file = directory / "issuers.toml"
    oidc_file.write_text(
        f'[[issuer]]\nurl = "{issuer.url}"\naudiences = ["{CLIENT_ID}"]\n'
        f'ca_file = "{directory}/issuer.pem"\n',
        encoding="utf-8",
    )
    with FairleadServer(directory / "state", oidc_file=oidc_file) as server:
        condition = {"StringEquals": {f"{issuer.provider}:aud": CLIENT_ID, f"{issuer.provider}:sub": SUBJECT}}
        provider = f"arn:aws:iam::{server.account_id}:oidc-provider/{issuer.provider}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        server.boto3_client("iam").create_role(RoleName="Staff", AssumeRolePolicyDocument=document)
        yield server


class Home:
    """A user's machine: a home of his own, and no credentials."""

    def __init__(self, directory: Path, server: FairleadServer, issuer: OidcIssuer) -> None:
        self.directory = directory
        self.config = directory / "config"
        bundle = directory / "bundle.pem"
        bundle.write_bytes(server.ca_bundle.read_bytes() + issuer.ca_pem)
        removed = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_REGION")
        self.environment = {
            **{name: value for name, value in server.environment().items() if name not in removed},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(directory),
            "XDG_CACHE_HOME": str(directory / "cache"),
            "AWS_CONFIG_FILE": str(self.config),
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
            "AWS_CA_BUNDLE": str(bundle),
            "SSL_CERT_FILE": str(bundle),
        }
        role = f"arn:aws:iam::{server.account_id}:role/Staff"
        self.words = ["--issuer", issuer.url, "--client-id", CLIENT_ID, "--role-arn", role]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "fairlead", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        output, errors = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output, errors


@pytest.fixture
def home(tmp_path: Path, server: FairleadServer, issuer: OidcIssuer) -> Home:
    return Home(tmp_path, server, issuer)


def test_a_device_code_leads_to_the_aws_cli(home: Home, server: FairleadServer, aws_cli: AwsCli) -> None:
    words = ["login", "--profile", "staff", *home.words, "--role-session-name", SESSION]
    status, output, errors = home.run(*words)
    assert (status, output) == (0, ""), errors
    assert "enter the code ABCD-EFGH" in errors
    assert "ASIA" not in errors
    assert "credential_process = fairlead credentials --profile staff" in home.config.read_text()
    (kept,) = (home.directory / "cache" / "fairlead" / "logins").glob("*.json")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    caller = aws_cli({**home.environment, "AWS_PROFILE": "staff"}, "sts", "get-caller-identity")
    assert caller["Arn"] == f"arn:aws:sts::{server.account_id}:assumed-role/Staff/{SESSION}"


def test_a_browser_brings_the_code_back_and_a_refresh_token_renews(home: Home, issuer: OidcIssuer) -> None:
    process = home.start("login", "--profile", "web", *home.words, "--grant", "code")
    assert process.stderr is not None
    address = process.stderr.readline().rpartition(" ")[2].strip()
    context = ssl.create_default_context(cadata=issuer.ca_pem.decode())
    with urllib.request.urlopen(address, context=context, timeout=PATIENCE_S) as page:
        assert b"go back to the terminal" in page.read()
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (0, ""), errors
    first = _printed(home.run("credentials", "--profile", "web"))
    (kept,) = (home.directory / "cache" / "fairlead" / "logins").glob("*.json")
    document = json.loads(kept.read_text())
    document["credentials"]["Expiration"] = "2020-01-01T00:00:00Z"
    kept.write_text(json.dumps(document))
    renewed = _printed(home.run("credentials", "--profile", "web"))
    assert renewed["AccessKeyId"] != first["AccessKeyId"]
    assert issuer.seen[-2:] == ["authorization_code", "refresh_token"]


def test_whom_the_role_does_not_trust_is_told_in_one_line(home: Home, server: FairleadServer) -> None:
    home.words[-1] = f"arn:aws:iam::{server.account_id}:role/Other"
    status, output, errors = home.run("login", "--profile", "staff", *home.words)
    assert (status, output) == (1, "")
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in errors.splitlines()[-1]
    assert not home.config.exists()


def test_a_token_of_a_key_that_is_not_published_is_refused_over_the_wire(
    server: FairleadServer, issuer: OidcIssuer
) -> None:
    import botocore
    from botocore.exceptions import ClientError

    sts = server.boto3_client("sts", config=botocore.config.Config(signature_version=botocore.UNSIGNED))
    stranger = SigningKey("stranger", number=1)
    members: dict[str, Any] = {"iss": issuer.url, "sub": SUBJECT, "aud": CLIENT_ID, "iat": 1, "exp": 2}
    for token, code in (
        (stranger.sign(members), "InvalidIdentityToken"),
        (issuer.key.sign(members), "ExpiredTokenException"),
    ):
        with pytest.raises(ClientError) as caught:
            sts.assume_role_with_web_identity(
                RoleArn=f"arn:aws:iam::{server.account_id}:role/Staff",
                RoleSessionName=SESSION,
                WebIdentityToken=token,
            )
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_server_follows_no_redirect_and_trusts_the_named_ca_only(
    tmp_path: Path, issuer: OidcIssuer
) -> None:
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    right.write_bytes(issuer.ca_pem)
    wrong.write_bytes(Authority("Another CA").pem)
    settings = oidc_settings.OidcIssuer(url=issuer.url, audiences=frozenset({CLIENT_ID}), ca_file=str(right))
    assert b"jwks_uri" in fetch(settings, settings.discovery_url)
    query = urlencode({"redirect_uri": "https://127.0.0.1:1/", "state": "s", **CHALLENGE})
    with pytest.raises(IdentityProviderUnreachable, match="HTTP 302"):
        fetch(settings, f"{issuer.url}/authorize?{query}")
    with pytest.raises(IdentityProviderUnreachable, match="not trusted"):
        fetch(replace(settings, ca_file=str(wrong)), settings.discovery_url)


def _printed(done: tuple[int, str, str]) -> dict[str, Any]:
    status, output, errors = done
    assert status == 0, errors
    answer: dict[str, Any] = json.loads(output)
    assert answer["Version"] == 1
    return answer
