"""Settings come from defaults, a file and options; whatever cannot be used is an error with its place."""

import pytest

from fairlead.agent.ceiling import PortRange
from fairlead.agent.errors import SettingsError
from fairlead.agent.settings import MAX_CONFIG_BYTES, load_settings


def config(directory, text):
    path = directory / "agent.toml"
    path.write_text(text)
    return path


def test_the_defaults_lead_to_every_port_of_loopback_and_nowhere_else(tmp_path):
    settings = load_settings(tmp_path)
    assert settings.state_dir == tmp_path
    assert settings.ceiling.ports == (PortRange(1, 65535),)
    assert settings.ceiling.hosts == ("loopback",)
    assert settings.ceiling.session_types == {"Port"}


def test_the_file_in_the_state_directory_is_read(tmp_path):
    config(tmp_path, 'allow_ports = [22, "8000-8099"]\nmax_sessions = 7\nresume_window_s = 1.5\n')
    settings = load_settings(tmp_path)
    assert settings.allow_ports == (PortRange(22, 22), PortRange(8000, 8099))
    assert settings.max_sessions == 7
    assert settings.resume_window_s == 1.5


def test_a_whole_number_serves_where_a_fraction_may_stand(tmp_path):
    config(tmp_path, "resume_window_s = 2\n")
    assert load_settings(tmp_path).resume_window_s == 2.0


def test_options_win_over_the_file_and_none_means_not_given(tmp_path):
    config(tmp_path, 'allow_ports = ["22"]\nlog_level = "debug"\n')
    settings = load_settings(tmp_path, None, {"allow_ports": ["2222"], "log_level": None})
    assert settings.allow_ports == (PortRange(2222, 2222),)
    assert settings.log_level == "debug"


def test_a_named_file_must_exist_the_default_one_need_not(tmp_path):
    load_settings(tmp_path)
    with pytest.raises(SettingsError, match="no such configuration file"):
        load_settings(tmp_path, tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("allow_port = [22]", "unknown setting 'allow_port'; known are: .*allow_ports"),
        ('state_dir = "/elsewhere"', "unknown setting 'state_dir'"),
        ("allow_ports = 22", "allow_ports must be a list"),
        ("allow_ports = [true]", "allow_ports must hold only texts and numbers"),
        ("allow_ports = [[22]]", "allow_ports must hold only texts and numbers"),
        ("allow_ports = [0]", "allow_ports: '0' is not within 1-65535"),
        ("max_sessions = 0", "max_sessions must be a whole number from 1 to 10000"),
        ("max_sessions = 1.5", "max_sessions must be a whole number"),
        ("max_sessions = true", "max_sessions must be a whole number"),
        ('resume_window_s = "long"', "resume_window_s must be a number from 0 to 86400"),
        ("window_bytes = 99999999", "window_bytes must be a whole number from 65536 to 16777216"),
        ('source_address_per_principal = "yes"', "source_address_per_principal must be true or false"),
        ('log_level = "loud"', "log_level must be one of debug, info, warning, error"),
        ("reconnect_first_s = 60\nreconnect_cap_s = 1", "reconnect_first_s is above reconnect_cap_s"),
        ("= nonsense", "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, text, words):
    config(tmp_path, text)
    with pytest.raises(SettingsError, match=words):
        load_settings(tmp_path)


def test_bytes_that_are_no_text_are_not_toml(tmp_path):
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(tmp_path)


def test_a_huge_file_is_taken_for_a_mistake(tmp_path):
    config(tmp_path, "#" * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(SettingsError, match="this is not a configuration file"):
        load_settings(tmp_path)


def test_a_directory_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path, tmp_path)
