"""What has to be done from time to time: forgetting what is old. When, is left to `server`."""

from dataclasses import dataclass
from datetime import timedelta

from fairlead.control.environment import Environment
from fairlead.domain.sessions import HISTORY_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many rows were deleted."""

    sessions: int
    tokens: int


def purge(env: Environment) -> Purged:
    """Delete sessions that ended more than 30 days ago, and channel tokens that have expired.

    The audit trail is cut by `audit_log`.
    """
    now = env.now()
    with env.store.transaction() as uow:
        return Purged(
            sessions=uow.sessions.purge_history(now - timedelta(days=HISTORY_DAYS)),
            tokens=uow.sessions.purge_tokens(now),
        )
