"""RSA keys of nodes; the signature of a real agent is checked with the recorded traffic elsewhere."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fairlead.aws.sigv4 import Scope
from fairlead.control.node_keys import parse_public_key, rsa_verifier
from fairlead.domain.errors import InvalidRequest
from tests.support.control_world import public_key_der, public_key_text, rsa_key

SCOPE = Scope("20261101", "us-east-1", "ssm")


def der_text(public_key):
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def test_a_key_comes_out_as_der():
    assert parse_public_key(public_key_text(rsa_key())) == public_key_der(rsa_key())


@pytest.mark.parametrize(
    "text",
    ["", "é", "!!!!", "AAAA", base64.b64encode(b"x" * 300).decode(), public_key_text(rsa_key())[:-8]],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InvalidRequest, match="cannot be read"):
        parse_public_key(text)


@pytest.mark.parametrize(
    "private_key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256R1()),
    ],
    ids=["short", "elliptic"],
)
def test_a_key_of_another_kind_or_length_is_refused(private_key):
    with pytest.raises(InvalidRequest, match="RSA key of 2048 to 4096 bits"):
        parse_public_key(der_text(private_key.public_key()))


def signature(padding, digest=None, text=b"string to sign", key=None):
    return base64.b64encode((key or rsa_key()).sign(text, padding, digest or SHA256())).decode()


def test_a_pss_signature_with_a_salt_of_32_is_good():
    verify = rsa_verifier(public_key_der(rsa_key()))
    assert verify(SCOPE, "string to sign", signature(PSS(MGF1(SHA256()), 32)))


@pytest.mark.parametrize(
    "text",
    [
        signature(PSS(MGF1(SHA256()), 20)),
        signature(PSS(MGF1(SHA1()), 32)),
        signature(PSS(MGF1(SHA256()), 32), text=b"another text"),
        signature(PSS(MGF1(SHA256()), 32), key=rsa_key(1)),
        signature(PKCS1v15()),
        "not base64",
        "é",
        "",
    ],
)
def test_any_other_signature_is_refused(text):
    assert not rsa_verifier(public_key_der(rsa_key()))(SCOPE, "string to sign", text)
