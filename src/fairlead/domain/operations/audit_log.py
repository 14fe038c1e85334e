"""Inputs and outputs of the operations of `fairlead` that give out the audit log and prove what it holds.

These are operations of our own (`Fairlead_20261101.`); their members follow the manners of AWS's. Hashes are
bytes of SHA-256; the proofs are those of RFC 6962 §2.1, checkpoints those of c2sp.org/tlog-checkpoint.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Blob, Integer, ListOf, Operation, String, Timestamp, member

EVENT_ID = String(min=1, max=64)
HASHES = ListOf(Blob())
SIZE = Integer(min=0, max=2**53 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAuditEventsRequest:
    """Events from one moment to before another, of all regions, in the order of the log."""

    start_time: datetime | None = member("StartTime", Timestamp())
    end_time: datetime | None = member("EndTime", Timestamp())
    max_results: int | None = member("MaxResults", Integer(min=1, max=1000))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAuditEventsResponse:
    """A page. `first_index` is the place of the first event.

    `hashes_before` are those of the largest complete subtrees over all events before the first one of the
    page, from left to right.
    """

    events: tuple[str, ...] | None = member("Events", ListOf(String()))
    first_index: int | None = member("FirstIndex", SIZE)
    hashes_before: tuple[bytes, ...] | None = member("HashesBefore", HASHES)
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditCheckpointRequest:
    """Nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditCheckpointResponse:
    """A checkpoint that is signed now, and with which key; `first_index` is the oldest event that is kept."""

    checkpoint: str | None = member("Checkpoint", String())
    public_key: str | None = member("PublicKey", String())
    first_index: int | None = member("FirstIndex", SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditInclusionProofRequest:
    """Which event, and in the log of which size."""

    event_id: str = member("EventId", EVENT_ID, required=True)
    size: int = member("Size", SIZE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditInclusionProofResponse:
    """The event, its place, and the hashes that lead from it to the root."""

    event: str | None = member("Event", String())
    index: int | None = member("Index", SIZE)
    hashes: tuple[bytes, ...] | None = member("Hashes", HASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditConsistencyProofRequest:
    """An earlier and a later size of the log."""

    first_size: int = member("FirstSize", SIZE, required=True)
    second_size: int = member("SecondSize", SIZE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditConsistencyProofResponse:
    """The hashes that show that the later log begins with the earlier one."""

    hashes: tuple[bytes, ...] | None = member("Hashes", HASHES)


EXPORT_AUDIT_EVENTS = Operation(
    "fairlead", "ExportAuditEvents", ExportAuditEventsRequest, ExportAuditEventsResponse
)
GET_AUDIT_CHECKPOINT = Operation(
    "fairlead", "GetAuditCheckpoint", GetAuditCheckpointRequest, GetAuditCheckpointResponse
)
GET_AUDIT_INCLUSION_PROOF = Operation(
    "fairlead", "GetAuditInclusionProof", GetAuditInclusionProofRequest, GetAuditInclusionProofResponse
)
GET_AUDIT_CONSISTENCY_PROOF = Operation(
    "fairlead", "GetAuditConsistencyProof", GetAuditConsistencyProofRequest, GetAuditConsistencyProofResponse
)
