from pathlib import Path

import pytest

from fairlead.domain.service_settings import ActivationTier
from fairlead.server.errors import StartError
from fairlead.server.main import ca_certificate, recover_admin, welcome
from fairlead.server.serving import RunningServer
from fairlead.server.settings import ServerSettings, read_settings
from fairlead.server.state import StateDirectory


def _server(directory: Path, pin: str | None = "sha256:00") -> RunningServer:
    return RunningServer(
        activation_tier=ActivationTier.ADVANCED,
        url="https://a.example",
        account_id="123456789012",
        region="us-east-1",
        admin_env=directory / "admin.env",
        ca_certificate=directory / "ca.pem",
        ca_bundle=directory / "ca-bundle.pem",
        pin=pin,
    )


def _settings(directory: Path) -> ServerSettings:
    return read_settings(state_dir=directory, public_urls=["https://a.example"])


def test_the_welcome_says_where_everything_is_and_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "admin.env").touch()
    text = welcome(_settings(tmp_path), _server(tmp_path))
    assert "https://a.example  (account 123456789012, region us-east-1)" in text
    assert f". {tmp_path}/admin.env" in text
    assert "tier         advanced: mi- nodes take sessions" in text
    assert "agent register --endpoint https://a.example --ca-pin sha256:00" in text


def test_without_tls_there_is_no_pin_to_give(tmp_path: Path) -> None:
    (tmp_path / "admin.env").touch()
    assert "pin" not in welcome(_settings(tmp_path), _server(tmp_path, pin=None))


def test_when_the_bootstrap_credential_is_gone_the_way_back_is_shown(tmp_path: Path) -> None:
    text = welcome(_settings(tmp_path), _server(tmp_path))
    assert f"fairlead server recover-admin --state-dir {tmp_path}" in text
    assert "admin.env" not in text


def test_a_recovered_administrator_finds_the_public_address_in_his_environment(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    state = StateDirectory(settings.state_dir)
    state.open(exclusively=False)
    state.installation(settings)
    path = Path(recover_admin(settings))
    assert "AWS_ENDPOINT_URL=https://a.example\n" in path.read_text(encoding="utf-8")
    first = path.read_bytes()
    assert Path(recover_admin(settings, "https://b.example")).read_bytes() != first
    assert state.known_url() == "https://b.example"


def test_without_a_ca_there_is_none_to_show(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    state = StateDirectory(settings.state_dir)
    state.open(exclusively=False)
    state.installation(settings)
    with pytest.raises(StartError, match=r"ca\.pem: No such file"):
        ca_certificate(settings)
