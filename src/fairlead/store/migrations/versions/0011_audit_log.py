"""audit records as CloudTrail events, with places in a log and a tree over them

Revision ID: 0011
Revises: 0010
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_BATCH = 500
_OLD_COLUMNS = (
    "id",
    "event_source",
    "event_name",
    "principal_arn",
    "principal_id",
    "user_name",
    "access_key_id",
    "source_address",
    "user_agent",
    "request_id",
    "is_read_only",
    "request_parameters",
    "response_elements",
    "error_code",
    "error_message",
    "decision",
)

_SSM_CODES = {
    "AccessDenied": "AccessDenied",
    "DeleteConflict": "DeleteConflict",
    "DocumentNotFound": "InvalidDocument",
    "DocumentUnsupported": "InvalidDocument",
    "IdentityProviderUnreachable": "IDPCommunicationError",
    "IdentityTokenExpired": "ExpiredTokenException",
    "InvalidChannelToken": "AccessDenied",
    "InvalidFilterValue": "ValidationException",
    "InvalidInput": "ValidationException",
    "InvalidRequest": "ValidationException",
    "MachineFingerprintMismatch": "MachineFingerprintDoesNotMatch",
    "MalformedArn": "ValidationException",
    "MalformedPolicy": "MalformedPolicyDocument",
    "PolicyNotEvaluated": "PolicyEvaluation",
    "PolicyRefused": "MalformedPolicyDocument",
    "RegistrationLimitReached": "RegistrationLimitExceeded",
    "RequestError": "ValidationException",
    "SerializationFailed": "SerializationException",
    "SessionEnded": "DoesNotExistException",
    "SessionNotFound": "DoesNotExistException",
    "TargetUnsupported": "BadRequest",
    "Throttled": "ThrottlingException",
    "TooManyTags": "TooManyTagsError",
    "ValidationFailed": "ValidationException",
}
"""Error codes of AWS for what was recorded until now, the names of our classes. Others were alike."""

_QUERY_CODES = _SSM_CODES | {
    "InvalidFilterValue": "ValidationError",
    "InvalidInput": "InvalidInput",
    "InvalidNextToken": "InvalidInput",
    "InvalidRequest": "ValidationError",
    "MalformedArn": "ValidationError",
    "RequestError": "ValidationError",
    "SerializationFailed": "MalformedInput",
    "Throttled": "Throttling",
    "ValidationFailed": "ValidationError",
}
"""The same in iam and sts."""


def upgrade() -> None:
    with op.batch_alter_table("audit_records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("event", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "leaf_index",
                sa.BigInteger(),
                nullable=True,
                comment="the place in the log, given after the commit",
            )
        )
    _write_events()
    with op.batch_alter_table("audit_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_records_account_id_region_sequence"))
        batch_op.drop_index(batch_op.f("ix_audit_records_at"))
        batch_op.drop_constraint(batch_op.f("uq_audit_records_id"), type_="unique")
        for column in _OLD_COLUMNS:
            batch_op.drop_column(column)
        batch_op.alter_column(
            "event",
            existing_type=sa.Text(),
            nullable=False,
            comment="the CloudTrail event in canonical JSON: the log's leaf",
        )
    _create_indexes()
    op.create_table(
        "audit_findable",
        sa.Column("attribute", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "attribute", "value", "account_id", "region", "at", "leaf_index", name=op.f("pk_audit_findable")
        ),
        comment="each value by which an event is looked up",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_tiles",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_audit_tiles")),
        comment="the Merkle tree over audit_records, 256 hashes to a row",
        sqlite_with_rowid=False,
    )
    tree = op.create_table(
        "audit_tree",
        sa.Column(
            "size", sa.BigInteger(), nullable=False, comment="how many records have a place; the one row"
        ),
    )
    op.bulk_insert(tree, [{"size": 0}])
    op.create_table(
        "audit_checkpoints",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False, comment="hours since 1970"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_audit_checkpoints")),
    )


def _create_indexes() -> None:
    sequenced = sa.text("leaf_index IS NOT NULL")
    pending = sa.text("leaf_index IS NULL")
    for name, columns, condition, unique in (
        ("ix_audit_records_pending", ["sequence"], pending, False),
        ("ix_audit_records_leaf_index", ["leaf_index"], sequenced, True),
        ("ix_audit_records_at", ["at", "leaf_index"], sequenced, False),
        ("ix_audit_records_scope", ["account_id", "region", "at", "leaf_index"], sequenced, False),
    ):
        op.create_index(
            name,
            "audit_records",
            columns,
            unique=unique,
            sqlite_where=condition,
            postgresql_where=condition,
        )


def _write_events() -> None:
    """What the old columns said, as events; they get their places in the log after the start."""
    # Any: columns of several types.
    columns: list[Any] = [sa.column(name) for name in ("sequence", "at", "account_id", "region")]
    columns += [
        sa.column(
            name, sa.JSON() if name in ("request_parameters", "response_elements", "decision") else None
        )
        for name in _OLD_COLUMNS
    ]
    table = sa.table("audit_records", *columns, sa.column("event"))
    connection = op.get_bind()
    last = 0
    while True:
        rows = connection.execute(
            sa.select(*columns).where(table.c.sequence > last).order_by(table.c.sequence).limit(_BATCH)
        ).all()
        if not rows:
            return
        connection.execute(
            sa.update(table)
            .where(table.c.sequence == sa.bindparam("row"))
            .values(event=sa.bindparam("text")),
            [{"row": row.sequence, "text": _event(row)} for row in rows],
        )
        last = rows[-1].sequence


def _event(row: Any) -> str:  # Any: a row of the columns above
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.at)
    is_service_event = row.event_source == "fairlead.security"
    codes = _QUERY_CODES if row.event_source in ("iam.amazonaws.com", "sts.amazonaws.com") else _SSM_CODES
    members = {
        "eventVersion": "1.08",
        "userIdentity": _identity(row),
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": row.event_source,
        "eventName": row.event_name,
        "awsRegion": row.region,
        "sourceIPAddress": row.source_address or None,
        "userAgent": row.user_agent or None,
        "errorCode": codes.get(row.error_code, row.error_code),
        "errorMessage": row.error_message,
        "serviceEventDetails" if is_service_event else "requestParameters": row.request_parameters,
        "responseElements": row.response_elements,
        "additionalEventData": row.decision,
        "requestID": row.request_id or None,
        "eventID": row.id,
        "readOnly": bool(row.is_read_only),
        "eventType": "AwsServiceEvent" if is_service_event else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": row.account_id,
        "eventCategory": "Management",
    }
    return _canonical({name: value for name, value in members.items() if value is not None})


def _identity(row: Any) -> dict[str, Any]:  # Any: as above; JSON
    if row.principal_arn == "server":
        return {"type": "AWSService", "invokedBy": "server"}
    if row.principal_arn == "anonymous":
        return {"type": "Unknown", "principalId": row.principal_id}
    identity = {
        "type": "AssumedRole" if ":assumed-role/" in row.principal_arn else "IAMUser",
        "principalId": row.principal_id,
        "arn": row.principal_arn,
        "accountId": row.account_id,
        "accessKeyId": row.access_key_id,
    }
    return identity if identity["type"] == "AssumedRole" else identity | {"userName": row.user_name}


def _canonical(value: Any) -> str:  # Any: JSON
    """RFC 8785, for what the old columns can hold. Written here once more: a migration never changes."""
    text = json.dumps(_in_order(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _in_order(value: Any) -> Any:  # Any: JSON
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _in_order(value[key]) for key in keys}
    return [_in_order(item) for item in value] if isinstance(value, list) else value
