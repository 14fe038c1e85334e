"""Operations of `fairlead` on the audit log."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.audit_proofs import AuditProofs
from fairlead.domain.operations import audit_log as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: AuditProofs) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.EXPORT_AUDIT_EVENTS: lambda exchange: use_cases.export_audit_events(
            exchange.known_caller, exchange.input
        ),
        operations.GET_AUDIT_CHECKPOINT: lambda exchange: use_cases.get_audit_checkpoint(
            exchange.known_caller, exchange.input
        ),
        operations.GET_AUDIT_INCLUSION_PROOF: lambda exchange: use_cases.get_audit_inclusion_proof(
            exchange.known_caller, exchange.input
        ),
        operations.GET_AUDIT_CONSISTENCY_PROOF: lambda exchange: use_cases.get_audit_consistency_proof(
            exchange.known_caller, exchange.input
        ),
    }
