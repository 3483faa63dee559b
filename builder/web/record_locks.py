"""What a record's page says about the processes that run on it: which one locks it, at which step, and who has it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import url_for

from builder.storage.runtime_tables import process_instance
from builder.storage.runtime_tables import task as task_table
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.tasks import process_definition
from builder.workspace import Work
from engines.form import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An open task of the process."""

    title: str
    who: str
    # Its page, for whom it concerns.
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process that runs on the record."""

    label: str
    # Whether the record may be changed by its steps alone until it ends.
    locks: bool
    waiting: tuple[Waiting, ...]


def running_processes(work: Work, place: FormPlace, record: Record, names: WorkNames) -> list[RunningProcess]:
    """The processes that are running on the record, those that lock it first."""
    table = process_instance
    mine = (table.c.subject_form == place.name, table.c.subject_id == record.id, table.c.ended_at.is_(None))
    query = sa.select(table).where(*mine).order_by(table.c.subject_version.is_(None), table.c.started_at)
    found = []
    for row in work.connection.execute(query).all():
        definition = process_definition(row.app, row.process)
        label = site().text(definition.label) if definition else row.process
        locks = row.subject_version is not None
        found.append(RunningProcess(label=label, locks=locks, waiting=_waiting(work, row, names) if locks else ()))
    return found


def _waiting(work: Work, row: sa.Row[tuple[object, ...]], names: WorkNames) -> tuple[Waiting, ...]:
    table = task_table
    query = sa.select(table).where(table.c.instance_id == row.id, table.c.status == "open").order_by(table.c.id)
    tasks = work.connection.execute(query).all()
    names.learn_people([task.assignee for task in tasks if task.assignee])
    around = work.service("around")
    return tuple(
        Waiting(
            title=site().text(task.title) or task.node,
            who=(names.person(task.assignee) if task.assignee else "") or _("nobody yet"),
            href=url_for("inbox.task", id=task.id) if around.concerns(task) else "",
        )
        for task in tasks
    )
