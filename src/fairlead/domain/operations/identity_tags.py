"""Inputs and outputs of the `iam` operations on tags of users and roles.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Boolean, ListOf, Operation, String, member
from fairlead.domain.operations.identities import (
    EXISTING_USER_NAME,
    MARKER,
    MAX_ITEMS,
    ROLE_NAME,
    TAGS,
    IamTag,
)

_TAG_KEY = String(min=1, max=128, pattern=r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagUserRequest:
    """Tags to add to which user, or to overwrite."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagUserResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagUserRequest:
    """Keys of the tags to take from which user."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    tag_keys: tuple[str, ...] = member("TagKeys", ListOf(_TAG_KEY, max=50), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagUserResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUserTagsRequest:
    """Whose tags, a page at a time."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUserTagsResponse:
    """One page, by key."""

    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRoleRequest:
    """Tags to add to which role, or to overwrite."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRoleResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagRoleRequest:
    """Keys of the tags to take from which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    tag_keys: tuple[str, ...] = member("TagKeys", ListOf(_TAG_KEY, max=50), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagRoleResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoleTagsRequest:
    """Whose tags, a page at a time."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoleTagsResponse:
    """One page, by key."""

    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


TAG_USER = Operation("iam", "TagUser", TagUserRequest, TagUserResponse)
UNTAG_USER = Operation("iam", "UntagUser", UntagUserRequest, UntagUserResponse)
LIST_USER_TAGS = Operation("iam", "ListUserTags", ListUserTagsRequest, ListUserTagsResponse)
TAG_ROLE = Operation("iam", "TagRole", TagRoleRequest, TagRoleResponse)
UNTAG_ROLE = Operation("iam", "UntagRole", UntagRoleRequest, UntagRoleResponse)
LIST_ROLE_TAGS = Operation("iam", "ListRoleTags", ListRoleTagsRequest, ListRoleTagsResponse)
