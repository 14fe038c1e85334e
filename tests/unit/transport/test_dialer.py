"""From a name to a connected socket: order of addresses, proxies, TLS. On loopback only."""

import datetime
import errno
import ipaddress
import socket
import ssl
import threading
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fairlead.server.certificates import create_ca
from fairlead.transport import dialer
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.dialer import Dialer, connect, interleave, literal_address, lookup_names, resolve
from fairlead.transport.errors import (
    ConnectError,
    HandshakeLostError,
    ProxyError,
    RefusedError,
    ResolveError,
    TlsError,
)
from fairlead.transport.tls import SYSTEM_ROOTS_FOLLOW, Trust

V4, V6 = socket.AF_INET, socket.AF_INET6
SYSTEM = Trust(None, "the system")


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def serve(server: socket.socket, handle, times: int = 1) -> None:
    def run() -> None:
        for _ in range(times):
            sock, _ = server.accept()
            with sock:
                handle(sock)

    threading.Thread(target=run, daemon=True).start()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for gateway.test, with its key: a PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.test")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("gateway.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return str(path)


def tls_echo(certificate: str):
    def handle(sock: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        try:
            with context.wrap_socket(sock, server_side=True) as tls:
                tls.sendall(tls.recv(100))
        except OSError:
            return

    return handle


def test_families_take_turns_beginning_with_the_resolvers_first():
    a, b, c = (V6, ("::a", 1)), (V6, ("::b", 1)), (V4, ("1.1.1.1", 1))
    assert interleave([a, b, c, a]) == [a, c, b]
    assert interleave([]) == []
    assert len(interleave([(V4, (str(n), 1)) for n in range(100)])) == dialer.MAX_ADDRESSES


@pytest.mark.parametrize("name", ["127.0.0.1", "192.0.2.7", "::1", "2001:db8::7"])
def test_an_address_that_is_written_out_is_what_the_resolver_says(name):
    (answer,) = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    assert literal_address(name, 443) == (answer[0], answer[4])


@pytest.mark.parametrize("name", ["localhost", "h.example", "127.1", "fe80::1%lo", "", "1.2.3.4.5"])
def test_a_name_is_left_to_the_resolver(name):
    assert literal_address(name, 443) is None


def test_localhost_is_both_loopback_addresses_whatever_the_files_say():
    assert lookup_names("localhost") == ("::1", "127.0.0.1")
    assert lookup_names("h.example") == ("h.example",)
    found = {sockaddr[0] for _, sockaddr in resolve("localhost", 80, "localhost")}
    assert "127.0.0.1" in found


def test_a_name_without_address_is_told(monkeypatch):
    def fail(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(dialer.socket, "getaddrinfo", fail)
    with pytest.raises(ResolveError, match=r"cannot resolve nowhere\.example: Name or service not known"):
        resolve("nowhere.example", 443, "nowhere.example")


def test_a_name_that_is_none_is_told():
    with pytest.raises(ResolveError, match="not a host name"):
        resolve("ä" * 70 + ".example", 443, "it")


def test_localhost_reaches_a_server_on_either_family(listener):
    with connect("localhost", listener.getsockname()[1]) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getblocking()


def test_the_second_address_gets_its_turn_when_the_first_is_silent(listener, monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # A listener whose queue is full answers nothing, like a host behind a dropping firewall.
        queued = [socket.create_connection(full.getsockname())]
        addresses = [(V4, full.getsockname()), (V4, listener.getsockname())]
        monkeypatch.setattr(dialer, "resolve", lambda host, port, via: addresses)
        monkeypatch.setattr(dialer, "ATTEMPT_DELAY_S", 0.01)
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
        with filler, connect("h.example", 1) as sock:
            assert sock.getpeername() == listener.getsockname()
        for sock in queued:
            sock.close()


def test_a_refused_connection_is_told_with_a_remedy():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(RefusedError, match=f"127.0.0.1:{port}: Connection refused; is it running") as refused:
        connect("127.0.0.1", port)
    assert refused.value.is_passing


def test_an_unreachable_family_is_passed_over(listener, monkeypatch):
    addresses = [(V6, ("2001:db8::1", 1, 0, 0)), (V4, listener.getsockname())]
    monkeypatch.setattr(dialer, "resolve", lambda host, port, via: addresses)
    real = socket.socket.connect

    def connect_or_fail(sock, address):
        if address[0] == "2001:db8::1":
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return real(sock, address)

    class Socket(socket.socket):
        connect = connect_or_fail

    monkeypatch.setattr(dialer.socket, "socket", Socket)
    connect("h.example", 1).close()


def test_no_answer_in_time_is_told(monkeypatch):
    monkeypatch.setattr(dialer, "CONNECT_TIMEOUT_S", 0.0)
    with pytest.raises(ConnectError, match="no answer in 0 s") as silence:
        connect("127.0.0.1", 9)
    assert not silence.value.is_passing


def test_a_plain_connection_to_loopback(listener):
    serve(listener, lambda sock: sock.sendall(b"hello"))
    endpoint = parse_endpoint(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
    with Dialer(SYSTEM, {"HTTPS_PROXY": "http://proxy.example:1"}).dial(endpoint) as sock:
        assert sock.recv(5) == b"hello"


def test_a_trusted_certificate_opens_tls(listener, certificate):
    serve(listener, tls_echo(certificate))
    dial = Dialer(Trust(certificate, "AWS_CA_BUNDLE"), {}).dial
    with dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/")) as sock:
        sock.sendall(b"ping")
        assert sock.recv(10) == b"ping"


def test_an_untrusted_certificate_is_refused_with_the_ca_file_that_was_used(listener, certificate):
    serve(listener, tls_echo(certificate), times=2)
    with pytest.raises(TlsError, match=r"not trusted: self-signed certificate; CA .* the system"):
        Dialer(SYSTEM, {}).dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/"))


def test_the_rest_of_a_bundle_is_asked_where_its_first_part_does_not_do(listener, certificate, tmp_path):
    bundle = tmp_path / "ca-bundle.pem"
    own = create_ca("111122223333", datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)).certificate
    bundle.write_bytes(own + SYSTEM_ROOTS_FOLLOW + Path(certificate).read_bytes())
    dialed = Dialer(Trust(str(bundle), "AWS_CA_BUNDLE"), {})
    url = f"wss://127.0.0.1:{listener.getsockname()[1]}/"
    serve(listener, tls_echo(certificate), times=3)
    for _ in range(2):  # the second time it is known that the rest is needed
        with closing(dialed.dial(parse_endpoint(url))) as sock:
            sock.sendall(b"ping")
            assert sock.recv(10) == b"ping"


def test_one_connection_does_where_the_first_part_of_a_bundle_is_the_right_one(
    listener, certificate, tmp_path
):
    bundle = tmp_path / "ca-bundle.pem"
    bundle.write_bytes(Path(certificate).read_bytes() + SYSTEM_ROOTS_FOLLOW + b"not looked at")
    serve(listener, tls_echo(certificate))
    url = f"wss://127.0.0.1:{listener.getsockname()[1]}/"
    with closing(Dialer(Trust(str(bundle), "AWS_CA_BUNDLE"), {}).dial(parse_endpoint(url))) as sock:
        sock.sendall(b"ping")
        assert sock.recv(10) == b"ping"


def test_a_certificate_for_another_name_is_refused(listener, certificate, monkeypatch):
    serve(listener, tls_echo(certificate))
    with pytest.raises(TlsError, match="Hostname mismatch"):
        Dialer(Trust(certificate, "AWS_CA_BUNDLE"), {}).dial(
            parse_endpoint(f"wss://localhost:{listener.getsockname()[1]}/")
        )


def test_a_server_without_tls_is_told(listener):
    serve(listener, lambda sock: sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
    with pytest.raises(TlsError, match="does not speak TLS") as refused:
        Dialer(SYSTEM, {}).dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/"))
    assert not refused.value.is_passing


def test_a_server_that_hangs_up_or_is_silent_is_told(listener, monkeypatch):
    serve(listener, lambda sock: sock.recv(1))
    with pytest.raises(HandshakeLostError, match="ended the TLS handshake"):
        Dialer(SYSTEM, {}).dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/"))
    serve(listener, lambda sock: sock.recv(10_000))
    with pytest.raises(HandshakeLostError, match="unexpected eof"):
        Dialer(SYSTEM, {}).dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/"))
    monkeypatch.setattr(dialer, "TLS_TIMEOUT_S", 0.05)
    with pytest.raises(HandshakeLostError, match="did not finish"):
        Dialer(SYSTEM, {}).dial(parse_endpoint(f"wss://127.0.0.1:{listener.getsockname()[1]}/"))


class ConnectProxy:
    """A proxy for one tunnel that leads to `target`, whatever name is asked for."""

    def __init__(self, server: socket.socket, target: tuple[str, int] | None, refusal: bytes = b"") -> None:
        self.request = b""
        self._target = target
        self._refusal = refusal
        self.environ = {"HTTPS_PROXY": f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"}
        serve(server, self._handle)

    def _handle(self, sock: socket.socket) -> None:
        while b"\r\n\r\n" not in self.request:
            self.request += sock.recv(1000)
        if self._target is None:
            sock.sendall(self._refusal)
            return
        with socket.create_connection(self._target) as onward:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._copy, args=(onward, sock), daemon=True)
            back.start()
            self._copy(sock, onward)
            back.join(5)

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


def test_tls_through_a_proxy_checks_the_servers_own_name(listener, certificate):
    with socket.create_server(("127.0.0.1", 0)) as proxy_server:
        proxy = ConnectProxy(proxy_server, listener.getsockname())
        serve(listener, tls_echo(certificate))
        dial = Dialer(Trust(certificate, "AWS_CA_BUNDLE"), proxy.environ).dial
        with dial(parse_endpoint("wss://gateway.test:8443/")) as sock:
            sock.sendall(b"ping")
            assert sock.recv(10) == b"ping"
    assert proxy.request.startswith(b"CONNECT gateway.test:8443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.request


@pytest.mark.parametrize(
    ("refusal", "said"),
    [(b"HTTP/1.1 407 No\r\n\r\n", "put USER:PASSWORD@"), (b"", "closed the connection instead")],
)
def test_a_proxy_that_refuses_is_named(refusal, said):
    with socket.create_server(("127.0.0.1", 0)) as proxy_server:
        proxy = ConnectProxy(proxy_server, None, refusal)
        with pytest.raises(ProxyError, match=said) as refused:
            Dialer(SYSTEM, proxy.environ).dial(parse_endpoint("wss://gateway.test/"))
    assert "HTTPS_PROXY" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_silent_proxy_is_given_up(listener, monkeypatch):
    monkeypatch.setattr(dialer, "PROXY_TIMEOUT_S", 0.05)
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{listener.getsockname()[1]}"}
    with pytest.raises(ProxyError, match="gave no answer"):
        Dialer(SYSTEM, environ).dial(parse_endpoint("wss://gateway.test/"))


def test_an_absent_proxy_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        ConnectError, match=rf"the proxy 127\.0\.0\.1:{port} \(named by https_proxy\): Connection refused"
    ):
        Dialer(SYSTEM, {"https_proxy": f"http://127.0.0.1:{port}"}).dial(
            parse_endpoint("wss://gateway.test/")
        )
