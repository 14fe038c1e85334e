"""IAM identities in SQL. Access-key secrets are sealed here, each bound to its key's id."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fairlead.domain.identities import AccessKey, Grants, InlinePolicy, Role, User
from fairlead.store.grants import read_grants
from fairlead.store.named_rows import NamedRow, add_named, find_named, page_named
from fairlead.store.tables import access_keys, identity_tags, inline_policies, roles, users


class SecretSealer(Protocol):
    """Encrypts what must be recoverable; a value moved to a row that `bound_to` does not name is refused."""

    def seal(self, plain: bytes, bound_to: bytes) -> bytes: ...
    def open(self, sealed: bytes, bound_to: bytes) -> bytes: ...


class SqlIdentities:
    """domain.identities.IdentityRepository over one connection."""

    def __init__(self, connection: Connection, sealer: SecretSealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def add_user(self, user: User) -> None:
        add_named(
            self._connection,
            users,
            "User",
            user.name,
            id=user.id,
            account_id=user.account_id,
            path=user.path,
            created_at=user.created_at,
            boundary_arn=user.boundary_arn,
        )

    def get_user(self, account_id: str, name: str, *, to_change: bool = False) -> User | None:
        row = find_named(self._connection, users, account_id, name, to_change=to_change)
        return None if row is None else user_of(row)

    def get_user_by_id(self, user_id: str, *, to_change: bool = False) -> User | None:
        statement = _USER_TO_CHANGE if to_change else _USER
        row = self._connection.execute(statement, {"of_id": user_id}).one_or_none()
        return None if row is None else user_of(row)

    def list_users(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[User]:
        rows = page_named(self._connection, users, account_id, path_prefix, after_name, limit)
        return [user_of(row) for row in rows]

    def set_user_boundary(self, user_id: str, policy_arn: str | None) -> None:
        self._connection.execute(update(users).where(users.c.id == user_id).values(boundary_arn=policy_arn))

    def delete_user(self, user_id: str) -> None:
        self._delete_all_tags(user_id)
        self._connection.execute(delete(users).where(users.c.id == user_id))

    def lock_user(self, user_id: str, at: datetime) -> int:
        self._connection.execute(
            update(users).where(users.c.id == user_id, users.c.locked_at.is_(None)).values(locked_at=at)
        )
        return self._connection.execute(
            update(access_keys)
            .where(access_keys.c.user_id == user_id, access_keys.c.is_active)
            .values(is_active=False, is_off_by_lock=True)
        ).rowcount

    def unlock_user(self, user_id: str, at: datetime) -> int:
        self._connection.execute(
            update(users).where(users.c.id == user_id).values(locked_at=None, void_until=at)
        )
        return self._connection.execute(
            update(access_keys)
            .where(access_keys.c.user_id == user_id, access_keys.c.is_off_by_lock)
            .values(is_active=True, is_off_by_lock=False)
        ).rowcount

    def add_access_key(self, key: AccessKey, secret: str) -> None:
        self._connection.execute(
            insert(access_keys).values(
                id=key.id,
                user_id=key.user_id,
                is_active=key.is_active,
                sealed_secret=self._sealer.seal(secret.encode(), _bound_to(key.id)),
                created_at=key.created_at,
            )
        )

    def get_access_key(self, key_id: str) -> tuple[AccessKey, str] | None:
        row = self._connection.execute(_KEY_WITH_USER, {"of_id": key_id}).one_or_none()
        if row is None:
            return None
        return _access_key(row), self._sealer.open(row.sealed_secret, _bound_to(key_id)).decode()

    def get_key_and_user(self, key_id: str) -> tuple[AccessKey, str, User] | None:
        row = self._connection.execute(_USER_WITH_KEY, {"of_id": key_id}).one_or_none()
        if row is None:
            return None
        key = AccessKey(
            id=key_id,
            user_id=row.id,
            user_name=row.name,
            is_active=row.key_is_active,
            created_at=row.key_created_at,
        )
        secret = self._sealer.open(row.sealed_secret, _bound_to(key_id)).decode()
        return key, secret, user_of(row)

    def list_access_keys(self, user_id: str) -> list[AccessKey]:
        statement = _KEYS_WITH_USER.where(access_keys.c.user_id == user_id).order_by(access_keys.c.created_at)
        return [_access_key(row) for row in self._connection.execute(statement)]

    def set_access_key_active(self, key_id: str, is_active: bool) -> None:
        self._connection.execute(
            update(access_keys)
            .where(access_keys.c.id == key_id)
            .values(is_active=is_active, is_off_by_lock=False)
        )

    def delete_access_key(self, key_id: str) -> None:
        self._connection.execute(delete(access_keys).where(access_keys.c.id == key_id))

    def add_role(self, role: Role) -> None:
        add_named(
            self._connection,
            roles,
            "Role",
            role.name,
            id=role.id,
            account_id=role.account_id,
            path=role.path,
            boundary_arn=role.boundary_arn,
            trust_policy=role.trust_policy,
            description=role.description,
            max_session_duration_s=role.max_session_duration_s,
            created_at=role.created_at,
        )

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        row = find_named(self._connection, roles, account_id, name, to_change=to_change)
        return None if row is None else _role(row)

    def get_role_by_id(self, role_id: str) -> Role | None:
        row = self._connection.execute(_ROLE, {"of_id": role_id}).one_or_none()
        return None if row is None else _role(row)

    def list_roles(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Role]:
        rows = page_named(self._connection, roles, account_id, path_prefix, after_name, limit)
        return [_role(row) for row in rows]

    def set_trust_policy(self, role_id: str, document: str) -> None:
        self._connection.execute(update(roles).where(roles.c.id == role_id).values(trust_policy=document))

    def set_role_details(self, role_id: str, description: str | None, max_session_duration_s: int) -> None:
        self._connection.execute(
            update(roles)
            .where(roles.c.id == role_id)
            .values(description=description, max_session_duration_s=max_session_duration_s)
        )

    def set_role_boundary(self, role_id: str, policy_arn: str | None) -> None:
        self._connection.execute(update(roles).where(roles.c.id == role_id).values(boundary_arn=policy_arn))

    def delete_role(self, role_id: str) -> None:
        self._delete_all_tags(role_id)
        self._connection.execute(delete(roles).where(roles.c.id == role_id))

    def put_policy(self, identity_id: str, policy: InlinePolicy) -> None:
        self.delete_policy(identity_id, policy.name)
        self._connection.execute(
            insert(inline_policies).values(
                identity_id=identity_id, name=policy.name, document=policy.document
            )
        )

    def get_policy(self, identity_id: str, name: str) -> InlinePolicy | None:
        statement = select(inline_policies).where(
            inline_policies.c.identity_id == identity_id, inline_policies.c.name == name
        )
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else InlinePolicy(name=row.name, document=row.document)

    def list_policies(self, identity_id: str) -> Sequence[InlinePolicy]:
        statement = (
            select(inline_policies)
            .where(inline_policies.c.identity_id == identity_id)
            .order_by(inline_policies.c.name)
        )
        return [
            InlinePolicy(name=row.name, document=row.document) for row in self._connection.execute(statement)
        ]

    def delete_policy(self, identity_id: str, name: str) -> None:
        self._connection.execute(
            delete(inline_policies).where(
                inline_policies.c.identity_id == identity_id, inline_policies.c.name == name
            )
        )

    def grants_of(self, identity_id: str) -> Grants | None:
        return read_grants(self._connection, identity_id)

    def get_tags(self, identity_id: str) -> Mapping[str, str]:
        rows = self._connection.execute(_TAGS, {"of_id": identity_id})
        return {row.key: row.value for row in rows}

    def put_tags(self, identity_id: str, tags: Mapping[str, str]) -> None:
        self.delete_tags(identity_id, tags)
        rows = [
            {"identity_id": identity_id, "key_folded": key.lower(), "key": key, "value": value}
            for key, value in tags.items()
        ]
        if rows:
            self._connection.execute(insert(identity_tags), rows)

    def delete_tags(self, identity_id: str, keys: Collection[str]) -> None:
        folded = [key.lower() for key in keys]
        self._connection.execute(
            delete(identity_tags).where(
                identity_tags.c.identity_id == identity_id, identity_tags.c.key_folded.in_(folded)
            )
        )

    def _delete_all_tags(self, identity_id: str) -> None:
        self._connection.execute(delete(identity_tags).where(identity_tags.c.identity_id == identity_id))


# Asked at every call. Made once, because making them takes SQLAlchemy four times as long as running them.
_USER = select(users).where(users.c.id == bindparam("of_id"))
_USER_TO_CHANGE = _USER.with_for_update()  # not needed in SQLite, and left out there: one writer
_ROLE = select(roles).where(roles.c.id == bindparam("of_id"))
_KEYS_WITH_USER = select(access_keys, users.c.name.label("user_name")).join(users)
_KEY_WITH_USER = _KEYS_WITH_USER.where(access_keys.c.id == bindparam("of_id"))
_USER_WITH_KEY = (
    select(
        users,
        access_keys.c.is_active.label("key_is_active"),
        access_keys.c.created_at.label("key_created_at"),
        access_keys.c.sealed_secret,
    )
    .join_from(access_keys, users)
    .where(access_keys.c.id == bindparam("of_id"))
)
_TAGS = (
    select(identity_tags)
    .where(identity_tags.c.identity_id == bindparam("of_id"))
    .order_by(identity_tags.c.key_folded)
)


def _bound_to(key_id: str) -> bytes:
    return b"access_keys:" + key_id.encode()


def user_of(row: NamedRow) -> User:
    """A row of `users` as a value."""
    return User(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        created_at=row.created_at,
        boundary_arn=row.boundary_arn,
        locked_at=row.locked_at,
        void_until=row.void_until,
    )


def _role(row: NamedRow) -> Role:
    return Role(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        trust_policy=row.trust_policy,
        created_at=row.created_at,
        description=row.description,
        max_session_duration_s=row.max_session_duration_s,
        boundary_arn=row.boundary_arn,
    )


def _access_key(row: NamedRow) -> AccessKey:
    return AccessKey(
        id=row.id,
        user_id=row.user_id,
        user_name=row.user_name,
        is_active=row.is_active,
        created_at=row.created_at,
    )
