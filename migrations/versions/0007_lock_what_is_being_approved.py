"""Lock what is being approved

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sys_process_instance", sa.Column("subject_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("sys_process_instance", "subject_version")
