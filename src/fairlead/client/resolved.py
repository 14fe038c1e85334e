"""What every source of credentials gives: keys, when they expire, and what to call the source."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fairlead.aws.sigv4 import Credentials


class Resolved:
    """Credentials, when they expire (epoch seconds or None) and which source they came from."""

    __slots__ = ("credentials", "expires_at", "source")

    def __init__(self, credentials: Credentials, expires_at: float | None, source: str) -> None:
        self.credentials = credentials
        self.expires_at = expires_at
        self.source = source


def parse_expiration(text: str | None) -> float | None:
    """ISO 8601 to epoch seconds; None for what is no date (then nothing is refreshed early)."""
    if not text:
        return None
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
