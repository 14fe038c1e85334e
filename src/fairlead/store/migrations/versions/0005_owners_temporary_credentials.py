"""what the temporary credentials of a session's owner said of him

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "owner_credentials",
                sa.JSON(),
                nullable=True,
                comment="what temporary credentials said of the owner; no secret",
            )
        )
