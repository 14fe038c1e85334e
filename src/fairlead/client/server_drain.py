"""`fairlead server drain`: a server takes no more sessions, says who is left, and is waited for."""

from __future__ import annotations

from fairlead.client.answers import entries
from fairlead.client.errors import ServiceError
from fairlead.client.shown_values import moment, size
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from fairlead.client.admin_api import AdminApi

SESSIONS_LEFT = 3
"""Exit status when sessions are left; 1 and 2 are for failures and for a wrong command line."""

POLL_S = 2.0
PROGRESS_S = 10.0
"""How often a wait says that it goes on."""

PAGE = 200
MAX_TEXT = 200


class DrainCommand:
    """One run of the command. `say` prints a line, `clock` and `sleep` are in seconds."""

    def __init__(
        self,
        api: AdminApi,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._api = api
        self._say = say
        self._clock = clock
        self._sleep = sleep

    def drain(self, wait_s: float) -> int:
        """Begin to drain and wait so long for the last session to end; the exit status.

        Raises `ServiceError`, `CredentialsError` or a `TransportError`.
        """
        ends_at = self._clock() + wait_s
        self._api.call("DrainServer", {})
        self._say("The server takes no new sessions.")
        left = self._count()
        if left:
            self._list(left)
        if left and wait_s:
            left = self._wait(left, ends_at)
            if left:
                self._list(left)
        if left:
            return SESSIONS_LEFT
        self._say("No session is left: the server can be restarted.")
        return 0

    def cancel(self) -> int:
        """Take sessions again; the exit status. Raises as `drain`."""
        self._api.call("CancelServerDrain", {})
        self._say("The server takes sessions again.")
        return 0

    def _wait(self, left: int, ends_at: float) -> int:
        """How many sessions are left in the end."""
        said_at = self._clock()
        while left and (remaining_s := ends_at - self._clock()) > 0:
            self._sleep(min(POLL_S, remaining_s))
            before, left = left, self._count()
            if left and (left != before or self._clock() - said_at >= PROGRESS_S):
                said_at = self._clock()
                self._say(f"{_sessions(left)} left, waiting for {max(0.0, ends_at - said_at):.0f} s more")
        return left

    def _count(self) -> int:
        count = self._api.call("DescribeServerDrain", {"MaxResults": 1}).get("SessionCount")
        if not isinstance(count, int):
            raise ServiceError("the server does not say how many sessions are left", "", 200)
        return count

    def _list(self, left: int) -> None:
        self._say(f"{_sessions(left)} left:")
        for session in self._left():
            self._say(f"  {_line(session)}")

    def _left(self) -> Iterator[dict[str, Any]]:
        return entries(self._api, "DescribeServerDrain", {"MaxResults": PAGE}, "Sessions")


def _sessions(count: int) -> str:
    return "1 session is" if count == 1 else f"{count} sessions are"


def _line(session: dict[str, object]) -> str:
    """Who has the session, to which node, since when, and what it carried."""
    id_, status, target, owner = (
        printable(str(session.get(name, "?")), MAX_TEXT)
        for name in ("SessionId", "Status", "Target", "Owner")
    )
    sent, received = (size(session.get(name)) for name in ("BytesToNode", "BytesToClient"))
    since = moment(session.get("StartDate"))
    return f"{id_}  {status}  to {target}  by {owner}  since {since}  {sent} up, {received} down"
