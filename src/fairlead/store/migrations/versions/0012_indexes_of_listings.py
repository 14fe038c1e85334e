"""indexes for listings that read whole tables: who has a boundary, the MFA devices of an account

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_index("ix_users_boundary_arn", "users", ["boundary_arn"])
    op.create_index("ix_roles_boundary_arn", "roles", ["boundary_arn"])
    op.create_index("ix_mfa_devices_account_id_serial_key", "mfa_devices", ["account_id", "serial_key"])
