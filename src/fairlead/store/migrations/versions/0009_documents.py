"""documents of accounts and their versions; what a session's document says about it

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=False, comment="the highest number that there is"),
        sa.Column(
            "last_number", sa.Integer(), nullable=False, comment="the highest number that was ever given"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("target_type", sa.String(length=200), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "region", "name", name=op.f("pk_documents")),
    )
    op.create_table(
        "document_versions",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("document", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_name", sa.String(length=128), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("form", sa.String(length=8), nullable=False, comment="JSON or YAML"),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "region", "document"],
            ["documents.account_id", "documents.region", "documents.name"],
            name=op.f("fk_document_versions_account_id"),
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "region", "document", "number", name=op.f("pk_document_versions")
        ),
        sa.UniqueConstraint(
            "account_id",
            "region",
            "document",
            "version_name",
            name=op.f("uq_document_versions_account_id_region_document_version_name"),
        ),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "idle_timeout_minutes",
                sa.Integer(),
                nullable=True,
                comment="null: the default, as where an earlier version started it",
            )
        )
        batch_op.add_column(
            sa.Column("max_duration_minutes", sa.Integer(), nullable=True, comment="null: no limit")
        )
        batch_op.add_column(
            sa.Column(
                "document",
                sa.JSON(none_as_null=True),
                nullable=True,
                comment="what the agent is sent of a document of an account",
            )
        )
