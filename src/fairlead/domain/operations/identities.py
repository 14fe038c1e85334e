"""Inputs and outputs of the `iam` operations on users, access keys and roles.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member

NAME_PATTERN = r"[\w+=,.@-]+"
USER_NAME = String(min=1, max=64, pattern=NAME_PATTERN)
EXISTING_USER_NAME = String(min=1, max=128, pattern=NAME_PATTERN)
GROUP_NAME = String(min=1, max=128, pattern=NAME_PATTERN)
ROLE_NAME = String(min=1, max=64, pattern=NAME_PATTERN)
POLICY_DOCUMENT = String(min=1, max=131072, pattern=r"[\u0009\u000A\u000D\u0020-\u00FF]+")
MARKER = String(min=1, max=320, pattern=r"[\u0020-\u00FF]+")
MAX_ITEMS = Integer(min=1, max=1000)
PATH = String(min=1, max=512, pattern=r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)")
PATH_PREFIX = String(min=1, max=512, pattern=r"\u002F[\u0021-\u007F]*")
ARN = String(min=20, max=2048)
ID = String(min=16, max=128, pattern=r"[\w]+")
_BOUNDARY_TYPE = String(enum=("PermissionsBoundaryPolicy",))
_KEY_STATUS = String(enum=("Active", "Inactive", "Expired"))


@dataclass(frozen=True, slots=True, kw_only=True)
class IamTag:
    """A key and its value (`Tag` of `iam`, whose rules differ from those of `ssm`)."""

    key: str = member("Key", String(min=1, max=128, pattern=r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"), required=True)
    value: str = member(
        "Value", String(min=0, max=256, pattern=r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"), required=True
    )


TAGS = ListOf(Structure(IamTag), max=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPermissionsBoundary:
    """The managed policy that is the permissions boundary of a user or role."""

    permissions_boundary_type: str | None = member("PermissionsBoundaryType", _BOUNDARY_TYPE)
    permissions_boundary_arn: str | None = member("PermissionsBoundaryArn", ARN)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetail:
    """One user (`User` in the API)."""

    path: str = member("Path", PATH, required=True)
    user_name: str = member("UserName", USER_NAME, required=True)
    user_id: str = member("UserId", ID, required=True)
    arn: str = member("Arn", ARN, required=True)
    create_date: datetime = member("CreateDate", Timestamp(), required=True)
    permissions_boundary: AttachedPermissionsBoundary | None = member(
        "PermissionsBoundary", Structure(AttachedPermissionsBoundary)
    )
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUserRequest:
    """The name of a new user, and where in the tree of paths it stands."""

    path: str | None = member("Path", PATH)
    user_name: str = member("UserName", USER_NAME, required=True)
    permissions_boundary: str | None = member("PermissionsBoundary", ARN)
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUserResponse:
    """The new user."""

    user: UserDetail | None = member("User", Structure(UserDetail))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserRequest:
    """Which user; the caller when there is no name."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserResponse:
    """The user."""

    user: UserDetail = member("User", Structure(UserDetail), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersRequest:
    """Users below a path, a page at a time."""

    path_prefix: str | None = member("PathPrefix", PATH_PREFIX)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersResponse:
    """One page, by name."""

    users: tuple[UserDetail, ...] = member("Users", ListOf(Structure(UserDetail)), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserRequest:
    """Which user."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccessKeyRequest:
    """For which user; the caller when there is no name."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyDetail:
    """A new access key (`AccessKey` in the API). The secret is shown here only."""

    user_name: str = member("UserName", USER_NAME, required=True)
    access_key_id: str = member("AccessKeyId", ID, required=True)
    status: str = member("Status", _KEY_STATUS, required=True)
    secret_access_key: str = member("SecretAccessKey", String(sensitive=True), required=True)
    create_date: datetime | None = member("CreateDate", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAccessKeyResponse:
    """The new key."""

    access_key: AccessKeyDetail = member("AccessKey", Structure(AccessKeyDetail), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccessKeysRequest:
    """Whose keys; the caller's when there is no name."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyMetadata:
    """An access key without its secret."""

    user_name: str | None = member("UserName", USER_NAME)
    access_key_id: str | None = member("AccessKeyId", ID)
    status: str | None = member("Status", _KEY_STATUS)
    create_date: datetime | None = member("CreateDate", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccessKeysResponse:
    """One page, oldest first."""

    access_key_metadata: tuple[AccessKeyMetadata, ...] = member(
        "AccessKeyMetadata", ListOf(Structure(AccessKeyMetadata)), required=True
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccessKeyRequest:
    """A key's new status; of the caller's when there is no name."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)
    access_key_id: str = member("AccessKeyId", ID, required=True)
    status: str = member("Status", _KEY_STATUS, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccessKeyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccessKeyRequest:
    """Which key of which user; the caller's when there is no name."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)
    access_key_id: str = member("AccessKeyId", ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccessKeyResponse:
    """Nothing."""


ROLE_DESCRIPTION = String(max=1000, pattern=r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*")
MAX_SESSION_DURATION = Integer(min=3600, max=43200)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDetail:
    """One role (`Role` in the API).

    The trust policy is the text as it was stored; percent-encoding it (RFC 3986) is the edge's.
    """

    path: str = member("Path", PATH, required=True)
    role_name: str = member("RoleName", ROLE_NAME, required=True)
    role_id: str = member("RoleId", ID, required=True)
    arn: str = member("Arn", ARN, required=True)
    create_date: datetime = member("CreateDate", Timestamp(), required=True)
    assume_role_policy_document: str | None = member("AssumeRolePolicyDocument", POLICY_DOCUMENT)
    description: str | None = member("Description", ROLE_DESCRIPTION)
    max_session_duration: int | None = member("MaxSessionDuration", MAX_SESSION_DURATION)
    permissions_boundary: AttachedPermissionsBoundary | None = member(
        "PermissionsBoundary", Structure(AttachedPermissionsBoundary)
    )
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoleRequest:
    """A new role and who may take it. `max_session_duration` is in seconds."""

    path: str | None = member("Path", PATH)
    role_name: str = member("RoleName", ROLE_NAME, required=True)
    assume_role_policy_document: str = member("AssumeRolePolicyDocument", POLICY_DOCUMENT, required=True)
    description: str | None = member("Description", ROLE_DESCRIPTION)
    max_session_duration: int | None = member("MaxSessionDuration", MAX_SESSION_DURATION)
    permissions_boundary: str | None = member("PermissionsBoundary", ARN)
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoleResponse:
    """The new role."""

    role: RoleDetail = member("Role", Structure(RoleDetail), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRoleRequest:
    """Which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRoleResponse:
    """The role."""

    role: RoleDetail = member("Role", Structure(RoleDetail), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolesRequest:
    """Roles below a path, a page at a time."""

    path_prefix: str | None = member("PathPrefix", PATH_PREFIX)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolesResponse:
    """One page, by name."""

    roles: tuple[RoleDetail, ...] = member("Roles", ListOf(Structure(RoleDetail)), required=True)
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAssumeRolePolicyRequest:
    """The new trust policy of which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAssumeRolePolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRoleRequest:
    """The new description and longest session, in seconds; without the latter it is an hour again."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    description: str | None = member("Description", ROLE_DESCRIPTION)
    max_session_duration: int | None = member("MaxSessionDuration", MAX_SESSION_DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRoleResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoleRequest:
    """Which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoleResponse:
    """Nothing."""


CREATE_USER = Operation("iam", "CreateUser", CreateUserRequest, CreateUserResponse)
GET_USER = Operation("iam", "GetUser", GetUserRequest, GetUserResponse)
LIST_USERS = Operation("iam", "ListUsers", ListUsersRequest, ListUsersResponse)
DELETE_USER = Operation("iam", "DeleteUser", DeleteUserRequest, DeleteUserResponse)
CREATE_ACCESS_KEY = Operation("iam", "CreateAccessKey", CreateAccessKeyRequest, CreateAccessKeyResponse)
LIST_ACCESS_KEYS = Operation("iam", "ListAccessKeys", ListAccessKeysRequest, ListAccessKeysResponse)
UPDATE_ACCESS_KEY = Operation("iam", "UpdateAccessKey", UpdateAccessKeyRequest, UpdateAccessKeyResponse)
DELETE_ACCESS_KEY = Operation("iam", "DeleteAccessKey", DeleteAccessKeyRequest, DeleteAccessKeyResponse)
CREATE_ROLE = Operation("iam", "CreateRole", CreateRoleRequest, CreateRoleResponse)
GET_ROLE = Operation("iam", "GetRole", GetRoleRequest, GetRoleResponse)
LIST_ROLES = Operation("iam", "ListRoles", ListRolesRequest, ListRolesResponse)
UPDATE_ASSUME_ROLE_POLICY = Operation(
    "iam", "UpdateAssumeRolePolicy", UpdateAssumeRolePolicyRequest, UpdateAssumeRolePolicyResponse
)
UPDATE_ROLE = Operation("iam", "UpdateRole", UpdateRoleRequest, UpdateRoleResponse)
DELETE_ROLE = Operation("iam", "DeleteRole", DeleteRoleRequest, DeleteRoleResponse)
