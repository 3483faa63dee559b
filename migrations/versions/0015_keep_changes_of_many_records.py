"""Keep changes of many records at once

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_bulk",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("given", Json(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_bulk")),
    )
    op.create_index("ix_sys_bulk_person", "sys_bulk", ["person", "created_at"])
    op.create_table(
        "sys_bulk_record",
        sa.Column("bulk_id", Identifier(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("before", Json(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("bulk_id", "place", name=op.f("pk_sys_bulk_record")),
    )


def downgrade() -> None:
    op.drop_table("sys_bulk_record")
    op.drop_index("ix_sys_bulk_person", table_name="sys_bulk")
    op.drop_table("sys_bulk")
