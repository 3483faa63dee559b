"""Make a step of a process touch fewer pages

On SQLite the tables that every command writes are kept in the order of their primary key, without a second tree for
it; indexes leave out rows that nobody looks for by them. A process variable is a row of its own. That a task was
opened and closed stands in its own row only.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Index: table, columns, the column that must be set for a row to stand in it.
PARTIAL = {
    "ix_sys_process_instance_subject": ("sys_process_instance", ["subject_form", "subject_id"], "subject_id"),
    "ix_sys_process_instance_starter": ("sys_process_instance", ["started_by", "started_at"], "started_by"),
    "ix_sys_process_instance_parent": ("sys_process_instance", ["parent_id"], "parent_id"),
    "ix_sys_task_subject": ("sys_task", ["subject_form", "subject_id", "status"], "subject_id"),
    "ix_sys_task_closed": ("sys_task", ["closed_by", "closed_at"], "closed_by"),
    "ix_sys_command_actor": ("sys_command", ["actor", "at"], "actor"),
}
LIVE = sa.table(
    "sys_process_live",
    sa.column("instance_id", Identifier()),
    sa.column("kind"),
    sa.column("key"),
    sa.column("data", Json()),
)
INDEXES = {
    "sys_process_subscription": {"ix_sys_process_subscription_name": ["kind", "name", "correlation"]},
    "sys_task_candidate": {"ix_sys_task_candidate_offer": ["value", "kind", "offered", "sort_at", "task_id"]},
}


def upgrade() -> None:
    op.drop_index("ix_sys_command_at", table_name="sys_command")
    op.drop_index("ix_sys_process_live_node", table_name="sys_process_live")
    for name, (table, _, _) in PARTIAL.items():
        op.drop_index(name, table_name=table)
    if _sqlite():
        for name in TABLES:
            _rebuild(name, with_rowid=False)
    else:
        op.drop_constraint("uq_sys_command_idempotency_key", "sys_command", type_="unique")
    for name, (table, columns, column) in PARTIAL.items():
        op.create_index(name, table, columns, **_where(column))
    op.create_index(
        "uq_sys_command_idempotency_key", "sys_command", ["idempotency_key"], unique=True, **_where("idempotency_key")
    )
    _split_variables()
    op.execute("DELETE FROM sys_task_event WHERE kind IN ('created', 'completed', 'cancelled')")


def downgrade() -> None:
    _join_variables()
    op.drop_index("uq_sys_command_idempotency_key", table_name="sys_command")
    for name, (table, _, _) in PARTIAL.items():
        op.drop_index(name, table_name=table)
    if _sqlite():
        for name in TABLES:
            _rebuild(name, with_rowid=True)
    else:
        op.create_unique_constraint("uq_sys_command_idempotency_key", "sys_command", ["idempotency_key"])
    for name, (table, columns, _) in PARTIAL.items():
        op.create_index(name, table, columns)
    op.create_index("ix_sys_process_live_node", "sys_process_live", ["kind", "node"])
    op.create_index("ix_sys_command_at", "sys_command", ["at"])


def _split_variables() -> None:
    """One row for each variable instead of one for all of a scope, so that a step writes only those it has changed."""
    connection, place = op.get_bind(), sa.and_(LIVE.c.kind == "variables", LIVE.c.key.not_like("%:%"))
    for row in connection.execute(sa.select(LIVE).where(place)).all():
        mine = sa.and_(LIVE.c.instance_id == row.instance_id, LIVE.c.kind == "variables", LIVE.c.key == row.key)
        connection.execute(LIVE.delete().where(mine))
        for name, value in row.data["values"].items():
            data = {"scope": row.data["scope"], "name": name, "value": value}
            values = {"instance_id": row.instance_id, "kind": "variables", "key": f"{row.key}:{name}", "data": data}
            connection.execute(LIVE.insert().values(values))


def _join_variables() -> None:
    """Back to one row for each scope."""
    connection = op.get_bind()
    scopes: dict[tuple[object, int], dict[str, object]] = {}
    for row in connection.execute(sa.select(LIVE).where(LIVE.c.kind == "variables")).all():
        scopes.setdefault((row.instance_id, row.data["scope"]), {})[row.data["name"]] = row.data["value"]
    connection.execute(LIVE.delete().where(LIVE.c.kind == "variables"))
    for (instance_id, scope), values in scopes.items():
        data = {"scope": scope, "values": values}
        row = {"instance_id": instance_id, "kind": "variables", "key": str(scope), "data": data}
        connection.execute(LIVE.insert().values(row))


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _where(column: str) -> dict[str, sa.TextClause]:
    condition = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}


def _rebuild(name: str, *, with_rowid: bool) -> None:
    """Moves all rows into a new table; no other table refers to these."""
    for index in INDEXES.get(name, ()):
        op.drop_index(index, table_name=name)
    op.rename_table(name, f"{name}_old")
    parts = TABLES[name]()
    if with_rowid and name == "sys_command":
        parts.append(sa.UniqueConstraint("idempotency_key", name="uq_sys_command_idempotency_key"))
    op.create_table(name, *parts, sqlite_with_rowid=with_rowid)
    columns = ", ".join(f'"{part.name}"' for part in parts if isinstance(part, sa.Column))
    op.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_old")  # noqa: S608 - names of this file
    op.drop_table(f"{name}_old")
    for index, indexed in INDEXES.get(name, {}).items():
        op.create_index(index, name, indexed)


def _command() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("result", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sys_command"),
    ]


def _of_instance(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["instance_id"], ["sys_process_instance.id"], name=f"fk_{name}_instance_id", ondelete="CASCADE"
    )


def _live() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=True),
        sa.Column("data", Json(), nullable=False),
        _of_instance("sys_process_live"),
        sa.PrimaryKeyConstraint("instance_id", "kind", "key", name="pk_sys_process_live"),
    ]


def _subscription() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        _of_instance("sys_process_subscription"),
        sa.PrimaryKeyConstraint("instance_id", "key", name="pk_sys_process_subscription"),
    ]


def _history() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=True),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("data", Json(), nullable=False),
        _of_instance("sys_process_history"),
        sa.PrimaryKeyConstraint("instance_id", "number", name="pk_sys_process_history"),
    ]


def _candidate() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("task_id", Identifier(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("sort_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["sys_task.id"], name="fk_sys_task_candidate_task_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "kind", "value", name="pk_sys_task_candidate"),
    ]


TABLES = {
    "sys_command": _command,
    "sys_process_live": _live,
    "sys_process_subscription": _subscription,
    "sys_process_history": _history,
    "sys_task_candidate": _candidate,
}
