"""nodes that joined without an activation, nodes found by tag or fingerprint, twins, and service settings

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.alter_column("activation_id", existing_type=sa.String(length=36), nullable=True)
        batch_op.add_column(
            sa.Column(
                "twins",
                sa.JSON(none_as_null=True),
                nullable=True,
                comment="the two agents that were seen alive under this id",
            )
        )
        batch_op.create_index(
            batch_op.f("ix_nodes_account_id_region_fingerprint"), ["account_id", "region", "fingerprint"]
        )
    node_tags = op.create_table(
        "node_tags",
        sa.Column("node_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "key", name=op.f("pk_node_tags")),
        comment="nodes.tags again, to find nodes by",
    )
    with op.batch_alter_table("node_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_node_tags_key_value_node_id"), ["key", "value", "node_id"])
    op.create_table(
        "service_settings",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("setting_id", sa.String(length=256), nullable=False),
        sa.Column(
            "value",
            sa.String(length=4096),
            nullable=True,
            comment="null: the default, to which somebody has gone back",
        ),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "region", "setting_id", name=op.f("pk_service_settings")),
    )
    nodes = sa.table("nodes", sa.column("id", sa.String), sa.column("tags", sa.JSON))
    connection = op.get_bind()
    for node_id, tags in connection.execute(sa.select(nodes.c.id, nodes.c.tags)).all():
        rows = [{"node_id": node_id, "key": key, "value": value} for key, value in tags.items()]
        if rows:
            connection.execute(sa.insert(node_tags), rows)
