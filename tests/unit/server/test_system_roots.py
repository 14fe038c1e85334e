import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairlead.server import system_roots as module
from fairlead.server.system_roots import system_roots


def _places(monkeypatch: pytest.MonkeyPatch, openssl: Path, *usual: Path) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(openssl_cafile=str(openssl)))
    monkeypatch.setattr(module, "_USUAL_PLACES", tuple(map(str, usual)))


def test_the_file_that_openssl_was_built_for_counts_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"first")
    second.write_bytes(b"second\n")
    _places(monkeypatch, first, second)
    assert system_roots() == b"first\n"
    first.unlink()
    assert system_roots() == b"second\n"


def test_a_bundle_named_by_the_environment_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.write_bytes(b"own\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    monkeypatch.setattr(module, "_USUAL_PLACES", ())
    assert b"own" not in system_roots()


def test_a_system_without_roots_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    _places(monkeypatch, tmp_path / "none", empty, tmp_path)
    assert system_roots() == b""
