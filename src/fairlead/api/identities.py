"""Operations of `iam`.

Policy documents are percent-encoded in responses (RFC 3986; IAM API reference, "GetUserPolicy"), and only
here: everywhere else they are the text that was stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import ListOf, Operation, Shape, Structure, members_of
from fairlead.control.identities import Identities
from fairlead.domain.operations import identities, inline_policies

# Any: input and output dataclasses of each operation.
_Method = Callable[[Any, Any], Any]


def handlers(use_cases: Identities) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    methods: dict[Operation, _Method] = {
        identities.CREATE_USER: use_cases.create_user,
        identities.GET_USER: use_cases.get_user,
        identities.LIST_USERS: use_cases.list_users,
        identities.DELETE_USER: use_cases.delete_user,
        identities.CREATE_ACCESS_KEY: use_cases.create_access_key,
        identities.LIST_ACCESS_KEYS: use_cases.list_access_keys,
        identities.DELETE_ACCESS_KEY: use_cases.delete_access_key,
        identities.CREATE_ROLE: use_cases.create_role,
        identities.GET_ROLE: use_cases.get_role,
        identities.LIST_ROLES: use_cases.list_roles,
        identities.DELETE_ROLE: use_cases.delete_role,
        inline_policies.PUT_USER_POLICY: use_cases.put_user_policy,
        inline_policies.GET_USER_POLICY: use_cases.get_user_policy,
        inline_policies.LIST_USER_POLICIES: use_cases.list_user_policies,
        inline_policies.DELETE_USER_POLICY: use_cases.delete_user_policy,
        inline_policies.PUT_ROLE_POLICY: use_cases.put_role_policy,
        inline_policies.GET_ROLE_POLICY: use_cases.get_role_policy,
        inline_policies.LIST_ROLE_POLICIES: use_cases.list_role_policies,
        inline_policies.DELETE_ROLE_POLICY: use_cases.delete_role_policy,
    }
    return {operation: _handler(method) for operation, method in methods.items()}


# Any: as above.
def _handler(method: _Method) -> Callable[[Exchange], Any]:
    return lambda exchange: _documents_encoded(method(exchange.known_caller, exchange.input))


# Any: as above.
def _documents_encoded(output: Any) -> Any:
    values = {
        member.name: _encoded(member.shape, value)
        for member in members_of(type(output))
        if (value := getattr(output, member.name)) is not None
    }
    return replace(output, **values)


# Any: as above.
def _encoded(shape: Shape, value: Any) -> Any:
    if shape == identities.POLICY_DOCUMENT:
        return quote(value, safe="")
    match shape:
        case Structure():
            return _documents_encoded(value)
        case ListOf(item=item):
            return tuple(_encoded(item, entry) for entry in value)
        case _:
            return value
