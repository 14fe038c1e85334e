"""Listings of a server, over all their pages, and tables of them for people."""

from __future__ import annotations

from fairlead.client.errors import ServiceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from fairlead.client.api_calls import SignedApi


# Any: the members of an answer, here and below.
def pages(api: SignedApi, operation: str, members: dict[str, object]) -> Iterator[dict[str, Any]]:
    """The answers to a call that lists, one for each page. Raises as `SignedApi.call`."""
    while True:
        answer = api.call(operation, members)
        yield answer
        if not answer.get("NextToken"):
            return
        members = {**members, "NextToken": answer["NextToken"]}


def entries(
    api: SignedApi, operation: str, members: dict[str, object], member: str
) -> Iterator[dict[str, Any]]:
    """The entries of the list `member` of all pages. Raises `ServiceError` for an answer without it, too."""
    for answer in pages(api, operation, members):
        found = answer.get(member)
        if not isinstance(found, list):
            raise unreadable()
        yield from found


def unreadable() -> ServiceError:
    """What to raise for an answer that lacks what it must have."""
    return ServiceError("the server's answer cannot be read", "", 200)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns under a line of headings, the last column as long as it is."""
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns) - 1)]
    return [
        "  ".join(
            [*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]]
        ).rstrip()
        for line in lines
    ]
