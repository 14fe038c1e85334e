"""Operations of `cloudtrail`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.event_history import EventHistory
from fairlead.domain.operations import cloudtrail as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: EventHistory) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.LOOKUP_EVENTS: lambda exchange: use_cases.lookup_events(
            exchange.known_caller, exchange.input
        ),
    }
