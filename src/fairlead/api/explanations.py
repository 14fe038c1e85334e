"""Operations of `fairlead` that explain access."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.explanations import Explanations
from fairlead.domain.operations import explanations as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Explanations) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.EXPLAIN_ACCESS: lambda exchange: use_cases.explain_access(
            exchange.known_caller, exchange.input
        ),
        operations.FIND_PRINCIPALS: lambda exchange: use_cases.find_principals(
            exchange.known_caller, exchange.input
        ),
    }
