"""Operations of `fairlead` on nodes that are known by their cloud's word."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.instance_identity import InstanceIdentities
from fairlead.domain.operations import instance_identity as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: InstanceIdentities) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.REGISTER_INSTANCE: lambda exchange: use_cases.register_instance(
            exchange.origin, exchange.input
        ),
        operations.ALLOW_INSTANCE_RE_REGISTRATION: lambda exchange: use_cases.allow_instance_re_registration(
            exchange.known_caller, exchange.input
        ),
        operations.DEREGISTER_INSTANCE: lambda exchange: use_cases.deregister_instance(
            exchange.known_caller, exchange.input
        ),
    }
