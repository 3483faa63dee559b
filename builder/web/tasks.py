"""A task as its page shows it: the row, what happened, where the process stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import abort, url_for
from markupsafe import Markup

from builder.runtime.inbox import InboxItem
from builder.storage.runtime_tables import process_history, process_instance, process_live
from builder.storage.runtime_tables import task as task_table
from builder.web.catalogue import apps
from builder.web.context import _, site
from builder.web.diagrams import draw
from builder.web.names import WorkNames
from builder.web.task_files import shown_files
from builder.workspace import Work
from engines.process.values import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShown:
    """A task in a list or at the head of its page."""

    id: UUID
    title: str
    subject: str
    href: str
    priority: int
    priority_label: str
    due: str
    # "late", "soon", "paused" or ""
    urgency: str
    facts: tuple[str, ...]
    state: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of what happened to a process."""

    who: str
    what: str
    at: datetime
    tone: str = ""
    comment: str = ""
    # Attached files and signatures.
    files: Sequence[Mapping[str, Any]] = ()


def priority_label(priority: int) -> str:
    """The priority in a word."""
    return {1: _("High"), 2: _("Urgent"), -1: _("Low")}.get(priority, "")


def shown(item: InboxItem, names: WorkNames) -> TaskShown:
    """A line of the inbox."""
    formats = site().formats
    facts = [item.subject_title] if item.subject_title else []
    facts += [_process_label(item)] if item.process else []
    if item.initiator:
        facts.append(_("from %(name)s", name=names.person(item.initiator) or _("unknown")))
    facts.append(formats.ago(item.created_at))
    due, urgency = due_words(item.due_at, item.due, item.sla) if item.status == "open" else ("", "")
    state, tone = _state(item)
    return TaskShown(
        id=item.id,
        title=site().text(item.title) or item.node,
        subject=item.subject_title,
        href=url_for("inbox.task", id=item.id),
        priority=item.priority,
        priority_label=priority_label(item.priority),
        due=due,
        urgency=urgency,
        facts=tuple(facts),
        state=state,
        tone=tone,
    )


def due_words(due_at: datetime | None, due: str, sla: str) -> tuple[str, str]:
    """When an open task is due, in words, and how urgent that is."""
    if sla == "paused":
        return _("time stands"), "paused"
    if due_at is None:
        return "", ""
    urgency = {"late": "late", "today": "soon", "soon": "soon"}.get(due, "")
    return _("due %(time)s", time=site().formats.ago(due_at)), urgency


def _state(item: InboxItem) -> tuple[str, str]:
    if item.status == "completed":
        return outcome_label(item.app, item.process, item.node, item.outcome) or _("done"), "c-green"
    if item.status == "cancelled":
        return _("cancelled"), "c-gray"
    return (_("to be taken"), "c-blue") if item.offered else ("", "")


def _process_label(item: InboxItem) -> str:
    definition = process_definition(item.app, item.process)
    return site().text(definition.label) if definition else item.process


def process_definition(app: str, name: str) -> Any | None:
    """The definition of a process in force, or None."""
    found = apps().get(app)
    return found.definitions.get("process", name) if found and name else None


def outcome_label(app: str, process: str, node: str, outcome: str) -> str:
    """What an outcome is called; its name where the process in force does not know it."""
    definition = process_definition(app, process)
    for found in definition.nodes if definition else ():
        if found.name == node and found.user_task:
            for option in found.user_task.outcomes:
                if option.name == outcome:
                    return site().text(option.label)
    return outcome


def outcome_meaning(app: str, process: str, node: str, outcome: str) -> str:
    """What an outcome means: "approve", "reject", "neutral" …; empty where the process in force does not know it."""
    definition = process_definition(app, process)
    for found in definition.nodes if definition else ():
        if found.name == node and found.user_task:
            return next((option.meaning for option in found.user_task.outcomes if option.name == outcome), "")
    return ""


def task_row(work: Work, id: UUID) -> sa.Row[Any]:
    """The task's row; 404 for whom it does not concern."""
    row = work.connection.execute(sa.select(task_table).where(task_table.c.id == id)).one_or_none()
    if row is None or not work.service("around").concerns(row):
        abort(404)
    return row


def happenings(work: Work, row: sa.Row[Any], process: str, names: WorkNames) -> list[Happening]:
    """What happened in the task's process (or to the task alone), newest last."""
    if row.instance_id is None:
        return [Happening(who=_("The system"), what=_("made this task"), at=row.created_at, tone="ok")]
    query = sa.select(process_history).where(process_history.c.instance_id == row.instance_id)
    lines = work.connection.execute(query.order_by(process_history.c.number)).all()
    # A rule starts a process in the app's name; people want to know whose doing it was.
    starter = work.connection.scalar(
        sa.select(process_instance.c.started_by).where(process_instance.c.id == row.instance_id)
    )
    names.learn_people([id for id in (starter, *(line.actor for line in lines)) if id])
    definition = process_definition(row.app, process)
    labels = {node.name: site().text(node.label) or node.name for node in definition.nodes} if definition else {}
    files = shown_files(work, row)
    return [found for line in lines if (found := _happening(line, row, process, labels, names, files, starter))]


def _happening(
    line: sa.Row[Any],
    row: sa.Row[Any],
    process: str,
    labels: Mapping[str, str],
    names: WorkNames,
    files: Mapping[Any, Sequence[Mapping[str, Any]]],
    starter: UUID | None,
) -> Happening | None:
    words = history_words().get(line.kind)
    if words is None:
        return None
    sentence, tone = words
    data = decode(line.data)
    outcome = str(data.get("outcome") or "")
    node = labels.get(line.node or "", line.node or "")
    told = outcome_label(row.app, process, line.node or "", outcome)
    what = sentence % {"node": node, "outcome": told} if told or "%(outcome)s" not in sentence else node
    people = _people_in(data, names)
    actor = line.actor or (starter if line.kind == "instance.started" else None)
    return Happening(
        who=(names.person(actor) if actor else None) or _("The system"),
        what=_("%(what)s: %(people)s", what=what, people=people) if people else what,
        at=line.at,
        tone=tone,
        comment=str(data.get("comment") or ""),
        files=files.get((line.at, line.actor), ()) if line.kind in _WITH_FILES else (),
    )


_WITH_FILES = frozenset({"task.completed", "task.comment"})


def _people_in(data: Mapping[str, Any], names: WorkNames) -> str:
    """Names of those whom a verb brought in."""
    found = [data.get("to"), *(data.get("people") or ())]
    return ", ".join(names.person(id) or _("unknown") for id in found if isinstance(id, UUID))


def history_words() -> dict[str, tuple[str, str]]:
    """Kinds of history worth telling people about."""
    return {
        "instance.started": (_("started the process"), "ok"),
        "task.opened": (_("opened “%(node)s”"), "now"),
        "task.claim": (_("took “%(node)s”"), "now"),
        "task.release": (_("gave “%(node)s” back"), ""),
        "task.assign": (_("assigned “%(node)s”"), ""),
        "task.delegate": (_("delegated “%(node)s”"), ""),
        "task.resolve": (_("gave “%(node)s” back"), ""),
        "task.transfer": (_("handed “%(node)s” over"), ""),
        "task.add_approvers": (_("added people to “%(node)s”"), ""),
        "task.return": (_("returned “%(node)s”"), "warn"),
        "task.asked_again": (_("asks again at “%(node)s”: the record has changed"), "warn"),
        "task.remind": (_("asked to hurry with “%(node)s”"), "warn"),
        "task.copy": (_("sent copies of “%(node)s”"), ""),
        "task.comment": (_("wrote about “%(node)s”"), ""),
        "task.remove_approver": (_("took somebody out of “%(node)s”"), ""),
        "task.take_back": (_("took “%(node)s” back"), "warn"),
        "task.completed": (_("“%(node)s”: %(outcome)s"), "ok"),
        "sla.breached": (_("time limit of “%(node)s” passed"), "bad"),
        "sla.escalate": (_("escalated “%(node)s”"), "warn"),
        "sla.remind": (_("reminded of “%(node)s”"), "warn"),
        "sla.warn": (_("warned that time runs out for “%(node)s”"), "warn"),
        "sla.paused": (_("time limit of “%(node)s” stands"), ""),
        "sla.resumed": (_("time limit of “%(node)s” goes on"), ""),
        "task.automatic": (_("“%(node)s” was decided by itself: %(outcome)s"), "ok"),
        "timer": (_("time was up at “%(node)s”"), "warn"),
        "incident": (_("failed at “%(node)s”"), "bad"),
        "instance.completed": (_("the process ended"), "ok"),
        "instance.cancelled": (_("cancelled the process"), "bad"),
        "instance.withdrawn": (_("withdrew it"), "bad"),
    }


def drawing(work: Work, row: sa.Row[Any], process: str) -> Markup:
    """The process with its live and passed nodes marked."""
    definition = process_definition(row.app, process)
    if definition is None or row.instance_id is None:
        return Markup("")
    live = sa.select(process_live.c.node).where(
        process_live.c.instance_id == row.instance_id, process_live.c.kind.in_(("tokens", "tasks"))
    )
    past = sa.select(process_history.c.node).where(
        process_history.c.instance_id == row.instance_id, process_history.c.kind == "completed"
    )
    active = {node for node in work.connection.execute(live).scalars() if node}
    passed = {node for node in work.connection.execute(past).scalars() if node} - active
    return draw(definition, active=active, passed=passed, title=site().text(definition.label))


def outcomes(row: sa.Row[Any]) -> list[dict[str, str]]:
    """The buttons of a task: its outcomes, or a single "done"."""
    given: Sequence[Mapping[str, Any]] = row.details.get("outcomes") or ()
    if not given:
        return [{"name": "", "label": _("Complete"), "style": "primary"}]
    styles = {"positive": "primary", "approve": "primary", "negative": "danger", "reject": "danger"}
    found = []
    for place, item in enumerate(given):
        style = styles.get(str(item.get("meaning")), "") or styles.get(item["name"], "")
        found.append({"name": item["name"], "label": site().text(item["label"]) or item["name"], "style": style})
        if place == 0 and not any(entry["style"] == "primary" for entry in found):
            found[0]["style"] = "primary"
    return found
