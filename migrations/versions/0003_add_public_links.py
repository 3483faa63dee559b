"""Add public links

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_public_link",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("prefill", Json(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", Identifier(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("most", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answers", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_public_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sys_public_link_token_hash")),
    )
    op.create_index("ix_sys_public_link_form", "sys_public_link", ["form"])


def downgrade() -> None:
    op.drop_index("ix_sys_public_link_form", table_name="sys_public_link")
    op.drop_table("sys_public_link")
