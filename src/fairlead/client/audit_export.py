"""`fairlead audit export`: the audit log as JSON Lines, and beside it what proves that it is the log.

A line is one event, byte for byte as the log holds it. The proof is a JSON object: the checkpoint and the key
that it is signed with, the place of the first line, the hashes of the complete subtrees over what stands
before it, and the consistency proof from the last line to the checkpoint (`audit_verify` reads it).
"""

from __future__ import annotations

import base64
import binascii
from itertools import chain

from fairlead.client.answers import pages, unreadable
from fairlead.client.errors import ServiceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fairlead.client.admin_api import AdminApi

PROOF_FORMAT = "fairlead-audit-proof/1"
PAGE = 500


class ExportCommand:
    """One export. `write` takes a line with its end."""

    def __init__(self, api: AdminApi, write: Callable[[str], object]) -> None:
        self._api = api
        self._write = write

    def export(self, start: float | None, end: float | None) -> dict[str, Any]:
        """Write the events from `start` to before `end` (epoch seconds), and give their proof.

        One page is held at a time. Raises `ServiceError`, `CredentialsError` or a `TransportError`.
        """
        members: dict[str, Any] = {"MaxResults": PAGE}
        if start is not None:
            members["StartTime"] = start
        if end is not None:
            members["EndTime"] = end
        answers = pages(self._api, "ExportAuditEvents", members)
        opening = next(answers)
        first = number(opening, "FirstIndex")
        hashes_before = texts(opening, "HashesBefore")
        following = first
        for answer in chain((opening,), answers):
            if number(answer, "FirstIndex") != following:
                raise unreadable()
            for event in texts(answer, "Events"):
                if "\n" in event:
                    raise unreadable()
                self._write(event + "\n")
                following += 1
        return self._proof(first, following, hashes_before)

    def _proof(self, first: int, end: int, hashes_before: list[str]) -> dict[str, Any]:
        from fairlead.transparency.notes import NoteInvalid, unverified_checkpoint

        answer = self._api.call("GetAuditCheckpoint", {})
        note = text(answer, "Checkpoint")
        try:
            size = unverified_checkpoint(note).size
        except NoteInvalid as error:
            raise ServiceError(f"the server's checkpoint cannot be read: {error}", "", 200) from None
        proof = self._api.call("GetAuditConsistencyProof", {"FirstSize": end, "SecondSize": size})
        return {
            "format": PROOF_FORMAT,
            "publicKey": text(answer, "PublicKey"),
            "checkpoint": note,
            "firstIndex": first,
            "hashesBefore": hashes_before,
            "consistency": texts(proof, "Hashes"),
        }


def number(answer: dict[str, Any], name: str) -> int:
    """A member of an answer. Raises ServiceError."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise unreadable()
    return value


def text(answer: dict[str, Any], name: str) -> str:
    """As `number`."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise unreadable()
    return value


def texts(answer: dict[str, Any], name: str) -> list[str]:
    """As `number`; an absent list is empty."""
    value = answer.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise unreadable()
    return value


def hashes(answer: dict[str, Any], name: str) -> list[bytes]:
    """A list of hashes in base64. Raises ServiceError."""
    try:
        return [base64.b64decode(each.encode("ascii"), validate=True) for each in texts(answer, name)]
    except (binascii.Error, UnicodeEncodeError):
        raise unreadable() from None
