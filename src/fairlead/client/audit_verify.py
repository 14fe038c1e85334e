"""`fairlead audit verify`: does the audit log hold what it is said to hold, and has it kept what it held?

Offline, an export is compared with its proof; online, the server is asked for proofs. What either of them is
worth depends on the checkpoints that were kept where the server cannot change them, and that is said.
"""

from __future__ import annotations

import json

from fairlead.client.audit_export import PROOF_FORMAT, hashes, number, text
from fairlead.client.errors import ClientError, ServiceError
from fairlead.transparency.merkle import (
    Frontier,
    ProofInvalid,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from fairlead.transparency.notes import (
    Checkpoint,
    NoteInvalid,
    NoteKey,
    parse_key,
    unverified_checkpoint,
)
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fairlead.client.admin_api import AdminApi

MAX_PROOF_BYTES = 64 * 1024
"""Longest proof file that is read. One has some 3 KiB."""
MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longest line of an export."""

NO_OUTSIDE = (
    "No earlier checkpoint from another place was given (--checkpoint). So this proves that what you see is"
    " one log, whole and in order, which the holder of the key has signed. It does not prove that the log was"
    " never rewritten: whoever holds the server's key could have signed another one."
)
UNPINNED = (
    "The key is the one that came with the proof: compare it with one that you wrote down earlier, or name"
    " that (--key)."
)


class ExportProof:
    """What a proof file says."""

    __slots__ = ("consistency", "first_index", "hashes_before", "key", "note")

    def __init__(
        self, note: str, key: NoteKey, first_index: int, hashes_before: list[bytes], consistency: list[bytes]
    ) -> None:
        self.note = note
        self.key = key
        self.first_index = first_index
        self.hashes_before = hashes_before
        self.consistency = consistency


def parse_proof(data: bytes) -> ExportProof:
    """A proof file. Raises `ClientError`."""
    try:
        members = json.loads(data) if len(data) <= MAX_PROOF_BYTES else None
        if not isinstance(members, dict) or members.get("format") != PROOF_FORMAT:
            raise ClientError("the proof is no file that `fairlead audit export --proof` has written")
        return ExportProof(
            text(members, "checkpoint"),
            parse_key(text(members, "publicKey")),
            number(members, "firstIndex"),
            hashes(members, "hashesBefore"),
            hashes(members, "consistency"),
        )
    except (ValueError, RecursionError):
        raise ClientError("the proof is not readable JSON") from None
    except ServiceError:  # of members that are absent or of another kind
        raise ClientError("the proof is incomplete") from None
    except NoteInvalid as error:
        raise ClientError(f"the proof: {error}") from None


class VerifyCommand:
    """One verification. `say` prints a line. `outside`: checkpoints, by the name of where they were."""

    def __init__(
        self, say: Callable[[str], None], key: str | None, outside: Sequence[tuple[str, str]]
    ) -> None:
        """Raises `ClientError` for a key or a checkpoint that cannot be read."""
        self._say = say
        try:
            self._key = None if key is None else parse_key(key)
        except NoteInvalid as error:
            raise ClientError(f"--key: {error}") from None
        self._outside = [(name, _read(name, note)) for name, note in outside]

    def offline(self, lines: Iterable[bytes], proof: ExportProof) -> int:
        """Compare an export with its proof; the exit status. Raises `ClientError` for what does not hold."""
        key = self._key or proof.key
        signed = _verified(key, proof.note)
        try:
            frontier = Frontier(proof.first_index, proof.hashes_before)
        except ValueError as error:
            raise ClientError(f"the proof does not fit together: {error}") from None
        wanted = {checkpoint.size for _, checkpoint in self._outside}
        roots = {frontier.size: frontier.root()}
        for line in lines:
            if not line.endswith(b"\n") or len(line) > MAX_LINE_BYTES:
                raise ClientError(f"line {frontier.size - proof.first_index + 1} of the export is cut off")
            frontier.append(leaf_hash(line[:-1]))
            if frontier.size in wanted:
                roots[frontier.size] = frontier.root()
        try:
            verify_consistency(frontier.size, signed.size, frontier.root(), signed.root, proof.consistency)
        except ProofInvalid:
            raise ClientError(
                "the export is not what the checkpoint covers: an event was changed, removed, added or moved"
            ) from None
        count = frontier.size - proof.first_index
        self._say(
            f"{count} events, numbers {proof.first_index} to {frontier.size - 1}, are in the log of"
            f" {signed.size} events, unchanged, in order and without a gap."
            if count
            else "The export holds no event; its proof fits the checkpoint."
        )
        unchecked = [each for each in self._outside if each[1].size not in roots]
        for name, checkpoint in self._outside:
            if checkpoint.size in roots:
                self._same_root(name, checkpoint, roots[checkpoint.size])
        for name, checkpoint in unchecked:
            self._say(
                f"{name}: NOT compared. It covers {checkpoint.size} events, which this export alone cannot"
                " show; leave out --export to ask the server for the proof."
            )
        self._conclude(key, len(self._outside) > len(unchecked))
        return 1 if unchecked else 0

    def online(self, api: AdminApi, event_ids: Sequence[str]) -> int:
        """Ask the server for proofs; the exit status. Raises `ClientError` for what does not hold, and as
        `AdminApi.call`."""
        answer = api.call("GetAuditCheckpoint", {})
        try:
            key = self._key or parse_key(text(answer, "PublicKey"))
        except NoteInvalid as error:
            raise ClientError(f"the server's key: {error}") from None
        signed = _verified(key, text(answer, "Checkpoint"))
        self._say(f"The log has {signed.size} events, signed with {key}.")
        first = number(answer, "FirstIndex")
        if first:
            self._say(f"Retention has removed the first {first} of them; proofs still reach back to there.")
        for event_id in event_ids:
            self._event(api, event_id, signed)
        for name, checkpoint in self._outside:
            self._consistent(api, name, checkpoint, signed)
        self._conclude(key, bool(self._outside))
        return 0

    def _event(self, api: AdminApi, event_id: str, signed: Checkpoint) -> None:
        answer = api.call("GetAuditInclusionProof", {"EventId": event_id, "Size": signed.size})
        event, index = text(answer, "Event"), number(answer, "Index")
        leaf = leaf_hash(event.encode("utf-8", "replace"))
        try:
            verify_inclusion(leaf, index, signed.size, hashes(answer, "Hashes"), signed.root)
        except ProofInvalid as error:
            raise ClientError(f"event {printable(event_id, 64)} is not proved: {error}") from None
        self._say(f"Event {printable(event_id, 64)} is number {index} of the log: {printable(event, 4000)}")

    def _consistent(self, api: AdminApi, name: str, checkpoint: Checkpoint, signed: Checkpoint) -> None:
        if checkpoint.size > signed.size:
            raise ClientError(
                f"{name}: it covers {checkpoint.size} events, and the log has {signed.size}:"
                " events were removed"
            )
        members: dict[str, object] = {"FirstSize": checkpoint.size, "SecondSize": signed.size}
        proof = hashes(api.call("GetAuditConsistencyProof", members), "Hashes")
        try:
            verify_consistency(checkpoint.size, signed.size, checkpoint.root, signed.root, proof)
        except ProofInvalid as error:
            raise ClientError(f"{name}: the log was rewritten: {error}") from None
        self._say(f"{name}: the first {checkpoint.size} events are those of this checkpoint.")

    def _same_root(self, name: str, checkpoint: Checkpoint, root: bytes) -> None:
        if root != checkpoint.root:
            raise ClientError(
                f"{name}: the log was rewritten: its first {checkpoint.size} events were others"
            )
        self._say(f"{name}: the first {checkpoint.size} events are those of this checkpoint.")

    def _conclude(self, key: NoteKey, has_outside: bool) -> None:
        if has_outside:
            self._say(
                "So nothing was changed in or removed from what those checkpoints cover since they were kept,"
                " as far as the places they come from are out of the server's reach."
            )
        else:
            self._say(NO_OUTSIDE)
        if self._key is None:
            self._say(f"{UNPINNED} {key}")


def _read(name: str, note: str) -> Checkpoint:
    try:
        return unverified_checkpoint(note)
    except NoteInvalid as error:
        raise ClientError(f"{name}: {error}") from None


def _verified(key: NoteKey, note: str) -> Checkpoint:
    try:
        checkpoint = key.verify(note)
    except NoteInvalid as error:
        raise ClientError(str(error)) from None
    if checkpoint.origin != key.name:
        raise ClientError(f"the checkpoint is of another log: {printable(checkpoint.origin, 200)}")
    return checkpoint
