"""Operations of `fairlead` that lock users out."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.user_locks import UserLocks
from fairlead.domain.operations import user_locks as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: UserLocks) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.LOCK_USER: lambda exchange: use_cases.lock_user(exchange.known_caller, exchange.input),
        operations.UNLOCK_USER: lambda exchange: use_cases.unlock_user(exchange.known_caller, exchange.input),
    }
