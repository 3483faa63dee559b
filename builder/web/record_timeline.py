"""What happened around a record: its own changes, what rules and processes wrote, records that point to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.names import WorkNames, title_of
from builder.workspace import Work
from engines.form import ListQuery, Record, SortDefinition

MOST = 25
PER_RELATION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    title: str
    detail: str = ""
    href: str = ""
    tone: str = ""


def entries_of(work: Work, place: FormPlace, record: Record, relations: Sequence[str], names: WorkNames) -> list[Entry]:
    """The newest entries of all kinds."""
    found = _versions(work, place, record, names) + _written(work, place, record, names)
    for relation in relations:
        found += _related(work, place, record, relation, names)
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:MOST]


def _versions(work: Work, place: FormPlace, record: Record, names: WorkNames) -> list[Entry]:
    versions = [v for v in work.records.history(place.name, record.id) if v.kind != "computed"][:MOST]
    names.learn_people([v.by for v in versions if v.by])
    entries = []
    for version in versions:
        who = (names.person(version.by) if version.by else None) or _("The system")
        fields = [place.form.fields[c.field] for c in version.changes if c.field in place.form.fields]
        labels = [site().text(field.definition.label) for field in fields[:4]]
        title = (
            _("%(who)s created the record", who=who) if version.kind == "created" else _("%(who)s changed it", who=who)
        )
        detail = "" if version.kind == "created" else site().formats.plain(labels) if labels else ""
        entries.append(Entry(at=version.at, title=title, detail=detail, tone="ok" if version.kind == "created" else ""))
    return entries


def _written(work: Work, place: FormPlace, record: Record, names: WorkNames) -> list[Entry]:
    """What rules, processes and tasks wrote about the record."""
    entries = []
    for item in work.service("timeline").page(place.name, record.id, limit=MOST):
        who = names.person(item.actor) if item.actor else ""
        tone = {"process": "now", "task": "ok", "rule": "warn"}.get(item.kind, "")
        entries.append(Entry(at=item.at, title=site().text(item.title), detail=who or "", tone=tone))
    return entries


def _related(work: Work, place: FormPlace, record: Record, name: str, names: WorkNames) -> list[Entry]:
    relation = place.form.relations.get(name)
    target = place_of(relation.form) if relation else None
    if relation is None or target is None or not target.may("see"):
        return []
    query = ListQuery(
        filter={"field": relation.field, "op": "=", "value": str(record.id)},
        sort=(SortDefinition(field="created_at", direction="desc"),),
        limit=PER_RELATION,
    )
    page = work.records.page(target.name, query)
    names.learn(target.form, page.records)
    return [
        Entry(
            at=item.created_at,
            title=f"{target.label} · {title_of(target.form, item, names)}",
            href=url_for("records.page", app=target.app.name, form=target.local, id=item.id),
        )
        for item in page.records
    ]


def running_processes(work: Work, place: FormPlace, record: Record) -> list[str]:
    """The processes that are running on the record, in words."""
    found = []
    for item in work.service("processes").of_subject(place.name, record.id):
        label = site().text(item.label)
        found.append(_("%(process)s is running", process=label))
    return found
