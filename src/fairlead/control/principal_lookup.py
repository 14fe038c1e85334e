"""Somebody about whom a question is asked: a user, a role or a session of it, or a group, as a caller.

What the policies of such a caller say is asked exactly as for a call of his own. What only his connection
could tell (his address, his client, whether there is TLS) is unknown, and so is the name of a role's session
where only the role is named.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.arn import Arn
from fairlead.control.authorization import START_SESSION_KEYS, context_without_origin
from fairlead.control.calls import Call
from fairlead.control.identity_lookup import authorized_group, authorized_role, authorized_user
from fairlead.control.principal_policies import policies_of_group, standing_of
from fairlead.control.principals import role_caller, user_caller
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import InvalidInput, NoSuchEntity
from fairlead.domain.groups import Group
from fairlead.domain.identities import Role, User
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import AttachedPolicy

_NOWHERE = Origin(source_address="")
_START_SESSION = "ssm:startsession"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a question is about. `caller` is None for a group, which never calls by itself.

    `is_locked`: a user whose credentials are all void for the time being, whatever his policies say.
    """

    arn: str
    caller: Caller | None
    group: Group | None = None
    is_locked: bool = False

    def policies(self, uow: UnitOfWork) -> Iterable[AttachedPolicy]:
        """Every policy that applies. Raises MalformedPolicy if a stored one is unreadable."""
        if self.caller is not None:
            return standing_of(uow, self.caller).policies
        assert self.group is not None
        return policies_of_group(uow, self.group)

    def context(self, uow: UnitOfWork, action: str, now: datetime) -> dict[str, ContextValue]:
        """The context keys that the server would supply to a call of this action."""
        keys: dict[str, ContextValue] = dict(START_SESSION_KEYS if action.lower() == _START_SESSION else {})
        if self.caller is None:
            return keys
        keys |= {**context_without_origin(self.caller, now), **standing_of(uow, self.caller).tags}
        if self.caller.role_arn is not None and not self.caller.name:
            del keys["aws:userid"]
        return keys


def user_principal(user: User, region: str) -> Principal:
    """A user."""
    return Principal(user.arn, user_caller(user, region, "", _NOWHERE), is_locked=user.locked_at is not None)


def role_principal(role: Role, region: str, session_name: str = "") -> Principal:
    """A role, or a session of it if that has a name."""
    caller = role_caller(role, session_name, region, "", _NOWHERE, None)
    return Principal(caller.arn if session_name else role.arn, caller)


def authorized_principal(call: Call, name_or_arn: str) -> Principal:
    """The principal, if the caller may ask about it.

    A name is a user's. Raises AccessDenied, NoSuchEntity, InvalidInput or MalformedArn.
    """
    region = call.caller.scope.region
    if not name_or_arn.startswith("arn:"):
        return user_principal(authorized_user(call, name_or_arn), region)
    arn = Arn.parse(name_or_arn)
    kind, _, rest = arn.resource.partition("/")
    name = rest.rpartition("/")[2]
    principal: Principal
    match arn.service, kind:
        case "iam", "user":
            principal = user_principal(authorized_user(call, name), region)
        case "iam", "role":
            principal = role_principal(authorized_role(call, name), region)
        case "iam", "group":
            group = authorized_group(call, name)
            principal = Principal(group.arn, None, group)
        case "sts", "assumed-role" if "/" in rest:
            role = authorized_role(call, rest.partition("/")[0])
            principal = role_principal(role, region, name)
        case _:
            raise InvalidInput(f"{name_or_arn} is not the ARN of a user, group or role.")
    if principal.arn != name_or_arn:  # another account, or another path
        raise NoSuchEntity(f"{name_or_arn} cannot be found.")
    return principal
