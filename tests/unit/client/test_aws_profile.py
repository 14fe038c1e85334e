"""Profiles as `fairlead configure` writes them, read back by botocore and by us."""

import os
import resource
import stat

import botocore.session
import pytest

from fairlead.client.aws_profile import SERVICES, ProfileContents, ProfileError, append, write_profile
from fairlead.client.settings import ClientSettings

URL = "https://fairlead.example:8443"
FIELDS = {
    "endpoint_url": URL,
    "region": "us-east-1",
    "access_key_id": "AKIAEXAMPLE",
    "secret_access_key": "s%cr=t/+",
    "ca_bundle": "/etc/fairlead/ca bundle.pem",
}


@pytest.fixture
def environ(tmp_path, monkeypatch):
    names = {
        "AWS_CONFIG_FILE": str(tmp_path / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws" / "credentials"),
    }
    for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return names


@pytest.mark.parametrize("name", ["lab", "default"])
def test_botocore_and_our_client_read_what_was_meant(environ, name):
    write_profile(ProfileContents(name, session_token="tok", **FIELDS), environ)
    session = botocore.session.Session(profile=name)
    keys = session.get_credentials().get_frozen_credentials()
    assert (keys.access_key, keys.secret_key, keys.token) == ("AKIAEXAMPLE", "s%cr=t/+", "tok")
    assert session.get_config_variable("region") == "us-east-1"
    assert session.get_config_variable("ca_bundle") == FIELDS["ca_bundle"]
    settings = ClientSettings(environ, profile=name)
    assert {settings.endpoint_url(service) for service in SERVICES} == {URL}
    assert settings.trust.path == FIELDS["ca_bundle"]


def test_a_profile_may_say_where_its_keys_come_from_instead(environ):
    options = {"credential_process": "fairlead credentials --profile lab", "fairlead_role_arn": "arn"}
    _, credentials_file = write_profile(
        ProfileContents("lab", endpoint_url=URL, region="us-east-1", options=options), environ
    )
    profile = botocore.session.Session(profile="lab").get_scoped_config()
    assert {name: profile[name] for name in options} == options
    assert not os.path.exists(credentials_file)


def test_other_services_still_go_to_aws(environ):
    write_profile(ProfileContents("lab", **FIELDS), environ)
    assert ClientSettings(environ, profile="lab").endpoint_url("s3") == "https://s3.us-east-1.amazonaws.com"


def test_what_was_there_keeps_every_byte(environ, tmp_path):
    config, credentials = tmp_path / "aws" / "config", tmp_path / "aws" / "credentials"
    config.parent.mkdir()
    config.write_bytes(b"[profile old]\r\nregion = x")
    credentials.write_bytes(b"# mine\n[old]\naws_access_key_id = A\n")
    credentials.chmod(0o644)
    write_profile(ProfileContents("lab", **FIELDS), environ)
    assert config.read_bytes().startswith(b"[profile old]\r\nregion = x\n\n[profile lab]\n")
    assert credentials.read_bytes().startswith(b"# mine\n[old]\naws_access_key_id = A\n\n[lab]\n")
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    write_profile(ProfileContents("lab2", **FIELDS), environ)


@pytest.mark.parametrize(
    ("file", "section"),
    [
        ("config", "[profile lab]"),
        ("config", "[ profile   lab ]"),
        ("config", "[services lab]"),
        ("credentials", "[lab]"),
    ],
)
def test_a_profile_that_exists_is_never_touched(environ, tmp_path, file, section):
    path = tmp_path / "aws" / file
    path.parent.mkdir()
    path.write_text(f"{section}\nk = v\n")
    with pytest.raises(ProfileError, match="choose another"):
        write_profile(ProfileContents("lab", **FIELDS), environ)
    assert path.read_text() == f"{section}\nk = v\n"
    assert [entry.name for entry in path.parent.iterdir()] == [file]


@pytest.mark.parametrize(
    "change",
    [
        {"region": "us-east-1\n[profile evil]"},
        {"secret_access_key": " s"},
        {"endpoint_url": ""},
        {"name": "a b"},
        {"name": "a]"},
    ],
)
def test_values_that_would_break_the_file_are_refused(change):
    with pytest.raises(ProfileError):
        ProfileContents(**{"name": "lab", **FIELDS, **change})


def test_a_file_that_cannot_be_written_is_told(environ, tmp_path):
    (tmp_path / "aws").write_text("not a folder")
    with pytest.raises(ProfileError, match="cannot write"):
        write_profile(ProfileContents("lab", **FIELDS), environ)


@pytest.mark.parametrize("before", [None, b"", b"# mine\n[old]\naws_access_key_id = A"])
def test_when_the_second_file_cannot_be_written_the_first_is_as_before_and_a_retry_works(
    environ, tmp_path, before
):
    credentials = tmp_path / "aws" / "credentials"
    if before is not None:
        credentials.parent.mkdir()
        credentials.write_bytes(before)
    blocker = tmp_path / "blocker"
    blocker.write_text("not a folder")
    with pytest.raises(ProfileError, match=r"cannot write .*blocker/config"):
        write_profile(
            ProfileContents("lab", **FIELDS), {**environ, "AWS_CONFIG_FILE": str(blocker / "config")}
        )
    assert credentials.read_bytes() == (before or b"")
    write_profile(ProfileContents("lab", **FIELDS), environ)
    assert ClientSettings(environ, profile="lab").endpoint_url("ssm") == URL


def test_a_disk_that_fills_up_leaves_no_half_of_a_section(environ, tmp_path):
    config = tmp_path / "aws" / "config"
    config.parent.mkdir()
    config.write_bytes(b"[profile old]\nregion = " + b"x" * 400 + b"\n")
    before = config.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limit[1]))
    try:
        with pytest.raises(ProfileError, match=r"cannot write .*config: File too large"):
            write_profile(ProfileContents("lab", **FIELDS), environ)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert config.read_bytes() == before
    assert (tmp_path / "aws" / "credentials").read_bytes() == b""


def test_what_somebody_else_added_meanwhile_is_not_taken_back(tmp_path):
    path = tmp_path / "credentials"
    addition = append(str(path), "[lab]\nk = v\n", secret=True)
    with path.open("a") as other:
        other.write("[theirs]\n")
    addition.take_back()
    assert path.read_text() == "[lab]\nk = v\n[theirs]\n"


def test_the_secret_is_in_no_text_for_people():
    assert "s%cr" not in repr(ProfileContents("lab", **FIELDS))
