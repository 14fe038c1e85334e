"""Errors of the policy package.

The wordings are the live service's own, because tools match on them; what exactly is wrong, and where,
follows in brackets. Which error code and HTTP status they become is the API edge's business.
"""

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
DUPLICATE_SID = "Statement IDs (SID) in a single policy must be unique."
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
VENDOR_WILDCARD = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards"
TWO_COLONS = "Actions/Condition can contain only one colon."
PRINCIPAL_PRESENT = "Policy document should not specify a principal."
VERSION_TOO_OLD = "Policy document must be version 2012-10-17 or greater."
PROHIBITED_RESOURCE = "Has prohibited field Resource"
NO_PRINCIPAL = "Missing required field Principal"
FEDERATED_UNRESTRICTED = "A federated principal needs conditions on the audience and the subject."
NOT_AN_ASSUME_ROLE_ACTION = "AssumeRole policy may only specify STS AssumeRole actions."

_SHOWN_CHARACTERS = 200
"""Longest piece of a document that an error repeats."""


class PolicyError(Exception):
    """Base of the errors of this package."""


class MalformedPolicy(PolicyError):
    """A document that must not be stored; `MalformedPolicyDocument` on the wire.

    `wording` is the service's text, `detail` says what and where in this document; `str()` is both.
    """

    def __init__(self, wording: str, detail: str = "") -> None:
        super().__init__(f"{wording} ({detail})" if detail else wording)
        self.wording = wording
        self.detail = detail


def shown(text: str) -> str:
    """`text` fit to be repeated in an error: bounded, without control characters or lone surrogates."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return "".join(character if character.isprintable() else "?" for character in cut)
