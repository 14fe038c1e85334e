"""The shared files, compared with botocore's own reading of them."""

import botocore.configloader
import pytest

from fairlead.client.aws_files import MAX_FILE_BYTES, AwsFiles, parse_ini, read_sections, text_option
from fairlead.client.errors import SettingsError

CONFIG = """\
# a comment
[default]
region=eu-central-1
output : json

[profile work]
Region = us-east-1
services = mine
s3 =
    max_concurrent_requests = 20
    addressing_style=path
; another comment
credential_process = /bin/helper --name "a = b"

[profile "with blanks"]
region = x
[services mine]
ssm =
  endpoint_url = https://h.example:8443
[sso-session corp]
sso_region = us-east-1
[unrelated]
a = b
"""


def test_sections_are_read_as_botocore_reads_them(tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG)
    assert read_sections(str(path)) == botocore.configloader.raw_config_parse(str(path))


def test_profiles_and_named_sections_are_found():
    files = AwsFiles(parse_ini(CONFIG, "config"), {})
    assert files.profile("work")["region"] == "us-east-1"
    assert files.profile("default")["output"] == "json"
    assert files.has_profile("with blanks")
    assert not files.has_profile("unrelated")
    assert files.section("services", "mine") == {"ssm": {"endpoint_url": "https://h.example:8443"}}
    assert files.section("sso-session", "corp") == {"sso_region": "us-east-1"}
    assert files.section("services", "other") is None


def test_the_credentials_file_wins_over_the_config_file():
    files = AwsFiles({"profile a": {"k": "config", "region": "r"}}, {"a": {"k": "credentials"}})
    assert files.profile("a") == {"k": "credentials", "region": "r"}
    assert AwsFiles({}, {"only": {"k": "v"}}).has_profile("only")


def test_an_indented_line_continues_a_value():
    assert parse_ini("[a]\nk = one\n  two\n", "f") == {"a": {"k": "one\ntwo"}}


@pytest.mark.parametrize("text", ["k = v\n", "[a]\nno delimiter\n", "[a]\n= v\n"])
def test_a_line_that_means_nothing_is_named(text):
    with pytest.raises(SettingsError, match=r"f, line \d: expected"):
        parse_ini(text, "f")


def test_files_that_cannot_be_used(tmp_path):
    assert read_sections(str(tmp_path / "absent")) == {}
    with pytest.raises(SettingsError, match="cannot read"):
        read_sections(str(tmp_path))
    (tmp_path / "latin").write_bytes(b"[a]\nk = \xff\n")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_sections(str(tmp_path / "latin"))
    (tmp_path / "long").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(SettingsError, match="longer than"):
        read_sections(str(tmp_path / "long"))


def test_only_plain_non_empty_options_are_text():
    section = {"a": "x", "b": "", "c": {"d": "e"}}
    assert [text_option(section, key) for key in "abcz"] == ["x", None, None, None]
