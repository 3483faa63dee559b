"""Time limits as pages show them: how each clock stands, and who had the tasks at every moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.runtime_tables import process_clock, process_history, task, task_event
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.spans import span
from builder.workspace import Work
from engines.process.values import decode

# Lines about a task that do not say who has it.
_SILENT = ("copied", "reminded")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockShown:
    """One clock."""

    label: str
    node: str
    state: str
    # Colour of the badge.
    tone: str
    # When the limit is reached, or was.
    due_at: datetime | None
    allowed: str
    used: str
    # How long it stood.
    stood: str
    # Why it stands.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who had a task, from when until when."""

    node: str
    name: str
    since: datetime
    until: datetime | None


def clocks(work: Work, instance_id: UUID, labels: Mapping[str, str], *, open_only: bool = False) -> list[ClockShown]:
    """The clocks of an instance in the order in which they began, or those that are not over."""
    query = sa.select(process_clock).where(process_clock.c.instance_id == instance_id)
    if open_only:
        query = query.where(process_clock.c.ended_at.is_(None))
    rows = work.connection.execute(query.order_by(process_clock.c.number))
    return [_shown(row, labels) for row in rows]


def _shown(row: sa.Row[Any], labels: Mapping[str, str]) -> ClockShown:
    node = labels.get(row.node, row.node)
    label = site().text(row.label)
    state, tone = _state(row)
    return ClockShown(
        label=label if label and label != row.name else _("Time limit"),
        node=node,
        state=state,
        tone=tone,
        due_at=row.due_at,
        allowed=span(row.target_s),
        used=span(row.used_s) if row.used_s is not None else "",
        stood=span(row.paused_s) if row.paused_s else "",
        why=", ".join(text for why, text in _reasons().items() if why in row.held) if row.ended_at is None else "",
    )


def _state(row: sa.Row[Any]) -> tuple[str, str]:
    if row.status == "met":
        return _("met"), "c-green"
    if row.breached_at is not None:
        return _("late"), "c-red"
    if row.status == "cancelled":
        return _("given up"), "c-gray"
    return (_("stands"), "c-gray") if row.status == "paused" else (_("runs"), "c-blue")


def _reasons() -> Mapping[str, str]:
    return {
        "condition": _("as the record says"),
        "person": _("stopped by hand"),
        "suspended": _("the process is suspended"),
        "returned": _("was sent back"),
    }


def owners(work: Work, instance_id: UUID, labels: Mapping[str, str], names: WorkNames) -> list[Owner]:
    """Who had each task of an instance at every moment, in order."""
    found = [part for row in _tasks(work, instance_id) for part in _of_task(work, row)]
    names.learn_people([person for _node, person, _since, _until in found if person])
    return [
        Owner(
            node=labels.get(node, node),
            name=(names.person(person) if person else None) or _("nobody yet"),
            since=since,
            until=until,
        )
        for node, person, since, until in sorted(found, key=lambda part: part[2])
    ]


def _tasks(work: Work, instance_id: UUID) -> list[sa.Row[Any]]:
    columns = (task.c.id, task.c.number, task.c.node, task.c.created_at, task.c.closed_at, task.c.instance_id)
    query = sa.select(*columns).where(task.c.instance_id == instance_id).order_by(task.c.created_at, task.c.number)
    return list(work.connection.execute(query))


Part = tuple[str, UUID | None, datetime, datetime | None]


def _of_task(work: Work, row: sa.Row[Any]) -> Iterator[Part]:
    """The spells of one task; a spell that lasted no time is left out."""
    since, person = row.created_at, _first(work, row)
    query = sa.select(task_event).where(task_event.c.task_id == row.id, task_event.c.kind.not_in(_SILENT))
    for event in work.connection.execute(query.order_by(task_event.c.id)):
        to = event.data.get("to")
        following = UUID(to) if to else None
        if following != person:
            if event.at > since:
                yield row.node, person, since, event.at
            since, person = event.at, following
    if row.closed_at is None or row.closed_at > since:
        yield row.node, person, since, row.closed_at


def _first(work: Work, row: sa.Row[Any]) -> UUID | None:
    """Who was given the task when it was opened."""
    opened = sa.select(process_history.c.data).where(
        process_history.c.instance_id == row.instance_id,
        process_history.c.kind == "task.opened",
        process_history.c.node == row.node,
        process_history.c.data["element"].as_integer() == row.number,
    )
    data = work.connection.execute(opened).scalars().first()
    found = decode(data).get("assignee") if data else None
    return found if isinstance(found, UUID) else None
