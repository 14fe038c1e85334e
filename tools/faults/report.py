"""A run in two tables and a list of verdicts, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tools.faults.checker import Verdict, hits, is_failed, is_open, is_refused, reason_of, reason_said
from tools.faults.facts import Facts, FaultFacts, SessionFacts
from tools.faults.plan import LOADS, Kind

MIB = 1 << 20
MAX_SHOWN = 20
"""Violations of one rule that are shown."""


def lines(facts: Facts, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The whole report."""
    yield from _faults(facts)
    yield ""
    yield from _sessions(facts)
    yield ""
    yield from _ends(facts)
    yield ""
    for verdict in verdicts:
        yield f"{'VIOLATED' if verdict.violations else 'holds   '}  {verdict.rule}"
        yield from (f"            {violation}" for violation in verdict.violations[:MAX_SHOWN])
        if len(verdict.violations) > MAX_SHOWN:
            yield f"            and {len(verdict.violations) - MAX_SHOWN} more"


def _faults(facts: Facts) -> Iterator[str]:
    """`hit`: had an effect while a transfer ran; `in another`: began while another was under way."""
    yield f"{'fault':28} {'done':>5} {'hit':>5} {'in another':>11}"
    total = Counter[str]()
    for kind in Kind:
        for part in sorted({fault.part for fault in facts.faults if fault.kind is kind}):
            faults = [fault for fault in facts.faults if (fault.kind, fault.part) == (kind, part)]
            counts = {
                "done": sum(fault.done_at is not None for fault in faults),
                "hit": sum(hits(fault, facts) for fault in faults),
                "in another": sum(_is_in_another(fault, facts) for fault in faults),
            }
            total.update(counts)
            name = f"{kind.value}, {part}" if part else kind.value
            yield f"{name:28} {counts['done']:5} {counts['hit']:5} {counts['in another']:11}"
    yield f"{'all':28} {total['done']:5} {total['hit']:5} {total['in another']:11}"


def _is_in_another(fault: FaultFacts, facts: Facts) -> bool:
    moment = fault.begun_at
    if moment is None:
        return False
    return any(other is not fault and _contains(other, moment) for other in facts.faults)


def _contains(fault: FaultFacts, moment: float) -> bool:
    return fault.begun_at is not None and fault.begun_at <= moment and fault.is_under_way(moment, moment)


def _sessions(facts: Facts) -> Iterator[str]:
    yield (
        f"{'load':10} {'begun':>6} {'whole':>6} {'ended':>6} {'refused':>8}"
        f" {'resumes':>8} {'MiB':>8} {'longest gap':>12}"
    )
    for load in LOADS:
        sessions = [session for session in facts.sessions if session.load == load]
        if sessions:
            refused = sum(map(is_refused, sessions))
            whole = sum(session.is_complete for session in sessions)
            gap_s = max(session.longest_gap_s(facts.end) for session in sessions)
            yield (
                f"{load:10} {len(sessions):6} {whole:6} {len(sessions) - whole - refused:6} {refused:8}"
                f" {sum(session.resumes for session in sessions):8}"
                f" {sum(map(_received, sessions)) / MIB:8.1f} {gap_s:10.1f} s"
            )


def _received(session: SessionFacts) -> int:
    return session.receipt.received if session.receipt is not None else 0


def _ends(facts: Facts) -> Iterator[str]:
    """What the server says of the ends, and ssh's user reads."""
    stated = Counter[str]()
    for session in facts.sessions:
        for described in session.described:
            reason = reason_of(described)
            stated[described.status if is_open(described) or reason is None else reason.value] += 1
    yield "the server's reasons"
    yield from (f"  {count:4}  {text}" for text, count in stated.most_common())
    said = Counter(_gist(reason_said(session)) for session in facts.sessions if is_failed(session))
    yield "what ssh said when it failed"
    yield from (f"  {count:4}  {text}" for text, count in said.most_common(12))


def _gist(said: str) -> str:
    """The first line without what differs from session to session."""
    words = (said.splitlines() or [""])[0].split()
    return " ".join(word for word in words if not any(digit in word for digit in "0123456789"))[:100]
