"""Paging tokens: where the next page begins, sealed, so that nobody can make one up or use it elsewhere.

A token is good for the same listing with the same conditions only. It holds no result and does not expire.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from fairlead.aws.shapes import Operation
from fairlead.control.sealing import SealBroken, Sealer
from fairlead.domain.errors import InvalidNextToken

Item = TypeVar("Item")

MAX_TOKEN_CHARACTERS = 2048
"""Longest token that is looked at. Ours are much shorter."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing: the operation and the conditions that its pages have in common."""

    operation: Operation
    account_id: str
    region: str
    conditions: Any  # Any: a request member or a tuple of them; only its repr counts

    def binding(self) -> bytes:
        """What a token of this listing is bound to."""
        text = f"{self.operation.action}\0{self.account_id}\0{self.region}\0{self.conditions!r}"
        return b"paging:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def encode_position(sealer: Sealer, listing: Listing, *position: str) -> str:
    """A token for the page after the row at `position`."""
    sealed = sealer.seal(json.dumps(position).encode(), listing.binding())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode_position(sealer: Sealer, listing: Listing, token: str | None) -> tuple[str, ...] | None:
    """The position in a token; None for the first page. Raises InvalidNextToken."""
    if token is None:
        return None
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidNextToken
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        position = json.loads(sealer.open(sealed, listing.binding()))
    except (ValueError, binascii.Error, SealBroken):
        raise InvalidNextToken from None
    return tuple(position)


def decode_moment_and_id(sealer: Sealer, listing: Listing, token: str | None) -> tuple[datetime, str] | None:
    """The position of a listing that is ordered by a moment and an id."""
    position = decode_position(sealer, listing, token)
    if position is None:
        return None
    moment, row_id = position
    return datetime.fromisoformat(moment).astimezone(UTC), row_id


def cut_page(rows: Sequence[Item], size: int) -> tuple[Sequence[Item], bool]:
    """The page out of one row more than it holds, and whether there is another page."""
    return rows[:size], len(rows) > size


def page_of(
    sealer: Sealer,
    listing: Listing,
    token: str | None,
    size: int,
    rows: Iterable[Item],
    position_of: Callable[[Item], tuple[str, ...]],
) -> tuple[Sequence[Item], str | None]:
    """One page of a listing that is small enough to be read whole, and the token of the next if there is one.

    Rows are ordered by `position_of`. Raises InvalidNextToken.
    """
    position = decode_position(sealer, listing, token)
    ordered = sorted(rows, key=position_of)
    rest = [row for row in ordered if position is None or position_of(row) > position]
    page, has_more = cut_page(rest, size)
    return page, encode_position(sealer, listing, *position_of(page[-1])) if has_more else None
