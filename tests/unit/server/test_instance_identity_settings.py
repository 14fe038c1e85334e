"""`--instance-identity-file`."""

from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.domain.instance_identity import IdentityTrust
from fairlead.server.errors import StartError
from fairlead.server.instance_identity_settings import read_trust
from tests.support.certificates import Authority
from tests.support.identity_issuer import CLOUD_ACCOUNT, CLOUD_REGION, Issuer, an_issuer, write_settings


def test_issuers_accounts_and_what_is_not_said(tmp_path: Path) -> None:
    assert read_trust(write_settings(tmp_path, an_issuer())) == IdentityTrust(
        issuer_keys={CLOUD_REGION: (an_issuer().public_key,)},
        account_ids=frozenset({CLOUD_ACCOUNT}),
        max_age=timedelta(minutes=15),
        iam_role="service-role/FairleadNode",
    )


def test_age_role_and_a_region_with_two_keys(tmp_path: Path) -> None:
    path = write_settings(tmp_path, an_issuer(), "max_age_minutes = 0", 'iam_role = "Nodes"')
    with (tmp_path / f"{CLOUD_REGION}.pem").open("ab") as file:
        file.write(an_issuer(1).certificate)
    trust = read_trust(path)
    assert (trust.max_age, trust.iam_role) == (timedelta(0), "Nodes")
    assert trust.issuer_keys[CLOUD_REGION] == (an_issuer().public_key, an_issuer(1).public_key)


def test_an_empty_list_of_accounts_lets_nobody_in(tmp_path: Path) -> None:
    path = write_settings(tmp_path, an_issuer())
    path.write_text(path.read_text().replace(f'"{CLOUD_ACCOUNT}"', ""))
    assert read_trust(path).account_ids == frozenset()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("account_ids", "nonsense", "not TOML"),
        ("account_ids", "accounts", "unknown entry accounts"),
        (f'["{CLOUD_ACCOUNT}"]', "[1]", "account_ids must be a list"),
        (f'"{CLOUD_ACCOUNT}"', '"all"', "account_ids must be a list"),
        ("[[issuer]]", "max_age_minutes = -1\n[[issuer]]", "max_age_minutes"),
        ("[[issuer]]", "max_age_minutes = true\n[[issuer]]", "max_age_minutes"),
        ("[[issuer]]", 'iam_role = "a b"\n[[issuer]]', "iam_role"),
        ("[[issuer]]", "[issuer]", r"tables \[\[issuer\]\]"),
        ("[[issuer]]", "issuer = [1]\n[[x]]", "unknown entry x"),
        ("region =", "name = 1\nregion =", "issuer 1: unknown entry name"),
        (f'region = "{CLOUD_REGION}"', "", "issuer 1: region"),
        (f'"{CLOUD_REGION}"', '"EU Central"', "issuer 1: region"),
        ("certificate_file =", "certificate_file = 1 #", "certificate_file must be a path"),
        (".pem", ".missing", "No such file"),
        (".pem", ".toml", "No such file"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, before: str, after: str, words: str) -> None:
    path = write_settings(tmp_path, an_issuer())
    text = path.read_text()
    changed = text.replace(before, after, 1) if before != "account_ids" or after != "nonsense" else "nonsense"
    path.write_text(changed)
    with pytest.raises(StartError, match=words) as caught:
        read_trust(path)
    assert str(path) in str(caught.value)


def test_a_region_is_named_once(tmp_path: Path) -> None:
    path = write_settings(tmp_path, an_issuer())
    text = path.read_text()
    path.write_text(text + text[text.index("[[issuer]]") :])
    with pytest.raises(StartError, match=f"issuer 2: the region {CLOUD_REGION} is named twice"):
        read_trust(path)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (Authority().pem, "RSA"),
        (Issuer(key_bits=1024).certificate, "RSA keys of 2048 to 4096 bits"),
        (b"no certificate", "PEM"),
        (an_issuer().certificate * 9, "more than 8"),
        (b" " * 300_000, "PEM"),
    ],
    ids=["not-rsa", "short", "none", "many", "long"],
)
def test_a_certificate_must_hold_a_key_that_proves_something(
    tmp_path: Path, certificate: bytes, words: str
) -> None:
    path = write_settings(tmp_path, an_issuer())
    (tmp_path / f"{CLOUD_REGION}.pem").write_bytes(certificate)
    with pytest.raises(StartError, match=words):
        read_trust(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file"):
        read_trust(tmp_path / "missing.toml")
