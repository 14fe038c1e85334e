"""Finding the user, group or role that an IAM call is about, and deciding access to it, in one step.

Access is decided on the ARN of what is found, and before anybody is told that nothing was. For an operation
that changes something, what is found is held until the transaction ends.
"""

from collections.abc import Mapping

from fairlead.aws import arn
from fairlead.control.audit import is_read_only
from fairlead.control.authorization import NO_MORE_KEYS
from fairlead.control.calls import Call
from fairlead.domain.callers import CallerKind
from fairlead.domain.errors import InvalidRequest, NoSuchEntity
from fairlead.domain.groups import Group
from fairlead.domain.identities import Role, User
from fairlead.policy.context import ContextValue

_ASKED_WITH_BOUNDARY = frozenset(
    f"{verb}{kind}{what}"
    for kind in ("User", "Role")
    for verb, what in (
        ("Attach", "Policy"),
        ("Delete", "PermissionsBoundary"),
        ("Delete", "Policy"),
        ("Detach", "Policy"),
        ("Put", "Policy"),
    )
)
"""The operations whose policies may ask which boundary the user or role has (Service Authorization Reference,
"AWS Identity and Access Management"). Those that set one are asked with the one that they set."""


def authorized_user(call: Call, name: str | None, context: Mapping[str, ContextValue] = NO_MORE_KEYS) -> User:
    """The user of this name, or the caller. Raises AccessDenied, NoSuchEntity or InvalidRequest.

    `context` holds the keys that only this operation has.
    """
    caller = call.caller
    if name is None and caller.kind is not CallerKind.USER:
        raise InvalidRequest("Must specify userName when calling with non-User credentials")
    account_id = caller.scope.account_id
    asked = caller.name if name is None else name
    user = call.uow.identities.get_user(account_id, asked, to_change=not is_read_only(call.operation))
    call.authorize(
        (user.arn if user is not None else str(arn.user(account_id, asked)),),
        context={**(_keys_of(call, user) if user is not None else {}), **context},
    )
    if user is None:
        raise NoSuchEntity(f"The user with name {asked} cannot be found.")
    return user


def authorized_role(call: Call, name: str, context: Mapping[str, ContextValue] = NO_MORE_KEYS) -> Role:
    """The role of this name. Raises AccessDenied or NoSuchEntity. `context` as for `authorized_user`."""
    account_id = call.caller.scope.account_id
    role = call.uow.identities.get_role(account_id, name, to_change=not is_read_only(call.operation))
    call.authorize(
        (role.arn if role is not None else str(arn.role(account_id, name)),),
        context={**(_keys_of(call, role) if role is not None else {}), **context},
    )
    if role is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return role


def authorized_group(call: Call, name: str, context: Mapping[str, ContextValue] = NO_MORE_KEYS) -> Group:
    """The group of this name. Raises AccessDenied or NoSuchEntity."""
    account_id = call.caller.scope.account_id
    group = call.uow.groups.get(account_id, name, to_change=not is_read_only(call.operation))
    found = group.arn if group is not None else str(arn.group(account_id, name))
    call.authorize((found,), context=context)
    if group is None:
        raise NoSuchEntity(f"The group with name {name} cannot be found.")
    return group


def key_user(call: Call, access_key_id: str) -> str | None:
    """The id of the user that a key belongs to."""
    found = call.uow.identities.get_access_key(access_key_id)
    return None if found is None else found[0].user_id


def boundary_keys(policy_arn: str | None) -> Mapping[str, ContextValue]:
    """The context key by which a policy can demand a certain boundary (IAM User Guide, "Permissions
    boundaries": delegating responsibility)."""
    return {} if policy_arn is None else {"iam:PermissionsBoundary": policy_arn}


def _keys_of(call: Call, found: User | Role) -> Mapping[str, ContextValue]:
    is_asked = call.operation.name in _ASKED_WITH_BOUNDARY
    return {**identity_keys(call, found.id), **(boundary_keys(found.boundary_arn) if is_asked else {})}


def identity_keys(call: Call, identity_id: str) -> dict[str, ContextValue]:
    """The tags of a user or role as context keys of the resource that it is."""
    tags = call.uow.identities.get_tags(identity_id)
    return {f"{prefix}:ResourceTag/{key}": value for key, value in tags.items() for prefix in ("aws", "iam")}
