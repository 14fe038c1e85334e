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
    audit_records: int


def purge(env: Environment) -> Purged:
    """Delete sessions that ended more than 30 days ago, channel tokens that have expired, and the audit
    records that the settings keep no longer."""
    now = env.now()
    with env.store.transaction() as uow:
        return Purged(
            sessions=uow.sessions.purge_history(now - timedelta(days=HISTORY_DAYS)),
            tokens=uow.sessions.purge_tokens(now),
            audit_records=uow.audit.purge(now - timedelta(days=env.settings.audit_days)),
        )
