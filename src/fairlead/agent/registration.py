"""Registering this machine as a node: the steps behind `fairlead agent register`.

The order matters. First everything that can fail without the server; then the server proves itself, where
only a fingerprint of its authority is known by an unverified request that carries nothing; only then does
the activation code leave this machine, over a verified connection; and only with the server's answer does
the new registration take the place of an older one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.agent import keys
from fairlead.agent.audit_checkpoint import put_aside
from fairlead.agent.connector import Connector
from fairlead.agent.errors import IdentityError, PinMismatchError, SettingsError
from fairlead.agent.identity import MAX_ANCHORS_BYTES, Registration, StateDirectory, normalised_certificates
from fairlead.agent.service_client import ServiceClient
from fairlead.transport.addresses import Endpoint, parse_endpoint
from fairlead.transport.tls import Trust, trust_source

CA_PATH = "/ca.pem"
"""Where a server shows the certificate of its authority to everyone."""

REQUEST_TIMEOUT_S = 15.0
MIN_CODE_CHARACTERS = 20
MAX_CODE_CHARACTERS = 250
"""Length of an activation code in the AWS service model."""

_PIN = re.compile(r"sha256:([0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31})")
_ACTIVATION_ID = re.compile(r"[0-9a-fA-F-]{36}")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """Where to register and whom to trust there. At most one of `ca_file` and `ca_pin`; without, the system's
    roots count."""

    endpoint: str
    ca_file: Path | None = None
    ca_pin: str | None = None
    force: bool = False
    """Register anew where a registration exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRequest(ServerChoice):
    """What the operator gave."""

    activation_id: str
    activation_code: str
    region: str

    def __repr__(self) -> str:
        return f"<RegistrationRequest {self.activation_id} at {self.endpoint}>"


async def register(
    request: RegistrationRequest, state: StateDirectory, environ: Mapping[str, str]
) -> Registration:
    """Register and return what was agreed, which is on the disk by then.

    Raises an `AgentError` or a `TransportError`; an existing registration is untouched then.
    """
    endpoint = check_request(request)
    state.prepare()
    with state.locked():
        check_unregistered(state, request.force)
        anchors = await obtain_anchors(request, endpoint, environ)
        pair = keys.generate_key()
        fingerprint = older_fingerprint(state) or str(uuid.uuid4())
        connector = verified_connector(endpoint, anchors, environ)
        instance_id = await ServiceClient(connector).register_managed_instance(
            request.activation_id, request.activation_code, fingerprint, pair.public_base64
        )
        registration = Registration(
            instance_id=instance_id,
            region=request.region,
            endpoint=request.endpoint.rstrip("/"),
            fingerprint=fingerprint,
            key_file=state.write_key(pair.private_pem),
        )
        put_aside(state)
        state.write_anchors(anchors)
        state.save(registration)
        return registration


def check_unregistered(state: StateDirectory, force: bool) -> None:
    """Raise `IdentityError` for a directory that has a registration which is not to be replaced."""
    if state.is_registered() and not force:
        raise IdentityError(
            f"{state.path}: already registered as {state.load().instance_id}; register anew with --force"
        )


def older_fingerprint(state: StateDirectory) -> str | None:
    """What the registration that is to be replaced calls this installation; None where there is none, or one
    too damaged to be read."""
    try:
        return state.load().fingerprint
    except IdentityError:
        return None


def check_request(request: RegistrationRequest) -> Endpoint:
    """Check all that needs no server; return the endpoint. Raises `SettingsError` or `AddressError`."""
    endpoint = check_choice(request)
    check_activation(request.activation_id, request.activation_code)
    if not _REGION.fullmatch(request.region):
        raise SettingsError("--region must be a region's name, such as us-east-1")
    return endpoint


def check_choice(choice: ServerChoice) -> Endpoint:
    """The endpoint, if the choice can be used. Raises `SettingsError` or `AddressError`."""
    endpoint = parse_endpoint(choice.endpoint)
    if endpoint.scheme not in ("https", "http") or endpoint.target != "/":
        raise SettingsError("--endpoint must be https://HOST[:PORT] and nothing behind it")
    if choice.ca_file is not None and choice.ca_pin is not None:
        raise SettingsError("give --ca or --ca-pin, not both")
    if not endpoint.uses_tls and (choice.ca_file is not None or choice.ca_pin is not None):
        raise SettingsError("--ca and --ca-pin say who is to be trusted, so --endpoint must be https://")
    if choice.ca_pin is not None:
        parse_pin(choice.ca_pin)
    return endpoint


def check_activation(activation_id: str, code: str) -> None:
    """Raise `SettingsError` for what no activation has."""
    if not _ACTIVATION_ID.fullmatch(activation_id):
        raise SettingsError("--activation-id must be the 36 characters that create-activation returned")
    if not MIN_CODE_CHARACTERS <= len(code) <= MAX_CODE_CHARACTERS:
        raise SettingsError(
            f"the activation code must have {MIN_CODE_CHARACTERS} to {MAX_CODE_CHARACTERS} characters"
        )
    if not code.isascii() or not code.isprintable():
        raise SettingsError("the activation code has characters that no activation code has")


def parse_pin(pin: str) -> bytes:
    """The digest in `sha256:HEX`, where the bytes may be separated by colons. Raises `SettingsError`."""
    found = _PIN.fullmatch(pin.strip())
    if found is None:
        raise SettingsError(
            "--ca-pin must be sha256: and 64 hexadecimal digits, the SHA-256 of the CA's DER form"
        )
    return bytes.fromhex(found[1].replace(":", ""))


async def obtain_anchors(
    request: ServerChoice, endpoint: Endpoint, environ: Mapping[str, str]
) -> bytes | None:
    """The trust anchors for this server as PEM, None for those of the environment or the system.

    Raises `PinMismatchError` when the server does not show the pinned certificate.
    """
    if request.ca_pin is not None and endpoint.uses_tls:
        return await fetch_pinned(endpoint, parse_pin(request.ca_pin), environ)
    if request.ca_file is None:
        return None
    try:
        with request.ca_file.open("rb") as file:
            anchors = b"".join(normalised_certificates(file.read(MAX_ANCHORS_BYTES)))
    except OSError as error:
        raise SettingsError(f"{request.ca_file}: cannot be read: {error.strerror}") from error
    if not anchors:
        raise SettingsError(f"{request.ca_file}: holds no PEM certificate")
    return anchors


async def fetch_pinned(endpoint: Endpoint, digest: bytes, environ: Mapping[str, str]) -> bytes:
    """The certificate with this SHA-256 from the server's `/ca.pem`, as PEM.

    Asked for without any verification, which is harmless: the request says nothing, and the answer counts
    only by its digest.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connector = Connector(endpoint, Trust(None, "nobody"), environ, REQUEST_TIMEOUT_S, context)
    response = await connector.exchange("GET", CA_PATH, [("Host", endpoint.host_header)])
    shown = normalised_certificates(response.body) if response.head.status == 200 else []
    for certificate in shown:
        if hmac.compare_digest(certificate_digest(certificate), digest):
            return certificate
    seen = ", ".join(f"sha256:{certificate_digest(certificate).hex()}" for certificate in shown[:3])
    raise PinMismatchError(
        f"{endpoint.authority} does not show the certificate authority that --ca-pin names (it shows "
        f"{seen or 'none'}); nothing secret was sent. Compare the pin with the server's own, and suspect a "
        "stranger in between where they differ"
    )


def certificate_digest(certificate: bytes) -> bytes:
    """SHA-256 of the DER form of one PEM certificate; of nothing when it is malformed."""
    try:
        der = ssl.PEM_cert_to_DER_cert(certificate.decode("ascii").strip())
    except ValueError:
        der = b""
    return hashlib.sha256(der).digest()


def verified_connector(endpoint: Endpoint, anchors: bytes | None, environ: Mapping[str, str]) -> Connector:
    """A connector that trusts `anchors`, or what the environment or the system names. Raises
    `SettingsError`."""
    if anchors is None:
        return Connector(endpoint, trust_source(None, environ), environ, REQUEST_TIMEOUT_S)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=anchors.decode("ascii"))
    except ssl.SSLError as error:
        raise SettingsError("the CA certificate is malformed") from error
    return Connector(endpoint, Trust(None, "--ca or --ca-pin"), environ, REQUEST_TIMEOUT_S, context)
