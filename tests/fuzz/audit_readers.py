"""Readers of what an audit log says of itself, and of what was kept of it."""

import json
from collections.abc import Iterator

from fairlead.agent.audit_checkpoint import covered
from fairlead.client.audit_export import PROOF_FORMAT
from fairlead.client.audit_verify import ExportProof, parse_proof
from fairlead.transparency.notes import parse_checkpoint, parse_key, unverified_checkpoint
from tests.support.audit_service import AuditService

SERVICE = AuditService(3)


def read_note(data: bytes) -> None:
    """What was read is written as it was; an agent sees the same size, or keeps away from it."""
    note = data.decode("utf-8", "surrogateescape")
    size = covered(note)
    checkpoint = unverified_checkpoint(note)
    assert parse_checkpoint(checkpoint.text()) == checkpoint
    assert size in (None, checkpoint.size)


def read_key(data: bytes) -> None:
    """A key that is accepted is written as it was."""
    text = data.decode("utf-8", "surrogateescape")
    assert str(parse_key(text)) == text.strip()


def read_proof(data: bytes) -> None:
    """A proof has a key and hashes, whatever they are worth."""
    assert isinstance(parse_proof(data), ExportProof)


def note_seeds() -> Iterator[bytes]:
    """A good one first."""
    yield SERVICE.note().encode()
    yield (SERVICE.note() + "— witness AAAAAAAA\n").encode()


def key_seeds() -> Iterator[bytes]:
    """A good one first."""
    yield str(SERVICE.signer.key).encode()


def proof_seeds() -> Iterator[bytes]:
    """A good one first."""
    members = {
        "format": PROOF_FORMAT,
        "publicKey": str(SERVICE.signer.key),
        "checkpoint": SERVICE.note(),
        "firstIndex": 0,
        "hashesBefore": [],
        "consistency": ["AAAA"],
    }
    yield json.dumps(members).encode()
