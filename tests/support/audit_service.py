"""The audit operations of a server over a log of the test's own, in memory."""

import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairlead.client.errors import ServiceError
from fairlead.transparency.merkle import consistency_spans, inclusion_spans, leaf_hash
from fairlead.transparency.notes import NoteSigner
from fairlead.transparency.tiles import append, hashes_of


class AuditService:
    """Answers as a server does. `change` alters every answer; `calls` are those that were made."""

    def __init__(self, count: int, first: int = 0, seed: int = 0) -> None:
        self.signer = NoteSigner("fairlead/audit/1", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
        self.events = [f'{{"eventID":"id-{number}"}}' for number in range(count)]
        self.first = first
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        """As `AdminApi.call`."""
        self.calls.append((operation, dict(members)))
        return self.change(getattr(self, f"_{operation}")(members))

    def close(self) -> None:
        """Nothing is open."""

    def note(self, size: int | None = None) -> str:
        """A checkpoint of the log, or of its beginning."""
        size = len(self.events) if size is None else size
        return self.signer.sign(size, hashes_of(self._tiles(), [(0, size)])[0])

    def _tiles(self) -> dict[tuple[int, int], bytes]:
        return append({}, 0, [leaf_hash(event.encode()) for event in self.events])

    def _hashes(self, spans: list[tuple[int, int]]) -> list[str]:
        return [base64.b64encode(each).decode() for each in hashes_of(self._tiles(), spans)]

    def _ExportAuditEvents(self, members: dict[str, Any]) -> dict[str, Any]:
        start = int(members.get("NextToken", self.first))
        end = min(start + members["MaxResults"], len(self.events))
        answer = {"FirstIndex": start, "Events": self.events[start:end]}
        spans = []
        at = 0
        while at < start:
            span = 1 << ((start - at).bit_length() - 1)
            spans.append((at, at + span))
            at += span
        answer["HashesBefore"] = self._hashes(spans)
        return answer | ({"NextToken": str(end)} if end < len(self.events) else {})

    def _GetAuditCheckpoint(self, members: dict[str, Any]) -> dict[str, Any]:
        return {"Checkpoint": self.note(), "PublicKey": str(self.signer.key), "FirstIndex": self.first}

    def _GetAuditConsistencyProof(self, members: dict[str, Any]) -> dict[str, Any]:
        return {"Hashes": self._hashes(consistency_spans(members["FirstSize"], members["SecondSize"]))}

    def _GetAuditInclusionProof(self, members: dict[str, Any]) -> dict[str, Any]:
        index = int(members["EventId"].removeprefix("id-"))
        if index >= len(self.events):
            raise ServiceError("no such event", "ValidationException", 400)
        spans = inclusion_spans(index, members["Size"])
        return {"Event": self.events[index], "Index": index, "Hashes": self._hashes(spans)}
