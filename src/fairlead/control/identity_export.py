"""All users, groups, roles and managed policies of an account, page by page."""

from collections.abc import Sequence

from fairlead.control.calls import Call
from fairlead.control.identity_pages import Named
from fairlead.control.identity_views import role_detail, user_detail
from fairlead.control.paging import Listing, decode_position, encode_position
from fairlead.control.sealing import Sealer
from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.domain.groups import Group
from fairlead.domain.identities import Role, User
from fairlead.domain.managed_policies import ManagedPolicy, PolicyVersion
from fairlead.domain.operations import identity_changes as operations
from fairlead.domain.unit_of_work import UnitOfWork

DEFAULT_PAGE = 50
_KINDS = ("users", "groups", "roles", "policies")
_EVERY_PATH = "/"


def page(
    call: Call, sealer: Sealer, request: operations.ExportIdentitiesRequest
) -> operations.ExportIdentitiesResponse:
    """One page, of one kind; it may be empty and not the last. Raises InvalidNextToken."""
    uow, account_id = call.uow, call.caller.scope.account_id
    listing = Listing(call.operation, account_id, "", None)
    kind, after_name = decode_position(sealer, listing, request.next_token) or (_KINDS[0], "")
    size, after = request.max_results or DEFAULT_PAGE, after_name or None
    users: list[User] = []
    groups: list[Group] = []
    roles: list[Role] = []
    policies: list[ManagedPolicy] = []
    match kind:
        case "users":
            users = uow.identities.list_users(account_id, _EVERY_PATH, after, size)
        case "groups":
            groups = uow.groups.page(account_id, _EVERY_PATH, after, size)
        case "roles":
            roles = uow.identities.list_roles(account_id, _EVERY_PATH, after, size)
        case _:
            policies = uow.managed_policies.page(account_id, _EVERY_PATH, after, size)
    named: list[Named] = [*users, *groups, *roles, *policies]
    following = _following(kind, [each.name for each in named], size)
    return operations.ExportIdentitiesResponse(
        account_id=account_id,
        aws_managed_policy_arns=tuple(AWS_MANAGED_POLICIES),
        users=tuple(_user(uow, user) for user in users),
        groups=tuple(_group(uow, group) for group in groups),
        roles=tuple(_role(uow, role) for role in roles),
        policies=tuple(_policy(uow, policy) for policy in policies),
        next_token=None if following is None else encode_position(sealer, listing, *following),
    )


def _following(kind: str, names: Sequence[str], size: int) -> tuple[str, str] | None:
    if len(names) == size:
        return kind, names[-1]
    later = _KINDS[_KINDS.index(kind) + 1 :]
    return (later[0], "") if later else None


def _user(uow: UnitOfWork, user: User) -> operations.ExportedUser:
    shown = user_detail(user, uow.identities.get_tags(user.id))
    return operations.ExportedUser(
        path=user.path,
        user_name=user.name,
        arn=user.arn,
        inline=_inline(uow, user.id),
        groups=tuple(group.name for group in uow.groups.of_user(user.id)),
        attached=_attached(uow, user.id),
        permissions_boundary=shown.permissions_boundary,
        tags=shown.tags or (),
    )


def _group(uow: UnitOfWork, group: Group) -> operations.ExportedGroup:
    return operations.ExportedGroup(
        path=group.path,
        group_name=group.name,
        arn=group.arn,
        inline=_inline(uow, group.id),
        attached=_attached(uow, group.id),
    )


def _role(uow: UnitOfWork, role: Role) -> operations.ExportedRole:
    shown = role_detail(role, uow.identities.get_tags(role.id))
    return operations.ExportedRole(
        path=role.path,
        role_name=role.name,
        arn=role.arn,
        assume_role_policy_document=role.trust_policy,
        description=role.description,
        max_session_duration=role.max_session_duration_s,
        inline=_inline(uow, role.id),
        attached=_attached(uow, role.id),
        permissions_boundary=shown.permissions_boundary,
        tags=shown.tags or (),
    )


def _policy(uow: UnitOfWork, policy: ManagedPolicy) -> operations.ExportedPolicy:
    return operations.ExportedPolicy(
        path=policy.path,
        policy_name=policy.name,
        arn=policy.arn,
        description=policy.description,
        versions=tuple(_version(policy, version) for version in uow.managed_policies.versions(policy.id)),
    )


def _version(policy: ManagedPolicy, version: PolicyVersion) -> operations.ExportedPolicyVersion:
    is_default = version.number == policy.default_version
    return operations.ExportedPolicyVersion(
        version_id=version.id,
        is_default_version=is_default,
        document=version.document if is_default else None,
    )


def _inline(uow: UnitOfWork, identity_id: str) -> tuple[operations.InlinePolicyDetail, ...]:
    return tuple(
        operations.InlinePolicyDetail(policy_name=policy.name, policy_document=policy.document)
        for policy in uow.identities.list_policies(identity_id)
    )


def _attached(uow: UnitOfWork, identity_id: str) -> tuple[operations.AttachedPolicyDetail, ...]:
    arns = (arn for _, arn in uow.managed_policies.attached_to([identity_id]))
    return tuple(
        operations.AttachedPolicyDetail(policy_name=arn.rpartition("/")[2], policy_arn=arn) for arn in arns
    )
