"""The rows of a process instance: loading its live state under a lock, saving only what a step has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.runtime.process.kept import KeptInstances
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import process_history, process_instance, process_live
from builder.storage.upsert import upsert, upsert_of
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
    # Version of the subject at the beginning, where the process locks it.
    subject_version: int | None = None
    parent: tuple[UUID, int] | None
    root_id: UUID
    started_at: datetime
    started_by: UUID | None
    version: int = 0
    history_length: int = 0
    state: InstanceState = field(default_factory=InstanceState)
    # Whether its row is in the database.
    stored: bool = False
    # Whether jobs (timers, calls) and subscriptions may have rows of their own.
    has_jobs: bool = False
    has_subscriptions: bool = False
    # Ids of the rows of open tasks by the number that the state gives them: all of them, or those known.
    task_ids: dict[int, UUID] = field(default_factory=dict)
    knows_tasks: bool = True

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


def load(connection: Connection, instance_id: UUID, kept: KeptInstances) -> Instance | None:
    """The instance with its live state, or None; until the transaction ends nobody else can step it."""
    known = kept.take(instance_id)
    if known is not None:
        row = _LOCK.first(connection, {"p_id": instance_id})
        if row is not None and (row.version, row.history_length) == (known.version, known.history_length):
            return known
    row = _LOCKED.first(connection, {"p_id": instance_id})
    return None if row is None else _instance(row, _read_state(connection, row))


def copy(instance: Instance) -> Instance:
    """The instance as it stands now, whatever happens to it later."""
    return replace(instance, task_ids=dict(instance.task_ids))


def restore(instance: Instance, before: Instance) -> None:
    """Brings an instance back to how it stood: for all who hold it."""
    for known in fields(Instance):
        setattr(instance, known.name, getattr(before, known.name))


def look_at(connection: Connection, instance_id: UUID) -> Instance | None:
    """The instance with its live state for reading alone, or None; it may be stepped meanwhile."""
    row = connection.execute(sa.select(process_instance).where(process_instance.c.id == instance_id)).one_or_none()
    return None if row is None else _instance(row, _read_state(connection, row))


def _read_state(connection: Connection, row: Any) -> InstanceState:
    data: dict[str, Any] = {"format": row.format, **row.head, **{name: [] for name in TABLES}}
    variables: dict[int, dict[str, Any]] = {}
    for kind, part in _LIVE.all(connection, {"p_id": row.id}):
        if kind == VARIABLES:
            variables.setdefault(part["scope"], {})[part["name"]] = part["value"]
        elif kind != CALLS:
            data[kind].append(part)
    for name, order in _ORDER.items():
        if len(data[name]) > 1:
            data[name].sort(key=itemgetter(order))
    data[VARIABLES] = [{"scope": scope, "values": values} for scope, values in sorted(variables.items())]
    return InstanceState.from_json(data)


def _instance(row: Any, state: InstanceState) -> Instance:
    return Instance(
        id=row.id,
        app=row.app,
        process=row.process,
        definition_hash=row.definition_hash,
        release=row.release,
        subject=(row.subject_form, row.subject_id) if row.subject_form else None,
        subject_version=row.subject_version,
        parent=(row.parent_id, row.parent_token) if row.parent_id else None,
        root_id=row.root_id,
        started_at=row.started_at,
        started_by=row.started_by,
        version=row.version,
        history_length=row.history_length,
        state=state,
        stored=True,
        has_jobs=True,
        has_subscriptions=True,
        knows_tasks=False,
    )


# Keys of services that are called outside of the database: rows beside those of the engine's state.
CALLS = "calls"
# The part of the state that has one row for each variable of each scope.
VARIABLES = "variables"

# Live things are numbered in the order in which they came to be; the engine goes through them in that order.
_ORDER = {
    "tokens": "id",
    "scopes": "id",
    "tasks": "id",
    "approvals": "token",
    "timers": "id",
    "clocks": "id",
    "subscriptions": "id",
    "incidents": "id",
}


# Columns of an instance that every step changes, and those that few do: an index follows them, so they are written
# only where they change.
_MOVING = ("version", "format", "head", "history_length")
_RARELY = ("status", "suspended", "incidents", "ended_at")


def save(
    connection: Connection, instance: Instance, state: InstanceState, history: Sequence[HistoryEntry], now: datetime
) -> None:
    """Writes what a step has changed; ``StateConflict`` where somebody else has stepped the instance meanwhile."""
    before = instance.state if instance.stored else InstanceState()
    _save_head(connection, instance, state, len(history), now)
    _save_live(connection, instance.id, state, before)
    _ADD_HISTORY.many(connection, _history_rows(instance, history))
    instance.history_length += len(history)
    instance.version += 1
    instance.state, instance.stored = state, True


def _save_head(connection: Connection, instance: Instance, state: InstanceState, added: int, now: datetime) -> None:
    values = {
        "version": instance.version + 1,
        "format": FORMAT,
        "head": state.head(),
        "history_length": instance.history_length + added,
    }
    if not instance.stored:
        _INSERT.run(connection, {**_identity(instance), **values, **_standing(state, now)})
        return
    update, before = _UPDATE, instance.state
    if (state.status, state.suspended, state.incidents) != (before.status, before.suspended, before.incidents):
        update, values = _UPDATE_ALL, {**values, **_standing(state, now)}
    if update.run(connection, {"p_id": instance.id, "p_version": instance.version, **values}) != 1:
        raise StateConflict("process.stepped_meanwhile", instance=str(instance.id))


def _standing(state: InstanceState, now: datetime) -> dict[str, Any]:
    return {
        "status": state.status.value,
        "suspended": state.suspended,
        "incidents": len(state.incidents),
        "ended_at": now if state.ended else None,
    }


def _identity(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "app": instance.app,
        "process": instance.process,
        "definition_hash": instance.definition_hash,
        "release": instance.release,
        "subject_form": instance.subject[0] if instance.subject else None,
        "subject_id": instance.subject[1] if instance.subject else None,
        "subject_version": instance.subject_version,
        "parent_id": instance.parent[0] if instance.parent else None,
        "parent_token": instance.parent[1] if instance.parent else None,
        "root_id": instance.root_id,
        "started_at": instance.started_at,
        "started_by": instance.started_by,
    }


def _save_live(connection: Connection, instance_id: UUID, state: InstanceState, before: InstanceState) -> None:
    written: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for table, key, row in state.changes(before):
        if table == VARIABLES:
            _variable_rows(instance_id, int(key), row or {}, before.variables.get(int(key), {}), written, gone)
            continue
        place = {"instance_id": instance_id, "kind": table, "key": str(key)}
        if row is None:
            gone.append(place)
        else:
            place["node"] = getattr(row, "node", None)
            place["data"] = to_plain(row)
            written.append(place)
    _DELETE_LIVE.many(connection, gone)
    _WRITE_LIVE.many(connection, written)


def _variable_rows(
    instance_id: UUID,
    scope: int,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    written: list[dict[str, Any]],
    gone: list[dict[str, Any]],
) -> None:
    """Adds the variables of a scope that have another value than before, and those that are gone."""
    for name, value in now.items():
        if value is not before.get(name, gone):
            data = {"scope": scope, "name": name, "value": encode(value)}
            place = {"instance_id": instance_id, "kind": VARIABLES, "key": f"{scope}:{name}"}
            written.append({**place, "node": None, "data": data})
    for name in before:
        if name not in now:
            gone.append({"instance_id": instance_id, "kind": VARIABLES, "key": f"{scope}:{name}"})


def _history_rows(instance: Instance, history: Sequence[HistoryEntry]) -> list[dict[str, Any]]:
    own = instance.id
    return [
        {
            "instance_id": own,
            "number": number,
            "at": entry.at,
            "kind": entry.kind,
            "node": entry.node or None,
            "actor": entry.by,
            "data": {"element": entry.element, **encode(entry.data)} if entry.data else {"element": entry.element},
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


# The statements of every step.

_LOCK = Prepared(
    sa.select(process_instance.c.version, process_instance.c.history_length)
    .where(process_instance.c.id == sa.bindparam("p_id"))
    .with_for_update()
)
_LOCKED = Prepared(sa.select(process_instance).where(process_instance.c.id == sa.bindparam("p_id")).with_for_update())
_LIVE = Prepared(
    sa.select(process_live.c.kind, process_live.c.data).where(process_live.c.instance_id == sa.bindparam("p_id"))
)
_INSERT = Prepared(process_instance.insert(), process_instance.c.keys())
_AS_READ = process_instance.update().where(
    process_instance.c.id == sa.bindparam("p_id"), process_instance.c.version == sa.bindparam("p_version")
)
_UPDATE = Prepared(_AS_READ.values({name: sa.bindparam(name) for name in _MOVING}))
_UPDATE_ALL = Prepared(_AS_READ.values({name: sa.bindparam(name) for name in (*_MOVING, *_RARELY)}))
_DELETE_LIVE = Prepared(
    process_live.delete().where(
        process_live.c.instance_id == sa.bindparam("instance_id"),
        process_live.c.kind == sa.bindparam("kind"),
        process_live.c.key == sa.bindparam("key"),
    )
)
_WRITE_LIVE = Prepared(upsert_of(process_live, process_live.c.keys()), process_live.c.keys())
_ADD_HISTORY = Prepared(process_history.insert(), process_history.c.keys())
