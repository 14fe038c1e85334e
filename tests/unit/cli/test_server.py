import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fairlead.cli.server import app
from fairlead.server import main
from fairlead.server.__main__ import OPTIONS_VARIABLE, command
from fairlead.server.__main__ import main as server_program
from fairlead.server.certificates import pin_of
from fairlead.server.http_server import TLS_BUFFERS
from fairlead.server.settings import ServerSettings, read_settings
from fairlead.server.state import StateDirectory
from fairlead.server.tls import Certificates
from fairlead.server.wiring import utc_now

RUNNER = CliRunner()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings of servers that were to run; none does, and this process stays what it is."""
    seen: list[ServerSettings] = []

    def run(settings: ServerSettings) -> int:
        seen.append(settings)
        return 3

    def execve(program: str, words: list[str], environment: dict[str, str]) -> None:
        assert words[:4] == [program, "-P", "-m", "fairlead.server"]
        assert "secret" not in " ".join(words)
        monkeypatch.setenv(OPTIONS_VARIABLE, environment[OPTIONS_VARIABLE])
        raise typer.Exit(server_program())

    monkeypatch.setattr(main, "run", run)
    monkeypatch.setattr(os, "execve", execve)
    return seen


def _installed(path: Path) -> None:
    settings = read_settings(state_dir=path)
    state = StateDirectory(path)
    state.open(exclusively=False)
    installation = state.installation(settings)
    Certificates(state, settings, installation.account_id, ["localhost"], utc_now)


def test_the_heap_is_set_up_for_many_connections_unless_the_operator_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    _, environment = command({"state_dir": "d"})
    assert environment["MALLOC_MMAP_THRESHOLD_"] == "262144"
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "1"


def test_neither_the_heap_nor_its_free_end_has_room_for_a_buffer_of_the_tls_transport(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    _, environment = command({"state_dir": "d"})
    buffer_bytes = min(TLS_BUFFERS.values())
    assert int(environment["MALLOC_MMAP_THRESHOLD_"]) < buffer_bytes
    assert int(environment["MALLOC_TRIM_THRESHOLD_"]) < buffer_bytes


def test_every_option_of_the_contract_reaches_the_server(runs: list[ServerSettings], tmp_path: Path) -> None:
    words = ["--state-dir", str(tmp_path), "--listen", "[::1]:9", "--public-url", "https://a.example"]
    words += ["--public-url", "https://b.example", "--tls-cert", "c", "--tls-key", "k"]
    words += [
        "--database-url",
        "postgresql://u:secret@h/d",
        "--account-id",
        "123456789012",
        "--region",
        "eu-1",
    ]
    words += ["--trusted-proxy", "10.0.0.0/8", "--master-key-file", "m", "--access-log"]
    words += ["--skip-default-document-check"]
    assert RUNNER.invoke(app, words).exit_code == 3
    (settings,) = runs
    assert settings.state_dir == tmp_path
    assert settings.listen.authority() == "[::1]:9"
    assert settings.public_urls == ("https://a.example", "https://b.example")
    assert (settings.tls_cert, settings.tls_key) == (Path("c"), Path("k"))
    assert (settings.database_url, settings.account_id) == ("postgresql://u:secret@h/d", "123456789012")
    assert settings.regions == ("eu-1",)
    assert str(settings.trusted_proxies[0]) == "10.0.0.0/8"
    assert settings.master_key_file == Path("m")
    assert settings.access_log
    assert settings.skip_default_document_check
    assert not settings.insecure_http


def test_a_bad_option_is_one_line_and_no_server(runs: list[ServerSettings], tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["--state-dir", str(tmp_path), "--listen", "nowhere"])
    assert result.exit_code == 1
    assert result.output == (
        "fairlead server: --listen nowhere: give HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443.\n"
    )
    assert runs == []


def test_a_server_needs_a_place_for_its_state(runs: list[ServerSettings]) -> None:
    result = RUNNER.invoke(app, [])
    assert result.exit_code == 2
    assert "--state-dir" in result.output
    assert runs == []


def test_the_ca_and_its_pin_are_printed(tmp_path: Path) -> None:
    _installed(tmp_path / "state")
    certificate = RUNNER.invoke(app, ["ca", "--state-dir", str(tmp_path / "state")]).output
    assert certificate.encode() == (tmp_path / "state" / "ca.pem").read_bytes()
    pin = RUNNER.invoke(app, ["ca", "--pin", "--state-dir", str(tmp_path / "state")]).output
    assert pin == f"{pin_of(certificate.encode())}\n"


def test_an_administrator_is_recovered(tmp_path: Path) -> None:
    _installed(tmp_path / "state")
    words = ["recover-admin", "--state-dir", str(tmp_path / "state"), "--endpoint", "https://a.example"]
    result = RUNNER.invoke(app, words)
    assert result.exit_code == 0
    assert "https://a.example" in (tmp_path / "state" / "admin.env").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["ca", "recover-admin"])
def test_commands_without_an_installation_say_so(tmp_path: Path, command: str) -> None:
    result = RUNNER.invoke(app, [command, "--state-dir", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "holds no installation" in result.output
