"""Inputs and outputs of the operations of `fairlead` on nodes that are known by what their cloud says.

These are operations of our own (`Fairlead_20261101.`): what AWS's agent does instead is signed with
credentials that only AWS can check. Their members follow the manners of AWS's.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Operation, String, Timestamp, member
from fairlead.domain.operations.activations import ACTIVATION_ID
from fairlead.domain.operations.nodes import FINGERPRINT, PUBLIC_KEY

INSTANCE_ID = String(min=10, max=19, pattern="^i-([0-9a-f]{8}|[0-9a-f]{17})$")
PKCS7, RSA_SHA256 = "Pkcs7", "RsaSha256"
_SIGNATURE_OF_KEY = String(min=340, max=1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterInstanceRequest:
    """A machine with its signed instance identity document and the public half of its key.

    `signature` is base64: of `Pkcs7` a CMS SignedData (EC2's `rsa2048`), of `RsaSha256` the bare signature
    (RSASSA-PKCS1-v1_5). `possession_proof` and `previous_key_proof` are base64 of RSASSA-PSS signatures
    (SHA-256, salt of 32 bytes) over `protocol.registration_proof`, by the key that is registered
    and by the one before it. With document and signature anybody could come first as long as the instance
    has not, so the signature is a secret. Id and code of an activation are for a document that is too old
    to be enough.
    """

    document: str = member("Document", String(min=1, max=4096), required=True)
    signature: str = member("Signature", String(min=1, max=8192, sensitive=True), required=True)
    signature_type: str = member("SignatureType", String(enum=(PKCS7, RSA_SHA256)), required=True)
    public_key: str = member("PublicKey", PUBLIC_KEY, required=True)
    possession_proof: str = member("PossessionProof", _SIGNATURE_OF_KEY, required=True)
    previous_key_proof: str | None = member("PreviousKeyProof", _SIGNATURE_OF_KEY)
    fingerprint: str = member("Fingerprint", FINGERPRINT, required=True)
    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    activation_code: str | None = member("ActivationCode", String(min=20, max=250, sensitive=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterInstanceResponse:
    """The node's id, which is the instance's, and the region that its requests are to be signed for."""

    instance_id: str | None = member("InstanceId", INSTANCE_ID)
    region: str | None = member("Region", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowInstanceReRegistrationRequest:
    """Which instance may register once more, with a key that nobody vouches for."""

    instance_id: str = member("InstanceId", INSTANCE_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowInstanceReRegistrationResponse:
    """Until when, unless it does so before."""

    instance_id: str | None = member("InstanceId", INSTANCE_ID)
    allowed_until: datetime | None = member("AllowedUntil", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterInstanceRequest:
    """Which node to remove; DeregisterManagedInstance of AWS takes no `i-…`."""

    instance_id: str = member("InstanceId", INSTANCE_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterInstanceResponse:
    """Nothing."""


REGISTER_INSTANCE = Operation(
    "fairlead", "RegisterInstance", RegisterInstanceRequest, RegisterInstanceResponse
)
ALLOW_INSTANCE_RE_REGISTRATION = Operation(
    "fairlead",
    "AllowInstanceReRegistration",
    AllowInstanceReRegistrationRequest,
    AllowInstanceReRegistrationResponse,
)
DEREGISTER_INSTANCE = Operation(
    "fairlead", "DeregisterInstance", DeregisterInstanceRequest, DeregisterInstanceResponse
)
