"""How a lost connection is brought back: when to try again, and with what to prove the right to.

The proof is a resume secret where the gateway takes one: no call of the API, and no credentials, which may
have expired meanwhile. Toward AWS, and when the gateway does not know the secret, it is a signed
ResumeSession. Tries start at once and back off to a few seconds, with jitter, until the window has passed.
"""

from __future__ import annotations

from fairlead.client.errors import ClientError, ServiceError, SessionEnded
from fairlead.client.patience import delay_before
from fairlead.transport.errors import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.client.api_calls import SessionApi, SessionGrant
    from fairlead.transport.websocket_link import WebSocketLink

STABLE_AFTER_S = 10.0
"""A connection that lasted so long counts as restored; a shorter one was another failed try."""

OVER_CODES = frozenset(
    ("DoesNotExistException", "AccessDeniedException", "InvalidSessionId", "ValidationException")
)
"""Errors of ResumeSession that no further try will change."""


class Reconnector:
    """Brings one session back after a loss."""

    def __init__(
        self,
        api: SessionApi,
        open_link: Callable[[SessionGrant], WebSocketLink],
        open_again: Callable[[], WebSocketLink | None],
        *,
        window_s: float,
        clock: Callable[[], float],
        chance: Callable[[], float],
        pause: Callable[[float], bool],
        log: Callable[[str], None],
    ) -> None:
        """`open_again` comes back with a resume secret, or returns None where there is none. `pause` waits so
        many seconds and returns False when the local side is gone or a signal came."""
        self._api = api
        self._open_link = open_link
        self._open_again = open_again
        self._window_s = window_s
        self._clock = clock
        self._chance = chance
        self._pause = pause
        self._log = log
        self._attempt = 0
        self._began = 0.0
        self._restored_at: float | None = None

    def restore(self, session_id: str, reason: str) -> WebSocketLink | None:
        """A new link with its open frame queued, or None when the local side is gone.

        `reason` says why the old one is lost. Raises `SessionEnded` when the service says that the session is
        over or the window has passed.
        """
        now = self._clock()
        if self._restored_at is None or now - self._restored_at >= STABLE_AFTER_S:
            self._attempt, self._began = 0, now
        last_failure = reason
        while self._clock() - self._began <= self._window_s:
            if not self._pause(delay_before(self._attempt, self._chance())):
                return None
            self._attempt += 1
            try:
                link = self._open_again() or self._resume(session_id, reason)
                self._restored_at = self._clock()
                return link
            except ServiceError as exc:
                if exc.code in OVER_CODES:
                    raise SessionEnded(f"the session cannot be resumed: {exc}") from None
                last_failure = str(exc)
            except SessionEnded:
                raise
            except (TransportError, ClientError) as exc:
                # Missing credentials too: they may have to come over the very network that is away.
                last_failure = str(exc)
            self._log(f"try {self._attempt} to resume failed: {last_failure}")
        text = f"the connection could not be resumed within {self._window_s:.0f} s: {last_failure}"
        raise SessionEnded(text, is_certain=False)

    def _resume(self, session_id: str, reason: str) -> WebSocketLink:
        grant = self._api.resume_session(session_id)
        if grant is None:
            raise SessionEnded(f"the connection was lost ({reason}) and the session is over: not resumed")
        return self._open_link(grant)
