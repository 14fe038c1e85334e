"""`fairlead sessions`: who is on which node, since when, and an end to it."""

from __future__ import annotations

import json

from fairlead.client.errors import ServiceError
from fairlead.client.shown_values import duration, moment
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from fairlead.client.api_calls import SignedApi

PAGE = 200
MAX_TEXT = 200

_COLUMNS = ("SESSION", "STATUS", "NODE", "WHO", "DOCUMENT", "SINCE", "FOR", "DETAILS")


class Sessions:
    """The sessions of a server, as `DescribeSessions` lists them. `clock` is in epoch seconds.

    Methods raise `ServiceError`, `CredentialsError` or a `TransportError`.
    """

    def __init__(self, api: SignedApi, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._api = api
        self._say = say
        self._clock = clock

    def show(
        self,
        *,
        history: bool = False,
        node: str | None = None,
        owner: str | None = None,
        limit: int = PAGE,
        as_json: bool = False,
    ) -> None:
        """Say the newest sessions, those that are active or those that have ended."""
        found = self.find(history=history, node=node, owner=owner, limit=limit)
        if as_json:
            self._say(json.dumps({"Sessions": found}, indent=2))
            return
        for line in self.lines(found):
            self._say(line)

    def find(
        self, *, history: bool = False, node: str | None = None, owner: str | None = None, limit: int = PAGE
    ) -> list[dict[str, Any]]:
        """The newest sessions; `owner` is an ARN or a user's or role session's name."""
        members: dict[str, object] = {"State": "History" if history else "Active", "MaxResults": PAGE}
        filters = {"Target": node, "Owner": owner if owner and owner.startswith("arn:") else None}
        conditions = [{"key": key, "value": value} for key, value in filters.items() if value]
        if conditions:
            members["Filters"] = conditions
        found: list[dict[str, Any]] = []
        for session in self._pages(members):
            if owner in (None, session.get("Owner"), _who(session)):
                found.append(session)
            if len(found) == limit:
                break
        return found

    def lines(self, found: Sequence[dict[str, Any]]) -> list[str]:
        """A table, one line for each session under a line of headings."""
        if not found:
            return ["No sessions."]
        rows = [_COLUMNS, *(self._row(session) for session in found)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
        return [
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]])
            for row in rows
        ]

    def kill(self, session_ids: Sequence[str]) -> None:
        """End sessions, one after the other; those before one that cannot be ended are over."""
        for session_id in session_ids:
            self._api.call("TerminateSession", {"SessionId": session_id})
            self._say(f"{printable(session_id, MAX_TEXT)} is over.")

    def _pages(self, members: dict[str, object]) -> Iterator[dict[str, Any]]:
        while True:
            answer = self._api.call("DescribeSessions", members)
            sessions = answer.get("Sessions")
            if not isinstance(sessions, list):
                raise ServiceError("the server's answer cannot be read", "", 200)
            yield from sessions
            if not answer.get("NextToken"):
                return
            members = {**members, "NextToken": answer["NextToken"]}

    def _row(self, session: dict[str, Any]) -> tuple[str, ...]:
        start, end = session.get("StartDate"), session.get("EndDate")
        until = end if isinstance(end, int | float) else self._clock()
        lasted = duration(until - start) if isinstance(start, int | float) else "?"
        id_, status, node, document, details = (
            printable(str(session.get(name, "")), MAX_TEXT)
            for name in ("SessionId", "Status", "Target", "DocumentName", "Details")
        )
        return id_, status, node, printable(_who(session), MAX_TEXT), document, moment(start), lasted, details


def _who(session: dict[str, Any]) -> str:
    """The last part of the owner's ARN: a user's name, or that of a role session."""
    return str(session.get("Owner", "?")).rpartition("/")[2]
