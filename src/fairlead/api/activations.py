"""Activation operations of `ssm`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.activations import Activations
from fairlead.domain.operations import activations as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Activations) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.CREATE_ACTIVATION: lambda exchange: use_cases.create_activation(
            exchange.known_caller, exchange.input
        ),
        operations.DESCRIBE_ACTIVATIONS: lambda exchange: use_cases.describe_activations(
            exchange.known_caller, exchange.input
        ),
        operations.DELETE_ACTIVATION: lambda exchange: use_cases.delete_activation(
            exchange.known_caller, exchange.input
        ),
    }
