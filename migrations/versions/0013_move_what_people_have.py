"""Sign links to tasks, journal what moves with people, keep calendars of people

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sys_workspace", sa.Column("signing_key", sa.Text(), server_default="", nullable=False))
    op.add_column("sys_membership", sa.Column("post", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "sys_move",
        sa.Column("id", Identifier(), primary_key=True),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("successor", Identifier()),
        sa.Column("plan", Json(), nullable=False),
        sa.Column("done", Json(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("started_by", Identifier()),
        sa.Column("finished_at", Instant()),
    )
    op.create_index("ix_sys_move_person", "sys_move", ["person", "id"])
    op.create_table(
        "sys_feed",
        sa.Column("person", Identifier(), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", Instant(), nullable=False),
    )
    op.create_table(
        "sys_calendar_entry",
        sa.Column("id", Identifier(), primary_key=True),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("text", Json()),
        sa.Column("place", sa.Text()),
        sa.Column("start_at", Instant(), nullable=False),
        sa.Column("end_at", Instant(), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("subject_form", sa.String(200)),
        sa.Column("subject_id", Identifier()),
        sa.UniqueConstraint("person", "app", "key"),
    )
    op.create_index("ix_sys_calendar_entry_person", "sys_calendar_entry", ["person", "start_at"])


def downgrade() -> None:
    op.drop_table("sys_calendar_entry")
    op.drop_table("sys_feed")
    op.drop_table("sys_move")
    op.drop_column("sys_membership", "post")
    op.drop_column("sys_workspace", "signing_key")
