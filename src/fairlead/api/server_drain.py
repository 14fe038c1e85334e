"""Draining operations of `fairlead`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.server_drain import ServerDrain
from fairlead.domain.operations import server_drain as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: ServerDrain) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.DRAIN_SERVER: lambda exchange: use_cases.drain_server(
            exchange.known_caller, exchange.input
        ),
        operations.DESCRIBE_SERVER_DRAIN: lambda exchange: use_cases.describe_server_drain(
            exchange.known_caller, exchange.input
        ),
        operations.CANCEL_SERVER_DRAIN: lambda exchange: use_cases.cancel_server_drain(
            exchange.known_caller, exchange.input
        ),
    }
