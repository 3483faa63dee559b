"""Note who has read a task, and keep stock phrases

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_task_read",
        sa.Column("task_id", Identifier(), sa.ForeignKey("sys_task.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", Identifier(), primary_key=True),
        sa.Column("at", Instant(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sys_phrase",
        sa.Column("id", Identifier(), primary_key=True),
        sa.Column("person", Identifier()),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
    )
    op.create_index("ix_sys_phrase_person", "sys_phrase", ["person"])
    op.create_index("ix_sys_phrase_app", "sys_phrase", ["app"])


def downgrade() -> None:
    op.drop_table("sys_phrase")
    op.drop_table("sys_task_read")
