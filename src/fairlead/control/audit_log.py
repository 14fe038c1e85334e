"""The audit log: events get their places after the commit, a tree over them grows, checkpoints say how far.

An event that was written in the transaction of its call is *pending*. One writer at a time gives pending
events their places in the log, without gaps, a hundred in a transaction, so that calls hardly wait for
it. A checkpoint signs the size of the log and the root over it; what was signed must stay true for ever.
"""

from dataclasses import dataclass
from datetime import timedelta

from fairlead.control.audit import service_record
from fairlead.control.environment import Environment
from fairlead.control.tallies import OTHERS, RefusalTally
from fairlead.domain.audit import AuditRecord
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.transparency.merkle import Span, leaf_hash
from fairlead.transparency.notes import NoteSigner
from fairlead.transparency.tiles import append, hashes_of, last_tiles, tiles_of

BATCH_EVENTS = 100
"""Events that get their places, or are deleted, in one transaction."""
MAX_BATCHES = 500
"""Transactions for one reader; what is pending beyond is not shown to him yet."""
RECORDED_SOURCES = 20
"""Sources of unauthenticated refusals that get a record of their own in each turn: those with the most."""


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and how many events it covers."""

    size: int
    note: str


class AuditLog:
    """The writer's side of the log. Every method is called on a database thread."""

    def __init__(self, env: Environment, signer: NoteSigner) -> None:
        self._env = env
        self.key = signer.key
        self._signer = signer
        self._last: SignedCheckpoint | None = None

    def sequence(self) -> None:
        """Give every pending event its place."""
        for _ in range(MAX_BATCHES):
            if not self.sequence_batch():
                return

    def sequence_batch(self) -> bool:
        """Give some pending events their places. False if none is left."""
        with self._env.store.read() as uow:
            if not uow.audit.pending(1):
                return False
        with self._env.store.transaction() as uow:
            size = uow.audit.size(to_change=True)
            events = uow.audit.pending(BATCH_EVENTS)
            leaves = [leaf_hash(event.text.encode()) for event in events]
            tiles = append(uow.audit.tiles(last_tiles(size)), size, leaves)
            uow.audit.sequence(size, events, tiles)
        return len(events) == BATCH_EVENTS

    def checkpoint(self) -> SignedCheckpoint:
        """Sequence what is pending, and sign what the log is now."""
        self.sequence()
        with self._env.store.read() as uow:
            size = uow.audit.size()
        if self._last is None or self._last.size != size:
            self._last = self._sign()
            self._env.last_checkpoint.note = self._last.note
        return self._last

    def cut_batch(self) -> int:
        """Forget some events that are older than they are kept, up to a checkpoint; return how many."""
        oldest = self._env.now() - timedelta(days=self._env.settings.audit_days)
        with self._env.store.read() as uow:
            size = uow.audit.checkpoint_before(oldest)
        if size is None:
            return 0
        with self._env.store.transaction() as uow:
            return uow.audit.cut(size, BATCH_EVENTS)

    def record_refusals(self) -> None:
        """Record the unauthenticated refusals since the last time: by source, the rest together."""
        taken = self._env.tallies.take_refusals()
        if not taken:
            return
        try:
            self._record_refusals(dict(taken))
        except BaseException:
            self._env.tallies.put_back_refusals(taken)
            raise

    def _record_refusals(self, refusals: dict[str, RefusalTally]) -> None:
        others = refusals.pop(OTHERS, None)
        named = sorted(refusals.items(), key=lambda entry: -entry[1].count)
        unnamed = [tally for _, tally in named[RECORDED_SOURCES:]] + ([others] if others is not None else [])
        with self._env.store.transaction() as uow:
            for source, tally in named[:RECORDED_SOURCES]:
                uow.audit.add(self._refusal_record(source, tally))
            if unnamed:
                uow.audit.add(self._refusal_record("", _merged(unnamed)))

    def record_node_calls(self) -> None:
        """Record how often nodes made calls that leave no record of their own."""
        calls = self._env.tallies.take_calls()
        if not calls:
            return
        try:
            with self._env.store.transaction() as uow:
                uow.audit.add(service_record(self._env, "NodeCalls", {"counts": dict(calls)}))
        except BaseException:
            self._env.tallies.put_back_calls(calls)
            raise

    def _sign(self) -> SignedCheckpoint:
        with self._env.store.transaction() as uow:
            size = uow.audit.size(to_change=True)
            (root,) = span_hashes(uow, [(0, size)])
            note = self._signer.sign(size, root)
            uow.audit.keep_checkpoint(size, self._env.now(), note)
        return SignedCheckpoint(size, note)

    def _refusal_record(self, source: str, tally: RefusalTally) -> AuditRecord:
        details = {
            "count": tally.count,
            "errorCodes": dict(tally.codes),
            "firstAt": tally.first_at.isoformat(timespec="seconds"),
            "lastAt": tally.last_at.isoformat(timespec="seconds"),
        }
        return service_record(self._env, "UnauthenticatedCallsRefused", details, source)


def span_hashes(uow: UnitOfWork, spans: list[Span]) -> list[bytes]:
    """The hashes of subtrees of the log as it is kept. Raises KeyError if retention has cut one of them."""
    return hashes_of(uow.audit.tiles(sorted(tiles_of(spans))), spans)


def _merged(tallies: list[RefusalTally]) -> RefusalTally:
    merged = RefusalTally(tallies[0].first_at, tallies[0].last_at)
    for each in tallies:
        merged.add(each)
    return merged
