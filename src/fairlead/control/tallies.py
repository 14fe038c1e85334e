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

    def add(self, other: "RefusalTally") -> None:
        """Count those of another one, too."""
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        for code, count in other.codes.items():
            is_told_apart = code in self.codes or len(self.codes) < MAX_CODES
            self.codes[code if is_told_apart else OTHERS] += count


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
        self.put_back_refusals({source: RefusalTally(now, now, Counter({code: 1}))})

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

    def put_back_calls(self, calls: Mapping[str, int]) -> None:
        """Count what was taken and could not be recorded."""
        with self._lock:
            self._calls.update(calls)

    def put_back_refusals(self, refusals: Mapping[str, RefusalTally]) -> None:
        """Count what was taken and could not be recorded."""
        with self._lock:
            for source, tally in refusals.items():
                is_told_apart = source in self._refusals or len(self._refusals) < MAX_SOURCES
                before = self._refusals.setdefault(
                    source if is_told_apart else OTHERS, RefusalTally(tally.first_at, tally.last_at)
                )
                before.add(tally)


class LastCheckpoint:
    """The last signed checkpoint of this process, for whoever passes it on. Empty until there is one."""

    def __init__(self) -> None:
        self.note = ""
