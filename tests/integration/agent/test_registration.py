"""`fairlead agent register` against a scripted server: what is sent, to whom, and what stays on the disk."""

import asyncio
import base64
import stat
import uuid

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from fairlead.agent.errors import IdentityError, PinMismatchError, ServiceError
from fairlead.agent.identity import StateDirectory
from fairlead.transport.errors import TlsError
from tests.support.agent_runs import ACTIVATION_CODE, ACTIVATION_ID, gateway, registered
from tests.support.certificates import Authority
from tests.support.fake_gateway import NODE, error


def test_a_node_registers_as_the_stock_agent_does(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            registration = await registered(tmp_path, server)
        (seen,) = server.seen
        assert (seen.operation, seen.method, seen.target) == ("RegisterManagedInstance", "POST", "/")
        assert seen.headers["content-type"] == "application/x-amz-json-1.1"
        assert "authorization" not in seen.headers
        assert seen.json["ActivationId"] == ACTIVATION_ID
        assert seen.json["ActivationCode"] == ACTIVATION_CODE
        assert seen.json["PublicKeyType"] == "Rsa"
        assert str(uuid.UUID(seen.json["Fingerprint"])) == registration.fingerprint
        assert load_der_public_key(base64.b64decode(seen.json["PublicKey"])).key_size == 2048
        assert set(seen.json) == {
            "ActivationId",
            "ActivationCode",
            "PublicKeyType",
            "PublicKey",
            "Fingerprint",
        }
        assert registration.instance_id == NODE

    asyncio.run(scenario())


def test_only_the_owner_can_read_what_is_stored(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)

    asyncio.run(scenario())
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"registration.json", "anchors.pem"} < set(modes)
    assert not any(name.startswith(".") for name in modes), "a temporary file was left behind"
    assert ACTIVATION_CODE.encode() not in b"".join(path.read_bytes() for path in state.iterdir())


def test_a_registration_is_not_overwritten_without_force(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            first = await registered(tmp_path, server)
            with pytest.raises(IdentityError, match=r"already registered as .* --force"):
                await registered(tmp_path, server)
            assert len(server.seen) == 1
            (tmp_path / "state" / "audit-checkpoint").write_text("of the server before")
            second = await registered(tmp_path, server, force=True)
            assert not (tmp_path / "state" / "audit-checkpoint").exists()
            assert second.fingerprint == first.fingerprint, "the installation stays the same one"
            assert second.key_file != first.key_file
            assert not (tmp_path / "state" / first.key_file).exists()

    asyncio.run(scenario())


def test_a_damaged_registration_can_be_replaced_as_its_error_advises(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            first = await registered(tmp_path, server)
            (tmp_path / "state" / "registration.json").write_text("{")
            with pytest.raises(IdentityError, match=r"damaged .*; register again with --force"):
                await registered(tmp_path, server)
            second = await registered(tmp_path, server, force=True)
            assert StateDirectory(tmp_path / "state").load() == second
            assert second.fingerprint != first.fingerprint

    asyncio.run(scenario())


def test_a_refused_registration_leaves_the_older_one_in_force(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            first = await registered(tmp_path, server)
            server.answers["RegisterManagedInstance"] = error(400, "InvalidActivation", "expired")
            with pytest.raises(ServiceError, match="InvalidActivation: expired") as caught:
                await registered(tmp_path, server, force=True)
            assert caught.value.code == "InvalidActivation"
            assert StateDirectory(tmp_path / "state").load() == first

    asyncio.run(scenario())


def test_a_pinned_authority_is_fetched_compared_and_kept(tmp_path):
    async def scenario():
        authority = Authority()
        async with gateway(tmp_path, authority) as server:
            await registered(tmp_path, server, ca_file=None, ca_pin=authority.pin)
            assert server.operations() == ["GetCa", "RegisterManagedInstance"]
            (fetch, _) = server.seen
            assert fetch.body == b""
            assert set(fetch.headers) == {"host", "connection"}
        kept = (tmp_path / "state" / "anchors.pem").read_bytes()
        assert kept == authority.pem

    asyncio.run(scenario())


def test_an_impostor_with_another_authority_receives_no_activation_code(tmp_path):
    async def scenario():
        pin = Authority("the real one").pin
        async with gateway(tmp_path, Authority("impostor")) as impostor:
            with pytest.raises(PinMismatchError, match="nothing secret was sent"):
                await registered(tmp_path, impostor, ca_file=None, ca_pin=pin)
            assert impostor.operations() == ["GetCa"]
            assert not any(ACTIVATION_CODE.encode() in seen.body for seen in impostor.seen)

    asyncio.run(scenario())


def test_an_impostor_that_shows_the_real_authority_receives_no_activation_code(tmp_path):
    """The certificate is public: an impostor can show it, but not have a certificate under it."""

    async def scenario():
        real = Authority("the real one")
        async with gateway(tmp_path, Authority("impostor")) as impostor:
            impostor.ca_pem = real.pem
            with pytest.raises(TlsError, match="not trusted"):
                await registered(tmp_path, impostor, ca_file=None, ca_pin=real.pin)
            assert impostor.operations() == ["GetCa"]

    asyncio.run(scenario())


@pytest.mark.parametrize("with_file", [True, False])
def test_a_server_that_is_not_trusted_receives_nothing(tmp_path, with_file):
    async def scenario():
        async with gateway(tmp_path) as server:
            (tmp_path / "ca.pem").write_bytes(Authority("another").pem)
            ca_file = tmp_path / "ca.pem" if with_file else None
            with pytest.raises(TlsError, match="not trusted"):
                await registered(tmp_path, server, ca_file=ca_file)
            assert server.seen == []
            assert not StateDirectory(tmp_path / "state").is_registered()

    asyncio.run(scenario())


def test_a_certificate_for_another_name_is_not_trusted(tmp_path):
    async def scenario():
        authority = Authority()
        context = authority.server_context(tmp_path / "server", "elsewhere.example", "127.0.0.9")
        from tests.support.fake_gateway import FakeGateway

        async with FakeGateway(authority.pem).serving(context) as server:
            (tmp_path / "ca.pem").write_bytes(authority.pem)
            with pytest.raises(TlsError, match="not trusted"):
                await registered(tmp_path, server)
            assert server.seen == []

    asyncio.run(scenario())
