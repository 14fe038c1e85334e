"""Operations of `ssm` on service settings."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.service_settings import ServiceSettings
from fairlead.domain.operations import service_settings as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: ServiceSettings) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.GET_SERVICE_SETTING: lambda exchange: use_cases.get_service_setting(
            exchange.known_caller, exchange.input
        ),
        operations.UPDATE_SERVICE_SETTING: lambda exchange: use_cases.update_service_setting(
            exchange.known_caller, exchange.input
        ),
        operations.RESET_SERVICE_SETTING: lambda exchange: use_cases.reset_service_setting(
            exchange.known_caller, exchange.input
        ),
    }
