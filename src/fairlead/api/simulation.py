"""Operations of `iam` that simulate policies."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.simulation import Simulations
from fairlead.domain.operations import simulation as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Simulations) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.SIMULATE_CUSTOM_POLICY: use_cases.simulate_custom_policy,
            operations.SIMULATE_PRINCIPAL_POLICY: use_cases.simulate_principal_policy,
            operations.GET_CONTEXT_KEYS_FOR_CUSTOM_POLICY: use_cases.get_context_keys_for_custom_policy,
            operations.GET_CONTEXT_KEYS_FOR_PRINCIPAL_POLICY: use_cases.get_context_keys_for_principal_policy,
        }
    )
