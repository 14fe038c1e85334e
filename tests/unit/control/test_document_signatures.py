"""Signatures of instance identity documents under pinned keys."""

import base64
import json
from itertools import count

import pytest
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options

from fairlead.control.document_signatures import check_signature
from fairlead.domain.errors import InstanceIdentityRefused
from fairlead.domain.operations.instance_identity import PKCS7, RSA_SHA256
from tests.support.ber import loosely
from tests.support.factories import NOW
from tests.support.identity_issuer import an_issuer, document
from tests.support.named_tests import TESTS

VECTORS = TESTS / "vectors"
DOCUMENT = document(NOW)
OTHER = document(NOW, instanceId="i-00000000")
OURS, THEIRS = an_issuer(), an_issuer(1)
KEYS = (THEIRS.public_key, OURS.public_key)


def pkcs7(*options: PKCS7Options) -> str:
    return OURS.pkcs7(DOCUMENT, *options).decode()


@pytest.mark.parametrize(
    ("signature", "kind"),
    [
        (pkcs7(), PKCS7),
        (pkcs7(PKCS7Options.NoCerts), PKCS7),
        (pkcs7(PKCS7Options.DetachedSignature), PKCS7),
        (pkcs7(PKCS7Options.NoAttributes), PKCS7),
        (OURS.bare(DOCUMENT).decode(), RSA_SHA256),
    ],
    ids=["attached", "without-certificates", "detached", "without-attributes", "bare"],
)
def test_every_form_is_taken_of_a_key_that_is_pinned_and_for_its_document_alone(signature, kind) -> None:
    check_signature(DOCUMENT, signature, kind, KEYS)
    with pytest.raises(InstanceIdentityRefused, match="no key of the region's issuer"):
        check_signature(DOCUMENT, signature, kind, KEYS[:1])
    with pytest.raises(InstanceIdentityRefused, match="no key of the region's issuer"):
        check_signature(DOCUMENT, signature, kind, ())
    with pytest.raises(InstanceIdentityRefused, match=r"not valid: (it is of another|no key)"):
        check_signature(OTHER, signature, kind, KEYS)


def test_a_message_that_openssl_made_with_indefinite_lengths_is_verified() -> None:
    recorded = json.loads((VECTORS / "signed-document.json").read_text(encoding="utf-8"))
    text, key = recorded["document"].encode(), base64.b64decode(recorded["public_key"])
    check_signature(text, recorded["signature"], PKCS7, (key,))
    with pytest.raises(InstanceIdentityRefused):
        check_signature(text + b" ", recorded["signature"], PKCS7, (key,))


def test_a_message_with_indefinite_lengths_is_verified() -> None:
    der = OURS.pkcs7(DOCUMENT, encoded=False)
    check_signature(DOCUMENT, base64.b64encode(loosely(der)).decode(), PKCS7, KEYS)


def test_content_and_digest_of_another_document_under_a_good_signature_are_refused() -> None:
    der = OURS.pkcs7(DOCUMENT, PKCS7Options.NoCerts, encoded=False)
    swapped = der.replace(b"i-0123456789abcdef0", b"i-ffffffffffffffff0")
    changed = DOCUMENT.replace(b"i-0123456789abcdef0", b"i-ffffffffffffffff0")
    with pytest.raises(InstanceIdentityRefused, match="of another document"):
        check_signature(changed, base64.b64encode(swapped).decode(), PKCS7, KEYS)


@pytest.mark.parametrize(
    ("signature", "kind", "words"),
    [
        ("not base64!", PKCS7, "not base64"),
        ("AAAA", PKCS7, "no PKCS #7 message that is taken here"),
        ("AAAA", RSA_SHA256, "no key"),
        (pkcs7(), RSA_SHA256, "no key"),
        (OURS.bare(DOCUMENT).decode(), PKCS7, "no PKCS #7 message"),
        (THEIRS.bare(OTHER).decode(), RSA_SHA256, "no key"),
    ],
    ids=count(),
)
def test_what_is_no_signature_is_refused_by_what_is_wrong(signature: str, kind: str, words: str) -> None:
    with pytest.raises(InstanceIdentityRefused, match=words):
        check_signature(DOCUMENT, signature, kind, KEYS)
