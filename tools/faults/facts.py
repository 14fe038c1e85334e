"""A history as facts: faults and sessions of a run, each with everything that was recorded of it. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.faults.content import Piece, Receipt
from tools.faults.history import Event
from tools.faults.plan import Kind


@dataclass(slots=True, kw_only=True)
class FaultFacts:
    """One planned fault. Times are None while it has not begun or is not over."""

    number: int
    kind: Kind
    part: str
    begun_at: float | None = None
    done_at: float | None = None
    session: str = ""
    """The session that it aimed at, for a kind that aims at one."""
    effect: int = 0
    """How many connections, processes or sessions it hit."""

    def is_under_way(self, begin: float, end: float) -> bool:
        """True if it was under way at some moment between these."""
        if self.begun_at is None or self.begun_at > end:
            return False
        return self.done_at is None or self.done_at >= begin


@dataclass(slots=True, kw_only=True)
class Described:
    """A session in the words of the server."""

    session_id: str
    status: str
    started_at: float
    details: str


@dataclass(slots=True, kw_only=True)
class SessionFacts:
    """One ssh session. `described` has every session at the server that was started for it."""

    name: str
    load: str
    form: str
    key: str
    begun_at: float
    ended_at: float | None = None
    status: int | None = None
    ended_by: str = ""
    """What the harness killed it for; empty if it did not."""
    stderr: str = ""
    sent: int | None = None
    receipt: Receipt | None = None
    has_far_report: bool = False
    opened_at: list[float] = field(default_factory=list)
    progress: list[tuple[float, int]] = field(default_factory=list)
    """Moments, and how many bytes had arrived."""
    described: list[Described] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """ssh says that everything went well."""
        return self.status == 0

    @property
    def resumes(self) -> int:
        """How often its client has come back."""
        return max(0, len(self.opened_at) - 1)

    def is_running(self, moment: float) -> bool:
        """True if data was flowing, or would have been if nothing had been in its way."""
        has_begun = bool(self.progress) and self.progress[0][0] <= moment
        return has_begun and (self.ended_at is None or moment < self.ended_at)

    def longest_gap_s(self, run_end: float) -> float:
        """The longest time in which nothing arrived, until its end or the run's."""
        end = run_end if self.ended_at is None else self.ended_at
        moments = [self.begun_at, *(moment for moment, _ in self.progress), max(self.begun_at, end)]
        return max(after - before for before, after in itertools.pairwise(moments))


@dataclass(slots=True)
class Facts:
    """A whole run. `foreign` are sessions at the server that nobody here began."""

    seed: int = 0
    stall_limit_s: float = 0.0
    end: float = 0.0
    is_over: bool = False
    faults: list[FaultFacts] = field(default_factory=list)
    sessions: list[SessionFacts] = field(default_factory=list)
    foreign: list[Described] = field(default_factory=list)


def facts_of(events: Sequence[Event]) -> Facts:
    """The facts of a history in the order of time. Raises KeyError for one that contradicts itself."""
    facts = Facts()
    faults: dict[int, FaultFacts] = {}
    sessions: dict[str, SessionFacts] = {}
    for event in (event for event in events if event["event"] == "begun"):
        name = event["session"]
        about = {member: event[member] for member in ("load", "form", "key")}
        sessions[name] = SessionFacts(name=name, begun_at=event["t"], **about)
    for event in events:
        facts.end = max(facts.end, event["t"])
        match event["event"]:
            case "run":
                facts.seed, facts.stall_limit_s = event["seed"], event["stall_limit_s"]
            case "planned":
                number = event["number"]
                faults[number] = FaultFacts(number=number, kind=Kind(event["kind"]), part=event["part"])
            case "fault":
                _add_phase(faults[event["number"]], event)
            case "over":
                facts.is_over = True
            case "described":
                _add_described(facts, sessions, event)
            case "opened" | "progress" | "ended" | "far end":
                _add_to_session(sessions[event["session"]], event)
    facts.faults, facts.sessions = list(faults.values()), list(sessions.values())
    return facts


def _add_phase(fault: FaultFacts, event: Event) -> None:
    if event["phase"] == "begun":
        fault.begun_at, fault.session = event["t"], event["session"]
    else:
        fault.done_at, fault.effect = event["t"], event["effect"]


def _add_described(facts: Facts, sessions: dict[str, SessionFacts], event: Event) -> None:
    described = Described(
        session_id=event["session_id"],
        status=event["status"],
        started_at=event["started"],
        details=event["details"],
    )
    known = sessions.get(event["session"])
    (facts.foreign if known is None else known.described).append(described)


def _add_to_session(session: SessionFacts, event: Event) -> None:
    match event["event"]:
        case "opened":
            session.opened_at.append(event["t"])
        case "progress":
            session.progress.append((event["t"], event["bytes"]))
        case "ended":
            session.ended_at, session.status = event["t"], event["status"]
            session.ended_by, session.stderr = event["by"], event["stderr"]
            if event["sent"] is not None:
                session.sent = event["sent"]
            if event["receipt"] is not None:
                session.receipt = _receipt(event["receipt"])
        case "far end":
            session.has_far_report = True
            if "pieces" in event["report"]:
                session.receipt = _receipt(event["report"])
            else:
                session.sent = event["report"]["sent"]


def _receipt(record: dict[str, Any]) -> Receipt:  # Any: as JSON has it
    pieces = tuple(Piece(start, size) for start, size in record["pieces"])
    return Receipt(record["received"], record["sha256"], pieces)
