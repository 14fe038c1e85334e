"""One run: start everything, put it under load, inject the plan, end in good order, ask what became of it."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tools.faults.history import STOOD_STILL, History
from tools.faults.injector import Injector
from tools.faults.loads import Loads
from tools.faults.plan import Fault
from tools.faults.sessions import Session
from tools.faults.site import Site

STALL_LIMIT_S = 200.0
"""No session may stand still for so long: many times what the longest fault and a slow machine's return take,
and below the resume window, at whose end a session that does not come back would end by itself."""

SETTLE_TIMEOUT_S = 60.0
"""For the server to notice that sessions have ended, and for far ends to leave their report."""

AWAITED_TIMEOUT_S = 5.0
"""The same where the server waits for an end that may not come back before its window is over."""

TELL_EVERY_S = 10.0
POLL_S = 0.02


class Run:
    """A run of one plan in a directory of its own."""

    def __init__(self, seed: int, plan: list[Fault], history: History, say: Callable[[str], None]) -> None:
        self._seed = seed
        self._plan = plan
        self._history = history
        self._say = say
        self._begun = 0
        self._tell_at = 0.0

    def carry_out(self, directory: Path) -> None:
        """From start to end. Raises what the harness itself failed with."""
        write = self._history.write
        write("run", seed=self._seed, faults=len(self._plan), stall_limit_s=STALL_LIMIT_S)
        for fault in self._plan:
            write("planned", **{**asdict(fault), "kind": fault.kind.value})
        site = Site(directory, self._history)
        loads = Loads(self._seed, site.start_session)
        try:
            site.start()
            try:
                loads.start()
                self._inject(site, loads)
            finally:
                loads.stop()
            loads.check()
            self._ask(site, loads.sessions)
        finally:
            site.stop()

    def _inject(self, site: Site, loads: Loads) -> None:
        injector = Injector(site, loads, self._history, lambda: self._watch(loads))
        ahead = time.monotonic()
        for fault in self._plan:
            while (wait_s := ahead + fault.at_s - time.monotonic()) > 0:
                self._watch(loads)
                time.sleep(min(wait_s, POLL_S))
            injector.inject(fault)
            self._begun += 1
            # What comes later than planned moves everything behind it.
            ahead = max(ahead, time.monotonic() - fault.at_s)
        injector.join()

    def _watch(self, loads: Loads) -> None:
        """Give up what stands still, and tell how far the run is."""
        loads.check()
        now = self._history.now()
        for session in loads.current.values():
            if now - session.progress_at > STALL_LIMIT_S:
                session.kill(STOOD_STILL)
        if now >= self._tell_at:
            self._tell_at = now + TELL_EVERY_S
            running, begun = len(loads.running), len(loads.sessions)
            self._say(
                f"{now:6.0f} s  {self._begun:4} of {len(self._plan)} faults"
                f"  {begun:3} sessions begun, {running} running"
            )

    def _ask(self, site: Site, sessions: list[Session]) -> None:
        """Put the far ends' and the server's own words into the history."""
        began = time.monotonic()
        missing = [session for session in sessions if session.has_far_report]
        while True:
            missing = [session for session in missing if not session.record_far_report()]
            active = site.described("Active")
            awaited = {
                entry["Reason"] for entry in active if entry["Status"] in ("Connecting", "Disconnected")
            }
            still_there = {session.name for session in missing if session.received}
            is_certain = len(awaited) == len(active) and awaited >= still_there
            limit_s = AWAITED_TIMEOUT_S if is_certain else SETTLE_TIMEOUT_S
            if not (still_there or active) or time.monotonic() - began > limit_s:
                break
            time.sleep(0.5)
        for entry in [*active, *site.described("History")]:
            self._history.write(
                "described",
                session=entry.get("Reason", ""),
                session_id=entry["SessionId"],
                status=entry["Status"],
                started=round(self._history.moment_of(entry["StartDate"].timestamp()), 3),
                details=entry.get("Details", ""),
            )
        self._history.write("over")
