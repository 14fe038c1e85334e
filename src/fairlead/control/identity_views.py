"""Users, groups, keys, roles and managed policies as the API shows them."""

from collections.abc import Mapping

from fairlead.domain.groups import Group
from fairlead.domain.identities import AccessKey, Role, User
from fairlead.domain.managed_policies import ManagedPolicy, PolicyVersion
from fairlead.domain.operations.groups import GroupDetail
from fairlead.domain.operations.identities import (
    AccessKeyMetadata,
    AttachedPermissionsBoundary,
    IamTag,
    RoleDetail,
    UserDetail,
)
from fairlead.domain.operations.managed_policies import PolicyDetail, PolicyVersionDetail


def user_detail(user: User, tags: Mapping[str, str] | None = None) -> UserDetail:
    """A user; listings leave the tags out."""
    return UserDetail(
        path=user.path,
        user_name=user.name,
        user_id=user.id,
        arn=user.arn,
        create_date=user.created_at,
        permissions_boundary=_boundary(user.boundary_arn),
        tags=_tags(tags),
    )


def group_detail(group: Group) -> GroupDetail:
    """A group."""
    return GroupDetail(
        path=group.path,
        group_name=group.name,
        group_id=group.id,
        arn=group.arn,
        create_date=group.created_at,
    )


def policy_detail(policy: ManagedPolicy, attachment_count: int = 0, boundary_count: int = 0) -> PolicyDetail:
    """A managed policy, with how many have it and have it as their boundary."""
    return PolicyDetail(
        policy_name=policy.name,
        policy_id=policy.id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=f"v{policy.default_version}",
        attachment_count=attachment_count,
        permissions_boundary_usage_count=boundary_count,
        is_attachable=True,
        description=policy.description,
        create_date=policy.created_at,
        update_date=policy.updated_at,
    )


def policy_version_detail(
    version: PolicyVersion, *, is_default: bool, with_document: bool = False
) -> PolicyVersionDetail:
    """A version of a managed policy; its text as it was stored, if it is asked for."""
    return PolicyVersionDetail(
        document=version.document if with_document else None,
        version_id=version.id,
        is_default_version=is_default,
        create_date=version.created_at,
    )


def access_key_metadata(key: AccessKey) -> AccessKeyMetadata:
    """A key without its secret."""
    return AccessKeyMetadata(
        user_name=key.user_name,
        access_key_id=key.id,
        status="Active" if key.is_active else "Inactive",
        create_date=key.created_at,
    )


def role_detail(role: Role, tags: Mapping[str, str] | None = None) -> RoleDetail:
    """A role, its trust policy as the text that was stored; listings leave the tags out."""
    return RoleDetail(
        path=role.path,
        role_name=role.name,
        role_id=role.id,
        arn=role.arn,
        create_date=role.created_at,
        assume_role_policy_document=role.trust_policy,
        description=role.description,
        max_session_duration=role.max_session_duration_s,
        permissions_boundary=_boundary(role.boundary_arn),
        tags=_tags(tags),
    )


def _boundary(policy_arn: str | None) -> AttachedPermissionsBoundary | None:
    if policy_arn is None:
        return None
    return AttachedPermissionsBoundary(
        permissions_boundary_type="PermissionsBoundaryPolicy", permissions_boundary_arn=policy_arn
    )


def _tags(tags: Mapping[str, str] | None) -> tuple[IamTag, ...] | None:
    return tuple(IamTag(key=key, value=value) for key, value in tags.items()) if tags else None
