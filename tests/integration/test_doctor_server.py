"""Faults of a server, in its state directory and at its port: the first line of the diagnosis names each."""

import fcntl
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fairlead.server.certificates import IssuedCertificate, create_ca, first_certificate, issue_leaf
from fairlead.server.doctor import FAILURES, ServerDoctor
from fairlead.server.private_files import write_private
from fairlead.server.settings import read_settings
from fairlead.testing.server import FairleadServer
from fairlead.transport.diagnosis import Diagnosis, State, diagnose
from tests.support.certificates import Authority
from tests.support.small_servers import answers, tcp_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FairleadServer]:
    with FairleadServer(tmp_path_factory.mktemp("doctor") / "s") as server:
        yield server


@pytest.fixture
def copy(server: FairleadServer, tmp_path: Path) -> Path:
    """The server's state directory, to be spoilt; no server runs with it."""
    shutil.copytree(server.state_dir, tmp_path / "copy")
    (tmp_path / "copy").chmod(0o700)
    return tmp_path / "copy"


def look(state: Path, options: dict[str, Any] | None = None, **changes: Any) -> Diagnosis:
    doctor = ServerDoctor(read_settings(state_dir=state, **(options or {})), **changes)
    try:
        return diagnose(doctor.checks(), FAILURES)
    finally:
        doctor.close()


def verdict(state: Path, options: dict[str, Any] | None = None, **changes: Any) -> str:
    line = look(state, options, **changes).lines()[0]
    assert line.isprintable()
    return line


def issue(state: Path, names: list[str], at: datetime) -> None:
    """Put a certificate in place that our CA issued at that time."""
    both = (state / "ca.key").read_bytes()
    leaf = issue_leaf(IssuedCertificate(first_certificate(both), both), names, at)
    write_private(state / "tls.pem", leaf.key + leaf.certificate)


def test_a_server_without_a_fault(server: FairleadServer) -> None:
    diagnosis = look(server.state_dir)
    assert diagnosis.broken is None, diagnosis.lines()
    found = {each.hop: each.text for each in diagnosis.findings}
    assert found["process"] == f"process {os.getpid()}"
    assert found["service"].endswith(" answers with our CA")


def test_plain_http_for_a_proxy_on_the_same_machine(tmp_path: Path) -> None:
    with FairleadServer(tmp_path / "s", insecure_http=True) as server:
        diagnosis = look(server.state_dir)
        assert diagnosis.broken is None, diagnosis.lines()


# -- the state directory --


def test_no_state_directory(tmp_path: Path) -> None:
    said = verdict(tmp_path / "none")
    assert said.startswith(f"broken: state directory: {tmp_path}/none holds no installation: ")


def test_a_state_directory_that_others_can_read(copy: Path) -> None:
    copy.chmod(0o750)
    assert verdict(copy) == f"broken: state directory: {copy} is open to other users: chmod 700 {copy}"


def test_another_master_key(copy: Path) -> None:
    write_private(copy / "master.key", b"A" * 43 + b"=\n")
    assert verdict(copy).startswith("broken: master key: the master key is not the one that ")


def test_a_ca_that_others_were_told_of(copy: Path) -> None:
    write_private(copy / "ca.pem", create_ca("1", datetime.now(UTC)).certificate)
    assert verdict(copy).startswith(
        f"broken: CA: {copy}/ca.pem is not the certificate of {copy}/ca.key; start "
    )


def test_a_certificate_that_has_expired(copy: Path) -> None:
    issue(copy, ["127.0.0.1"], datetime.now(UTC) - timedelta(days=100))
    said = verdict(copy)
    assert said.startswith("broken: certificate: the certificate has expired: it was valid until 20")
    assert said.endswith("; start the server anew: it issues a new one (see its log)")


def test_a_certificate_that_nobody_renewed(copy: Path) -> None:
    issue(copy, ["127.0.0.1"], datetime.now(UTC) - timedelta(days=80))
    assert verdict(copy).startswith("broken: certificate: the certificate ends soon, at 20")


def test_a_certificate_without_a_public_name(copy: Path) -> None:
    said = verdict(copy, {"public_urls": ["https://fairlead.example.test"]})
    assert said.startswith("broken: certificate: the certificate is not for fairlead.example.test; start ")


def test_a_certificate_of_the_operators(copy: Path, tmp_path: Path) -> None:
    Authority().server_context(tmp_path / "given", "*.example.test")
    given = tmp_path / "given" / "chain.pem"
    options = {"tls_cert": given, "public_urls": ["https://fairlead.example.test"]}
    said = verdict(copy, options)
    assert said.startswith("broken: certificate: the certificate ends soon, at 20")
    assert said.endswith(f"; renew {given}")
    given.write_text("nothing")
    assert verdict(copy, options).startswith(f"broken: certificate: {given} holds no certificate in PEM; ")


def test_a_database_of_a_later_version(copy: Path) -> None:
    with sqlite3.connect(copy / "fairlead.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    said = verdict(copy)
    assert said.startswith(
        "broken: database: the database is of a later version of Fairlead (schema 9999, here "
    )
    assert said.endswith("; start the version that used it last, or a later one")


def test_an_earlier_database_is_brought_up_by_the_next_start(copy: Path) -> None:
    with sqlite3.connect(copy / "fairlead.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    finding = next(each for each in look(copy).findings if each.hop == "database")
    assert (finding.state, finding.text[:32]) == (State.OK, "schema 0001: the next start brin")


def test_a_database_that_is_missing_or_none(copy: Path) -> None:
    (copy / "fairlead.db").write_bytes(b"no database at all" * 100)
    for companion in ("fairlead.db-wal", "fairlead.db-shm"):
        (copy / companion).unlink(missing_ok=True)
    assert verdict(copy).startswith("broken: database: ")
    (copy / "fairlead.db").unlink()
    assert verdict(copy).startswith(f"broken: database: {copy}/fairlead.db is missing; restore it ")
    assert not (copy / "fairlead.db").exists()


def test_a_full_disk(server: FairleadServer) -> None:
    said = verdict(server.state_dir, free=lambda _: 1_000_000)
    assert said.startswith(
        f"broken: disk: the disk of {server.state_dir} is full (1 MB free): no session starts; "
    )


def test_a_clock_that_was_set_back(copy: Path) -> None:
    (copy / "audit-checkpoint").touch()
    later = time.time() + 7200
    os.utime(copy / "audit-checkpoint", (later, later))
    assert verdict(copy).startswith("broken: time: the clock was set back: ")


def test_a_server_whose_address_is_nowhere_said(server: FairleadServer, copy: Path) -> None:
    (copy / "admin.env").unlink()
    with (copy / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        diagnosis = look(copy)
    assert diagnosis.broken is None, diagnosis.lines()
    found = {each.hop: each.state for each in diagnosis.findings}
    assert (found["name resolution"], found["connection"]) == (State.NOT_KNOWN, State.NOT_REACHED)
    assert diagnosis.lines()[0].endswith("; not known: name resolution")


# -- the process and its port --


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_no_server_runs(copy: Path) -> None:
    said = verdict(copy, {"public_urls": [f"https://127.0.0.1:{free_port()}"]})
    assert said.startswith(f"broken: process: no server runs with {copy}; start it: fairlead server ")


def test_another_program_has_the_port(copy: Path) -> None:
    with tcp_server(answers()) as port:
        said = verdict(copy, {"public_urls": [f"https://127.0.0.1:{port}"]})
    assert said.startswith(
        f"broken: process: no server runs with {copy}, and another program has its port, 127.0.0.1:{port}; "
    )


def test_a_public_name_that_does_not_resolve(server: FairleadServer, tmp_path: Path) -> None:
    with FairleadServer(tmp_path / "s", public_urls=["https://no-such-name.invalid"]) as named:
        said = verdict(named.state_dir)
    assert said.startswith("broken: name resolution: cannot resolve no-such-name.invalid: ")


def test_another_program_answers_at_the_public_url(server: FairleadServer, tmp_path: Path) -> None:
    with tcp_server(answers(), Authority().server_context(tmp_path / "other")) as port:
        said = verdict(server.state_dir, {"public_urls": [f"https://localhost:{port}"]})
    assert said.startswith(f"broken: TLS: the certificate of localhost:{port} is not trusted: ")
    assert "; another program, or a proxy with a certificate of its own, answers there: " in said


def test_each_of_several_public_urls_is_tried(server: FairleadServer) -> None:
    port = server.endpoint_url.rpartition(":")[2]
    urls = [f"https://localhost:{port}", f"https://127.0.0.1:{free_port()}"]
    diagnosis = look(server.state_dir, {"public_urls": urls})
    assert {each.hop: each.state for each in diagnosis.findings}[f"service of localhost:{port}"] is State.OK
    assert diagnosis.lines()[0].startswith(
        f"broken: connection of {urls[1].removeprefix('https://')}: cannot connect"
    )


def test_another_server_of_ours_answers_at_the_public_url(tmp_path: Path) -> None:
    with tcp_server(answers(("200 OK", b"another CA"))) as port:
        url = f"http://127.0.0.1:{port}"
        with FairleadServer(tmp_path / "s", insecure_http=True, public_urls=[url]) as server:
            said = verdict(server.state_dir)
    assert said.startswith(
        f"broken: service: what answers at 127.0.0.1:{port} is not this server (HTTP 200); "
    )


def test_a_name_that_the_server_was_not_told(tmp_path: Path) -> None:
    with (
        FairleadServer(tmp_path / "s", insecure_http=True) as server,
        tcp_server(answers(("421 Misdirected Request", b"not known"))) as port,
    ):
        url = f"http://127.0.0.1:{port}"
        said = verdict(server.state_dir, {"public_urls": [url], "insecure_http": True})
    assert said.startswith(f"broken: service: the server does not go by the name 127.0.0.1:{port}; start it ")
