import contextlib
import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from fairlead.server.certificates import create_ca, issue_leaf
from fairlead.server.errors import StartError
from fairlead.server.private_files import write_private
from fairlead.server.settings import read_settings
from fairlead.server.state import CA_BUNDLE, CA_CERTIFICATE, CA_KEY, TLS, StateDirectory
from fairlead.server.tls import Certificates
from fairlead.transport.tls import SYSTEM_ROOTS_FOLLOW

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
NAMES = ["127.0.0.1", "localhost"]


class _Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    state = StateDirectory(tmp_path / "state")
    state.open(exclusively=False)
    return state


def _certificates(
    state: StateDirectory, clock: _Clock, names: list[str] = NAMES, **options: Any
) -> Certificates:
    return Certificates(state, read_settings(state_dir=state.path, **options), ACCOUNT, names, clock)


def _contents(state: StateDirectory) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in state.path.iterdir()}


def _chain_file(path: Path, names: list[str] = NAMES) -> Path:
    ca = create_ca(ACCOUNT, NOW)
    leaf = issue_leaf(ca, names, NOW)
    path.write_bytes(leaf.certificate + leaf.key)
    return path


def test_the_first_start_makes_a_ca_and_a_leaf_for_the_owner_alone(
    state: StateDirectory, clock: _Clock
) -> None:
    certificates = _certificates(state, clock)
    assert set(_contents(state)) == {CA_KEY, CA_CERTIFICATE, CA_BUNDLE, TLS}
    assert {stat.S_IMODE(file.stat().st_mode) for file in state.path.iterdir()} == {0o600}
    # Our own in front, where clients find it without loading the rest.
    assert state.file(CA_BUNDLE).read_bytes().startswith(certificates.anchors + SYSTEM_ROOTS_FOLLOW)


def test_a_later_start_changes_nothing(state: StateDirectory, clock: _Clock) -> None:
    pin = _certificates(state, clock).pin
    before = _contents(state)
    assert _certificates(state, clock).pin == pin
    assert _contents(state) == before


def test_a_leaf_is_renewed_while_running_and_the_ca_stays(state: StateDirectory, clock: _Clock) -> None:
    certificates = _certificates(state, clock)
    before = _contents(state)
    assert not certificates.refresh()
    clock.now += timedelta(days=61)
    assert certificates.refresh()
    after = _contents(state)
    assert {name for name in before if before[name] != after[name]} == {TLS}
    leaf = x509.load_pem_x509_certificate(after[TLS])
    assert leaf.not_valid_after_utc == clock.now + timedelta(days=90)


def _shown(context: ssl.SSLContext) -> bytes | None:
    """The certificate (DER) that a new connection is shown: a handshake in memory."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for end in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return client.getpeercert(binary_form=True)


def test_new_connections_are_shown_the_renewed_certificate(state: StateDirectory, clock: _Clock) -> None:
    certificates = _certificates(state, clock)
    before = _shown(certificates.context)
    assert before is not None
    assert _shown(certificates.context) == before
    clock.now += timedelta(days=61)
    certificates.refresh()
    assert _shown(certificates.context) not in (None, before)


def test_no_tickets_are_given_that_nobody_comes_back_with(state: StateDirectory, clock: _Clock) -> None:
    assert _certificates(state, clock).context.num_tickets == 0


def test_nothing_older_than_tls_1_2_is_spoken(state: StateDirectory, clock: _Clock) -> None:
    assert _certificates(state, clock).context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_new_name_gives_a_new_leaf(state: StateDirectory, clock: _Clock) -> None:
    _certificates(state, clock)
    _certificates(state, clock, names=["ssm.example.com"])
    leaf = x509.load_pem_x509_certificate(state.file(TLS).read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["ssm.example.com"]


def test_a_change_of_authority_that_was_cut_short_is_made_good(
    state: StateDirectory, clock: _Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _certificates(state, clock)
    given = _chain_file(tmp_path / "chain.pem")
    written: list[Path] = []

    def write_one(path: Path, content: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        write_private(path, content)

    monkeypatch.setattr("fairlead.server.tls.write_private", write_one)
    with pytest.raises(OSError, match="No space"):
        _certificates(state, clock, tls_cert=given)
    monkeypatch.undo()
    anchors = _certificates(state, clock, tls_cert=given).anchors
    assert state.file(CA_BUNDLE).read_bytes().startswith(anchors)


def test_a_lost_ca_certificate_is_restored_from_its_key_file(state: StateDirectory, clock: _Clock) -> None:
    pin = _certificates(state, clock).pin
    state.file(CA_CERTIFICATE).unlink()
    assert _certificates(state, clock).pin == pin


@pytest.mark.parametrize("name", [CA_KEY, TLS])
def test_a_damaged_file_is_named(state: StateDirectory, clock: _Clock, name: str) -> None:
    _certificates(state, clock)
    state.file(name).write_bytes(b"-----BEGIN NONSENSE-----\n")
    with pytest.raises(StartError, match=name):
        _certificates(state, clock)


def test_a_given_certificate_is_used_and_its_issuer_trusted(
    state: StateDirectory, clock: _Clock, tmp_path: Path
) -> None:
    given = _chain_file(tmp_path / "given.pem")
    certificates = _certificates(state, clock, tls_cert=given)
    issuer = x509.load_pem_x509_certificates(given.read_bytes())[1]
    assert x509.load_pem_x509_certificate(certificates.anchors) == issuer
    assert not certificates.refresh()


def test_a_given_certificate_that_was_replaced_is_loaded(
    state: StateDirectory, clock: _Clock, tmp_path: Path
) -> None:
    given = _chain_file(tmp_path / "given.pem")
    certificates = _certificates(state, clock, tls_cert=given)
    pin = certificates.pin
    _chain_file(given)
    os.utime(given, (1, 1))
    assert certificates.refresh()
    assert certificates.pin != pin


def test_going_back_to_our_own_ca_brings_the_old_one_back(
    state: StateDirectory, clock: _Clock, tmp_path: Path
) -> None:
    pin = _certificates(state, clock).pin
    _certificates(state, clock, tls_cert=_chain_file(tmp_path / "given.pem"))
    assert _certificates(state, clock).pin == pin


def test_a_given_certificate_that_cannot_be_used_is_explained(
    state: StateDirectory, clock: _Clock, tmp_path: Path
) -> None:
    with pytest.raises(StartError, match="No such file"):
        _certificates(state, clock, tls_cert=tmp_path / "none.pem")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_bytes(b"nonsense")
    with pytest.raises(StartError, match="do not load or do not fit"):
        _certificates(state, clock, tls_cert=nonsense)
    other_key = _chain_file(tmp_path / "other.pem")
    given = _chain_file(tmp_path / "given.pem")
    with pytest.raises(StartError, match="do not load or do not fit"):
        _certificates(state, clock, tls_cert=given, tls_key=other_key)
