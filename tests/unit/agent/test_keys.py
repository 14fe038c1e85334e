"""The node's key: what it signs verifies, in this process and in a child's."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from fairlead.agent import keys
from fairlead.agent.errors import IdentityError


@pytest.fixture(scope="module")
def pair():
    return keys.generate_key()


def verify(public_base64, signature, text):
    key = serialization.load_der_public_key(base64.b64decode(public_base64))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key.verify(base64.b64decode(signature), text, pss, hashes.SHA256())


def test_the_key_is_of_the_kind_that_the_api_takes(pair):
    key = serialization.load_der_public_key(base64.b64decode(pair.public_base64))
    assert key.key_size == 2048
    assert keys.public_key(pair.private_pem) == pair.public_base64


def test_a_signature_verifies_as_pss_with_a_salt_of_32_bytes(pair):
    verify(pair.public_base64, keys.sign(pair.private_pem, b"text"), b"text")


def test_a_child_process_signs_alike(pair, tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(pair.private_pem)
    verify(pair.public_base64, keys.sign_in_child(path, "text"), b"text")


def test_a_child_process_makes_a_usable_key():
    made = keys.generate_in_child()
    assert keys.public_key(made.private_pem) == made.public_base64


def test_a_child_process_that_fails_is_one_line(tmp_path):
    with pytest.raises(IdentityError, match=r"could not be used: .*No such file") as caught:
        keys.sign_in_child(tmp_path / "absent.pem", "text")
    assert str(caught.value).isprintable()


def test_a_damaged_or_foreign_key_is_refused():
    with pytest.raises(IdentityError, match="damaged"):
        keys.sign(b"nonsense", b"text")
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(IdentityError, match="not an RSA key"):
        keys.sign(other, b"text")


def test_no_child_is_started_while_they_are_held_off(tmp_path):
    assert keys.hold_children(0.0)
    assert not keys.hold_children(0.0), "as while one runs"
    keys.release_children()
    assert keys.generate_in_child()
