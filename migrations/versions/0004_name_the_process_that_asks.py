"""Name the process that asks by an answer link

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sys_answer_link", sa.Column("instance_id", Identifier(), nullable=True))


def downgrade() -> None:
    op.drop_column("sys_answer_link", "instance_id")
