"""which nodes are connected: after a start they are waited for

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "connected_since",
                sa.BigInteger(),
                nullable=True,
                comment="when the control channel was opened that is open, or was when the server ended",
            )
        )
