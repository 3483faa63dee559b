"""Read receipts: who has a task or a copy of it, and when they first looked at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.runtime_tables import task, task_candidate, task_copy, task_read
from builder.storage.upsert import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One person a task went to."""

    person: UUID
    # When they opened it; None while they have not.
    at: datetime | None
    # Whether they only got a copy.
    copied: bool


def mark_read(connection: Connection, task_id: UUID, person: UUID, at: datetime) -> None:
    """Notes that somebody has seen a task; the first time counts."""
    if not is_read(connection, task_id, person):
        upsert(connection, task_read, [{"task_id": task_id, "person": person, "at": at}])
    mine = sa.and_(task_copy.c.task_id == task_id, task_copy.c.person == person, task_copy.c.read_at.is_(None))
    connection.execute(task_copy.update().where(mine).values(read_at=at))


def is_read(connection: Connection, task_id: UUID, person: UUID) -> bool:
    """Whether somebody has seen a task, and the last copy they were sent of it."""
    seen = sa.select(task_read.c.task_id).where(task_read.c.task_id == task_id, task_read.c.person == person)
    fresh = sa.select(task_copy.c.task_id).where(
        task_copy.c.task_id == task_id, task_copy.c.person == person, task_copy.c.read_at.is_(None)
    )
    return connection.execute(seen).first() is not None and connection.execute(fresh).first() is None


def receipts(connection: Connection, task_id: UUID) -> Sequence[Receipt]:
    """Those who have the task, may take it by name or were sent a copy, and whoever of a role has looked at it."""
    columns = (task.c.assignee, task.c.closed_by, task.c.closed_at)
    row = connection.execute(sa.select(*columns).where(task.c.id == task_id)).one()
    offered = sa.select(task_candidate.c.value).where(
        task_candidate.c.task_id == task_id, task_candidate.c.kind == "person", task_candidate.c.offered
    )
    copies = {
        found.person: found.read_at
        for found in connection.execute(sa.select(task_copy).where(task_copy.c.task_id == task_id))
    }
    seen = {
        found.person: found.at
        for found in connection.execute(
            sa.select(task_read).where(task_read.c.task_id == task_id).order_by(task_read.c.at)
        )
    }
    if row.closed_by is not None:
        seen.setdefault(row.closed_by, row.closed_at)
    named = [UUID(value) for value in connection.execute(offered).scalars()]
    people = dict.fromkeys([p for p in (row.assignee, row.closed_by, *named) if p] + list(copies) + list(seen))
    return [
        Receipt(person=p, at=copies[p] if p in copies else seen.get(p), copied=p in copies and p != row.assignee)
        for p in people
    ]
