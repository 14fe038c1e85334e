"""The tables. Column types that differ between SQLite and PostgreSQL are settled here and nowhere else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as whole microseconds since 1970: alike and sortable in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to microseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Microseconds to aware datetime. Any: what the driver hands over for an integer column."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# An index on a rowid table must be an INTEGER in SQLite to count by itself.
_COUNTER = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, comment="the name in lower case"),
    Column("path", String(512), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("boundary_arn", String(2048), index=True),
    Column("locked_at", Moment),
    Column("void_until", Moment, comment="temporary credentials of up to then are void"),
    UniqueConstraint("account_id", "name_key"),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("is_active", Boolean, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column(
        "is_off_by_lock",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="was active when its user was locked",
    ),
)

mfa_devices = Table(
    "mfa_devices",
    metadata,
    Column("serial_number", String(256), primary_key=True, comment="the device's ARN"),
    Column("serial_key", String(256), nullable=False, unique=True, comment="the same in lower case"),
    Column("account_id", String(12), nullable=False),
    Column("sealed_seed", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("user_id", ForeignKey("users.id"), index=True),
    Column("enabled_at", Moment),
    Column("last_step", BigInteger, nullable=False, comment="the newest step whose code was accepted"),
    Column("drift_steps", Integer, nullable=False, comment="how far the device's clock is ahead"),
    Column("failures", Integer, nullable=False, comment="wrong codes in a row"),
    Column("last_failed_at", Moment),
    Index(None, "account_id", "serial_key"),
)

roles = Table(
    "roles",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, comment="the name in lower case"),
    Column("path", String(512), nullable=False),
    Column("trust_policy", Text, nullable=False),
    Column("description", Text),
    Column("max_session_duration_s", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("boundary_arn", String(2048), index=True),
    UniqueConstraint("account_id", "name_key"),
)

user_groups = Table(
    "user_groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(128), nullable=False),
    Column("name_key", String(128), nullable=False, comment="the name in lower case"),
    Column("path", String(512), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("account_id", "name_key"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", ForeignKey("user_groups.id"), primary_key=True),
    Column("user_id", ForeignKey("users.id"), primary_key=True, index=True),
)

managed_policies = Table(
    "managed_policies",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(128), nullable=False),
    Column("name_key", String(128), nullable=False, comment="the name in lower case"),
    Column("path", String(512), nullable=False),
    Column("description", Text),
    Column("default_version", Integer, nullable=False),
    Column("last_version", Integer, nullable=False, comment="the highest number that was ever given"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("account_id", "name_key"),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("policy_id", ForeignKey("managed_policies.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

policy_attachments = Table(
    "policy_attachments",
    metadata,
    Column("identity_id", String(32), primary_key=True, comment="the unique id of a user, group or role"),
    Column("policy_arn", String(2048), primary_key=True, index=True),
)

identity_tags = Table(
    "identity_tags",
    metadata,
    Column("identity_id", String(32), primary_key=True, comment="the unique id of a user or role"),
    Column("key_folded", String(128), primary_key=True, comment="the key in lower case"),
    Column("key", String(128), nullable=False),
    Column("value", String(256), nullable=False),
)

inline_policies = Table(
    "inline_policies",
    metadata,
    Column("identity_id", String(32), primary_key=True, comment="the unique id of a user or role"),
    Column("name", String(128), primary_key=True),
    Column("document", Text, nullable=False),
)

activations = Table(
    "activations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("code_digest", LargeBinary, nullable=False),
    Column("iam_role", String(128), nullable=False),
    Column("description", Text),
    Column("default_instance_name", String(256)),
    Column("registration_limit", Integer, nullable=False),
    Column("registrations_count", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("tags", JSON, nullable=False),
    Index(None, "account_id", "region", "created_at", "id"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("activation_id", String(36), index=True),
    Column("iam_role", String(128), nullable=False),
    Column("name", String(256)),
    Column("public_key", LargeBinary, nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("last_ping_at", Moment),
    Column("agent_name", Text, nullable=False),
    Column("agent_version", Text, nullable=False),
    Column("platform_type", Text, nullable=False),
    Column("platform_name", Text, nullable=False),
    Column("platform_version", Text, nullable=False),
    Column("ip_address", Text, nullable=False),
    Column("computer_name", Text, nullable=False),
    Column(
        "connected_since",
        Moment,
        comment="when the control channel was opened that is open, or was when the server ended",
    ),
    Column("tags", JSON, nullable=False, server_default="{}"),
    Column("twins", JSON(none_as_null=True), comment="the two agents that were seen alive under this id"),
    Index(None, "account_id", "region", "id"),
    Index(None, "account_id", "region", "fingerprint"),
)

node_tags = Table(
    "node_tags",
    metadata,
    Column("node_id", String(32), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
    Index(None, "key", "value", "node_id"),
    comment="nodes.tags again, to find nodes by",
)

service_settings = Table(
    "service_settings",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("setting_id", String(256), primary_key=True),
    Column("value", String(4096), comment="null: the default, to which somebody has gone back"),
    Column("modified_at", Moment, nullable=False),
    Column("modified_by", Text, nullable=False),
)

instance_registrations = Table(
    "instance_registrations",
    metadata,
    Column("instance_id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("cloud_account_id", String(12), nullable=False, comment="as the document has it"),
    Column("cloud_region", String(64), nullable=False, comment="as the document has it"),
    Column("first_registered_at", Moment, nullable=False),
    Column("leave_until", Moment, comment="until when another key may be registered, once"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("target", String(400), nullable=False),
    Column("document_name", String(256), nullable=False),
    Column("session_type", String(32), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("owner_arn", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("source_address", String(64), nullable=False),
    Column("reason", Text),
    Column("status", String(16), nullable=False),
    Column("is_active", Boolean, nullable=False, comment="the status is an active one: for the indexes"),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("end_reason", String(32)),
    Column("end_details", Text),
    Column("bytes_to_node", BigInteger),
    Column("bytes_to_client", BigInteger),
    Column("access_key_id", String(128), nullable=False, server_default=""),
    Column("user_agent", Text, nullable=False, server_default=""),
    Column("owner_credentials", JSON, comment="what temporary credentials said of the owner; no secret"),
    Column(
        "resume_digest",
        LargeBinary(32),
        comment="SHA-256 of the secret with which the client may come back",
    ),
    Column("used_resume_digest", LargeBinary(32), comment="of the secret before that one, which was used"),
    Column("resumed_at", Moment),
    Column(
        "idle_timeout_minutes", Integer, comment="null: the default, as where an earlier version started it"
    ),
    Column("max_duration_minutes", Integer, comment="null: no limit"),
    Column("document", JSON(none_as_null=True), comment="what the agent is sent of a document of an account"),
    Column(
        "agent_incarnation",
        String(64),
        nullable=False,
        server_default="",
        comment="of the agent's process that holds the node's side; empty: none did, or an official one",
    ),
    Index(None, "account_id", "region", "is_active", "started_at", "id"),
    Index(None, "account_id", "region", "target", "is_active", "started_at", "id"),
    Index(None, "is_active"),
    Index(None, "ended_at"),
)

documents = Table(
    "documents",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("default_version", Integer, nullable=False),
    Column("latest_version", Integer, nullable=False, comment="the highest number that there is"),
    Column("last_number", Integer, nullable=False, comment="the highest number that was ever given"),
    Column("created_at", Moment, nullable=False),
    Column("target_type", String(200)),
    Column("tags", JSON, nullable=False),
)

document_versions = Table(
    "document_versions",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("document", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version_name", String(128)),
    Column("display_name", Text),
    Column("form", String(8), nullable=False, comment="JSON or YAML"),
    Column("content", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["account_id", "region", "document"], ["documents.account_id", "documents.region", "documents.name"]
    ),
    UniqueConstraint("account_id", "region", "document", "version_name"),
)

channel_tokens = Table(
    "channel_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("side", String(8), nullable=False),
    Column("channel_id", String(96), nullable=False, index=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)

_SEQUENCED = text("leaf_index IS NOT NULL")
_PENDING = text("leaf_index IS NULL")

audit_records = Table(
    "audit_records",
    metadata,
    Column("sequence", _COUNTER, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("event", Text, nullable=False, comment="the CloudTrail event in canonical JSON: the log's leaf"),
    Column("leaf_index", BigInteger, comment="the place in the log, given after the commit"),
    # Partial, so that the one row of a call costs one entry of one small index; the others grow in batches.
    Index("ix_audit_records_pending", "sequence", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index(
        "ix_audit_records_leaf_index",
        "leaf_index",
        unique=True,
        sqlite_where=_SEQUENCED,
        postgresql_where=_SEQUENCED,
    ),
    Index("ix_audit_records_at", "at", "leaf_index", sqlite_where=_SEQUENCED, postgresql_where=_SEQUENCED),
    Index(
        "ix_audit_records_scope",
        "account_id",
        "region",
        "at",
        "leaf_index",
        sqlite_where=_SEQUENCED,
        postgresql_where=_SEQUENCED,
    ),
)

audit_findable = Table(
    "audit_findable",
    metadata,
    Column("attribute", String(16), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True),
    comment="each value by which an event is looked up",
    sqlite_with_rowid=False,
)

audit_tiles = Table(
    "audit_tiles",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
    comment="the Merkle tree over audit_records, 256 hashes to a row",
    sqlite_with_rowid=False,
)

audit_tree = Table(
    "audit_tree",
    metadata,
    Column("size", BigInteger, nullable=False, comment="how many records have a place; the one row"),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False, comment="hours since 1970"),
    Column("size", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("note", Text, nullable=False),
)
