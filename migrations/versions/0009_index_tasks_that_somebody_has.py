"""Index tasks that somebody has

The index by assignee leaves out tasks that are offered to several people and those that belong to nobody: they are
found through their candidates.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX, TABLE = "ix_sys_task_assignee", "sys_task"
COLUMNS = ["assignee", "status", "sort_at", "id"]


def upgrade() -> None:
    taken = sa.text("assignee IS NOT NULL")
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, COLUMNS, sqlite_where=taken, postgresql_where=taken)


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, COLUMNS)
