"""Operations of `ssm` on managed nodes, those that agents call included."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.nodes import Nodes
from fairlead.domain.operations import nodes as operations
from fairlead.domain.operations.node_properties import DESCRIBE_INSTANCE_PROPERTIES


# Any: the output dataclass of each operation.
def handlers(use_cases: Nodes) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.REGISTER_MANAGED_INSTANCE: lambda exchange: use_cases.register_managed_instance(
            exchange.origin, exchange.input
        ),
        operations.REQUEST_MANAGED_INSTANCE_ROLE_TOKEN: lambda exchange: (
            use_cases.request_managed_instance_role_token(exchange.known_caller, exchange.input)
        ),
        operations.UPDATE_MANAGED_INSTANCE_PUBLIC_KEY: lambda exchange: (
            use_cases.update_managed_instance_public_key(exchange.known_caller, exchange.input)
        ),
        operations.UPDATE_INSTANCE_INFORMATION: lambda exchange: use_cases.update_instance_information(
            exchange.known_caller, exchange.input
        ),
        operations.LIST_INSTANCE_ASSOCIATIONS: lambda exchange: use_cases.list_instance_associations(
            exchange.known_caller, exchange.input
        ),
        operations.DESCRIBE_INSTANCE_INFORMATION: lambda exchange: use_cases.describe_instance_information(
            exchange.known_caller, exchange.input
        ),
        DESCRIBE_INSTANCE_PROPERTIES: lambda exchange: use_cases.describe_instance_properties(
            exchange.known_caller, exchange.input
        ),
        operations.DEREGISTER_MANAGED_INSTANCE: lambda exchange: use_cases.deregister_managed_instance(
            exchange.known_caller, exchange.input
        ),
    }
