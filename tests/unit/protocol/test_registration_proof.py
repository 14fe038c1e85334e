import hashlib

from fairlead.protocol.registration_proof import possession_text


def test_the_text_names_key_and_document_and_cannot_be_a_string_to_sign() -> None:
    text = possession_text(b"key", b"document")
    first, *digests = text.split("\n")
    assert digests == [hashlib.sha256(b"key").hexdigest(), hashlib.sha256(b"document").hexdigest()]
    assert first == "FAIRLEAD-INSTANCE-REGISTRATION"
    assert not text.startswith("AWS4-HMAC-SHA256")
