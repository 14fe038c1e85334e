"""What happens too often to be written down each time: counted in memory, recorded from time to time.

Calls that nodes make all the time, and refusals of callers who have not proved who they are: anybody can
cause as many of those as he likes, so what is kept of them is bounded whatever comes.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MAX_SOURCES = 1_000
"""Sources of refusals that are told apart between two records; those beyond are counted together."""
MAX_CODES = 16
"""Error codes that are told apart for one source."""
OTHERS = "other"


@dataclass(slots=True)
class RefusalTally:
    """Refusals of one source, by error code, and when the first and the last were."""

    first_at: datetime
    last_at: datetime
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many refusals."""
        return self.codes.total()


class Tallies:
    """Counts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._refusals: dict[str, RefusalTally] = {}

    def count_call(self, name: str) -> None:
        """A node made a call that is not recorded. `name` is the operation's."""
        with self._lock:
            self._calls[name] += 1

    def count_refusal(self, source: str, code: str, now: datetime) -> None:
        """A caller who has not proved who he is was refused."""
        with self._lock:
            if source not in self._refusals and len(self._refusals) >= MAX_SOURCES:
                source = OTHERS
            tally = self._refusals.setdefault(source, RefusalTally(now, now))
            tally.last_at = max(tally.last_at, now)
            tally.codes[code if code in tally.codes or len(tally.codes) < MAX_CODES else OTHERS] += 1

    def take_calls(self) -> Mapping[str, int]:
        """How often each call was made; counting begins anew."""
        with self._lock:
            calls, self._calls = self._calls, Counter()
        return calls

    def take_refusals(self) -> Mapping[str, RefusalTally]:
        """The refusals by source; counting begins anew."""
        with self._lock:
            refusals, self._refusals = self._refusals, {}
        return refusals


class LastCheckpoint:
    """The last signed checkpoint of this process, for whoever passes it on. Empty until there is one."""

    def __init__(self) -> None:
        self.note = ""
