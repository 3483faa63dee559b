"""The open work of one person: tasks they have, may take by name or gave to a delegate, and turns still to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.runtime_tables import process_instance, process_live, task, task_candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Some of it: instances, and tasks that belong to none; each with its app."""

    instances: tuple[tuple[UUID, str], ...]
    tasks: tuple[tuple[UUID, str], ...]

    def __bool__(self) -> bool:
        return bool(self.instances or self.tasks)


def count(connection: Connection, person: UUID) -> Mapping[str, int]:
    """How much there is: ``tasks``, ``offers`` by name, ``delegations`` to others, ``turns`` to come."""
    offered = sa.exists().where(*_offer(person))
    conditions = {
        "tasks": task.c.assignee == person,
        "offers": sa.and_(task.c.assignee.is_distinct_from(person), offered),
        "delegations": task.c.delegated_by == person,
    }
    found = {
        name: connection.execute(
            sa.select(sa.func.count()).select_from(task).where(task.c.status == "open", condition)
        ).scalar_one()
        for name, condition in conditions.items()
    }
    turns = sa.select(sa.func.count()).select_from(_turns(person).subquery())
    return {**found, "turns": connection.execute(turns).scalar_one()}


def portion(connection: Connection, person: UUID, most: int) -> Portion:
    """At most ``most`` instances and as many tasks; empty when everything was handed over."""
    mine = sa.or_(task.c.assignee == person, task.c.delegated_by == person, sa.exists().where(*_offer(person)))
    rows = connection.execute(
        sa.select(task.c.id, task.c.app, task.c.instance_id)
        .where(task.c.status == "open", mine)
        .order_by(task.c.id)
        .limit(most)
    ).all()
    instances = {row.instance_id: row.app for row in rows if row.instance_id is not None}
    if not rows:
        instances = {row.id: row.app for row in connection.execute(_turns(person).limit(most))}
    return Portion(
        # In order of their ids, as every command locks them.
        instances=tuple(sorted(instances.items())),
        tasks=tuple((row.id, row.app) for row in rows if row.instance_id is None),
    )


def _offer(person: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    names = task_candidate.c
    return (names.task_id == task.c.id, names.kind == "person", names.value == str(person))


def _turns(person: UUID) -> sa.Select[tuple[UUID, str]]:
    """Running instances in which a sequential approval, or a task for those added after it, still names the person."""
    waiting = sa.cast(process_live.c.data["queue"], sa.Text).contains(str(person))
    later = sa.cast(process_live.c.data["after"], sa.Text).contains(str(person))
    named = sa.or_(sa.and_(process_live.c.kind == "approvals", waiting), sa.and_(process_live.c.kind == "tasks", later))
    live = sa.exists().where(process_live.c.instance_id == process_instance.c.id, named)
    running = sa.select(process_instance.c.id, process_instance.c.app).where(process_instance.c.status == "running")
    return running.where(live).order_by(process_instance.c.id)
