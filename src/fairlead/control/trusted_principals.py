"""The trust in a user or role that is deleted ends then, and a new one of the same name has none of it."""

from collections.abc import Callable, Iterator

from fairlead.aws import arn
from fairlead.control.calls import Call
from fairlead.domain.identities import Role, User
from fairlead.policy.trust_renaming import with_principals_renamed

_PAGE = 500
_EVERY_PATH = "/"


def end_trust_in(call: Call, gone: User | Role) -> None:
    """Trust policies that name the user, or the role or its sessions, name its unique id instead."""
    identities = call.uow.identities
    new_name = _new_name(gone)
    for name in list(_roles_that_may_name(call, gone)):
        role = identities.get_role(gone.account_id, name, to_change=True)
        if role is None:
            continue
        text = with_principals_renamed(role.trust_policy, new_name)
        if text != role.trust_policy:
            identities.set_trust_policy(role.id, text)


def _new_name(gone: User | Role) -> Callable[[str], str]:
    sessions = str(arn.assumed_role(gone.account_id, gone.name, "")) if isinstance(gone, Role) else None

    def new_name(principal: str) -> str:
        if principal == gone.arn:
            return gone.id
        if sessions is not None and principal.startswith(sessions):
            return f"{gone.id}:{principal.removeprefix(sessions)}"
        return principal

    return new_name


def _roles_that_may_name(call: Call, gone: User | Role) -> Iterator[str]:
    """The names of the roles whose trust policy has the name in it, or could have it with escapes."""
    after: str | None = None
    while True:
        page = call.uow.identities.list_roles(gone.account_id, _EVERY_PATH, after, _PAGE)
        for role in page:
            if gone.name in role.trust_policy or "\\" in role.trust_policy:
                yield role.name
        if len(page) < _PAGE:
            return
        after = page[-1].name
