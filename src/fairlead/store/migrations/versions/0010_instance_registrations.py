"""instance ids that were taken by machines known by their cloud's word

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "instance_registrations",
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("cloud_account_id", sa.String(length=12), nullable=False, comment="as the document has it"),
        sa.Column("cloud_region", sa.String(length=64), nullable=False, comment="as the document has it"),
        sa.Column("first_registered_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "leave_until",
            sa.BigInteger(),
            nullable=True,
            comment="until when another key may be registered, once",
        ),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_instance_registrations")),
    )
