"""Somebody answers in the server's place: our programs tell nothing secret before they know who listens."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from fairlead.agent import keys
from fairlead.agent.identity import Registration, StateDirectory
from tests.evil.impostor import Impostor
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE_S, wait_until
from tools.processes import environment, start
from tools.stack import SCRIPTS

CODE = "Qk3mZ8vT1xYp0LwRs5Nd"
ACTIVATION_ID = "9f0e2b0c-5a6e-4a4e-9d4a-2f6b8a5f0c11"
SECRET_KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY99"
SESSION_TOKEN = "FwoGZXIvYXdzEXAMPLEtokenEXAMPLEtokenEXAMPLE"
NODE = "mi-0123456789abcdef0"
SECRETS = (CODE, SECRET_KEY, SESSION_TOKEN)

ours = Authority("Ours")
"""The authority that the operator was told to trust."""
theirs = Authority("Ours")
"""Another one, of the same name."""


@pytest.fixture(params=["another CA of the same name", "our CA, another name"])
def impostor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Impostor]:
    """A TLS server that cannot prove to be 127.0.0.1 under our CA. It shows our CA's certificate freely."""
    if request.param == "our CA, another name":
        context = ours.server_context(tmp_path / "tls", "evil.example", "192.0.2.7")
    else:
        context = theirs.server_context(tmp_path / "tls")
    with Impostor(context, ours.pem).serving() as impostor:
        yield impostor


@pytest.fixture
def plain() -> Iterator[Impostor]:
    """A server without TLS."""
    with Impostor(None, ours.pem).serving() as impostor:
        yield impostor


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """Our CA's certificate."""
    path = tmp_path / "ca.pem"
    path.write_bytes(ours.pem)
    return path


def _register(endpoint: str, directory: Path, *trust: object) -> "subprocess.CompletedProcess[str]":
    code_file = directory / "code"
    code_file.write_text(CODE)
    command = [SCRIPTS / "fairlead", "agent", "register", "--endpoint", endpoint]
    command += ["--activation-id", ACTIVATION_ID, "--activation-code-file", code_file]
    command += ["--state-dir", directory / "state", *trust]
    return _run(command, environment())


def _proxy(endpoint: str, ca_file: Path) -> "subprocess.CompletedProcess[str]":
    env = environment(
        AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        AWS_SESSION_TOKEN=SESSION_TOKEN,
        AWS_REGION="us-east-1",
        AWS_ENDPOINT_URL=endpoint,
        AWS_CA_BUNDLE=str(ca_file),
    )
    return _run([SCRIPTS / "fairlead", "proxy", NODE, "22"], env)


def _run(command: list[object], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(
        words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S
    )


def _holds_a_secret(data: bytes, *more: str) -> bool:
    forms = [
        form
        for secret in (*SECRETS, *more)
        for form in (
            secret.encode(),
            base64.b64encode(secret.encode()),
            quote(secret, safe="").encode(),
            secret.encode().hex().encode(),
        )
    ]
    return any(form in data for form in forms)


def _failed_in_one_line(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not _holds_a_secret(done.stderr.encode())


class TestRegistration:
    def test_tells_a_server_of_the_right_ca_and_name_the_code(self, tmp_path: Path, ca_file: Path) -> None:
        """The counter-proof: what the other tests miss, this one finds."""
        context = ours.server_context(tmp_path / "tls")
        with Impostor(context).serving() as server:
            done = _register(f"https://127.0.0.1:{server.port}", tmp_path, "--ca", ca_file)
        assert done.returncode == 0, done.stderr
        assert _holds_a_secret(bytes(server.plain))
        assert not _holds_a_secret(bytes(server.raw))

    def test_tells_an_impostor_nothing(self, impostor: Impostor, tmp_path: Path, ca_file: Path) -> None:
        done = _register(f"https://127.0.0.1:{impostor.port}", tmp_path, "--ca", ca_file)
        _failed_in_one_line(done, "is not trusted")
        assert impostor.connections > 0
        assert not impostor.plain
        assert not _holds_a_secret(impostor.received, ACTIVATION_ID)
        assert not list((tmp_path / "state").glob("registration.json"))

    def test_trusts_no_unknown_ca_without_being_told(self, impostor: Impostor, tmp_path: Path) -> None:
        _failed_in_one_line(_register(f"https://127.0.0.1:{impostor.port}", tmp_path), "is not trusted")
        assert not impostor.plain
        assert not _holds_a_secret(impostor.received, ACTIVATION_ID)

    def test_with_a_pin_tells_an_impostor_that_shows_our_ca_nothing(
        self, impostor: Impostor, tmp_path: Path
    ) -> None:
        """Our CA's certificate is no secret: showing it proves nothing; the next connection is checked."""
        done = _register(f"https://127.0.0.1:{impostor.port}", tmp_path, "--ca-pin", ours.pin)
        _failed_in_one_line(done, "is not trusted")
        assert impostor.connections == 2
        assert impostor.plain.startswith(b"GET /ca.pem HTTP/1.1\r\n")
        assert impostor.plain.count(b"HTTP/1.1") == 1
        assert not _holds_a_secret(impostor.received, ACTIVATION_ID)

    def test_with_a_pin_tells_a_server_with_another_ca_nothing(self, tmp_path: Path) -> None:
        with Impostor(theirs.server_context(tmp_path / "tls"), theirs.pem).serving() as impostor:
            done = _register(f"https://127.0.0.1:{impostor.port}", tmp_path, "--ca-pin", ours.pin)
        _failed_in_one_line(done, "does not show the certificate authority that --ca-pin names")
        assert theirs.pin in done.stderr
        assert impostor.connections == 1
        assert not _holds_a_secret(impostor.received, ACTIVATION_ID)

    @pytest.mark.parametrize("shown", [b"", b"not a certificate", b"A" * 2_000_000], ids=["no", "bad", "big"])
    def test_with_a_pin_tells_a_server_with_no_ca_nothing(self, tmp_path: Path, shown: bytes) -> None:
        with Impostor(theirs.server_context(tmp_path / "tls"), shown).serving() as impostor:
            done = _register(f"https://127.0.0.1:{impostor.port}", tmp_path, "--ca-pin", ours.pin)
        _failed_in_one_line(done, "fairlead agent: ")
        assert not _holds_a_secret(impostor.received, ACTIVATION_ID)

    def test_leaves_tls_out_on_loopback_only(self, tmp_path: Path) -> None:
        done = _register("http://192.0.2.1:8443", tmp_path)
        _failed_in_one_line(done, "refusing to talk to 192.0.2.1:8443 without TLS")

    @pytest.mark.parametrize("trust", ["--ca", "--ca-pin"])
    def test_never_goes_without_tls_when_told_whom_to_trust(
        self, plain: Impostor, tmp_path: Path, ca_file: Path, trust: str
    ) -> None:
        value = ca_file if trust == "--ca" else ours.pin
        done = _register(f"http://127.0.0.1:{plain.port}", tmp_path, trust, value)
        _failed_in_one_line(done, "https")
        assert plain.connections == 0

    def test_speaks_no_http_where_tls_was_asked_for(
        self, plain: Impostor, tmp_path: Path, ca_file: Path
    ) -> None:
        done = _register(f"https://127.0.0.1:{plain.port}", tmp_path, "--ca", ca_file)
        assert done.returncode == 1
        assert b"HTTP/" not in plain.received
        assert not _holds_a_secret(plain.received, ACTIVATION_ID)


class TestAgent:
    def test_tells_an_impostor_in_its_servers_place_nothing(self, impostor: Impostor, tmp_path: Path) -> None:
        """No signature, no node id: the agent that is registered trusts its own anchors and nobody else."""
        state = StateDirectory(tmp_path / "state")
        state.prepare()
        pair = keys.generate_key()
        registration = Registration(
            instance_id=NODE,
            region="us-east-1",
            endpoint=f"https://127.0.0.1:{impostor.port}",
            fingerprint="7d2cfc0f-6a3f-4c1e-9c56-0d7f1c2b9a10",
            key_file=state.write_key(pair.private_pem),
        )
        state.write_anchors(ours.pem)
        state.save(registration)
        command = [SCRIPTS / "fairlead", "agent", "run", "--state-dir", tmp_path / "state"]
        child = start("agent", command, tmp_path / "agent.log", environment())
        try:
            wait_until(lambda: impostor.connections >= 2, "the agent's second try")
        finally:
            child.stop()
        assert not impostor.plain
        assert NODE.encode() not in impostor.received
        assert "is not trusted" in child.log.read_text()
        assert "Traceback" not in child.log.read_text()


class TestProxy:
    def test_tells_an_impostor_nothing(self, impostor: Impostor, ca_file: Path) -> None:
        done = _proxy(f"https://127.0.0.1:{impostor.port}", ca_file)
        _failed_in_one_line(done, "is not trusted")
        assert impostor.connections > 0
        assert not impostor.plain
        assert not _holds_a_secret(impostor.received, "AKIAIOSFODNN7EXAMPLE")

    def test_leaves_tls_out_on_loopback_only(self, ca_file: Path) -> None:
        _failed_in_one_line(_proxy("http://192.0.2.1:8443", ca_file), "without TLS")

    def test_never_sends_the_secret_key_even_where_tls_was_waived(
        self, plain: Impostor, ca_file: Path
    ) -> None:
        """`http://` to loopback is asked for by whoever sets it: the signature is seen, its key is not."""
        done = _proxy(f"http://127.0.0.1:{plain.port}", ca_file)
        assert done.returncode == 1
        assert b"Signature=" in plain.received
        assert SECRET_KEY.encode() not in plain.received

    def test_follows_no_stream_url_without_tls(self, tmp_path: Path, ca_file: Path) -> None:
        """A server that sends its clients elsewhere in the clear is not followed."""
        context = ours.server_context(tmp_path / "tls")
        with Impostor(context).serving() as server:
            server.answer["StreamUrl"] = "ws://192.0.2.1:80/v1/data-channel/x?role=publish_subscribe"
            done = _proxy(f"https://127.0.0.1:{server.port}", ca_file)
        _failed_in_one_line(done, "without TLS")
