"""Session operations of `ssm`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.sessions import Sessions
from fairlead.domain.operations import sessions as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Sessions) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.START_SESSION: lambda exchange: use_cases.start_session(
            exchange.known_caller, exchange.input, exchange.stream_base_url
        ),
        operations.RESUME_SESSION: lambda exchange: use_cases.resume_session(
            exchange.known_caller, exchange.input, exchange.stream_base_url
        ),
        operations.TERMINATE_SESSION: lambda exchange: use_cases.terminate_session(
            exchange.known_caller, exchange.input
        ),
        operations.DESCRIBE_SESSIONS: lambda exchange: use_cases.describe_sessions(
            exchange.known_caller, exchange.input
        ),
        operations.GET_CONNECTION_STATUS: lambda exchange: use_cases.get_connection_status(
            exchange.known_caller, exchange.input
        ),
    }
