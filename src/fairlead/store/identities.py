"""IAM identities in SQL. Access-key secrets are sealed here, each bound to its key's id."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, Row, Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.identities import AccessKey, InlinePolicy, Role, User
from fairlead.store.tables import access_keys, inline_policies, roles, users


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
        self._add_named(
            users,
            f"User with name {user.name} already exists.",
            id=user.id,
            account_id=user.account_id,
            name=user.name,
            name_key=user.name.lower(),
            path=user.path,
            created_at=user.created_at,
        )

    def get_user(self, account_id: str, name: str, *, to_change: bool = False) -> User | None:
        row = self._by_name(users, account_id, name, to_change)
        return None if row is None else _user(row)

    def get_user_by_id(self, user_id: str) -> User | None:
        row = self._connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
        return None if row is None else _user(row)

    def list_users(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[User]:
        return [_user(row) for row in self._page(users, account_id, path_prefix, after_name, limit)]

    def delete_user(self, user_id: str) -> None:
        self._connection.execute(delete(users).where(users.c.id == user_id))

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
        statement = _KEYS_WITH_USER.where(access_keys.c.id == key_id)
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            return None
        return _access_key(row), self._sealer.open(row.sealed_secret, _bound_to(key_id)).decode()

    def list_access_keys(self, user_id: str) -> list[AccessKey]:
        statement = _KEYS_WITH_USER.where(access_keys.c.user_id == user_id).order_by(access_keys.c.created_at)
        return [_access_key(row) for row in self._connection.execute(statement)]

    def delete_access_key(self, key_id: str) -> None:
        self._connection.execute(delete(access_keys).where(access_keys.c.id == key_id))

    def add_role(self, role: Role) -> None:
        self._add_named(
            roles,
            f"Role with name {role.name} already exists.",
            id=role.id,
            account_id=role.account_id,
            name=role.name,
            name_key=role.name.lower(),
            path=role.path,
            trust_policy=role.trust_policy,
            description=role.description,
            max_session_duration_s=role.max_session_duration_s,
            created_at=role.created_at,
        )

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        row = self._by_name(roles, account_id, name, to_change)
        return None if row is None else _role(row)

    def list_roles(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Role]:
        return [_role(row) for row in self._page(roles, account_id, path_prefix, after_name, limit)]

    def delete_role(self, role_id: str) -> None:
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

    def _add_named(self, table: Table, taken: str, **values: object) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(table).values(**values))
        except IntegrityError as error:
            raise EntityAlreadyExists(taken) from error

    def _by_name(
        self, table: Table, account_id: str, name: str, to_change: bool
    ) -> Row[tuple[object, ...]] | None:
        statement = select(table).where(table.c.account_id == account_id, table.c.name_key == name.lower())
        if to_change:
            statement = statement.with_for_update()  # not needed in SQLite, and left out there: one writer
        return self._connection.execute(statement).one_or_none()

    def _page(
        self, table: Table, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> Sequence[Row[tuple[object, ...]]]:
        statement = (
            select(table)
            .where(
                table.c.account_id == account_id,
                func.substr(table.c.path, 1, len(path_prefix)) == path_prefix,  # LIKE ignores case in SQLite
            )
            .order_by(table.c.name_key)
            .limit(limit)
        )
        if after_name is not None:
            statement = statement.where(table.c.name_key > after_name.lower())
        return self._connection.execute(statement).all()


_KEYS_WITH_USER = select(access_keys, users.c.name.label("user_name")).join(users)


def _bound_to(key_id: str) -> bytes:
    return b"access_keys:" + key_id.encode()


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(id=row.id, account_id=row.account_id, name=row.name, path=row.path, created_at=row.created_at)


def _role(row: Row[tuple[object, ...]]) -> Role:
    return Role(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        trust_policy=row.trust_policy,
        created_at=row.created_at,
        description=row.description,
        max_session_duration_s=row.max_session_duration_s,
    )


def _access_key(row: Row[tuple[object, ...]]) -> AccessKey:
    return AccessKey(
        id=row.id,
        user_id=row.user_id,
        user_name=row.user_name,
        is_active=row.is_active,
        created_at=row.created_at,
    )
