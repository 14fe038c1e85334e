"""Operations of `fairlead` behind policies as files."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.identity_changes import IdentityChanges
from fairlead.domain.operations import identity_changes as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: IdentityChanges) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.EXPORT_IDENTITIES: lambda exchange: use_cases.export_identities(
            exchange.known_caller, exchange.input
        ),
        operations.PLAN_IDENTITY_CHANGES: lambda exchange: use_cases.plan_identity_changes(
            exchange.known_caller, exchange.input
        ),
        operations.APPLY_IDENTITY_CHANGES: lambda exchange: use_cases.apply_identity_changes(
            exchange.known_caller, exchange.input
        ),
    }
