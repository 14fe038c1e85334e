"""`fairlead agent register --instance-identity` against a scripted server and metadata service."""

import asyncio
import base64
import json

import pytest

from fairlead.agent.errors import IdentityError, MetadataError, ServiceError, SettingsError
from fairlead.agent.identity import StateDirectory
from fairlead.agent.instance_metadata import TIMEOUT_VARIABLE
from fairlead.agent.instance_registration import InstanceRegistrationRequest, register_instance
from fairlead.control.node_keys import is_signed_by
from fairlead.protocol.registration_proof import possession_text
from tests.support.agent_runs import ACTIVATION_CODE, ACTIVATION_ID, gateway
from tests.support.fake_gateway import Answer, error
from tests.support.identity_issuer import INSTANCE_ID, MetadataServiceOfTests

DOCUMENT = b'{"instanceId" : "i-0123456789abcdef0"}'
FOUND = {"document": DOCUMENT, "rsa2048": b"MIAG"}
TAKEN = Answer(200, json.dumps({"InstanceId": INSTANCE_ID, "Region": "eu-central-1"}).encode())


async def registered(directory, server, metadata, **changes):
    values = {
        "endpoint": server.url,
        "metadata_endpoint": metadata.url,
        "ca_file": directory / "ca.pem",
        **changes,
    }
    state = StateDirectory(directory / "state")
    return await register_instance(InstanceRegistrationRequest(**values), state, {TIMEOUT_VARIABLE: "60"})


def key_of(seen):
    return base64.b64decode(seen.json["PublicKey"])


def test_the_document_goes_to_the_server_with_a_proof_and_nothing_else(tmp_path):
    async def scenario():
        with MetadataServiceOfTests(FOUND) as metadata:
            async with gateway(tmp_path) as server:
                server.answers["RegisterInstance"] = TAKEN
                registration = await registered(tmp_path, server, metadata)
        (seen,) = server.seen
        assert seen.headers["x-amz-target"] == "Fairlead_20261101.RegisterInstance"
        assert "authorization" not in seen.headers
        assert set(seen.json) == {
            "Document",
            "Signature",
            "SignatureType",
            "PublicKey",
            "PossessionProof",
            "Fingerprint",
        }
        assert (seen.json["Document"], seen.json["Signature"]) == (DOCUMENT.decode(), "MIAG")
        text = possession_text(key_of(seen), DOCUMENT)
        assert is_signed_by(key_of(seen), text, seen.json["PossessionProof"])
        assert (registration.instance_id, registration.region) == (INSTANCE_ID, "eu-central-1")
        assert StateDirectory(tmp_path / "state").load() == registration

    asyncio.run(scenario())


def test_an_activation_comes_along_when_it_is_given(tmp_path):
    async def scenario():
        with MetadataServiceOfTests(FOUND) as metadata:
            async with gateway(tmp_path) as server:
                server.answers["RegisterInstance"] = TAKEN
                await registered(tmp_path, server, metadata, activation=(ACTIVATION_ID, ACTIVATION_CODE))
                (seen,) = server.seen
                assert seen.json["ActivationId"] == ACTIVATION_ID
                assert seen.json["ActivationCode"] == ACTIVATION_CODE
                with pytest.raises(SettingsError, match="--activation-id"):
                    await registered(
                        tmp_path, server, metadata, activation=("x", ACTIVATION_CODE), force=True
                    )

    asyncio.run(scenario())


def test_after_an_answer_that_was_lost_the_same_key_is_registered_again(tmp_path):
    async def scenario():
        with MetadataServiceOfTests(FOUND) as metadata:
            async with gateway(tmp_path) as server:
                server.answers["RegisterInstance"] = Answer(500, b"")
                with pytest.raises(ServiceError):
                    await registered(tmp_path, server, metadata)
                server.answers["RegisterInstance"] = TAKEN
                await registered(tmp_path, server, metadata)
        first, second = server.seen
        assert key_of(first) == key_of(second)
        assert len(list((tmp_path / "state").glob("key-*.pem"))) == 1

    asyncio.run(scenario())


def test_a_registration_anew_is_vouched_for_by_the_key_before_and_refused_leaves_it_in_force(tmp_path):
    async def scenario():
        with MetadataServiceOfTests(FOUND) as metadata:
            async with gateway(tmp_path) as server:
                server.answers["RegisterInstance"] = TAKEN
                first = await registered(tmp_path, server, metadata)
                with pytest.raises(IdentityError, match=r"already registered as i-.* --force"):
                    await registered(tmp_path, server, metadata)
                server.answers["RegisterInstance"] = error(400, "InstanceAlreadyRegistered", "i-x is taken")
                with pytest.raises(ServiceError, match="i-x is taken"):
                    await registered(tmp_path, server, metadata, force=True)
                assert StateDirectory(tmp_path / "state").load() == first
                server.answers["RegisterInstance"] = TAKEN
                (tmp_path / "state" / "audit-checkpoint").write_text("of the server before")
                second = await registered(tmp_path, server, metadata, force=True)
                assert not (tmp_path / "state" / "audit-checkpoint").exists()
        one, refused, two = server.seen
        assert key_of(refused) == key_of(two) != key_of(one)
        text = possession_text(key_of(two), DOCUMENT)
        assert is_signed_by(key_of(one), text, two.json["PreviousKeyProof"])
        assert is_signed_by(key_of(two), text, two.json["PossessionProof"])
        assert second.fingerprint == first.fingerprint
        assert [path.name for path in (tmp_path / "state").glob("key-*.pem")] == [second.key_file]

    asyncio.run(scenario())


def test_a_damaged_registration_is_replaced_and_its_key_is_used_again(tmp_path):
    """The id belongs to it."""

    async def scenario():
        with MetadataServiceOfTests(FOUND) as metadata:
            async with gateway(tmp_path) as server:
                server.answers["RegisterInstance"] = TAKEN
                await registered(tmp_path, server, metadata)
                (tmp_path / "state" / "registration.json").write_text("{")
                await registered(tmp_path, server, metadata, force=True)
        first, second = server.seen
        assert key_of(first) == key_of(second)

    asyncio.run(scenario())


def test_without_a_cloud_or_with_a_wrong_answer_nothing_is_registered(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            with MetadataServiceOfTests({}) as metadata, pytest.raises(MetadataError):
                await registered(tmp_path, server, metadata)
            assert server.seen == []
            assert not list((tmp_path / "state").glob("key-*.pem"))

    asyncio.run(scenario())
