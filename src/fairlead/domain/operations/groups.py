"""Inputs and outputs of the `iam` operations on groups and their members.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.identities import (
    ARN,
    EXISTING_USER_NAME,
    GROUP_NAME,
    ID,
    MARKER,
    MAX_ITEMS,
    PATH,
    PATH_PREFIX,
    UserDetail,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDetail:
    """One group (`Group` in the API)."""

    path: str = member("Path", PATH, required=True)
    group_name: str = member("GroupName", GROUP_NAME, required=True)
    group_id: str = member("GroupId", ID, required=True)
    arn: str = member("Arn", ARN, required=True)
    create_date: datetime = member("CreateDate", Timestamp(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroupRequest:
    """The name of a new group, and where in the tree of paths it stands."""

    path: str | None = member("Path", PATH)
    group_name: str = member("GroupName", GROUP_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroupResponse:
    """The new group."""

    group: GroupDetail = member("Group", Structure(GroupDetail), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupRequest:
    """Which group; its members a page at a time."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupResponse:
    """The group and one page of its members, by name."""

    group: GroupDetail = member("Group", Structure(GroupDetail), required=True)
    users: tuple[UserDetail, ...] = member("Users", ListOf(Structure(UserDetail)), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupsRequest:
    """Groups below a path, a page at a time."""

    path_prefix: str | None = member("PathPrefix", PATH_PREFIX)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupsResponse:
    """One page, by name."""

    groups: tuple[GroupDetail, ...] = member("Groups", ListOf(Structure(GroupDetail)), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroupRequest:
    """Which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroupResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUserToGroupRequest:
    """Who joins which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUserToGroupResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveUserFromGroupRequest:
    """Who leaves which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveUserFromGroupResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupsForUserRequest:
    """Whose groups, a page at a time."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupsForUserResponse:
    """One page, by name."""

    groups: tuple[GroupDetail, ...] = member("Groups", ListOf(Structure(GroupDetail)), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


CREATE_GROUP = Operation("iam", "CreateGroup", CreateGroupRequest, CreateGroupResponse)
GET_GROUP = Operation("iam", "GetGroup", GetGroupRequest, GetGroupResponse)
LIST_GROUPS = Operation("iam", "ListGroups", ListGroupsRequest, ListGroupsResponse)
DELETE_GROUP = Operation("iam", "DeleteGroup", DeleteGroupRequest, DeleteGroupResponse)
ADD_USER_TO_GROUP = Operation("iam", "AddUserToGroup", AddUserToGroupRequest, AddUserToGroupResponse)
REMOVE_USER_FROM_GROUP = Operation(
    "iam", "RemoveUserFromGroup", RemoveUserFromGroupRequest, RemoveUserFromGroupResponse
)
LIST_GROUPS_FOR_USER = Operation(
    "iam", "ListGroupsForUser", ListGroupsForUserRequest, ListGroupsForUserResponse
)
