import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from fairlead.server.admin_env import parse
from fairlead.server.errors import StartError
from fairlead.server.private_files import unfinished
from fairlead.server.settings import ServerSettings, read_settings
from fairlead.server.state import ADMIN_ENV, INSTALLATION, MASTER_KEY, StateDirectory


def _settings(path: Path, **options: Any) -> ServerSettings:
    return read_settings(state_dir=path, **options)


def _opened(path: Path) -> StateDirectory:
    state = StateDirectory(path)
    state.open(exclusively=False)
    return state


def _write_key(path: Path, key: bytes = b"k" * 32) -> Path:
    path.write_bytes(base64.b64encode(key))
    path.chmod(0o600)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_first_start_draws_an_account_and_takes_the_usual_region(path: Path) -> None:
    installation = _opened(path).installation(_settings(path))
    assert len(installation.account_id) == 12
    assert installation.account_id.isdigit()
    assert installation.region == "us-east-1"


def test_the_first_start_takes_what_it_is_told(path: Path) -> None:
    settings = _settings(path, account_id="000000000001", regions=("eu-test-1", "eu-test-2"))
    installation = _opened(path).installation(settings)
    assert (installation.account_id, installation.region) == ("000000000001", "eu-test-1")


def test_a_later_start_finds_the_same_and_changes_no_file(path: Path) -> None:
    first = _opened(path).installation(_settings(path))
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.iterdir()}
    second = _opened(path).installation(_settings(path))
    assert (second.account_id, second.region) == (first.account_id, first.region)
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.iterdir()} == before
    assert second.sealer.open(first.sealer.seal(b"secret", b"x"), b"x") == b"secret"


def test_everything_is_the_owners_alone(path: Path) -> None:
    state = _opened(path)
    state.installation(_settings(path))
    state.create_database_file()
    state.write_admin_env("AKIA", "secret", "us-east-1", "https://a.example")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_new_empty_directory_is_closed_to_others(path: Path) -> None:
    path.mkdir(mode=0o755)
    _opened(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_installation_that_others_can_read_is_refused(path: Path) -> None:
    _opened(path).installation(_settings(path))
    path.chmod(0o755)
    with pytest.raises(StartError, match="chmod 700"):
        _opened(path)


def test_a_directory_with_something_else_in_it_is_refused(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").touch()
    with pytest.raises(StartError, match="not empty"):
        _opened(path)


def test_a_path_that_cannot_be_a_directory_is_refused(path: Path) -> None:
    path.touch()
    with pytest.raises(StartError, match="--state-dir"):
        _opened(path)


def test_one_server_at_a_time(path: Path) -> None:
    with StateDirectory(path) as first:
        first.open()
        second = StateDirectory(path)
        with pytest.raises(StartError, match=r"in use by another server \(process \d+\)"):
            second.open()
        first.release()
        second.open()
        second.release()


@pytest.mark.parametrize(
    ("options", "text"),
    [({"account_id": "999999999999"}, "belongs to account"), ({"regions": ("eu-test-1",)}, "default region")],
)
def test_settings_that_contradict_the_installation_are_refused(
    path: Path, options: dict[str, Any], text: str
) -> None:
    _opened(path).installation(_settings(path, account_id="111111111111"))
    with pytest.raises(StartError, match=text):
        _opened(path).installation(_settings(path, **options))


def test_a_later_start_may_serve_more_regions(path: Path) -> None:
    _opened(path).installation(_settings(path))
    installation = _opened(path).installation(_settings(path, regions=("us-east-1", "eu-test-1")))
    assert installation.region == "us-east-1"


def test_a_master_key_may_be_kept_elsewhere(path: Path, tmp_path: Path) -> None:
    key_file = _write_key(tmp_path / "key")
    _opened(path).installation(_settings(path, master_key_file=key_file))
    assert not (path / MASTER_KEY).exists()
    with pytest.raises(StartError, match="No such file"):
        _opened(path).installation(_settings(path))


def test_another_master_key_is_noticed_at_the_start(path: Path, tmp_path: Path) -> None:
    _opened(path).installation(_settings(path))
    other = _write_key(tmp_path / "key")
    with pytest.raises(StartError, match="master key is not the one"):
        _opened(path).installation(_settings(path, master_key_file=other))


def test_a_master_key_that_others_can_read_is_refused(path: Path, tmp_path: Path) -> None:
    key_file = _write_key(tmp_path / "key")
    key_file.chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        _opened(path).installation(_settings(path, master_key_file=key_file))


@pytest.mark.parametrize("content", [b"", b"short", b"=", base64.b64encode(b"k" * 31)])
def test_a_file_that_holds_no_master_key_is_refused(path: Path, tmp_path: Path, content: bytes) -> None:
    key_file = tmp_path / "key"
    key_file.write_bytes(content)
    key_file.chmod(0o600)
    with pytest.raises(StartError, match="32 random bytes"):
        _opened(path).installation(_settings(path, master_key_file=key_file))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"account_id": "1", "region": "r", "master_key_seal": 1}']
)
def test_a_damaged_installation_is_named(path: Path, content: str) -> None:
    _opened(path).installation(_settings(path))
    (path / INSTALLATION).write_text(content, encoding="utf-8")
    with pytest.raises(StartError, match="damaged"):
        _opened(path).installation(_settings(path))


def test_a_first_start_that_was_cut_short_is_made_good(path: Path) -> None:
    state = _opened(path)
    state.installation(_settings(path))
    (path / INSTALLATION).unlink()
    assert _opened(path).installation(_settings(path)).region == "us-east-1"


@pytest.mark.parametrize("name", [MASTER_KEY, INSTALLATION])
def test_a_first_start_that_was_cut_short_in_the_middle_of_a_file_is_made_good(path: Path, name: str) -> None:
    path.mkdir()
    unfinished(path / name).write_bytes(b"ha")
    assert _opened(path).installation(_settings(path)).region == "us-east-1"
    assert {entry.name for entry in path.iterdir()} >= {MASTER_KEY, INSTALLATION}


def test_commands_beside_the_server_create_no_installation(path: Path) -> None:
    with pytest.raises(StartError, match="holds no installation"):
        StateDirectory(path).open_existing()
    assert not path.exists()
    _opened(path).installation(_settings(path))
    StateDirectory(path).open_existing()


def test_the_administrators_environment_follows_the_address(path: Path) -> None:
    state = _opened(path)
    state.write_admin_env("AKIA", "se'cret", "us-east-1", "https://127.0.0.1:1")
    state.refresh_admin_env("https://127.0.0.1:2")
    variables = parse((path / ADMIN_ENV).read_text(encoding="utf-8"))
    assert variables["AWS_ENDPOINT_URL"] == state.known_url() == "https://127.0.0.1:2"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "se'cret"
    assert variables["AWS_CA_BUNDLE"] == variables["SSL_CERT_FILE"] == str(path / "ca-bundle.pem")


def test_an_administrators_environment_that_was_deleted_does_not_come_back(path: Path) -> None:
    state = _opened(path)
    state.refresh_admin_env("https://127.0.0.1:2")
    assert not (path / ADMIN_ENV).exists()
    assert state.known_url() is None


def test_an_environment_that_somebody_rewrote_is_left_alone(path: Path) -> None:
    state = _opened(path)
    (path / ADMIN_ENV).write_text("AWS_PROFILE=me\n", encoding="utf-8")
    state.refresh_admin_env("https://127.0.0.1:2")
    assert (path / ADMIN_ENV).read_text(encoding="utf-8") == "AWS_PROFILE=me\n"


def test_without_tls_no_ca_bundle_is_named(path: Path) -> None:
    state = _opened(path)
    state.write_admin_env("AKIA", "s", "us-east-1", "http://127.0.0.1:1")
    assert "AWS_CA_BUNDLE" not in parse((path / ADMIN_ENV).read_text(encoding="utf-8"))


def test_the_installation_file_holds_no_secret(path: Path) -> None:
    _opened(path).installation(_settings(path))
    document = json.loads((path / INSTALLATION).read_text(encoding="utf-8"))
    key = base64.b64decode((path / MASTER_KEY).read_bytes())
    assert set(document) == {"account_id", "region", "master_key_seal"}
    assert key not in base64.b64decode(document["master_key_seal"])
