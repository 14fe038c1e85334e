"""`fairlead sessions`: who is on which node, since when, and an end to it."""

from __future__ import annotations

import json

from fairlead.client.answers import entries, table
from fairlead.client.errors import ClientError, ServiceError
from fairlead.client.shown_values import duration, moment
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
        for session in entries(self._api, "DescribeSessions", members, "Sessions"):
            if owner in (None, session.get("Owner"), _who(session)):
                found.append(session)
            if len(found) == limit:
                break
        return found

    def lines(self, found: Sequence[dict[str, Any]]) -> list[str]:
        """A table, one line for each session under a line of headings."""
        if not found:
            return ["No sessions."]
        return table(_COLUMNS, [self._row(session) for session in found])

    def kill(self, session_ids: Sequence[str]) -> None:
        """End sessions, one after the other; those before one that cannot be ended are over.

        TerminateSession answers alike for an id that no session has, so each is looked up after it, by those
        who may: whoever mistypes the id of a stranger's session must not believe that he ended it. Raises
        `ClientError` for such ids, too, once the others are over.
        """
        unknown = []
        for session_id in session_ids:
            self._api.call("TerminateSession", {"SessionId": session_id})
            name = printable(session_id, MAX_TEXT)
            if self._has_ended(session_id):
                self._say(f"{name} is over.")
            else:
                unknown.append(name)
        if unknown:
            raise ClientError(f"no session of the last 30 days has the id {', '.join(unknown)}")

    def _has_ended(self, session_id: str) -> bool:
        """Whether the history has it; True also for those who may not look there."""
        members: dict[str, object] = {
            "State": "History",
            "Filters": [{"key": "SessionId", "value": session_id}],
        }
        try:
            return any(True for _ in entries(self._api, "DescribeSessions", members, "Sessions"))
        except ServiceError as error:
            if error.code == "AccessDeniedException":
                return True
            raise

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
