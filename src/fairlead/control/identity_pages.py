"""Pages of the `iam` listings: `Marker` and `MaxItems`, alike in all of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from fairlead.control.calls import Call
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position, page_of
from fairlead.control.sealing import Sealer

DEFAULT_PAGE = 100
DEFAULT_PATH = "/"


class PageRequest(Protocol):
    """What the requests of all IAM listings have."""

    @property
    def marker(self) -> str | None: ...
    @property
    def max_items(self) -> int | None: ...


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item")
NamedItem = TypeVar("NamedItem", bound=Named)


class IdentityPages:
    """Cuts listings into pages. Raises InvalidNextToken for a marker that this listing did not give out."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def below(
        self,
        prefix: str,
        call: Call,
        request: PageRequest,
        find: Callable[[str, str, str | None, int], list[NamedItem]],
    ) -> tuple[Sequence[NamedItem], str | None]:
        """One page of what `find` finds below a path, and the marker of the next if there is one."""
        account_id = call.caller.scope.account_id
        listing = Listing(call.operation, account_id, "", prefix)
        size = request.max_items or DEFAULT_PAGE
        position = decode_position(self._sealer, listing, request.marker)
        found = find(account_id, prefix, None if position is None else position[0], size + 1)
        page, has_more = cut_page(found, size)
        return page, encode_position(self._sealer, listing, page[-1].name) if has_more else None

    def of(
        self,
        call: Call,
        request: PageRequest,
        conditions: Any,  # Any: as in Listing
        rows: Iterable[Item],
        position_of: Callable[[Item], tuple[str, ...]],
    ) -> tuple[Sequence[Item], str | None]:
        """One page of rows that are few, and the marker of the next if there is one."""
        listing = Listing(call.operation, call.caller.scope.account_id, "", conditions)
        size = request.max_items or DEFAULT_PAGE
        return page_of(self._sealer, listing, request.marker, size, rows, position_of)
