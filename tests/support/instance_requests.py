"""Requests of machines that register by what their cloud says of them."""

import base64
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from fairlead.domain.instance_identity import IdentityTrust
from fairlead.domain.operations.instance_identity import PKCS7, RegisterInstanceRequest
from fairlead.protocol.registration_proof import possession_text
from tests.support.control_world import public_key_der, public_key_text, rsa_key
from tests.support.factories import NOW
from tests.support.identity_issuer import CLOUD_ACCOUNT, CLOUD_REGION, an_issuer, document

ISSUER = an_issuer()
TRUST = IdentityTrust(
    issuer_keys={CLOUD_REGION: (ISSUER.public_key,)},
    account_ids=frozenset({CLOUD_ACCOUNT}),
    max_age=timedelta(minutes=15),
    iam_role="service-role/FairleadNode",
)


def proof(key: RSAPrivateKey, registered: RSAPrivateKey, text: bytes) -> str:
    signed = possession_text(public_key_der(registered), text).encode()
    return base64.b64encode(key.sign(signed, PSS(MGF1(SHA256()), 32), SHA256())).decode()


def a_request(
    text: bytes | None = None,
    key: RSAPrivateKey | None = None,
    previous: RSAPrivateKey | None = None,
    **members: str | None,
) -> RegisterInstanceRequest:
    text, key = document(NOW) if text is None else text, key or rsa_key()
    return RegisterInstanceRequest(
        **{
            "document": text.decode(),
            "signature": ISSUER.pkcs7(text).decode(),
            "signature_type": PKCS7,
            "public_key": public_key_text(key),
            "possession_proof": proof(key, key, text),
            "previous_key_proof": None if previous is None else proof(previous, key, text),
            "fingerprint": "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10",
            **members,
        }
    )
