"""The history of a run: one JSON object on a line for everything that happened.

Each has `t`, seconds since the run began on a clock that never jumps, and `event`, which says what the other
members are; docs/faults.md lists them. Lines may stand a little out of order: several threads write.
"""

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

Event = dict[str, Any]  # Any: each event has members of its own

STOOD_STILL, DID_NOT_END, CLIENT_KILL = "stood still", "did not end", "client kill"
"""What the harness kills an ssh for, as `by` of the event `ended`."""


class History:
    """Writes a history; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._began = time.monotonic()
        self._wall_offset = time.time() - self._began
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8")

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._file.close()

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def moment_of(self, wall_s: float) -> float:
        """The same of a time on the wall's clock, as logs have it."""
        return wall_s - self._wall_offset - self._began

    def write(self, event: str, t: float | None = None, /, **members: object) -> None:
        """Add an event that happens now, or happened at `t`. A closed history takes no more."""
        line = json.dumps({"t": round(self.now() if t is None else t, 3), "event": event, **members})
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()


def read_events(lines: Iterable[str]) -> list[Event]:
    """The events of a history in the order of their time. Raises ValueError for what is none."""
    events = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(event, dict) and "t" in event and "event" in event for event in events):
        raise ValueError("not a history: a line without `t` or `event`")
    return sorted(events, key=lambda event: float(event["t"]))
