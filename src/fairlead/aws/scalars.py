"""Simple values on the wire: what both protocols ask of text, whole numbers and moments.

Each `read_` function takes the path of the member for the message and raises SerializationFailed.
"""

import base64
import re
from datetime import UTC, datetime, timedelta

from fairlead.aws.errors import SerializationFailed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER_LIMIT = 2**63
_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")


def read_text(text: str, path: str) -> str:
    """Refuse what no database and no answer can hold: NUL and halves of surrogate pairs."""
    if _NO_TEXT.search(text):
        raise SerializationFailed(f"{path} holds a character that must not stand in text.")
    return text


def read_base64(text: str, path: str) -> bytes:
    """Bytes as both protocols write them. Raises SerializationFailed."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SerializationFailed(f"{path} must be base64.") from None


def write_base64(value: bytes) -> str:
    """The same, written."""
    return base64.b64encode(value).decode()


def read_integer(number: int, path: str) -> int:
    """Refuse numbers beyond 64 bits."""
    if not -_INTEGER_LIMIT <= number < _INTEGER_LIMIT:
        raise SerializationFailed(f"{path} is too large a number.")
    return number


def read_epoch(seconds: float, path: str) -> datetime:
    """Epoch seconds as an aware datetime in UTC, to the microsecond."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise SerializationFailed(f"{path} is not a time that can be represented.") from None


def read_iso8601(text: str, path: str) -> datetime:
    """ISO 8601 text as an aware datetime in UTC; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise SerializationFailed(f"{path} is not an ISO 8601 time.") from None


def epoch(moment: datetime) -> int | float:
    """Epoch seconds with at most three decimals."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def iso8601(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds where it has no fraction, else milliseconds."""
    utc = moment.astimezone(UTC)
    precision = "milliseconds" if utc.microsecond >= 1000 else "seconds"
    return utc.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
