"""Operations of `iam` on users, access keys, roles and inline policies."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.api.iam import iam_handlers
from fairlead.aws.shapes import Operation
from fairlead.control.identities import Identities
from fairlead.domain.operations import identities, inline_policies


# Any: the output dataclass of the operation at hand.
def handlers(use_cases: Identities) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return iam_handlers(
        {
            identities.CREATE_USER: use_cases.create_user,
            identities.GET_USER: use_cases.get_user,
            identities.LIST_USERS: use_cases.list_users,
            identities.DELETE_USER: use_cases.delete_user,
            identities.CREATE_ACCESS_KEY: use_cases.create_access_key,
            identities.LIST_ACCESS_KEYS: use_cases.list_access_keys,
            identities.UPDATE_ACCESS_KEY: use_cases.update_access_key,
            identities.DELETE_ACCESS_KEY: use_cases.delete_access_key,
            identities.CREATE_ROLE: use_cases.create_role,
            identities.GET_ROLE: use_cases.get_role,
            identities.LIST_ROLES: use_cases.list_roles,
            identities.UPDATE_ASSUME_ROLE_POLICY: use_cases.update_assume_role_policy,
            identities.UPDATE_ROLE: use_cases.update_role,
            identities.DELETE_ROLE: use_cases.delete_role,
            inline_policies.PUT_USER_POLICY: use_cases.put_user_policy,
            inline_policies.GET_USER_POLICY: use_cases.get_user_policy,
            inline_policies.LIST_USER_POLICIES: use_cases.list_user_policies,
            inline_policies.DELETE_USER_POLICY: use_cases.delete_user_policy,
            inline_policies.PUT_GROUP_POLICY: use_cases.put_group_policy,
            inline_policies.GET_GROUP_POLICY: use_cases.get_group_policy,
            inline_policies.LIST_GROUP_POLICIES: use_cases.list_group_policies,
            inline_policies.DELETE_GROUP_POLICY: use_cases.delete_group_policy,
            inline_policies.PUT_ROLE_POLICY: use_cases.put_role_policy,
            inline_policies.GET_ROLE_POLICY: use_cases.get_role_policy,
            inline_policies.LIST_ROLE_POLICIES: use_cases.list_role_policies,
            inline_policies.DELETE_ROLE_POLICY: use_cases.delete_role_policy,
        }
    )
