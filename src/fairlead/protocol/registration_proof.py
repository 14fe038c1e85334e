"""What a machine signs when it registers by its instance identity document."""

from __future__ import annotations

from hashlib import sha256


def possession_text(public_key: bytes, document: bytes) -> str:
    """The text over which a key is proven to register `public_key` (DER SubjectPublicKeyInfo) by a document.

    Signed with that key it says that the machine has the private half; signed with the key that is registered
    for the instance, that its holder agrees. It begins unlike the text that signs a request (SigV4), so that
    neither can be taken for the other.
    """
    digests = (sha256(public_key).hexdigest(), sha256(document).hexdigest())
    return "\n".join(("FAIRLEAD-INSTANCE-REGISTRATION", *digests))
