"""Faults on the way to a server, each by itself, and which hop a diagnosis names."""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.diagnosis import Diagnosis, State, diagnose
from fairlead.transport.network_path import NetworkPath
from fairlead.transport.tls import Trust
from tests.support.certificates import Authority
from tests.support.small_servers import answers, black_hole, says, tcp_server

OK = ("200 OK", b"ok\n")
FAR_AWAY = "https://fairlead.example.test"
"""Reached by the proxy only: nobody here resolves it."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trust(authority: Authority, tmp_path: Path) -> Trust:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.pem)
    return Trust(str(file), "a test")


def look(
    url: str,
    trust: Trust,
    environ: Mapping[str, str] | None = None,
    *,
    fast_s: float = 0,
    patience_s: float = 20,
) -> Diagnosis:
    endpoint = parse_endpoint(url)
    path = NetworkPath(
        lambda: (endpoint, trust),
        environ or {},
        "name the right CA",
        clock=lambda: time.time() + fast_s,
        connect_timeout_s=patience_s,
    )
    try:
        return diagnose(path.checks())
    finally:
        path.close()


def verdict(*arguments: object, **changes: float) -> str:
    return look(*arguments, **changes).lines()[0]  # type: ignore[arg-type]


@pytest.fixture
def proxy_for_all(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment that names a proxy which gives the answer of the parameter."""
    with tcp_server(says(request.param)) as port:
        yield {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}


def test_a_path_without_a_fault(authority: Authority, trust: Trust, tmp_path: Path) -> None:
    with tcp_server(answers(OK), authority.server_context(tmp_path / "s")) as port:
        diagnosis = look(f"https://localhost:{port}", trust)
    assert diagnosis.lines()[0].startswith("everything works (name resolution ")
    assert {each.state for each in diagnosis.findings} == {State.OK}


def test_without_tls_on_loopback(trust: Trust) -> None:
    with tcp_server(answers(OK)) as port:
        assert look(f"http://127.0.0.1:{port}", trust).broken is None


def test_a_name_that_does_not_resolve(trust: Trust) -> None:
    said = verdict("https://no-such-name.invalid", trust)
    assert said.startswith("broken: name resolution: cannot resolve no-such-name.invalid: ")
    assert said.endswith("; check the name and the network")


def test_nothing_listens(trust: Trust) -> None:
    with tcp_server(says(b"")) as port:
        pass
    said = verdict(f"https://127.0.0.1:{port}", trust)
    assert said.startswith(f"broken: connection: cannot connect to 127.0.0.1:{port}: Connection refused; ")


def test_an_address_that_swallows_everything(trust: Trust) -> None:
    with black_hole() as port:
        said = verdict(f"https://127.0.0.1:{port}", trust, patience_s=0.5)
    assert said.startswith(f"broken: connection: cannot connect to 127.0.0.1:{port}: no answer in 0.5 s; ")


@pytest.mark.parametrize("proxy_for_all", [b"HTTP/1.1 403 Forbidden\r\n\r\n"], indirect=True)
def test_a_proxy_that_refuses(trust: Trust, proxy_for_all: dict[str, str]) -> None:
    said = verdict(FAR_AWAY, trust, proxy_for_all)
    assert said.startswith("broken: proxy: the proxy 127.0.0.1:")
    assert "refuses a connection to fairlead.example.test:443: 403 Forbidden; ask for" in said


@pytest.mark.parametrize("proxy_for_all", [b"HTTP/1.1 407 Authenticate\r\n\r\n"], indirect=True)
def test_a_proxy_that_wants_a_password(trust: Trust, proxy_for_all: dict[str, str]) -> None:
    said = verdict(FAR_AWAY, trust, proxy_for_all)
    assert said.startswith("broken: proxy: ")
    assert said.endswith("407 Authenticate; put USER:PASSWORD@ into HTTPS_PROXY")


def test_a_proxy_that_is_not_there(trust: Trust) -> None:
    with tcp_server(says(b"")) as port:
        pass
    said = verdict(FAR_AWAY, trust, {"HTTPS_PROXY": f"http://user:secret@127.0.0.1:{port}"})
    assert said.startswith(f"broken: proxy: cannot connect to the proxy 127.0.0.1:{port}")
    assert "secret" not in said


def test_a_proxy_setting_that_cannot_be_used(trust: Trust) -> None:
    diagnosis = look(FAR_AWAY, trust, {"HTTPS_PROXY": "socks5://127.0.0.1:1"})
    assert diagnosis.findings[0].state is State.NOT_KNOWN
    assert diagnosis.lines()[0].startswith("broken: proxy: HTTPS_PROXY names a proxy of type 'socks5'")


def test_a_proxy_that_shows_a_certificate_of_its_own(trust: Trust, tmp_path: Path) -> None:
    context = Authority("proxy").server_context(tmp_path / "s", "fairlead.example.test")

    def intercept(connection) -> None:  # type: ignore[no-untyped-def]  # a socket
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        context.wrap_socket(connection, server_side=True).close()

    with tcp_server(intercept) as port:
        said = verdict(FAR_AWAY, trust, {"HTTPS_PROXY": f"http://127.0.0.1:{port}"})
    assert said.startswith("broken: TLS: the certificate of fairlead.example.test:443 is not trusted: ")
    assert said.endswith("name the right CA (or that of the proxy, which puts its own in place)")


def test_an_unknown_ca(trust: Trust, tmp_path: Path) -> None:
    with tcp_server(answers(OK), Authority("stranger").server_context(tmp_path / "s")) as port:
        said = verdict(f"https://localhost:{port}", trust)
    assert said.startswith(f"broken: TLS: the certificate of localhost:{port} is not trusted: ")
    assert said.endswith("; name the right CA")


def test_a_ca_file_that_is_missing(tmp_path: Path) -> None:
    with tcp_server(answers(OK)) as port:
        said = verdict(f"https://localhost:{port}", Trust(str(tmp_path / "none.pem"), "AWS_CA_BUNDLE"))
    assert said.startswith("broken: TLS: cannot read the CA file ")


def test_a_certificate_that_has_expired(authority: Authority, trust: Trust, tmp_path: Path) -> None:
    context = authority.server_context(tmp_path / "s", ended=timedelta(hours=1))
    with tcp_server(answers(OK), context) as port:
        said = verdict(f"https://localhost:{port}", trust)
    assert said.startswith("broken: TLS: ")
    assert "certificate has expired" in said
    assert "; renew it on the server; or is this machine's clock wrong? It says 20" in said


def test_a_certificate_that_is_not_valid_yet(authority: Authority, trust: Trust, tmp_path: Path) -> None:
    context = authority.server_context(tmp_path / "s", ended=timedelta(days=-5))
    with tcp_server(answers(OK), context) as port:
        said = verdict(f"https://localhost:{port}", trust)
    assert "not yet valid" in said
    assert "; set this machine's clock (NTP), which says 20" in said


def test_a_certificate_for_another_name(authority: Authority, trust: Trust, tmp_path: Path) -> None:
    with tcp_server(answers(OK), authority.server_context(tmp_path / "s", "other.example")) as port:
        said = verdict(f"https://localhost:{port}", trust)
    assert said.startswith("broken: TLS: ")
    assert f"start the server with --public-url https://localhost:{port} as well" in said


def test_a_server_that_does_not_speak_tls(trust: Trust) -> None:
    with tcp_server(says(b"SSH-2.0-OpenSSH\r\n")) as port:
        said = verdict(f"https://localhost:{port}", trust)
    assert said.startswith(f"broken: TLS: TLS with localhost:{port} failed: ")


def test_a_server_that_does_not_speak_http(trust: Trust) -> None:
    with tcp_server(says(b"SSH-2.0-OpenSSH\r\n")) as port:
        said = verdict(f"http://localhost:{port}", trust)
    assert said.startswith("broken: answer: the endpoint does not answer in HTTP/1.1; ")


@pytest.mark.parametrize(("fast_s", "direction"), [(400.0, "fast"), (-400.0, "slow")])
def test_a_clock_that_is_wrong(trust: Trust, fast_s: float, direction: str) -> None:
    with tcp_server(answers(OK)) as port:
        said = verdict(f"http://localhost:{port}", trust, fast_s=fast_s)
    assert said.startswith("broken: clock: this machine's clock is ")
    assert f" s {direction} against localhost" in said
    assert said.endswith("(NTP)")


def test_an_answer_without_a_date_tells_nothing_about_the_clock(trust: Trust) -> None:
    with tcp_server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        diagnosis = look(f"http://localhost:{port}", trust)
    assert diagnosis.lines()[0].endswith("; not known: clock")
