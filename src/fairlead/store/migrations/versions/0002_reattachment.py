"""what a client needs to come back without an API call: its resume secret, and the request of its session

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("access_key_id", sa.String(length=128), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("user_agent", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column(
                "resume_digest",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="SHA-256 of the secret with which the client may come back",
            )
        )
        batch_op.add_column(
            sa.Column(
                "used_resume_digest",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="of the secret before that one, which was used",
            )
        )
        batch_op.add_column(sa.Column("resumed_at", sa.BigInteger(), nullable=True))
