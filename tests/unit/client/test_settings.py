"""Region, endpoint, CA file and window: precedence, compared with botocore where it knows the setting."""

import botocore.session
import pytest

from fairlead.client.errors import SettingsError
from fairlead.client.settings import (
    DEFAULT_CONNECT_WINDOW_S,
    DEFAULT_RESUME_WINDOW_S,
    ClientSettings,
    default_endpoint,
)

CONFIG = """\
[default]
region = eu-west-1
[profile plain]
region = us-west-2
ca_bundle = /profile/ca.pem
endpoint_url = https://global.example
[profile full]
region = us-west-2
services = mine
endpoint_url = https://global.example
[profile ignoring]
region = us-west-2
endpoint_url = https://global.example
ignore_configured_endpoint_urls = true
[profile torn]
region = us-west-2
services = nowhere
[services mine]
ssm =
  endpoint_url = https://ssm.mine.example
"""


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """An environment whose shared files are ours alone, for us and for botocore."""
    for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIG)
    names = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return names


@pytest.mark.parametrize(
    ("extra", "options", "region"),
    [
        ({}, {}, "eu-west-1"),
        ({}, {"profile": "plain"}, "us-west-2"),
        ({"AWS_PROFILE": "plain"}, {}, "us-west-2"),
        ({"AWS_DEFAULT_REGION": "ap-south-1"}, {"profile": "plain"}, "ap-south-1"),
        ({"AWS_DEFAULT_REGION": "ap-south-1", "AWS_REGION": "sa-east-1"}, {}, "sa-east-1"),
        ({"AWS_REGION": "sa-east-1"}, {"region": "us-gov-west-1"}, "us-gov-west-1"),
    ],
)
def test_the_region_comes_from_the_nearest_place(environ, extra, options, region):
    assert ClientSettings({**environ, **extra}, **options).region == region


@pytest.mark.parametrize("region", ["", "us_east", "x" * 65, "a/b", "ü"])
def test_no_region_and_what_is_none_are_refused(environ, region):
    environ["AWS_CONFIG_FILE"] = "/nonexistent"
    with pytest.raises(SettingsError, match="region"):
        _ = ClientSettings(environ, region=region).region


@pytest.mark.parametrize("profile", ["default", "plain", "full", "ignoring"])
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"AWS_ENDPOINT_URL": "https://env.example"},
        {"AWS_ENDPOINT_URL": "https://env.example", "AWS_ENDPOINT_URL_SSM": "https://env-ssm.example"},
        {"AWS_ENDPOINT_URL": "https://env.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
)
def test_the_endpoint_is_the_one_botocore_finds(environ, monkeypatch, profile, extra):
    for name, value in extra.items():
        monkeypatch.setenv(name, value)
    client = botocore.session.Session(profile=profile).create_client(
        "ssm", aws_access_key_id="a", aws_secret_access_key="b"
    )
    assert (
        ClientSettings({**environ, **extra}, profile=profile).endpoint_url("ssm") == client.meta.endpoint_url
    )


def test_the_command_line_names_the_endpoint_of_ssm_only(environ):
    settings = ClientSettings(environ, profile="plain", endpoint_url="https://cli.example")
    assert settings.endpoint_url("ssm") == "https://cli.example"
    assert settings.endpoint_url("sts") == "https://global.example"


def test_china_has_its_own_domain():
    assert default_endpoint("ssm", "cn-north-1") == "https://ssm.cn-north-1.amazonaws.com.cn"


def test_a_services_section_that_is_not_there_is_told(environ):
    with pytest.raises(SettingsError, match="nowhere"):
        ClientSettings(environ, profile="torn").endpoint_url("ssm")


def test_a_profile_that_is_not_there_is_told(environ):
    with pytest.raises(SettingsError, match="'ghost' does not exist"):
        _ = ClientSettings(environ, profile="ghost").region


def test_the_ca_file_of_the_profile_counts_when_no_variable_names_one(environ):
    assert ClientSettings(environ, profile="plain").trust.path == "/profile/ca.pem"
    trust = ClientSettings({**environ, "AWS_CA_BUNDLE": "/env.pem"}, profile="ghost").trust
    assert (trust.path, trust.named_by) == ("/env.pem", "AWS_CA_BUNDLE")


def test_the_window_for_connecting_can_be_set_to_a_single_attempt(environ):
    assert ClientSettings(environ).connect_window_s == DEFAULT_CONNECT_WINDOW_S
    assert ClientSettings({"FAIRLEAD_CONNECT_WINDOW": "0"}).connect_window_s == 0
    with pytest.raises(SettingsError, match="FAIRLEAD_CONNECT_WINDOW must be a number of seconds from 0"):
        _ = ClientSettings({"FAIRLEAD_CONNECT_WINDOW": "soon"}).connect_window_s


def test_the_window_for_resuming_can_be_set(environ):
    assert ClientSettings(environ).resume_window_s == DEFAULT_RESUME_WINDOW_S
    assert ClientSettings({"FAIRLEAD_RESUME_WINDOW": "12.5"}).resume_window_s == 12.5
    for text in ("soon", "-1", "1e9", "nan"):
        with pytest.raises(SettingsError, match="FAIRLEAD_RESUME_WINDOW"):
            _ = ClientSettings({"FAIRLEAD_RESUME_WINDOW": text}).resume_window_s
