"""Operations of `iam` on managed policies."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.managed_policies import ManagedPolicies
from fairlead.domain.operations import managed_policies as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: ManagedPolicies) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.CREATE_POLICY: use_cases.create_policy,
            operations.GET_POLICY: use_cases.get_policy,
            operations.LIST_POLICIES: use_cases.list_policies,
            operations.DELETE_POLICY: use_cases.delete_policy,
            operations.CREATE_POLICY_VERSION: use_cases.create_policy_version,
            operations.GET_POLICY_VERSION: use_cases.get_policy_version,
            operations.LIST_POLICY_VERSIONS: use_cases.list_policy_versions,
            operations.SET_DEFAULT_POLICY_VERSION: use_cases.set_default_policy_version,
            operations.DELETE_POLICY_VERSION: use_cases.delete_policy_version,
        }
    )
