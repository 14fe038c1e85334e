"""Operations of `iam` on tags of users and roles."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.identity_tags import IdentityTags
from fairlead.domain.operations import identity_tags as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: IdentityTags) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.TAG_USER: use_cases.tag_user,
            operations.UNTAG_USER: use_cases.untag_user,
            operations.LIST_USER_TAGS: use_cases.list_user_tags,
            operations.TAG_ROLE: use_cases.tag_role,
            operations.UNTAG_ROLE: use_cases.untag_role,
            operations.LIST_ROLE_TAGS: use_cases.list_role_tags,
        }
    )
