"""Operations of `ssm` on tags."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.resource_tags import ResourceTags
from fairlead.domain.operations import resource_tags as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: ResourceTags) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.ADD_TAGS_TO_RESOURCE: lambda exchange: use_cases.add_tags_to_resource(
            exchange.known_caller, exchange.input
        ),
        operations.LIST_TAGS_FOR_RESOURCE: lambda exchange: use_cases.list_tags_for_resource(
            exchange.known_caller, exchange.input
        ),
        operations.REMOVE_TAGS_FROM_RESOURCE: lambda exchange: use_cases.remove_tags_from_resource(
            exchange.known_caller, exchange.input
        ),
    }
