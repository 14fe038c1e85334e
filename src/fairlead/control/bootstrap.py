"""What a new installation begins with, and the way back in for who has lost it.

Both run without a caller, from the machine of the server itself: whoever can do that holds the master key.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from fairlead.control.audit import service_record
from fairlead.control.environment import Environment
from fairlead.control.identifiers import access_key_id, role_id, secret_access_key, user_id
from fairlead.control.roles import SSM_SERVICE
from fairlead.domain.identities import AccessKey, InlinePolicy, Role, User
from fairlead.domain.unit_of_work import UnitOfWork

ADMIN_USER = "admin"
ADMIN_POLICY_NAME = "AdministratorAccess"
NODE_ROLE_NAME = "FairleadNode"
NODE_ROLE_PATH = "/service-role/"
NODE_ROLE = f"{NODE_ROLE_PATH.removeprefix('/')}{NODE_ROLE_NAME}"
"""The role as CreateActivation takes it."""

_ADMIN_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
_NODE_TRUST_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": SSM_SERVICE}, "Action": "sts:AssumeRole"}],
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class NewAccessKey:
    """An access key that was just made; the secret is known nowhere else in clear."""

    access_key_id: str
    secret_access_key: str


def create_first_identities(env: Environment, keep: Callable[[NewAccessKey], None]) -> bool:
    """At the first start: the role for nodes, and the user `admin` with a key, which `keep` puts where it can
    be found.

    False, and nothing done, if there is a user already: a later start changes nothing, and an `admin` who was
    deleted does not come back. The key is kept before it counts, so a start that was cut short anywhere is
    made good by the next one.
    """
    with env.store.transaction() as uow:
        if uow.identities.list_users(env.settings.account_id, "/", None, 1):
            return False
        _ensure_node_role(env, uow)
        key = _give_admin_key(env, uow, _ensure_admin(env, uow))
        _record(env, uow, "CreateFirstIdentities", key)
        keep(key)
        return True


def recover_admin(env: Environment) -> NewAccessKey:
    """Make `admin` an administrator again, not locked, with one new key in place of all it had."""
    with env.store.transaction() as uow:
        admin = _ensure_admin(env, uow)
        if admin.locked_at is not None:
            uow.identities.unlock_user(admin.id, env.now())
        for policy in list(uow.identities.list_policies(admin.id)):
            uow.identities.delete_policy(admin.id, policy.name)
        uow.identities.put_policy(admin.id, _admin_policy())
        for old in uow.identities.list_access_keys(admin.id):
            uow.identities.delete_access_key(old.id)
        key = _give_admin_key(env, uow, admin)
        _record(env, uow, "RecoverAdmin", key)
        return key


def _ensure_node_role(env: Environment, uow: UnitOfWork) -> None:
    if uow.identities.get_role(env.settings.account_id, NODE_ROLE_NAME) is None:
        uow.identities.add_role(
            Role(
                id=role_id(env.random_bytes),
                account_id=env.settings.account_id,
                name=NODE_ROLE_NAME,
                path=NODE_ROLE_PATH,
                trust_policy=_NODE_TRUST_POLICY,
                created_at=env.now(),
                description="Managed nodes act with this role unless their activation names another",
            )
        )


def _ensure_admin(env: Environment, uow: UnitOfWork) -> User:
    user = uow.identities.get_user(env.settings.account_id, ADMIN_USER)
    if user is None:
        user = User(
            id=user_id(env.random_bytes),
            account_id=env.settings.account_id,
            name=ADMIN_USER,
            path="/",
            created_at=env.now(),
        )
        uow.identities.add_user(user)
        uow.identities.put_policy(user.id, _admin_policy())
    return user


def _admin_policy() -> InlinePolicy:
    return InlinePolicy(name=ADMIN_POLICY_NAME, document=_ADMIN_POLICY)


def _give_admin_key(env: Environment, uow: UnitOfWork, admin: User) -> NewAccessKey:
    key = AccessKey(
        id=access_key_id(env.random_bytes),
        user_id=admin.id,
        user_name=admin.name,
        is_active=True,
        created_at=env.now(),
    )
    secret = secret_access_key(env.random_bytes)
    uow.identities.add_access_key(key, secret)
    return NewAccessKey(key.id, secret)


def _record(env: Environment, uow: UnitOfWork, name: str, key: NewAccessKey) -> None:
    uow.audit.add(service_record(env, name, {"userName": ADMIN_USER, "accessKeyId": key.access_key_id}))
