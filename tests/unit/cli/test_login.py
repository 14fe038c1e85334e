"""`fairlead login`, as far as it goes without a provider; the rest is in integration/test_login.py."""

import shlex

import pytest

from fairlead.cli import login
from fairlead.cli.app import main

GIVEN = [
    "--issuer",
    "https://127.0.0.1:1",
    "--client-id",
    "c",
    "--role-arn",
    "arn:aws:iam::111122223333:role/S",
]


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "still needed: --issuer, --client-id, --role-arn"),
        (GIVEN, "which server"),
        ([*GIVEN, "--endpoint-url", "https://h.example", "--ca-bundle", "/nonexistent"], "/nonexistent"),
    ],
)
def test_what_is_missing_is_one_line(home, capsys, words, told):
    assert main(["login", "--profile", "staff", *words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_profile_may_say_it(home, capsys):
    (home / "config").write_text(
        "[profile staff]\nfairlead_oidc_issuer = https://127.0.0.1:1\nfairlead_oidc_client_id = c\n"
        "fairlead_role_arn = arn:aws:iam::111122223333:role/S\n"
    )
    assert main(["login", "--profile", "staff"]) == 1
    assert "which server" in capsys.readouterr().err


def test_a_profile_with_a_space_in_its_name_stays_one_word():
    assert shlex.split(login._process("my staff")) == ["fairlead", "credentials", "--profile", "my staff"]
    assert login._process("staff") == "fairlead credentials --profile staff"
