"""which process of an agent holds a session, for a server that is started again

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column(
            "agent_incarnation",
            sa.String(length=64),
            server_default="",
            nullable=False,
            comment="of the agent's process that holds the node's side; empty: none did, or an official one",
        ),
    )
