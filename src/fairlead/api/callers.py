"""GetCallerIdentity of `sts`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.callers import Callers
from fairlead.domain.operations import callers as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Callers) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.GET_CALLER_IDENTITY: lambda exchange: use_cases.get_caller_identity(
            exchange.known_caller, exchange.input
        ),
    }
