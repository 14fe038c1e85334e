"""Refusals outside the API, recorded: tokens, frames and identities that are not what they claim.

The number of records is bounded for each principal or source address: the first hundred say enough.
"""

from collections.abc import Mapping

from fairlead.control.audit import security_record
from fairlead.control.environment import Environment
from fairlead.control.throttling import TokenBuckets, source_key
from fairlead.domain.callers import Caller, Origin


class SecurityEvents:
    """Records security events, each in a transaction of its own."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._throttle = TokenBuckets(env.settings.security_event_rate, env.settings.rate_limited_keys)

    def record(self, who: Caller | Origin, name: str, details: Mapping[str, str | int]) -> None:
        """Record that something was refused. `details` hold no secret."""
        key = who.principal_id if isinstance(who, Caller) else source_key(who.source_address)
        if not self._throttle.take(key, self._env.now()):
            return
        with self._env.store.transaction() as uow:
            uow.audit.add(security_record(self._env, who, name, details))
