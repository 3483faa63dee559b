"""Share single records

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_record_share",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("record", Identifier(), nullable=False),
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", Identifier(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("revoked_by", Identifier(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_record_share")),
    )
    op.create_index("ix_sys_record_share_record", "sys_record_share", ["record"])
    op.create_index("ix_sys_record_share_grantee", "sys_record_share", ["grantee", "form"])


def downgrade() -> None:
    op.drop_index("ix_sys_record_share_grantee", table_name="sys_record_share")
    op.drop_index("ix_sys_record_share_record", table_name="sys_record_share")
    op.drop_table("sys_record_share")
