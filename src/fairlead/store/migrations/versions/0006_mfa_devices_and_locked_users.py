"""virtual MFA devices; users that are locked

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "mfa_devices",
        sa.Column("serial_number", sa.String(length=256), nullable=False, comment="the device's ARN"),
        sa.Column("serial_key", sa.String(length=256), nullable=False, comment="the same in lower case"),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("enabled_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "last_step", sa.BigInteger(), nullable=False, comment="the newest step whose code was accepted"
        ),
        sa.Column("drift_steps", sa.Integer(), nullable=False, comment="how far the device's clock is ahead"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="wrong codes in a row"),
        sa.Column("last_failed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mfa_devices_user_id")),
        sa.PrimaryKeyConstraint("serial_number", name=op.f("pk_mfa_devices")),
        sa.UniqueConstraint("serial_key", name=op.f("uq_mfa_devices_serial_key")),
    )
    with op.batch_alter_table("mfa_devices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mfa_devices_user_id"), ["user_id"], unique=False)
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("locked_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "void_until",
                sa.BigInteger(),
                nullable=True,
                comment="temporary credentials of up to then are void",
            )
        )
    with op.batch_alter_table("access_keys", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "is_off_by_lock",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="was active when its user was locked",
            )
        )
