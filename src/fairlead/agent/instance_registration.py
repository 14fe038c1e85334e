"""Registering this machine by what its cloud says of it: `fairlead agent register --instance-identity`.

As with an activation (`registration`), everything that can fail without the server comes first, and the
server proves itself before anything is sent. The key is on the disk before the server hears of it: an
instance id belongs to the first key that it is registered with, and if the answer were lost, so would the id
be. The next try registers the same key again.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.agent import keys
from fairlead.agent.audit_checkpoint import put_aside
from fairlead.agent.errors import IdentityError
from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.instance_metadata import DEFAULT_ENDPOINT, MetadataService, SignedDocument
from fairlead.agent.registration import (
    ServerChoice,
    check_activation,
    check_choice,
    check_unregistered,
    obtain_anchors,
    older_fingerprint,
    verified_connector,
)
from fairlead.agent.service_client import ServiceClient
from fairlead.protocol.registration_proof import possession_text


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRegistrationRequest(ServerChoice):
    """What the operator gave. The activation is for a machine that was not started just now."""

    metadata_endpoint: str = DEFAULT_ENDPOINT
    activation: tuple[str, str] | None = None
    """Id and code."""

    def __repr__(self) -> str:
        return f"<InstanceRegistrationRequest at {self.endpoint}>"


async def register_instance(
    request: InstanceRegistrationRequest, state: StateDirectory, environ: Mapping[str, str]
) -> Registration:
    """Register and return what was agreed, which is on the disk by then.

    Raises an `AgentError` or a `TransportError`; an existing registration is untouched then.
    """
    endpoint = check_choice(request)
    if request.activation is not None:
        check_activation(*request.activation)
    metadata = MetadataService(request.metadata_endpoint, environ)
    state.prepare()
    with state.locked():
        check_unregistered(state, request.force)
        signed = await asyncio.to_thread(metadata.signed_document)
        anchors = await obtain_anchors(request, endpoint, environ)
        key_file = state.unregistered_key() or state.write_key(keys.generate_key().private_pem)
        fingerprint = older_fingerprint(state) or str(uuid.uuid4())
        members = _members(request, state, key_file, signed, fingerprint)
        client = ServiceClient(verified_connector(endpoint, anchors, environ))
        instance_id, region = await client.register_instance(members)
        registration = Registration(
            instance_id=instance_id,
            region=region,
            endpoint=request.endpoint.rstrip("/"),
            fingerprint=fingerprint,
            key_file=key_file,
        )
        put_aside(state)
        state.write_anchors(anchors)
        state.save(registration)
        return registration


def _members(
    request: InstanceRegistrationRequest,
    state: StateDirectory,
    key_file: str,
    signed: SignedDocument,
    fingerprint: str,
) -> dict[str, str]:
    """The request to the server, with the proofs of possession."""
    private_pem = state.read_key(key_file)
    public_base64 = keys.public_key(private_pem)
    text = possession_text(base64.b64decode(public_base64), signed.document.encode()).encode()
    members = {
        "Document": signed.document,
        "Signature": signed.signature,
        "SignatureType": signed.signature_type,
        "PublicKey": public_base64,
        "PossessionProof": keys.sign(private_pem, text),
        "Fingerprint": fingerprint,
    }
    previous_pem = _previous_key(state)
    if previous_pem is not None:
        members["PreviousKeyProof"] = keys.sign(previous_pem, text)
    if request.activation is not None:
        members["ActivationId"], members["ActivationCode"] = request.activation
    return members


def _previous_key(state: StateDirectory) -> bytes | None:
    """The key of the registration that is to be replaced; None where there is none that can be read."""
    try:
        return state.read_key(state.load().key_file)
    except IdentityError:
        return None
