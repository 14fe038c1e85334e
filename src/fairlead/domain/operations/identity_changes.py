"""Inputs and outputs of the operations behind policies as files: all identities, and changes of many at once.

These are operations of our own (`Fairlead_20261101.`). What they show has the members of the `iam` operation
GetAccountAuthorizationDetails, so that its output and ours are read alike; a role has its description and
its longest session besides. Documents are text as it was stored.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Blob, Boolean, Integer, ListOf, Operation, String, Structure, member
from fairlead.domain.operations.identities import (
    ARN,
    GROUP_NAME,
    MAX_SESSION_DURATION,
    PATH,
    POLICY_DOCUMENT,
    ROLE_DESCRIPTION,
    ROLE_NAME,
    TAGS,
    USER_NAME,
    AttachedPermissionsBoundary,
    IamTag,
)
from fairlead.domain.operations.inline_policies import POLICY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicyDetail:
    """A policy that belongs to one identity."""

    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_document: str = member("PolicyDocument", POLICY_DOCUMENT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPolicyDetail:
    """A managed policy that is attached."""

    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    policy_arn: str = member("PolicyArn", ARN, required=True)


_INLINE = ListOf(Structure(InlinePolicyDetail))
_ATTACHED = ListOf(Structure(AttachedPolicyDetail))
_BOUNDARY = Structure(AttachedPermissionsBoundary)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedUser:
    """A user with everything that decides about his access."""

    path: str = member("Path", PATH, required=True)
    user_name: str = member("UserName", USER_NAME, required=True)
    arn: str = member("Arn", ARN, required=True)
    inline: tuple[InlinePolicyDetail, ...] = member("UserPolicyList", _INLINE, required=True)
    groups: tuple[str, ...] = member("GroupList", ListOf(GROUP_NAME), required=True)
    attached: tuple[AttachedPolicyDetail, ...] = member("AttachedManagedPolicies", _ATTACHED, required=True)
    permissions_boundary: AttachedPermissionsBoundary | None = member("PermissionsBoundary", _BOUNDARY)
    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedGroup:
    """A group; its members name it."""

    path: str = member("Path", PATH, required=True)
    group_name: str = member("GroupName", GROUP_NAME, required=True)
    arn: str = member("Arn", ARN, required=True)
    inline: tuple[InlinePolicyDetail, ...] = member("GroupPolicyList", _INLINE, required=True)
    attached: tuple[AttachedPolicyDetail, ...] = member("AttachedManagedPolicies", _ATTACHED, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRole:
    """A role and who may take it."""

    path: str = member("Path", PATH, required=True)
    role_name: str = member("RoleName", ROLE_NAME, required=True)
    arn: str = member("Arn", ARN, required=True)
    assume_role_policy_document: str = member("AssumeRolePolicyDocument", POLICY_DOCUMENT, required=True)
    description: str | None = member("Description", ROLE_DESCRIPTION)
    max_session_duration: int = member("MaxSessionDuration", MAX_SESSION_DURATION, required=True)
    inline: tuple[InlinePolicyDetail, ...] = member("RolePolicyList", _INLINE, required=True)
    attached: tuple[AttachedPolicyDetail, ...] = member("AttachedManagedPolicies", _ATTACHED, required=True)
    permissions_boundary: AttachedPermissionsBoundary | None = member("PermissionsBoundary", _BOUNDARY)
    tags: tuple[IamTag, ...] = member("Tags", TAGS, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPolicyVersion:
    """A version of a managed policy; only the one in force has its text."""

    version_id: str = member("VersionId", String(), required=True)
    is_default_version: bool = member("IsDefaultVersion", Boolean(), required=True)
    document: str | None = member("Document", POLICY_DOCUMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPolicy:
    """A managed policy of the account; versions newest first."""

    path: str = member("Path", PATH, required=True)
    policy_name: str = member("PolicyName", POLICY_NAME, required=True)
    arn: str = member("Arn", ARN, required=True)
    description: str | None = member("Description", String(max=1000))
    versions: tuple[ExportedPolicyVersion, ...] = member(
        "PolicyVersionList", ListOf(Structure(ExportedPolicyVersion)), required=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportIdentitiesRequest:
    """All of them, a page at a time."""

    max_results: int | None = member("MaxResults", Integer(min=1, max=100))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportIdentitiesResponse:
    """One page: users, groups, roles, managed policies, in this order and each by name.

    `AwsManagedPolicyArns` are the policies of AWS that this server has, the same on every page.
    """

    account_id: str = member("AccountId", String(), required=True)
    aws_managed_policy_arns: tuple[str, ...] = member("AwsManagedPolicyArns", ListOf(ARN), required=True)
    users: tuple[ExportedUser, ...] = member("UserDetailList", ListOf(Structure(ExportedUser)), required=True)
    groups: tuple[ExportedGroup, ...] = member(
        "GroupDetailList", ListOf(Structure(ExportedGroup)), required=True
    )
    roles: tuple[ExportedRole, ...] = member("RoleDetailList", ListOf(Structure(ExportedRole)), required=True)
    policies: tuple[ExportedPolicy, ...] = member(
        "Policies", ListOf(Structure(ExportedPolicy)), required=True
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanIdentityChangesRequest:
    """What would change if these calls were made? A page at a time.

    `Calls` is a JSON list of `{"Operation": …, "Parameters": {…}}`, compressed (zlib, RFC 1950).
    """

    calls: bytes = member("Calls", Blob(), required=True)
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What a principal may do to a resource, before and after.

    `Before` and `After` are `allowed`, `conditional` (it depends on the request: the caller's address, …) or
    `refused`. `IsEscalation`: who may do this can give himself more rights.
    """

    principal_arn: str = member("PrincipalArn", ARN, required=True)
    action: str = member("Action", String(), required=True)
    resource: str = member("Resource", String(), required=True)
    resource_name: str | None = member("ResourceName", String())
    before: str = member("Before", String(), required=True)
    after: str = member("After", String(), required=True)
    is_escalation: bool = member("IsEscalation", Boolean(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanIdentityChangesResponse:
    """One page of changes of access; it may be empty and not the last. Nothing has been changed."""

    changes: tuple[AccessChange, ...] = member(
        "AccessChanges", ListOf(Structure(AccessChange)), required=True
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyIdentityChangesRequest:
    """Make these calls, all or none. `Calls` as above. `AllowLockout`: also if the caller could not make any
    more changes after them."""

    calls: bytes = member("Calls", Blob(), required=True)
    allow_lockout: bool | None = member("AllowLockout", Boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyIdentityChangesResponse:
    """How many calls were made."""

    call_count: int = member("CallCount", Integer(), required=True)


EXPORT_IDENTITIES = Operation(
    "fairlead", "ExportIdentities", ExportIdentitiesRequest, ExportIdentitiesResponse
)
PLAN_IDENTITY_CHANGES = Operation(
    "fairlead", "PlanIdentityChanges", PlanIdentityChangesRequest, PlanIdentityChangesResponse
)
APPLY_IDENTITY_CHANGES = Operation(
    "fairlead", "ApplyIdentityChanges", ApplyIdentityChangesRequest, ApplyIdentityChangesResponse
)
