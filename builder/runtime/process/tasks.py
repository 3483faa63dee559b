"""Rows of user tasks: what an inbox lists. The engine's state decides; these rows follow it in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.runtime.process.instances import Instance
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import task, task_candidate, task_copy, task_event
from builder.storage.upsert import upsert
from builder.storage.values import encode as stored
from engines.core import new_id
from engines.process.effects import TaskOpened
from engines.process.state import Task

OPEN, COMPLETED, CANCELLED = "open", "completed", "cancelled"
PRIORITIES: Mapping[str, int] = {"low": -1, "normal": 0, "high": 1, "urgent": 2}
# Tasks without a due time come last.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Who may take a task: people, or everybody with a role."""

    people: tuple[UUID, ...] = ()
    # Qualified names.
    roles: tuple[str, ...] = ()

    def rows(self, task_id: UUID, *, offered: bool, sort_at: datetime) -> list[dict[str, Any]]:
        """Rows of the candidates' table."""
        names = [("person", str(person)) for person in self.people] + [("role", role) for role in self.roles]
        common = {"task_id": task_id, "offered": offered, "sort_at": sort_at}
        return [{**common, "kind": kind, "value": value} for kind, value in dict.fromkeys(names)]


def qualified(app: str, roles: Iterable[str]) -> tuple[str, ...]:
    """Role names with their app in front, where they have none."""
    return tuple(role if "." in role else f"{app}.{role}" for role in roles)


def insert(
    connection: Connection, instance: Instance, opened: TaskOpened, *, at: datetime, subject_title: str, release: int
) -> UUID:
    """The id of the row of a task that a step has opened."""
    state, own = opened.task, new_id()
    row = {
        "id": own,
        "app": instance.app,
        "instance_id": instance.id,
        "number": state.id,
        "token": state.token,
        "node": state.node,
        "release": release,
        "title": dict(opened.label.texts),
        "form": opened.form or None,
        "layout": opened.layout or None,
        "subject_form": instance.subject[0] if instance.subject else None,
        "subject_id": instance.subject[1] if instance.subject else None,
        "subject_title": subject_title,
        "status": OPEN,
        "details": _details(opened),
        "initiator": instance.state.initiator or instance.started_by,
        "created_at": at,
        "version": 0,
        **_NOT_YET,
        **_moving(state),
    }
    _INSERT.run(connection, row)
    instance.task_ids[state.id] = own
    _offer(connection, own, instance.app, state, new=True)
    copy(connection, own, opened.copies, at=at, by=None)
    return own


def redefine(connection: Connection, instance: Instance, opened: TaskOpened, *, release: int) -> None:
    """Brings an open task's row to what another version of its step says of page, outcomes and field rights."""
    values = {
        "node": opened.task.node,
        "release": release,
        "title": dict(opened.label.texts),
        "form": opened.form or None,
        "layout": opened.layout or None,
        "details": _details(opened),
        "version": task.c.version + 1,
    }
    mine = sa.and_(task.c.instance_id == instance.id, task.c.number == opened.task.id)
    connection.execute(task.update().where(mine).values(**values))


def _details(opened: TaskOpened) -> dict[str, Any]:
    return {
        "outcomes": [
            {"name": o.name, "label": dict(o.label.texts), "comment": o.comment, "meaning": o.meaning}
            for o in opened.outcomes
        ],
        "fields": [asdict(access) for access in opened.fields],
        "checklist": list(opened.checklist),
        **({"signature": opened.signature} if opened.signature != "none" else {}),
        **({"channels": list(opened.channels)} if opened.channels else {}),
    }


def _moving(state: Task) -> dict[str, Any]:
    """The columns that change while the task is open."""
    return {
        "assignee": state.assignee,
        "delegated_by": state.owner,
        "priority": PRIORITIES.get(state.priority, 0),
        "due_at": state.due_at,
        "sort_at": state.due_at or NEVER,
        "sla": state.sla or None,
    }


def timed(connection: Connection, instance: Instance, state: Task) -> None:
    """Brings due time and standing of an open task's row to what the engine says; nothing was done by anybody."""
    values = {"due_at": state.due_at, "sort_at": state.due_at or NEVER, "sla": state.sla or None}
    own = id_of(connection, instance, state.id)
    connection.execute(task.update().where(task.c.id == own).values(**values))
    if state.people or state.roles:
        connection.execute(
            task_candidate.update().where(task_candidate.c.task_id == own).values(sort_at=values["sort_at"])
        )


def _offer(connection: Connection, task_id: UUID, app: str, state: Task, *, new: bool = False) -> None:
    if not new:
        _WITHDRAW.run(connection, {"p_task": task_id})
    if state.people or state.roles:
        offer = Offer(people=state.people, roles=qualified(app, state.roles))
        free = state.assignee is None and state.status == "open"
        _OFFER.many(connection, offer.rows(task_id, offered=free, sort_at=state.due_at or NEVER))


def row_of(connection: Connection, instance_id: UUID, number: int) -> Any:
    """``id``, ``title``, ``subject_title``, ``claimed_at`` and ``version`` of the task that an instance numbers so."""
    found = _OF_INSTANCE.first(connection, {"p_instance": instance_id, "p_number": number})
    if found is None:
        raise LookupError(f"the instance {instance_id} has no row for its task {number}")
    return found


def id_of(connection: Connection, instance: Instance, number: int) -> UUID:
    """The id of the row of an instance's task."""
    known = instance.task_ids.get(number)
    return known or row_of(connection, instance.id, number).id  # type: ignore[no-any-return]


def open_of(connection: Connection, instance_id: UUID) -> list[UUID]:
    """Ids of the rows of an instance that are still open."""
    return [row.id for row in _OPEN.all(connection, {"p_instance": instance_id})]


def change(
    connection: Connection, instance: Instance, state: Task, *, verb: str, at: datetime, by: UUID | None
) -> UUID:
    """The id of the row, brought to what the engine says of an open task."""
    row = row_of(connection, instance.id, state.id)
    values = _moving(state)
    values["claimed_at"] = at if verb == "claim" else row.claimed_at if state.assignee else None
    connection.execute(task.update().where(task.c.id == row.id).values(**values, version=row.version + 1))
    _offer(connection, row.id, instance.app, state)
    note(connection, row.id, verb, at=at, actor=by, to=str(state.assignee) if state.assignee else None)
    return row.id  # type: ignore[no-any-return]


def close(
    connection: Connection,
    task_id: UUID,
    *,
    status: str,
    at: datetime,
    by: UUID | None,
    outcome: str = "",
    comment: str = "",
    offered: bool = True,
) -> None:
    """Ends a task's row; it leaves every inbox. ``offered``: False where it is known to have no candidates."""
    values = {
        "p_task": task_id,
        "status": status,
        "closed_at": at,
        "closed_by": by,
        "outcome": outcome or None,
        "comment": comment or None,
    }
    _CLOSE.run(connection, values)
    if offered:
        _NOT_OFFERED.run(connection, {"p_task": task_id})


def copy(connection: Connection, task_id: UUID, people: Sequence[UUID], *, at: datetime, by: UUID | None) -> None:
    """Puts a task among the copies of people (抄送); who has one gets a fresh one."""
    if people:
        rows = [{"task_id": task_id, "person": person, "at": at, "by": by, "read_at": None} for person in set(people)]
        upsert(connection, task_copy, rows)


def note(connection: Connection, task_id: UUID, kind: str, *, at: datetime, actor: UUID | None, **data: Any) -> None:
    """Adds a line to what happened to a task."""
    kept = {key: value for key, value in data.items() if value is not None}
    row = {"id": new_id(), "task_id": task_id, "at": at, "kind": kind, "actor": actor, "data": kept}
    connection.execute(task_event.insert(), row)


def reassign(
    connection: Connection, row: sa.Row[Any], *, verb: str, to: UUID | None, at: datetime, by: UUID | None
) -> None:
    """Gives a task that has no process to somebody, or back to all it is offered to."""
    values = {"assignee": to, "claimed_at": at if to else None, "version": row.version + 1}
    connection.execute(task.update().where(task.c.id == row.id).values(**values))
    connection.execute(task_candidate.update().where(task_candidate.c.task_id == row.id).values(offered=to is None))
    note(connection, row.id, verb, at=at, actor=by, to=str(to) if to else None)


def plain_row(
    *,
    app: str,
    name: str,
    title: Mapping[str, str],
    text: Mapping[str, str],
    subject: tuple[str, UUID] | None,
    subject_title: str,
    assignee: UUID | None,
    priority: str,
    due: datetime | None,
    at: datetime,
    release: int,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """The row of an open task that belongs to no process."""
    return {
        "id": new_id(),
        "app": app,
        "node": name,
        "release": release,
        "title": dict(title),
        "subject_form": subject[0] if subject else None,
        "subject_id": subject[1] if subject else None,
        "subject_title": subject_title,
        "status": OPEN,
        "assignee": assignee,
        "priority": PRIORITIES.get(priority, 0),
        "due_at": due,
        "sort_at": due or NEVER,
        "details": {
            "outcomes": [
                {"name": "done", "label": {"zh": "完成", "en": "Done"}, "comment": "optional", "meaning": "neutral"}
            ],
            "fields": [],
            "checklist": [],
            "text": dict(text),
            "values": stored(values),
        },
        "created_at": at,
        "version": 0,
    }


# The statements of every step.

# Columns of a task that stay empty until something happens to it.
_NOT_YET = dict.fromkeys(("assigned_because", "claimed_at", "closed_at", "closed_by", "outcome", "comment"))
_INSERT = Prepared(task.insert(), task.c.keys())
_OF_INSTANCE = Prepared(
    sa.select(task.c.id, task.c.title, task.c.subject_title, task.c.claimed_at, task.c.version).where(
        task.c.instance_id == sa.bindparam("p_instance"), task.c.number == sa.bindparam("p_number")
    )
)
_OPEN = Prepared(sa.select(task.c.id).where(task.c.instance_id == sa.bindparam("p_instance"), task.c.status == OPEN))
_CLOSE = Prepared(
    task.update()
    .where(task.c.id == sa.bindparam("p_task"))
    .values(
        version=task.c.version + 1,
        **{name: sa.bindparam(name) for name in ("status", "closed_at", "closed_by", "outcome", "comment")},
    )
)
_OFFER = Prepared(task_candidate.insert(), task_candidate.c.keys())
_OFFERED_TO = task_candidate.c.task_id == sa.bindparam("p_task")
_NOT_OFFERED = Prepared(task_candidate.update().where(_OFFERED_TO).values(offered=False))
_WITHDRAW = Prepared(task_candidate.delete().where(_OFFERED_TO))
