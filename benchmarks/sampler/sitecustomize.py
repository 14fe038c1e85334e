"""Put on PYTHONPATH by `benchmarks.profile`: a process that can be asked where its CPU time goes.

The first SIGUSR2 starts samples, one per millisecond of CPU time; the second one stops them and writes, to
the file `FAIRLEAD_SAMPLES` + process id, a JSON list of [file, function, count]. A sample counts for the
Python function that runs; what it calls in C or in the kernel counts for it.
"""

import os
import signal
from collections import Counter
from types import CodeType, FrameType

INTERVAL_S = 0.001
STARTS_AND_STOPS = signal.SIGUSR2


class Sampler:
    """Counts of the functions that were seen."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._counts: Counter[CodeType] = Counter()
        self._runs = False

    def toggle(self, _number: int, _frame: FrameType | None) -> None:
        """Begin, or end and write."""
        self._runs = not self._runs
        signal.setitimer(signal.ITIMER_PROF, *((INTERVAL_S, INTERVAL_S) if self._runs else (0.0, 0.0)))
        if not self._runs:
            self._write()

    def sample(self, _number: int, frame: FrameType | None) -> None:
        """Another millisecond of CPU time has passed."""
        if frame is not None:
            self._counts[frame.f_code] += 1

    def _write(self) -> None:
        import json  # here, so that a client starts with what it imports itself

        found = [[code.co_filename, code.co_qualname, count] for code, count in self._counts.items()]
        self._counts.clear()
        path = f"{self._prefix}{os.getpid()}"
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.replace(path + ".part", path)


if prefix := os.environ.get("FAIRLEAD_SAMPLES"):
    sampler = Sampler(prefix)
    signal.signal(signal.SIGPROF, sampler.sample)
    signal.signal(STARTS_AND_STOPS, sampler.toggle)
