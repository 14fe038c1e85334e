"""Inputs and outputs of the `iam` operations on inline policies of users, groups and roles.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08. A document in
an output is the text as it was stored; percent-encoding it (RFC 3986) is the edge's.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Boolean, ListOf, Operation, String, member
from fairlead.domain.operations.identities import (
    EXISTING_USER_NAME,
    GROUP_NAME,
    MARKER,
    MAX_ITEMS,
    NAME_PATTERN,
    POLICY_DOCUMENT,
    ROLE_NAME,
)

POLICY_NAME = String(min=1, max=128, pattern=NAME_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUserPolicyRequest:
    """A policy to store with a user, in place of one of the same name."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUserPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserPolicyRequest:
    """Which policy of which user."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserPolicyResponse:
    """The policy."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUserPoliciesRequest:
    """Whose policies, a page at a time."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUserPoliciesResponse:
    """One page of names."""

    policy_names: tuple[str, ...] = member("PolicyNames", ListOf(POLICY_NAME), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserPolicyRequest:
    """Which policy of which user."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGroupPolicyRequest:
    """A policy to store with a group, in place of one of the same name."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGroupPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupPolicyRequest:
    """Which policy of which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupPolicyResponse:
    """The policy."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupPoliciesRequest:
    """Whose policies, a page at a time."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupPoliciesResponse:
    """One page of names."""

    policy_names: tuple[str, ...] = member("PolicyNames", ListOf(POLICY_NAME), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroupPolicyRequest:
    """Which policy of which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroupPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRolePolicyRequest:
    """A policy to store with a role, in place of one of the same name."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRolePolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRolePolicyRequest:
    """Which policy of which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRolePolicyResponse:
    """The policy."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolePoliciesRequest:
    """Whose policies, a page at a time."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolePoliciesResponse:
    """One page of names."""

    policy_names: tuple[str, ...] = member("PolicyNames", ListOf(POLICY_NAME), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRolePolicyRequest:
    """Which policy of which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRolePolicyResponse:
    """Nothing."""


PUT_USER_POLICY = Operation("iam", "PutUserPolicy", PutUserPolicyRequest, PutUserPolicyResponse)
GET_USER_POLICY = Operation("iam", "GetUserPolicy", GetUserPolicyRequest, GetUserPolicyResponse)
LIST_USER_POLICIES = Operation("iam", "ListUserPolicies", ListUserPoliciesRequest, ListUserPoliciesResponse)
DELETE_USER_POLICY = Operation("iam", "DeleteUserPolicy", DeleteUserPolicyRequest, DeleteUserPolicyResponse)
PUT_GROUP_POLICY = Operation("iam", "PutGroupPolicy", PutGroupPolicyRequest, PutGroupPolicyResponse)
GET_GROUP_POLICY = Operation("iam", "GetGroupPolicy", GetGroupPolicyRequest, GetGroupPolicyResponse)
LIST_GROUP_POLICIES = Operation(
    "iam", "ListGroupPolicies", ListGroupPoliciesRequest, ListGroupPoliciesResponse
)
DELETE_GROUP_POLICY = Operation(
    "iam", "DeleteGroupPolicy", DeleteGroupPolicyRequest, DeleteGroupPolicyResponse
)
PUT_ROLE_POLICY = Operation("iam", "PutRolePolicy", PutRolePolicyRequest, PutRolePolicyResponse)
GET_ROLE_POLICY = Operation("iam", "GetRolePolicy", GetRolePolicyRequest, GetRolePolicyResponse)
LIST_ROLE_POLICIES = Operation("iam", "ListRolePolicies", ListRolePoliciesRequest, ListRolePoliciesResponse)
DELETE_ROLE_POLICY = Operation("iam", "DeleteRolePolicy", DeleteRolePolicyRequest, DeleteRolePolicyResponse)
