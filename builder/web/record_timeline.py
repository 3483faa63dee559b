"""What happened around a record, in words: changes, comments, records that point to it, tasks, processes, rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from flask import url_for

from builder.runtime.history.timeline import TimelineItem
from builder.storage.runtime_tables import process_instance
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.names import WorkNames
from builder.web.tasks import outcome_label, process_definition
from builder.web.why import rule_label
from builder.workspace import Work
from engines.form import Record

MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    title: str
    detail: str = ""
    href: str = ""
    tone: str = ""
    quote: str = ""


def entries_of(work: Work, place: FormPlace, record: Record, relations: Sequence[str], names: WorkNames) -> list[Entry]:
    """The newest lines of all kinds."""
    items: list[TimelineItem] = work.service("timeline")(place.name, record.id, relations=relations, limit=MOST)
    names.learn_people([item.actor for item in items if item.actor])
    found = [_WORDS[item.kind](place, item, _who(item, names)) for item in items if item.kind in _WORDS]
    return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.at, reverse=True)


def _who(item: TimelineItem, names: WorkNames) -> str:
    return (names.person(item.actor) if item.actor else None) or _("The system")


def _change(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    if item.data["kind"] == "computed":
        return None
    if item.data["kind"] == "created":
        return Entry(at=item.at, title=_("%(who)s created the record", who=who), tone="ok")
    fields = [place.form.fields[c["field"]] for c in item.data["fields"] if c["field"] in place.form.fields]
    labels = [site().text(field.definition.label) for field in fields[:4]]
    return Entry(
        at=item.at, title=_("%(who)s changed it", who=who), detail=site().formats.plain(labels) if labels else ""
    )


def _related(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    target = place_of(item.data["form"])
    if target is None:
        return None
    href = url_for("records.page", app=target.app.name, form=target.local, id=item.data["id"])
    name = site().text(item.title)
    title = f"{target.label} · {name}" if name else target.label
    detail = _choices(target, item.data["values"])
    return Entry(at=_when(target, item), title=title, detail=detail, href=href, tone="now")


def _when(target: FormPlace, item: TimelineItem) -> datetime:
    """When it happened as the record itself says, else when it was made."""
    for name, field in target.form.fields.items():
        value = item.data["values"].get(name)
        if field.definition.type == "datetime" and isinstance(value, datetime):
            return value
        if field.definition.type == "date" and isinstance(value, date):
            return min(datetime.combine(value, time(), tzinfo=site().formats.zone), item.at)
    return item.at


def _choices(target: FormPlace, values: Mapping[str, Any]) -> str:
    """The first choices of a related record, in words."""
    words = []
    for name, field in target.form.fields.items():
        option = next((o for o in field.definition.options if o.name == values.get(name)), None)
        words += [site().text(option.label)] if option else []
    return " · ".join(words[:3])


def _task(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    title, data = site().text(item.title), item.data
    verbs = {
        "created": (_("“%(task)s” is waiting", task=title), "warn"),
        "claimed": (_("%(who)s took “%(task)s”", who=who, task=title), ""),
        "claim": (_("%(who)s took “%(task)s”", who=who, task=title), ""),
        "transfer": (_("%(who)s handed “%(task)s” over", who=who, task=title), ""),
        "delegate": (_("%(who)s delegated “%(task)s”", who=who, task=title), ""),
        "completed": (_("%(who)s completed “%(task)s”", who=who, task=title), "ok"),
        "escalated": (_("“%(task)s” was escalated", task=title), "bad"),
    }
    if data["verb"] not in verbs:
        return None
    sentence, tone = verbs[data["verb"]]
    outcome = _outcome(place, data)
    href = url_for("inbox.task", id=data["task"])
    comment = str(data.get("comment") or "")
    return Entry(at=item.at, title=sentence, detail=outcome, href=href, tone=tone, quote=comment)


def _outcome(place: FormPlace, data: Mapping[str, Any]) -> str:
    wanted = str(data.get("outcome") or "")
    for name in place.app.definitions.names("process") if wanted else ():
        label = outcome_label(place.app.name, name, str(data["node"]), wanted)
        if label != wanted:
            return label
    return wanted


def _process(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    app, _dot, name = str(item.data["process"]).partition(".")
    definition = process_definition(app, name)
    label = site().text(definition.label) if definition else name
    if item.data["status"] == "started":
        return Entry(at=item.at, title=_("Process “%(process)s” started", process=label), tone="now")
    return Entry(at=item.at, title=_("Process “%(process)s” ended", process=label), tone="ok")


def _rule(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    return Entry(
        at=item.at, title=_("Rule %(rule)s fired", rule=rule_label(place, str(item.data["rule"]).partition(".")[2]))
    )


def _note(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    quote = str(item.data.get("text") or "")
    return Entry(at=item.at, title=site().text(item.title), detail=who, tone="warn", quote=quote)


def _comment(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    return Entry(at=item.at, title=who, quote=str(item.data["text"]))


def _message(place: FormPlace, item: TimelineItem, who: str) -> Entry | None:
    kinds = {"mail": _("A mail was written"), "webhook": _("A webhook was called")}
    title = kinds.get(item.data["channel"])
    return Entry(at=item.at, title=title) if title else None


_WORDS: Mapping[str, Callable[[FormPlace, TimelineItem, str], Entry | None]] = {
    "change": _change,
    "related": _related,
    "task": _task,
    "process": _process,
    "rule": _rule,
    "note": _note,
    "comment": _comment,
    "message": _message,
}


def running_processes(work: Work, place: FormPlace, record: Record) -> list[str]:
    """The processes that are running on the record, in words."""
    table = process_instance
    mine = (table.c.subject_form == place.name, table.c.subject_id == record.id, table.c.ended_at.is_(None))
    found = []
    for row in work.connection.execute(sa.select(table.c.app, table.c.process).where(*mine)):
        definition = process_definition(row.app, row.process)
        label = site().text(definition.label) if definition else row.process
        found.append(_("Process “%(process)s” is running", process=label))
    return found
