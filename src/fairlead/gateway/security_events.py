"""Refusals for the audit trail, at a bounded rate: an attacker must not write the trail full.

The first ones in any stretch of time are recorded; many more are logged (`refusal_log`).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from fairlead.control.environment import Rate
from fairlead.control.throttling import TokenBuckets
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.gateway.refusal_log import refusal_log
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork

_ONE_BUCKET = ""


class SecurityEvents:
    """Writes refusals with `record`, which `run` calls off the loop."""

    def __init__(
        self,
        record: Callable[[Caller | Origin, str, Mapping[str, str | int]], None],
        run: Callable[..., Awaitable[Any]],  # Any: what the function gives, here nothing
        work: BackgroundWork,
        settings: GatewaySettings,
        now: Callable[[], datetime],
    ) -> None:
        self._record = record
        self._run = run
        self._work = work
        self._now = now
        rate = Rate(per_s=settings.security_events_per_s, burst=settings.security_events_burst)
        self._buckets = TokenBuckets(rate, max_keys=1)

    def may_record(self) -> bool:
        """True, and counted, if one more may be written now. May be asked from any thread."""
        return self._buckets.take(_ONE_BUCKET, self._now())

    def report(self, who: Caller | Origin, name: str, details: Mapping[str, str | int]) -> None:
        """Log a refusal, and record it if the rate allows."""
        refusal_log.warning("%s by %s: %s", name, _who_text(who), dict(details))
        if self.may_record():
            self._work.spawn(self._write(who, name, details), purpose=f"record {name}")

    async def _write(self, who: Caller | Origin, name: str, details: Mapping[str, str | int]) -> None:
        await self._run(self._record, who, name, details)


def _who_text(who: Caller | Origin) -> str:
    if isinstance(who, Origin):
        return who.source_address
    return who.node_id or who.arn if who.kind is CallerKind.NODE else who.arn
