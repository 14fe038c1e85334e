"""`fairlead configure`."""

import io
import sys

import pytest

from fairlead.cli.app import main
from fairlead.client.settings import ClientSettings

ADMIN_ENV = {
    "AWS_ACCESS_KEY_ID": "AKIAADMIN",
    "AWS_SECRET_ACCESS_KEY": "admin-secret",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "https://h.example:8443",
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name in (
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_SSM",
        "AWS_DEFAULT_REGION",
        "SSL_CERT_FILE",
        *ADMIN_ENV,
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ca.pem").write_text("pem")
    names = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CA_BUNDLE": str(tmp_path / "ca.pem"),
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_the_environment_of_admin_env_is_enough(files, monkeypatch, capsys):
    for name, value in ADMIN_ENV.items():
        monkeypatch.setenv(name, value)
    assert main(["configure", "--profile", "lab"]) == 0
    out, _ = capsys.readouterr()
    assert "wrote profile 'lab'" in out
    assert "admin-secret" not in out
    assert "aws_secret_access_key = admin-secret" in (files / "credentials").read_text()
    names = {
        "AWS_CONFIG_FILE": str(files / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(files / "credentials"),
    }
    settings = ClientSettings(names, profile="lab")
    assert settings.endpoint_url("ssm") == "https://h.example:8443"
    assert settings.trust.path == str(files / "ca.pem")
    assert main(["configure", "--profile", "lab"]) == 1
    assert "already has a section" in capsys.readouterr().err


def options(*more):
    return [
        "configure", "--profile", "lab", "--endpoint-url", "https://h.example", "--region", "us-east-1",
        "--access-key-id", "AKIA", *more,
    ]  # fmt: skip


def test_the_secret_comes_from_a_file_or_from_stdin(files, monkeypatch):
    (files / "secret").write_text("from-file\nwritten below\n")
    assert main(options("--secret-access-key-file", str(files / "secret"))) == 0
    assert "from-file\n" in (files / "credentials").read_text()
    stdin = io.TextIOWrapper(io.BytesIO(b"from-stdin\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    words = ["lab2" if word == "lab" else word for word in options("--secret-access-key-file", "-")]
    assert main(words) == 0
    assert "from-stdin\n" in (files / "credentials").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "still needed: --secret-access-key-file"),
        (["--secret-access-key-file", "/nonexistent"], "cannot read the secret"),
        (
            ["--secret-access-key-file", "SECRET", "--ca-bundle", "/nonexistent"],
            "/nonexistent does not exist",
        ),
        (["--secret-access-key-file", "SECRET", "--endpoint-url", "http://h.example"], "without TLS"),
    ],
)
def test_what_is_missing_or_wrong_is_told_and_nothing_is_written(files, capsys, more, said):
    (files / "secret").write_text("s")
    assert main(options(*(str(files / "secret") if word == "SECRET" else word for word in more))) == 1
    assert said in capsys.readouterr().err
    assert not (files / "config").exists()


def test_no_option_takes_the_secret_itself(capsys):
    main(["configure", "--help"])
    assert "--secret-access-key " not in capsys.readouterr().out
