"""Log lines about what the gateway refuses, at a bounded rate: a stranger must not write the log full.

They go through a logger of their own. What it leaves out is counted, and the next line says how many.
"""

import logging
from datetime import UTC, datetime

from fairlead.control.environment import Rate
from fairlead.control.throttling import TokenBuckets

REFUSAL_LINES = Rate(burst=500, per_s=20)
"""All refusals of one process together."""

_ONE_BUCKET = ""


class RefusalFilter(logging.Filter):
    """Lets through as many records as `rate` allows, by the time that is in them."""

    def __init__(self, rate: Rate) -> None:
        super().__init__()
        self._buckets = TokenBuckets(rate, max_keys=1)
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if not self._buckets.take(_ONE_BUCKET, datetime.fromtimestamp(record.created, UTC)):
            self._left_out += 1
            return False
        if self._left_out:
            record.msg = f"{record.getMessage()} ({self._left_out} refusals before this one are not logged)"
            record.args = ()
            self._left_out = 0
        return True


refusal_log = logging.getLogger(__name__)
refusal_log.addFilter(RefusalFilter(REFUSAL_LINES))
