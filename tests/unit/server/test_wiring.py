from pathlib import Path
from typing import Any

import pytest

from fairlead.server.errors import StartError
from fairlead.server.settings import read_settings
from fairlead.server.state import StateDirectory
from fairlead.server.wiring import names_of, open_store


def _names(**options: Any) -> tuple[Any, list[str], str]:
    return names_of(read_settings(state_dir=Path("/x"), **options), 4711)


def test_without_public_urls_the_listen_address_is_the_name() -> None:
    names, certificate_names, url = _names(listen="127.0.0.1:0")
    assert url == "https://127.0.0.1:4711"
    assert certificate_names == ["127.0.0.1", "localhost", "::1"]
    assert names.contains("localhost:4711")
    assert names.stream_base_url("localhost:4711") == "wss://127.0.0.1:4711"


def test_public_urls_come_first_and_the_certificate_has_every_name() -> None:
    names, certificate_names, url = _names(
        listen="192.0.2.1:8443", public_urls=["https://a.example", "https://[2001:db8::1]:9"]
    )
    assert url == "https://a.example"
    assert certificate_names == ["a.example", "2001:db8::1", "192.0.2.1", "localhost", "127.0.0.1", "::1"]
    assert names.contains("192.0.2.1:4711")


def test_a_wildcard_is_no_name() -> None:
    names, certificate_names, _ = _names(listen="0.0.0.0:8443", public_urls=["https://a.example"])
    assert "0.0.0.0" not in certificate_names
    assert not names.contains("0.0.0.0:4711")
    assert names.contains("127.0.0.1:4711")


def test_without_tls_streams_are_plain_too() -> None:
    names, _, url = _names(listen="127.0.0.1:0", insecure_http=True)
    assert url == "http://127.0.0.1:4711"
    assert names.stream_base_url("127.0.0.1:4711") == "ws://127.0.0.1:4711"


@pytest.mark.parametrize(
    ("url", "text"),
    [("mysql://x", "--database-url"), ("sqlite:////nonexistent/dir/x.db", "unable to open database file")],
)
def test_a_database_that_cannot_be_used_is_explained(tmp_path: Path, url: str, text: str) -> None:
    settings = read_settings(state_dir=tmp_path / "state", database_url=url)
    state = StateDirectory(settings.state_dir)
    state.open(exclusively=False)
    with pytest.raises(StartError, match=text):
        open_store(settings, state, state.installation(settings))
