"""What a history proves: a verdict for each rule, with every violation named. Pure.

The rules are about facts alone. None asks how fast anything was, but for one: that no session stood still for
many times longer than any fault lasted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairlead.domain.sessions import EndReason
from tools.faults.content import Piece, content_of, sha256_of
from tools.faults.facts import Described, Facts, FaultFacts, SessionFacts
from tools.faults.history import DID_NOT_END
from tools.faults.plan import SERVER_KILL_SHARE, Kind

RESUME_WINDOW_S = 300.0
"""The default of server, agent and client: every break of a run is shorter."""

CONNECT_TIME_S = 90.0
"""The server waits for both sides of a new session for 60 s; it may have been away when they were over."""

RECOVERY_S = 60.0
"""So long after a fault, a session that cannot begin may still have it to thank: a node has to come back."""

NOT_CARRIED = "in no state to be kept"
"""What an agent says that was restarted in a moment of decision 0010 that only a session can be in which does
not flow yet: while its target's first words are on their way."""

NOT_JOINED = "the node did not join the session within"
"""What a client says whose session the node, being away, did not take up within the time for that."""

CLIENT_PREFIX = "fairlead proxy: "
"""How a reason begins on ssh's stderr."""

TRYING = "; trying again for up to "
"""In what a client says when its first connection takes longer, which is no reason for an end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule, and how it was broken: not at all if `violations` is empty."""

    rule: str
    violations: tuple[str, ...]


def check(facts: Facts) -> list[Verdict]:
    """Hold a run to every rule."""
    return [Verdict(rule, tuple(find(facts))) for rule, find in RULES.items()]


# -- the run itself --


def _not_carried_out(facts: Facts) -> Iterator[str]:
    if not facts.is_over:
        yield "the history has no end: the run was broken off"
    for fault in facts.faults:
        if fault.begun_at is None:
            yield f"fault {fault.number}, {fault.kind.value}, has not begun"
        elif fault.done_at is None:
            yield f"fault {fault.number}, {fault.kind.value}, is not over"
    kills = sum(fault.kind is Kind.SERVER_KILL for fault in facts.faults)
    if kills > max(1.0, SERVER_KILL_SHARE * len(facts.faults)):
        yield f"{kills} of {len(facts.faults)} faults are kills of the server"


def _without_hit(facts: Facts) -> Iterator[str]:
    for kind in Kind:
        faults = [fault for fault in facts.faults if fault.kind is kind]
        if faults and not any(hits(fault, facts) for fault in faults):
            yield f"{kind.value}: none of {len(faults)} hit a running transfer"


def hits(fault: FaultFacts, facts: Facts) -> bool:
    """True if the fault had an effect while a transfer was running."""
    moment = fault.begun_at
    if moment is None or not fault.effect:
        return False
    return any(session.is_running(moment) for session in facts.sessions)


# -- every byte --


def displaced(pieces: tuple[Piece, ...]) -> dict[str, int]:
    """How many bytes were lost, doubled, reordered or changed on the way; empty for a clean receipt.

    A byte that is missing is lost if a later one came and it never did, reordered if it came after a later
    one, doubled if it came again, changed if it is nowhere in the stream.
    """
    found: dict[str, int] = {}
    missing: list[tuple[int, int]] = []
    reached = 0
    for start, size in pieces:
        if start is None:
            found["changed"] = found.get("changed", 0) + size
            continue
        end = start + size
        if start > reached:
            missing.append((reached, start))
        elif start < reached:
            late, missing = _fill(missing, start, min(end, reached))
            again = min(end, reached) - start - late
            for what, count in (("reordered", late), ("doubled", again)):
                if count:
                    found[what] = found.get(what, 0) + count
        reached = max(reached, end)
    if missing:
        found["lost"] = sum(end - start for start, end in missing)
    return found


def _fill(missing: list[tuple[int, int]], start: int, end: int) -> tuple[int, list[tuple[int, int]]]:
    """How many missing bytes are between `start` and `end`, and what is missing without them."""
    filled = 0
    left: list[tuple[int, int]] = []
    for low, high in missing:
        filled += max(0, min(high, end) - max(low, start))
        left += [gap for gap in ((low, min(high, start)), (max(low, end), high)) if gap[0] < gap[1]]
    return filled, left


def _bytes(what: str) -> Callable[[Facts], Iterator[str]]:
    def find(facts: Facts) -> Iterator[str]:
        for session in facts.sessions:
            if session.receipt is not None:
                count = displaced(session.receipt.pieces).get(what, 0)
                if count:
                    yield f"{session.name}: {count} bytes {what}; pieces {session.receipt.pieces[:6]}"

    return find


def _wrong_sums(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        receipt = session.receipt
        if receipt is not None and receipt.received:
            expected = sha256_of(content_of(session.form, session.key), receipt.received)
            if receipt.sha256 != expected:
                yield f"{session.name}: SHA-256 {receipt.sha256} of {receipt.received} bytes, not {expected}"


def _not_whole(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        if session.is_complete:
            received = None if session.receipt is None else session.receipt.received
            if session.sent is None or received != session.sent:
                yield f"{session.name}: ssh ended well, but {received} bytes of {session.sent} arrived"


# -- every session --


def _stood_still(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        gap_s = session.longest_gap_s(facts.end)
        if gap_s > facts.stall_limit_s:
            yield f"{session.name}: nothing arrived for {gap_s:.1f} s"
        elif session.ended_by == DID_NOT_END:
            yield f"{session.name}: it was told to end, and did not"


def _vanished(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        if session.ended_at is None:
            yield f"{session.name}: no end is recorded"
        elif session.opened_at and not session.described:
            yield f"{session.name}: the server does not know it"
    for described in facts.foreign:
        yield f"{described.session_id}: nobody began it"


def _without_reason(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        said = reason_said(session)
        if session.is_complete and said:
            yield f"{session.name}: ended well and said {_first_line(said)!r}"
        if is_failed(session) and CLIENT_PREFIX not in said:
            yield f"{session.name}: status {session.status} without a reason: {_first_line(said)!r}"


def _needless_ends(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        if is_failed(session) and cause_of(session, facts) is None:
            yield f"{session.name}: no break was long enough for this: {_first_line(reason_said(session))!r}"


def reason_said(session: SessionFacts) -> str:
    """What ssh's stderr holds, but for the news that a first connection was tried again."""
    return "\n".join(line for line in session.stderr.splitlines() if TRYING not in line)


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]


def is_failed(session: SessionFacts) -> bool:
    """True if ssh failed by itself."""
    return session.status not in (None, 0) and not session.ended_by


def is_refused(session: SessionFacts) -> bool:
    """True if it could not even begin: it was not started, or its node did not join it in time."""
    is_alone = not session.progress and NOT_JOINED in session.stderr
    return is_failed(session) and (is_alone or not session.opened_at)


def cause_of(session: SessionFacts, facts: Facts) -> Kind | None:
    """The kind of fault that explains why ssh failed; None if none does.

    Only two kinds may end a session in which data flows; any may keep one from beginning.
    """
    assert session.ended_at is not None
    recovery_s = RECOVERY_S if is_refused(session) else 0.0
    for fault in facts.faults:
        if fault.is_under_way(session.begun_at - recovery_s, session.ended_at):
            if is_refused(session) or fault.kind is Kind.AGENT_KILL:
                return fault.kind
            if fault.kind is Kind.TERMINATE and fault.session == session.name:
                return fault.kind
            if fault.kind is Kind.AGENT_RESTART and not session.progress and NOT_CARRIED in session.stderr:
                return fault.kind
    return None


def reason_of(described: Described) -> EndReason | None:
    """The reason for its end that the server states; None if it states none that there is."""
    stated = (reason for reason in EndReason if described.details.startswith(reason.value))
    return next(stated, None)


def _not_stated(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        for described in session.described:
            what = f"{session.name}, {described.session_id}: {described.status} {described.details!r}"
            if is_open(described):
                if not is_awaited(session, described, facts):
                    yield f"{what} at the end of the run"
            elif reason_of(described) in (None, EndReason.PROTOCOL_VIOLATION):
                yield what


def is_open(described: Described) -> bool:
    """True if the session is not over."""
    return described.status not in ("Terminated", "Failed")


def is_awaited(session: SessionFacts, described: Described, facts: Facts) -> bool:
    """True if the session is still open for a good reason: its client could not say goodbye, and the server
    waits for it until the end of its window; or its client never heard that it was started."""
    if described.status == "Connecting":
        return not session.opened_at and facts.end - described.started_at < CONNECT_TIME_S
    ended_at = session.ended_at
    return (
        described.status == "Disconnected" and ended_at is not None and facts.end - ended_at < RESUME_WINDOW_S
    )


def _left_behind(facts: Facts) -> Iterator[str]:
    for session in facts.sessions:
        is_held = any(is_open(described) for described in session.described)
        if session.load != "echo" and session.progress and not session.has_far_report and not is_held:
            yield f"{session.name}: it is over, but its far end still runs"


RULES: dict[str, Callable[[Facts], Iterator[str]]] = {
    "every planned fault was carried out": _not_carried_out,
    "each kind of fault hit a running transfer": _without_hit,
    "no byte was lost": _bytes("lost"),
    "no byte was doubled": _bytes("doubled"),
    "no byte was reordered": _bytes("reordered"),
    "no byte was changed": _bytes("changed"),
    "all checksums are right": _wrong_sums,
    "what ended well is whole": _not_whole,
    "no session stood still": _stood_still,
    "no session vanished": _vanished,
    "no session ended without a reason on stderr": _without_reason,
    "no session ended but by a fault that may end it": _needless_ends,
    "the server states how each session ended": _not_stated,
    "no far end outlived its session": _left_behind,
}
