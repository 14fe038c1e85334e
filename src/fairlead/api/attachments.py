"""Operations of `iam` that attach managed policies."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.attachments import Attachments
from fairlead.domain.operations import managed_policies as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Attachments) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.ATTACH_USER_POLICY: use_cases.attach_user_policy,
            operations.DETACH_USER_POLICY: use_cases.detach_user_policy,
            operations.LIST_ATTACHED_USER_POLICIES: use_cases.list_attached_user_policies,
            operations.ATTACH_GROUP_POLICY: use_cases.attach_group_policy,
            operations.DETACH_GROUP_POLICY: use_cases.detach_group_policy,
            operations.LIST_ATTACHED_GROUP_POLICIES: use_cases.list_attached_group_policies,
            operations.ATTACH_ROLE_POLICY: use_cases.attach_role_policy,
            operations.DETACH_ROLE_POLICY: use_cases.detach_role_policy,
            operations.LIST_ATTACHED_ROLE_POLICIES: use_cases.list_attached_role_policies,
        }
    )
