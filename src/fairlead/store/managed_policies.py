"""Managed policies, their versions and their attachments in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairlead.aws.arn import Arn
from fairlead.domain.managed_policies import ManagedPolicy, PolicyVersion
from fairlead.store.named_rows import NamedRow, add_named, find_named, page_named
from fairlead.store.tables import managed_policies, policy_attachments, policy_versions, roles, users

FIRST_VERSION = 1


class SqlManagedPolicies:
    """domain.managed_policies.ManagedPolicyRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, policy: ManagedPolicy, document: str) -> None:
        add_named(
            self._connection,
            managed_policies,
            "A policy",
            policy.name,
            id=policy.id,
            account_id=policy.account_id,
            path=policy.path,
            description=policy.description,
            default_version=FIRST_VERSION,
            last_version=FIRST_VERSION,
            created_at=policy.created_at,
            updated_at=policy.updated_at,
        )
        self._insert_version(policy.id, FIRST_VERSION, document, policy.created_at)

    def get(self, arn: str, *, to_change: bool = False) -> ManagedPolicy | None:
        account_id, name = _account_and_name(arn)
        row = find_named(self._connection, managed_policies, account_id, name, to_change=to_change)
        policy = None if row is None else _policy(row)
        return policy if policy is not None and policy.arn == arn else None

    def page(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[ManagedPolicy]:
        rows = page_named(self._connection, managed_policies, account_id, path_prefix, after_name, limit)
        return [_policy(row) for row in rows]

    def delete(self, policy_id: str) -> None:
        self._connection.execute(delete(policy_versions).where(policy_versions.c.policy_id == policy_id))
        self._connection.execute(delete(managed_policies).where(managed_policies.c.id == policy_id))

    def versions(self, policy_id: str) -> list[PolicyVersion]:
        statement = (
            select(policy_versions)
            .where(policy_versions.c.policy_id == policy_id)
            .order_by(policy_versions.c.number.desc())
        )
        return [
            PolicyVersion(number=row.number, document=row.document, created_at=row.created_at)
            for row in self._connection.execute(statement)
        ]

    def add_version(self, policy_id: str, document: str, at: datetime) -> PolicyVersion:
        number: int = self._connection.execute(
            update(managed_policies)
            .where(managed_policies.c.id == policy_id)
            .values(last_version=managed_policies.c.last_version + 1)
            .returning(managed_policies.c.last_version)
        ).scalar_one()
        self._insert_version(policy_id, number, document, at)
        return PolicyVersion(number=number, document=document, created_at=at)

    def delete_version(self, policy_id: str, number: int) -> None:
        self._connection.execute(
            delete(policy_versions).where(
                policy_versions.c.policy_id == policy_id, policy_versions.c.number == number
            )
        )

    def set_default_version(self, policy_id: str, number: int, at: datetime) -> None:
        self._connection.execute(
            update(managed_policies)
            .where(managed_policies.c.id == policy_id)
            .values(default_version=number, updated_at=at)
        )

    def default_documents(self, arns: Collection[str]) -> dict[str, str]:
        wanted = {_account_and_name(arn) for arn in arns}
        names = {
            "of_accounts": list({account for account, _ in wanted}),
            "of_names": list({name.lower() for _, name in wanted}),
        }
        rows = self._connection.execute(_DEFAULT_DOCUMENTS, names)
        found = {_policy(row).arn: str(row.document) for row in rows}
        return {arn: found[arn] for arn in arns if arn in found}

    def attach(self, identity_id: str, arn: str) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(policy_attachments).values(identity_id=identity_id, policy_arn=arn)
                )
        except IntegrityError:
            return

    def detach(self, identity_id: str, arn: str) -> bool:
        removed = self._connection.execute(
            delete(policy_attachments).where(
                policy_attachments.c.identity_id == identity_id, policy_attachments.c.policy_arn == arn
            )
        )
        return removed.rowcount > 0

    def attached_to(self, identity_ids: Collection[str]) -> Sequence[tuple[str, str]]:
        rows = self._connection.execute(_ATTACHED, {"of_ids": list(identity_ids)})
        return [(row.identity_id, row.policy_arn) for row in rows]

    def attachment_count(self, arn: str) -> int:
        statement = (
            select(func.count()).select_from(policy_attachments).where(policy_attachments.c.policy_arn == arn)
        )
        return int(self._connection.execute(statement).scalar_one())

    def boundary_count(self, arn: str) -> int:
        counts = (
            select(func.count()).select_from(table).where(table.c.boundary_arn == arn)
            for table in (users, roles)
        )
        return sum(int(self._connection.execute(count).scalar_one()) for count in counts)

    def _insert_version(self, policy_id: str, number: int, document: str, at: datetime) -> None:
        self._connection.execute(
            insert(policy_versions).values(
                policy_id=policy_id, number=number, document=document, created_at=at
            )
        )


_ATTACHED = (
    select(policy_attachments)
    .where(policy_attachments.c.identity_id.in_(bindparam("of_ids", expanding=True)))
    .order_by(policy_attachments.c.identity_id, policy_attachments.c.policy_arn)
)
# Asked at calls of whoever has a managed policy of the account, and made once for that.
_DEFAULT_DOCUMENTS = (
    select(managed_policies, policy_versions.c.document)
    .join(policy_versions, policy_versions.c.policy_id == managed_policies.c.id)
    .where(
        policy_versions.c.number == managed_policies.c.default_version,
        managed_policies.c.account_id.in_(bindparam("of_accounts", expanding=True)),
        managed_policies.c.name_key.in_(bindparam("of_names", expanding=True)),
    )
)


def _account_and_name(arn: str) -> tuple[str, str]:
    parsed = Arn.parse(arn)
    return parsed.account, parsed.resource.rpartition("/")[2]


def _policy(row: NamedRow) -> ManagedPolicy:
    return ManagedPolicy(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        default_version=row.default_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        description=row.description,
    )
