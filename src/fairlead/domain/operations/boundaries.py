"""Inputs and outputs of the `iam` operations on permissions boundaries.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Operation, member
from fairlead.domain.operations.identities import ARN, ROLE_NAME, USER_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUserPermissionsBoundaryRequest:
    """Which user and which managed policy."""

    user_name: str = member("UserName", USER_NAME, required=True)
    permissions_boundary: str = member("PermissionsBoundary", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUserPermissionsBoundaryResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserPermissionsBoundaryRequest:
    """Which user."""

    user_name: str = member("UserName", USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUserPermissionsBoundaryResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRolePermissionsBoundaryRequest:
    """Which role and which managed policy."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    permissions_boundary: str = member("PermissionsBoundary", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRolePermissionsBoundaryResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRolePermissionsBoundaryRequest:
    """Which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRolePermissionsBoundaryResponse:
    """Nothing."""


PUT_USER_PERMISSIONS_BOUNDARY = Operation(
    "iam", "PutUserPermissionsBoundary", PutUserPermissionsBoundaryRequest, PutUserPermissionsBoundaryResponse
)
DELETE_USER_PERMISSIONS_BOUNDARY = Operation(
    "iam",
    "DeleteUserPermissionsBoundary",
    DeleteUserPermissionsBoundaryRequest,
    DeleteUserPermissionsBoundaryResponse,
)
PUT_ROLE_PERMISSIONS_BOUNDARY = Operation(
    "iam", "PutRolePermissionsBoundary", PutRolePermissionsBoundaryRequest, PutRolePermissionsBoundaryResponse
)
DELETE_ROLE_PERMISSIONS_BOUNDARY = Operation(
    "iam",
    "DeleteRolePermissionsBoundary",
    DeleteRolePermissionsBoundaryRequest,
    DeleteRolePermissionsBoundaryResponse,
)
