"""Document operations of `ssm`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.documents import Documents
from fairlead.domain.operations import documents as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Documents) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.GET_DOCUMENT: lambda exchange: use_cases.get_document(
            exchange.known_caller, exchange.input
        ),
    }
