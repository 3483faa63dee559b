"""Keep the views that people save

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_saved_view",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", Identifier(), nullable=False),
        sa.Column("roles", Json(), nullable=False),
        sa.Column("query", Json(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_saved_view")),
    )
    op.create_index("ix_sys_saved_view_form", "sys_saved_view", ["form"])


def downgrade() -> None:
    op.drop_index("ix_sys_saved_view_form", table_name="sys_saved_view")
    op.drop_table("sys_saved_view")
