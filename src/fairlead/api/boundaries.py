"""Operations of `iam` on permissions boundaries."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.boundaries import Boundaries
from fairlead.domain.operations import boundaries as operations


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Boundaries) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            operations.PUT_USER_PERMISSIONS_BOUNDARY: use_cases.put_user_permissions_boundary,
            operations.DELETE_USER_PERMISSIONS_BOUNDARY: use_cases.delete_user_permissions_boundary,
            operations.PUT_ROLE_PERMISSIONS_BOUNDARY: use_cases.put_role_permissions_boundary,
            operations.DELETE_ROLE_PERMISSIONS_BOUNDARY: use_cases.delete_role_permissions_boundary,
        }
    )
