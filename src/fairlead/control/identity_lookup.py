"""Finding the user or role that an IAM call is about, and deciding access to it, in one step.

Access is decided on the ARN of what is found, and before anybody is told that nothing was. For an operation
that changes something, what is found is held until the transaction ends.
"""

from fairlead.aws import arn
from fairlead.control.audit import is_read_only
from fairlead.control.calls import Call
from fairlead.domain.callers import CallerKind
from fairlead.domain.errors import InvalidRequest, NoSuchEntity
from fairlead.domain.identities import Role, User


def authorized_user(call: Call, name: str | None) -> User:
    """The user of this name, or the caller. Raises AccessDenied, NoSuchEntity or InvalidRequest."""
    caller = call.caller
    if name is None and caller.kind is not CallerKind.USER:
        raise InvalidRequest("Must specify userName when calling with non-User credentials")
    account_id = caller.scope.account_id
    asked = caller.name if name is None else name
    user = call.uow.identities.get_user(account_id, asked, to_change=not is_read_only(call.operation))
    call.authorize((user.arn if user is not None else str(arn.user(account_id, asked)),))
    if user is None:
        raise NoSuchEntity(f"The user with name {asked} cannot be found.")
    return user


def authorized_role(call: Call, name: str) -> Role:
    """The role of this name. Raises AccessDenied or NoSuchEntity."""
    account_id = call.caller.scope.account_id
    role = call.uow.identities.get_role(account_id, name, to_change=not is_read_only(call.operation))
    call.authorize((role.arn if role is not None else str(arn.role(account_id, name)),))
    if role is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return role


def key_user(call: Call, access_key_id: str) -> str | None:
    """The id of the user that a key belongs to."""
    found = call.uow.identities.get_access_key(access_key_id)
    return None if found is None else found[0].user_id
