"""Operations of `iam` on groups."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.groups import Groups
from fairlead.domain.operations import groups as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Groups) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.CREATE_GROUP: use_cases.create_group,
            operations.GET_GROUP: use_cases.get_group,
            operations.LIST_GROUPS: use_cases.list_groups,
            operations.DELETE_GROUP: use_cases.delete_group,
            operations.ADD_USER_TO_GROUP: use_cases.add_user_to_group,
            operations.REMOVE_USER_FROM_GROUP: use_cases.remove_user_from_group,
            operations.LIST_GROUPS_FOR_USER: use_cases.list_groups_for_user,
        }
    )
