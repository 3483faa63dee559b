"""Keep imports

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_import",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("person", Identifier(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("inspected", Json(), nullable=False),
        sa.Column("mapping", Json(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("shown", Json(), nullable=False),
        sa.Column("error", Json(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_import")),
    )
    op.create_index("ix_sys_import_person", "sys_import", ["person", "form", "created_at"])
    op.create_table(
        "sys_import_record",
        sa.Column("import_id", Identifier(), nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("base", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("import_id", "record_id", name=op.f("pk_sys_import_record")),
    )
    op.create_table(
        "sys_import_problem",
        sa.Column("import_id", Identifier(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", "place", name=op.f("pk_sys_import_problem")),
    )
    op.create_table(
        "sys_import_memory",
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("mapping", Json(), nullable=False),
        sa.PrimaryKeyConstraint("person", "form", name=op.f("pk_sys_import_memory")),
    )


def downgrade() -> None:
    for name in ("sys_import_memory", "sys_import_problem", "sys_import_record", "sys_import"):
        op.drop_table(name)
