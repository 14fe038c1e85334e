"""With what a client opens its side of a data channel, and comes back to it without a call of the API.

A client of ours makes a chain of random secrets. With each open frame it promises the next one by its
SHA-256, and shows the one that it promised before. So the server has nothing to send that could be lost, and
what it keeps opens nothing. Why: docs/decisions/0008.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from hmac import compare_digest

RESUME_REPEAT_S = 60
"""How long the last use of a resume secret may be repeated, word for word: its answer may have been lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientClaim:
    """What a client shows to open its side of a data channel: a token or, when it comes back, its secret.

    `promised_digest` is the SHA-256 of the secret with which it will come back next time, empty if it makes
    none. `version` is empty where it tells none. `is_ours`: the client is Fairlead's, not AWS's.
    """

    token: str = field(default="", repr=False)
    resume_secret: str = field(default="", repr=False)
    promised_digest: bytes = b""
    version: str = ""
    is_ours: bool = False


class ResumeVerdict(Enum):
    """What a resume secret proves."""

    GOOD = "good"
    REPEATED = "the last use once more, whose answer was lost"
    REUSED = "used before, and now to another end"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeChain:
    """What the server remembers of a client's secrets: SHA-256 of the next and of the one used before it."""

    current: bytes
    used: bytes | None = None
    moved_at: datetime | None = None
    """When `used` was used."""

    def judge(self, shown: bytes, promised: bytes, now: datetime) -> ResumeVerdict:
        """What it means when the secret with the digest `shown` comes with that promise. In constant time."""
        if compare_digest(shown, self.current):
            is_new = not (compare_digest(promised, shown) or self._is_used(promised))
            return ResumeVerdict.GOOD if is_new else ResumeVerdict.UNKNOWN
        if not self._is_used(shown) or self.moved_at is None:
            return ResumeVerdict.UNKNOWN
        if not compare_digest(promised, self.current):
            return ResumeVerdict.REUSED
        is_soon = now - self.moved_at <= timedelta(seconds=RESUME_REPEAT_S)
        return ResumeVerdict.REPEATED if is_soon else ResumeVerdict.UNKNOWN

    def moved(self, promised: bytes, now: datetime) -> "ResumeChain":
        """After a good use: the promise is current."""
        return ResumeChain(current=promised, used=self.current, moved_at=now)

    def _is_used(self, digest: bytes) -> bool:
        return self.used is not None and compare_digest(digest, self.used)
