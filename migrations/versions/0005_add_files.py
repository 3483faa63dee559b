"""Add files

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_file",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("thumbnail", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("record_id", Identifier(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", Identifier(), nullable=True),
        sa.Column("attached_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_file")),
    )
    op.create_index("ix_sys_file_record", "sys_file", ["record_id"])
    op.create_index("ix_sys_file_blob", "sys_file", ["blob"])
    op.create_index("ix_sys_file_state", "sys_file", ["state", "created_at"])
    op.create_index("ix_sys_file_holder", "sys_file", ["holder", "state"])


def downgrade() -> None:
    op.drop_table("sys_file")
