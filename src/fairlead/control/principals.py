"""Users and nodes as callers: the one of a signed request, and the owner of a session as he is now.

The owner is found by his unique id, so that a new user of an old name does not come into another's sessions.
"""

from dataclasses import replace

from fairlead.aws import arn
from fairlead.domain.callers import Caller, CallerKind, Origin, TemporaryCredentials
from fairlead.domain.errors import AccessDenied
from fairlead.domain.identities import Role, User
from fairlead.domain.nodes import Node
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import Session
from fairlead.domain.unit_of_work import UnitOfWork

TEMPORARY_KEY_PREFIX = "ASIA"


def user_caller(
    user: User,
    region: str,
    access_key_id: str,
    origin: Origin,
    temporary: TemporaryCredentials | None = None,
) -> Caller:
    """A user, with a key of his own or with temporary credentials."""
    return Caller(
        kind=CallerKind.USER,
        scope=Scope(user.account_id, region),
        arn=user.arn,
        principal_id=user.id,
        name=user.name,
        access_key_id=access_key_id,
        origin=origin,
        temporary=temporary,
    )


def role_caller(
    role: Role,
    session_name: str,
    region: str,
    access_key_id: str,
    origin: Origin,
    temporary: TemporaryCredentials | None,
) -> Caller:
    """Somebody who took on a role."""
    return Caller(
        kind=CallerKind.ROLE,
        scope=Scope(role.account_id, region),
        arn=str(arn.assumed_role(role.account_id, role.name, session_name)),
        principal_id=f"{role.id}:{session_name}",
        name=session_name,
        access_key_id=access_key_id,
        origin=origin,
        role_name=role.name,
        role_arn=role.arn,
        temporary=temporary,
    )


def account_caller(caller: Caller) -> Caller:
    """The account of a caller, at the same place: for calls that are only tried."""
    account_id = caller.scope.account_id
    return replace(
        caller,
        kind=CallerKind.ACCOUNT,
        arn=str(arn.root(account_id)),
        principal_id=account_id,
        name="root",
        role_name=None,
        role_arn=None,
        node_id=None,
        temporary=None,
    )


def temporary_caller(
    uow: UnitOfWork,
    principal_id: str,
    region: str,
    access_key_id: str,
    origin: Origin,
    temporary: TemporaryCredentials,
) -> Caller | None:
    """Whom temporary credentials are of, as he is now.

    None if the user or role is gone, or a lock voids them: of the user, or of the one who took on the role.
    With him they go, too, so that deleting a locked user does not bring them back.
    """
    identity_id, is_role_session, session_name = principal_id.partition(":")
    if is_role_session:
        role = uow.identities.get_role_by_id(identity_id)
        if role is None or _is_void(uow, temporary):
            return None
        return role_caller(role, session_name, region, access_key_id, origin, temporary)
    user = uow.identities.get_user_by_id(identity_id)
    if user is None or user.voids(temporary.issued_at):
        return None
    return user_caller(user, region, access_key_id, origin, temporary)


def _is_void(uow: UnitOfWork, temporary: TemporaryCredentials) -> bool:
    """Whether the user behind a role session is gone or locked since."""
    if temporary.user_id is None:
        return False
    user = uow.identities.get_user_by_id(temporary.user_id)
    return user is None or user.voids(temporary.issued_at)


def node_caller(node: Node, role: Role | None, access_key_id: str, origin: Origin) -> Caller:
    """A node as the session of its role that is named after it. Nothing of it is the node's own word.

    Without a role it can only ask for credentials, and is refused them.
    """
    return Caller(
        kind=CallerKind.NODE,
        scope=node.scope,
        arn=str(arn.assumed_role(node.scope.account_id, node.role_name, node.id)),
        principal_id=f"{role.id if role is not None else ''}:{node.id}",
        name=node.id,
        access_key_id=access_key_id,
        origin=origin,
        node_id=node.id,
        role_name=node.role_name,
        role_arn=role.arn if role is not None else None,
    )


def role_of(uow: UnitOfWork, node: Node) -> Role | None:
    """The role of a node, if there still is one of that name."""
    return uow.identities.get_role(node.scope.account_id, node.role_name)


def owner_at_start(session: Session, origin: Origin) -> Caller:
    """Who started a session, as he was then, coming from `origin`: for records."""
    kind = CallerKind.USER
    if ":" in session.owner_id:
        kind = CallerKind.NODE if session.owner_credentials is None else CallerKind.ROLE
    return Caller(
        kind=kind,
        scope=session.scope,
        arn=session.owner_arn,
        principal_id=session.owner_id,
        name=session.owner_arn.rpartition("/")[2],
        access_key_id=session.access_key_id,
        origin=origin,
        temporary=session.owner_credentials,
    )


def present_owner(uow: UnitOfWork, session: Session, origin: Origin) -> Caller:
    """Who started a session, as a caller who comes from `origin` now.

    Temporary credentials may have expired. A key that does not expire is taken away by a decision, and with
    it go the sessions that it started. Raises AccessDenied if the owner, or that key, is gone, or he is
    locked.
    """
    origin = replace(origin, user_agent=session.user_agent)
    if session.owner_credentials is not None:
        return _present_holder(uow, session, session.owner_credentials, origin)
    identity_id, is_role_session, node_id = session.owner_id.partition(":")
    if is_role_session:
        return _present_node(uow, session, node_id, origin)
    user = uow.identities.get_user_by_id(identity_id)
    if user is None or user.account_id != session.scope.account_id:
        raise AccessDenied(f"{session.owner_arn} was deleted.")
    if user.voids(None):
        raise AccessDenied(f"{session.owner_arn} is locked.")
    _require_key(uow, session, user)
    return user_caller(user, session.scope.region, session.access_key_id, origin)


def _present_holder(
    uow: UnitOfWork, session: Session, temporary: TemporaryCredentials, origin: Origin
) -> Caller:
    region, key_id = session.scope.region, session.access_key_id
    owner = temporary_caller(uow, session.owner_id, region, key_id, origin, temporary)
    if owner is None or owner.scope != session.scope:
        raise AccessDenied(f"{session.owner_arn} was deleted, or the user behind it deleted or locked.")
    return owner


def _present_node(uow: UnitOfWork, session: Session, node_id: str, origin: Origin) -> Caller:
    node = uow.nodes.get(session.scope, node_id)
    role = role_of(uow, node) if node is not None else None
    owner = None if node is None else node_caller(node, role, session.access_key_id, origin)
    if owner is None or owner.principal_id != session.owner_id:
        raise AccessDenied(f"{session.owner_arn} was deleted.")
    return owner


def _require_key(uow: UnitOfWork, session: Session, user: User) -> None:
    key_id = session.access_key_id
    if not key_id or key_id.startswith(TEMPORARY_KEY_PREFIX):
        return
    if not any(key.id == key_id and key.is_active for key in uow.identities.list_access_keys(user.id)):
        raise AccessDenied(f"The access key {key_id} of {session.owner_arn} was deactivated or deleted.")
