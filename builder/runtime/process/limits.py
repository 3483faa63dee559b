"""Time limits in the database: the rows of their clocks, and the notices of what is done when time runs out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.runtime.process import tasks
from builder.runtime.process.instances import Instance
from builder.storage.runtime_tables import process_clock
from builder.storage.upsert import upsert
from engines.process.effects import ClockChanged, SlaActed

if TYPE_CHECKING:
    from builder.runtime.around import Around

SECOND = timedelta(seconds=1)
# What a notice says, by what is done; the step's label follows.
WORDS: Mapping[str, Mapping[str, str]] = {
    "warn": {"en": "Time runs out: {label}", "zh": "即将超时：{label}"},
    "remind": {"en": "Please act: {label}", "zh": "请尽快处理：{label}"},
    "escalate": {"en": "Overdue: {label}", "zh": "已超时：{label}"},
    "transfer": {"en": "Overdue, handed over: {label}", "zh": "超时转交：{label}"},
    "complete": {"en": "Overdue, decided by itself: {label}", "zh": "超时自动处理：{label}"},
}
SEVERITIES: Mapping[str, str] = {"warn": "warning", "escalate": "critical"}


def write(connection: Connection, instance: Instance, changed: ClockChanged, *, at: datetime) -> None:
    """Brings the row of a clock to what the engine says."""
    clock, over = changed.clock, changed.status in ("met", "breached", "cancelled")
    row = {
        "instance_id": instance.id,
        "number": clock.id,
        "app": instance.app,
        "process": instance.process,
        "node": clock.node,
        "name": clock.sla,
        "label": dict(changed.label.texts),
        "status": changed.status,
        "held": list(clock.held),
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "breached_at": clock.breached_at,
        "ended_at": at if over else None,
        "decided_at": clock.breached_at or (at if changed.status == "met" else None),
        "target_s": clock.target // SECOND,
        "used_s": changed.used // SECOND if changed.used is not None else None,
        "paused_s": clock.paused // SECOND,
        "person": changed.by or clock.person,
        "department": clock.department,
    }
    upsert(connection, process_clock, [row])


def open_of(connection: Connection, instance_id: UUID) -> list[sa.Row[Any]]:
    """The clocks of an instance that are not over, in the order in which they began."""
    mine = (process_clock.c.instance_id == instance_id, process_clock.c.ended_at.is_(None))
    return list(connection.execute(sa.select(process_clock).where(*mine).order_by(process_clock.c.number)))


def tell(around: Around, instance: Instance, acted: SlaActed) -> None:
    """Notices to whom an action means; others than the task's own people get a copy of it. Nobody: the admins."""
    if acted.do == "transfer" and acted.task and acted.task.assignee in acted.people:
        # They are told that they have a task now.
        return
    title = _title(acted)
    task = tasks.row_of(around.work.connection, instance.id, acted.task.id) if acted.task else None
    body = {"": task.subject_title if task else around.title_of(instance.subject)}
    people = _people(around, instance, acted)
    if not people:
        key = f"sla:{instance.id}:{acted.clock.id}:{acted.action}:{acted.clock.done.get(acted.action, 0)}"
        around.tell_admins(title=title, body=body, app=instance.app, subject=instance.subject, key=key)
        return
    connection, at = around.work.connection, around.work.instant
    if task is not None and not acted.own and acted.do != "transfer":
        tasks.copy(connection, task.id, people, at=at, by=None)
    around.notifications.send(
        people,
        title=title,
        body=body if body[""] else None,
        app=instance.app,
        kind="task",
        severity=SEVERITIES.get(acted.do, "alert"),
        subject=instance.subject,
        task_id=task.id if task else None,
    )


def _title(acted: SlaActed) -> dict[str, str]:
    if acted.message.texts.keys() - {""} or acted.message.get("en"):
        return dict(acted.message.texts)
    return {locale: text.format(label=acted.label.get(locale)) for locale, text in WORDS[acted.do].items()}


def _people(around: Around, instance: Instance, acted: SlaActed) -> list[UUID]:
    directory: Any = around.directory_of(instance.app)
    held = [person for role in acted.roles for person in directory.people_with_role(role)]
    return list(dict.fromkeys([*acted.people, *held]))
