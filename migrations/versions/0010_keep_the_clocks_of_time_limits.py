"""Keep the clocks of time limits

Revision ID: 0010
Revises: 0009
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LIVE = sa.table(
    "sys_process_live",
    sa.column("instance_id", Identifier()),
    sa.column("kind"),
    sa.column("key"),
    sa.column("data", Json()),
)


def upgrade() -> None:
    op.add_column("sys_task", sa.Column("sla", sa.String(length=40), nullable=True))
    op.create_table(
        "sys_process_clock",
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("process", sa.String(length=200), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("label", Json(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("held", Json(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("breached_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("target_s", sa.BigInteger(), nullable=False),
        sa.Column("used_s", sa.BigInteger(), nullable=True),
        sa.Column("paused_s", sa.BigInteger(), nullable=False),
        sa.Column("person", Identifier(), nullable=True),
        sa.Column("department", Identifier(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["sys_process_instance.id"],
            name="fk_sys_process_clock_instance_id_sys_process_instance",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("instance_id", "number", name="pk_sys_process_clock"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sys_process_clock_process", "sys_process_clock", ["app", "process", "decided_at"])


def downgrade() -> None:
    _forget_clocks()
    op.drop_index("ix_sys_process_clock_process", table_name="sys_process_clock")
    op.drop_table("sys_process_clock")
    op.drop_column("sys_task", "sla")


def _forget_clocks() -> None:
    """Live rows as the engine had them before: no clocks, nothing that waits on their behalf, tasks without them."""
    connection = op.get_bind()
    connection.execute(LIVE.delete().where(LIVE.c.kind == "clocks"))
    kinds = LIVE.c.kind.in_(("timers", "subscriptions", "tasks"))
    for row in connection.execute(sa.select(LIVE).where(kinds)).all():
        mine = sa.and_(LIVE.c.instance_id == row.instance_id, LIVE.c.kind == row.kind, LIVE.c.key == row.key)
        if row.data.get("clock"):
            connection.execute(LIVE.delete().where(mine))
        elif row.kind == "tasks" and row.data.get("sla"):
            connection.execute(LIVE.update().where(mine).values(data=_as_planned(row.data)))


def _as_planned(data: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in data.items() if key not in ("sla", "planned_at", "due_at")}
    return {**kept, **({"due_at": data["planned_at"]} if data.get("planned_at") else {})}
