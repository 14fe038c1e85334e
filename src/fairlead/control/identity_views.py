"""Users, keys and roles as the API shows them."""

from fairlead.domain.identities import AccessKey, Role, User
from fairlead.domain.operations.identities import AccessKeyMetadata, RoleDetail, UserDetail


def user_detail(user: User) -> UserDetail:
    """A user."""
    return UserDetail(
        path=user.path, user_name=user.name, user_id=user.id, arn=user.arn, create_date=user.created_at
    )


def access_key_metadata(key: AccessKey) -> AccessKeyMetadata:
    """A key without its secret."""
    return AccessKeyMetadata(
        user_name=key.user_name,
        access_key_id=key.id,
        status="Active" if key.is_active else "Inactive",
        create_date=key.created_at,
    )


def role_detail(role: Role) -> RoleDetail:
    """A role, its trust policy as the text that was stored."""
    return RoleDetail(
        path=role.path,
        role_name=role.name,
        role_id=role.id,
        arn=role.arn,
        create_date=role.created_at,
        assume_role_policy_document=role.trust_policy,
        description=role.description,
        max_session_duration=role.max_session_duration_s,
    )
