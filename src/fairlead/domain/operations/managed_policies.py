"""Inputs and outputs of the `iam` operations on managed policies, their versions and attachments.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.identities import (
    ARN,
    GROUP_NAME,
    ID,
    MARKER,
    MAX_ITEMS,
    POLICY_DOCUMENT,
    ROLE_NAME,
    TAGS,
    USER_NAME,
    IamTag,
)
from fairlead.domain.operations.inline_policies import POLICY_NAME

_POLICY_PATH = String(min=1, max=512, pattern=r"((/[A-Za-z0-9\.,\+@=_-]+)*)/")
_POLICY_DESCRIPTION = String(max=1000)
_POLICY_VERSION_ID = String(pattern=r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?")
_POLICY_SCOPE = String(enum=("All", "AWS", "Local"))
_POLICY_USAGE = String(enum=("PermissionsPolicy", "PermissionsBoundary"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDetail:
    """One managed policy (`Policy` in the API) without its text."""

    policy_name: str | None = member("PolicyName", POLICY_NAME)
    policy_id: str | None = member("PolicyId", ID)
    arn: str | None = member("Arn", ARN)
    path: str | None = member("Path", _POLICY_PATH)
    default_version_id: str | None = member("DefaultVersionId", _POLICY_VERSION_ID)
    attachment_count: int | None = member("AttachmentCount", Integer())
    permissions_boundary_usage_count: int | None = member("PermissionsBoundaryUsageCount", Integer())
    is_attachable: bool | None = member("IsAttachable", Boolean())
    description: str | None = member("Description", _POLICY_DESCRIPTION)
    create_date: datetime | None = member("CreateDate", Timestamp())
    update_date: datetime | None = member("UpdateDate", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyRequest:
    """A new policy and its first version."""

    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    path: str | None = member("Path", _POLICY_PATH)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)
    description: str | None = member("Description", _POLICY_DESCRIPTION)
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyResponse:
    """The new policy."""

    policy: PolicyDetail | None = member("Policy", Structure(PolicyDetail))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyRequest:
    """Which policy."""

    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyResponse:
    """The policy."""

    policy: PolicyDetail | None = member("Policy", Structure(PolicyDetail))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesRequest:
    """Policies of the account, of AWS or of both; a page at a time."""

    scope: str | None = member("Scope", _POLICY_SCOPE)
    only_attached: bool | None = member("OnlyAttached", Boolean())
    path_prefix: str | None = member("PathPrefix", _POLICY_PATH)
    policy_usage_filter: str | None = member("PolicyUsageFilter", _POLICY_USAGE)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesResponse:
    """One page, those of the account first."""

    policies: tuple[PolicyDetail, ...] | None = member("Policies", ListOf(Structure(PolicyDetail)))
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicyRequest:
    """Which policy."""

    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionDetail:
    """One version (`PolicyVersion` in the API); the text is left out of listings."""

    document: str | None = member("Document", POLICY_DOCUMENT)
    version_id: str | None = member("VersionId", _POLICY_VERSION_ID)
    is_default_version: bool | None = member("IsDefaultVersion", Boolean())
    create_date: datetime | None = member("CreateDate", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyVersionRequest:
    """A new text of a policy."""

    policy_arn: str = member("PolicyArn", ARN, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)
    set_as_default: bool | None = member("SetAsDefault", Boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyVersionResponse:
    """The new version."""

    policy_version: PolicyVersionDetail | None = member("PolicyVersion", Structure(PolicyVersionDetail))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyVersionRequest:
    """Which version of which policy."""

    policy_arn: str = member("PolicyArn", ARN, required=True)
    version_id: str = member("VersionId", _POLICY_VERSION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyVersionResponse:
    """The version with its text."""

    policy_version: PolicyVersionDetail | None = member("PolicyVersion", Structure(PolicyVersionDetail))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicyVersionsRequest:
    """Which policy; a page at a time."""

    policy_arn: str = member("PolicyArn", ARN, required=True)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicyVersionsResponse:
    """One page, newest first."""

    versions: tuple[PolicyVersionDetail, ...] | None = member(
        "Versions", ListOf(Structure(PolicyVersionDetail))
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefaultPolicyVersionRequest:
    """Which version is to be in force."""

    policy_arn: str = member("PolicyArn", ARN, required=True)
    version_id: str = member("VersionId", _POLICY_VERSION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefaultPolicyVersionResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicyVersionRequest:
    """Which version, which must not be in force."""

    policy_arn: str = member("PolicyArn", ARN, required=True)
    version_id: str = member("VersionId", _POLICY_VERSION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePolicyVersionResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachUserPolicyRequest:
    """Which policy to attach to which user."""

    user_name: str = member("UserName", USER_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachUserPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachUserPolicyRequest:
    """Which policy to detach from which user."""

    user_name: str = member("UserName", USER_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachUserPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPolicyDetail:
    """A policy that is attached (`AttachedPolicy` in the API)."""

    policy_name: str | None = member("PolicyName", POLICY_NAME)
    policy_arn: str | None = member("PolicyArn", ARN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedUserPoliciesRequest:
    """What is attached to which user; a page at a time."""

    user_name: str = member("UserName", USER_NAME, required=True)
    path_prefix: str | None = member("PathPrefix", _POLICY_PATH)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedUserPoliciesResponse:
    """One page, by name."""

    attached_policies: tuple[AttachedPolicyDetail, ...] | None = member(
        "AttachedPolicies", ListOf(Structure(AttachedPolicyDetail))
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachGroupPolicyRequest:
    """Which policy to attach to which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachGroupPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachGroupPolicyRequest:
    """Which policy to detach from which group."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachGroupPolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedGroupPoliciesRequest:
    """What is attached to which group; a page at a time."""

    group_name: str = member("GroupName", GROUP_NAME, required=True)
    path_prefix: str | None = member("PathPrefix", _POLICY_PATH)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedGroupPoliciesResponse:
    """One page, by name."""

    attached_policies: tuple[AttachedPolicyDetail, ...] | None = member(
        "AttachedPolicies", ListOf(Structure(AttachedPolicyDetail))
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRolePolicyRequest:
    """Which policy to attach to which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRolePolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachRolePolicyRequest:
    """Which policy to detach from which role."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachRolePolicyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedRolePoliciesRequest:
    """What is attached to which role; a page at a time."""

    role_name: str = member("RoleName", ROLE_NAME, required=True)
    path_prefix: str | None = member("PathPrefix", _POLICY_PATH)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedRolePoliciesResponse:
    """One page, by name."""

    attached_policies: tuple[AttachedPolicyDetail, ...] | None = member(
        "AttachedPolicies", ListOf(Structure(AttachedPolicyDetail))
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


CREATE_POLICY = Operation("iam", "CreatePolicy", CreatePolicyRequest, CreatePolicyResponse)
GET_POLICY = Operation("iam", "GetPolicy", GetPolicyRequest, GetPolicyResponse)
LIST_POLICIES = Operation("iam", "ListPolicies", ListPoliciesRequest, ListPoliciesResponse)
DELETE_POLICY = Operation("iam", "DeletePolicy", DeletePolicyRequest, DeletePolicyResponse)
CREATE_POLICY_VERSION = Operation(
    "iam", "CreatePolicyVersion", CreatePolicyVersionRequest, CreatePolicyVersionResponse
)
GET_POLICY_VERSION = Operation("iam", "GetPolicyVersion", GetPolicyVersionRequest, GetPolicyVersionResponse)
LIST_POLICY_VERSIONS = Operation(
    "iam", "ListPolicyVersions", ListPolicyVersionsRequest, ListPolicyVersionsResponse
)
SET_DEFAULT_POLICY_VERSION = Operation(
    "iam", "SetDefaultPolicyVersion", SetDefaultPolicyVersionRequest, SetDefaultPolicyVersionResponse
)
DELETE_POLICY_VERSION = Operation(
    "iam", "DeletePolicyVersion", DeletePolicyVersionRequest, DeletePolicyVersionResponse
)
ATTACH_USER_POLICY = Operation("iam", "AttachUserPolicy", AttachUserPolicyRequest, AttachUserPolicyResponse)
DETACH_USER_POLICY = Operation("iam", "DetachUserPolicy", DetachUserPolicyRequest, DetachUserPolicyResponse)
LIST_ATTACHED_USER_POLICIES = Operation(
    "iam", "ListAttachedUserPolicies", ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse
)
ATTACH_GROUP_POLICY = Operation(
    "iam", "AttachGroupPolicy", AttachGroupPolicyRequest, AttachGroupPolicyResponse
)
DETACH_GROUP_POLICY = Operation(
    "iam", "DetachGroupPolicy", DetachGroupPolicyRequest, DetachGroupPolicyResponse
)
LIST_ATTACHED_GROUP_POLICIES = Operation(
    "iam", "ListAttachedGroupPolicies", ListAttachedGroupPoliciesRequest, ListAttachedGroupPoliciesResponse
)
ATTACH_ROLE_POLICY = Operation("iam", "AttachRolePolicy", AttachRolePolicyRequest, AttachRolePolicyResponse)
DETACH_ROLE_POLICY = Operation("iam", "DetachRolePolicy", DetachRolePolicyRequest, DetachRolePolicyResponse)
LIST_ATTACHED_ROLE_POLICIES = Operation(
    "iam", "ListAttachedRolePolicies", ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse
)
