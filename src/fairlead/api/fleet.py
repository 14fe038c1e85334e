"""Operations on managed nodes that only administrators call."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.fleet import Fleet
from fairlead.domain.operations import fleet, nodes


# Any: the output dataclass of each operation.
def handlers(use_cases: Fleet) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        nodes.UPDATE_MANAGED_INSTANCE_ROLE: lambda exchange: use_cases.update_managed_instance_role(
            exchange.known_caller, exchange.input
        ),
        fleet.DESCRIBE_NODES: lambda exchange: use_cases.describe_nodes(
            exchange.known_caller, exchange.input
        ),
    }
