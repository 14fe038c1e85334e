"""Activations in SQL."""

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from fairlead.domain.activations import Activation, ActivationQuery
from fairlead.domain.scope import Scope
from fairlead.store.tables import activations


class SqlActivations:
    """domain.activations.ActivationRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, activation: Activation) -> None:
        self._connection.execute(
            insert(activations).values(
                id=activation.id,
                account_id=activation.scope.account_id,
                region=activation.scope.region,
                code_digest=activation.code_digest,
                iam_role=activation.iam_role,
                description=activation.description,
                default_instance_name=activation.default_instance_name,
                registration_limit=activation.registration_limit,
                registrations_count=activation.registrations_count,
                expires_at=activation.expires_at,
                created_at=activation.created_at,
                tags=[list(tag) for tag in activation.tags],
            )
        )

    def get(self, scope: Scope, activation_id: str) -> Activation | None:
        activation = self.find(activation_id)
        return activation if activation is not None and activation.scope == scope else None

    def find(self, activation_id: str) -> Activation | None:
        statement = select(activations).where(activations.c.id == activation_id)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _activation(row)

    def describe(self, query: ActivationQuery) -> list[Activation]:
        statement = (
            select(activations)
            .where(
                activations.c.account_id == query.scope.account_id,
                activations.c.region == query.scope.region,
                *_conditions(query),
            )
            .order_by(activations.c.created_at.desc(), activations.c.id.desc())
            .limit(query.limit)
        )
        return [_activation(row) for row in self._connection.execute(statement)]

    def claim_registration(self, activation_id: str) -> bool:
        # One statement, so that of two who race for the last place the database lets one through.
        changed = self._connection.execute(
            update(activations)
            .where(
                activations.c.id == activation_id,
                activations.c.registrations_count < activations.c.registration_limit,
            )
            .values(registrations_count=activations.c.registrations_count + 1)
        )
        return changed.rowcount == 1

    def delete(self, activation_id: str) -> None:
        self._connection.execute(delete(activations).where(activations.c.id == activation_id))


def _conditions(query: ActivationQuery) -> list[ColumnElement[bool]]:
    wanted = (
        (activations.c.id, query.ids),
        (activations.c.default_instance_name, query.default_instance_names),
        (activations.c.iam_role, query.iam_roles),
    )
    conditions: list[ColumnElement[bool]] = [
        column.in_(list(values)) for column, values in wanted if values is not None
    ]
    if query.after_key is not None:
        created_at, activation_id = query.after_key
        conditions.append(
            or_(
                activations.c.created_at < created_at,
                and_(activations.c.created_at == created_at, activations.c.id < activation_id),
            )
        )
    return conditions


def _activation(row: Row[tuple[object, ...]]) -> Activation:
    return Activation(
        id=row.id,
        scope=Scope(row.account_id, row.region),
        code_digest=row.code_digest,
        iam_role=row.iam_role,
        description=row.description,
        default_instance_name=row.default_instance_name,
        registration_limit=row.registration_limit,
        registrations_count=row.registrations_count,
        expires_at=row.expires_at,
        created_at=row.created_at,
        tags=tuple((key, value) for key, value in row.tags),
    )
