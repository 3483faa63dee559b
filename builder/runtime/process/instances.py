"""The rows of a process instance: loading its live state under a lock, saving only what a step has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.runtime_tables import process_history, process_instance, process_live
from builder.storage.upsert import upsert
from engines.core import StateConflict, new_id
from engines.process.codec import to_plain
from engines.process.effects import HistoryEntry
from engines.process.state import FORMAT, TABLES, InstanceState
from engines.process.values import encode


@dataclass(slots=True, kw_only=True)
class Instance:
    """An instance in the hands of a command: who it is, and its state so far."""

    id: UUID
    app: str
    process: str
    definition_hash: str
    release: int
    subject: tuple[str, UUID] | None
    parent: tuple[UUID, int] | None
    root_id: UUID
    started_at: datetime
    started_by: UUID | None
    version: int = 0
    history_length: int = 0
    state: InstanceState = field(default_factory=InstanceState)
    # Whether its row is in the database.
    stored: bool = False

    @property
    def name(self) -> str:
        """The process's qualified name."""
        return f"{self.app}.{self.process}"


def begin(
    *,
    app: str,
    process: str,
    definition_hash: str,
    release: int,
    subject: tuple[str, UUID] | None,
    parent: tuple[Instance, int] | None,
    now: datetime,
    by: UUID | None,
) -> Instance:
    """A new instance that no step was made with."""
    own = new_id()
    return Instance(
        id=own,
        app=app,
        process=process,
        definition_hash=definition_hash,
        release=release,
        subject=subject,
        parent=(parent[0].id, parent[1]) if parent else None,
        root_id=parent[0].root_id if parent else own,
        started_at=now,
        started_by=by,
    )


def load(connection: Connection, instance_id: UUID, *, lock: bool = True) -> Instance | None:
    """The instance with its live state, or None; ``lock`` keeps every other command from stepping it."""
    query = sa.select(process_instance).where(process_instance.c.id == instance_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _instance(connection, row)


def _instance(connection: Connection, row: sa.Row[Any]) -> Instance:
    live = sa.select(process_live.c.kind, process_live.c.data).where(process_live.c.instance_id == row.id)
    data: dict[str, Any] = {"format": row.format, **row.head, **{name: [] for name in TABLES}}
    for kind, part in connection.execute(live.where(process_live.c.kind.in_(TABLES))).all():
        data[kind].append(part)
    for name, order in _ORDER.items():
        data[name].sort(key=lambda part: part[order])
    return Instance(
        id=row.id,
        app=row.app,
        process=row.process,
        definition_hash=row.definition_hash,
        release=row.release,
        subject=(row.subject_form, row.subject_id) if row.subject_form else None,
        parent=(row.parent_id, row.parent_token) if row.parent_id else None,
        root_id=row.root_id,
        started_at=row.started_at,
        started_by=row.started_by,
        version=row.version,
        history_length=row.history_length,
        state=InstanceState.from_json(data),
        stored=True,
    )


# Keys of services that are called outside of the database: rows beside those of the engine's state.
CALLS = "calls"

# Live things are numbered in the order in which they came to be; the engine goes through them in that order.
_ORDER = {
    "tokens": "id",
    "scopes": "id",
    "tasks": "id",
    "approvals": "token",
    "timers": "id",
    "subscriptions": "id",
    "incidents": "id",
    "variables": "scope",
}


def save(
    connection: Connection, instance: Instance, state: InstanceState, history: Sequence[HistoryEntry], now: datetime
) -> None:
    """Writes what a step has changed; ``StateConflict`` where somebody else has stepped the instance meanwhile."""
    before = instance.state if instance.stored else InstanceState()
    _save_head(connection, instance, state, len(history), now)
    _save_live(connection, instance.id, state, before)
    if history:
        connection.execute(process_history.insert(), _history_rows(instance, history))
    instance.history_length += len(history)
    instance.version += 1
    instance.state, instance.stored = state, True


def _save_head(connection: Connection, instance: Instance, state: InstanceState, added: int, now: datetime) -> None:
    values = {
        "status": state.status.value,
        "suspended": state.suspended,
        "incidents": len(state.incidents),
        "version": instance.version + 1,
        "format": FORMAT,
        "head": state.head(),
        "history_length": instance.history_length + added,
        "ended_at": now if state.ended else None,
    }
    if not instance.stored:
        connection.execute(process_instance.insert(), {**_identity(instance), **values})
        return
    mine = sa.and_(process_instance.c.id == instance.id, process_instance.c.version == instance.version)
    if connection.execute(process_instance.update().where(mine).values(**values)).rowcount != 1:
        raise StateConflict("process.stepped_meanwhile", instance=str(instance.id))


def _identity(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "app": instance.app,
        "process": instance.process,
        "definition_hash": instance.definition_hash,
        "release": instance.release,
        "subject_form": instance.subject[0] if instance.subject else None,
        "subject_id": instance.subject[1] if instance.subject else None,
        "parent_id": instance.parent[0] if instance.parent else None,
        "parent_token": instance.parent[1] if instance.parent else None,
        "root_id": instance.root_id,
        "started_at": instance.started_at,
        "started_by": instance.started_by,
    }


def _save_live(connection: Connection, instance_id: UUID, state: InstanceState, before: InstanceState) -> None:
    written, gone = [], []
    for table, key, row in state.changes(before):
        place = {"instance_id": instance_id, "kind": table, "key": str(key)}
        if row is None:
            gone.append(place)
        else:
            plain = {"scope": key, "values": encode(dict(row))} if table == "variables" else to_plain(row)
            written.append({**place, "node": getattr(row, "node", None), "data": plain})
    if gone:
        connection.execute(_DELETE, [{f"p_{name}": value for name, value in place.items()} for place in gone])
    upsert(connection, process_live, written)


_DELETE = process_live.delete().where(
    process_live.c.instance_id == sa.bindparam("p_instance_id"),
    process_live.c.kind == sa.bindparam("p_kind"),
    process_live.c.key == sa.bindparam("p_key"),
)


def _history_rows(instance: Instance, history: Sequence[HistoryEntry]) -> list[dict[str, Any]]:
    return [
        {
            "instance_id": instance.id,
            "number": number,
            "at": entry.at,
            "kind": entry.kind,
            "node": entry.node or None,
            "actor": entry.by,
            "data": {"element": entry.element, **encode(dict(entry.data))},
        }
        for number, entry in enumerate(history, instance.history_length + 1)
    ]


def service_key(connection: Connection, instance: Instance, token: int, node: str, attempt: int) -> str:
    """The key of a service's call: new for each call, the same for all its attempts."""
    place = {"instance_id": instance.id, "kind": CALLS, "key": str(token)}
    if attempt > 1:
        known = sa.select(process_live.c.data).filter_by(**place)
        return connection.execute(known).scalar_one()["key"]  # type: ignore[no-any-return]
    key = str(new_id())
    upsert(connection, process_live, [{**place, "node": node, "data": {"key": key}}])
    return key
