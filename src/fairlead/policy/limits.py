"""How large documents may be, and how their size is counted.

Source: IAM User Guide, "IAM and AWS STS quotas". White space does not count. The inline limits hold for the
*sum* of all inline policies of one user, group or role; who holds the others' sizes checks them.
"""

USER_INLINE_TOTAL_MAX_CHARACTERS = 2_048
GROUP_INLINE_TOTAL_MAX_CHARACTERS = 5_120
ROLE_INLINE_TOTAL_MAX_CHARACTERS = 10_240
MANAGED_POLICY_MAX_CHARACTERS = 6_144
TRUST_POLICY_MAX_CHARACTERS = 2_048
SESSION_POLICY_MAX_CHARACTERS = 2_048

DOCUMENT_MAX_CHARACTERS = 131_072
"""Longest text that is parsed at all, white space included (the `PolicyDocument` members' own bound)."""

_WHITE_SPACE = " \t\n\r"


def counted_characters(*documents: str) -> int:
    """The size of the documents together, as the limits count it: without white space."""
    return sum(len(text) - sum(map(text.count, _WHITE_SPACE)) for text in documents)


def size_exceeded_text(max_characters: int, kind: str, name: str) -> str:
    """The service's text for `LimitExceeded`; `kind` is `user`, `group`, `role` or `policy`."""
    return f"Maximum policy size of {max_characters} bytes exceeded for {kind} {name}"
