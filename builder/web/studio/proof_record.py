"""A rule or decision of a draft on one record: why, why not, and what would have to change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from builder.runtime.rules.tracing import Tracer
from builder.web.names import WorkNames, title_of
from builder.web.studio.proof import Subject
from builder.web.why_not import WhyNot
from builder.workspace import Work
from engines.form import ListQuery

# Records that a search offers.
MOST_FOUND = 12


def found_records(work: Work, asked: Subject, query: str) -> list[tuple[UUID, str]]:
    """The records that the person may see and that a search finds, with what they are called."""
    place = asked.place
    if place is None:
        return []
    names = WorkNames(work)
    page = work.records.page(place.name, ListQuery(search=query, limit=MOST_FOUND))
    names.learn(place.form, page.records)
    return [(record.id, title_of(place.form, record, names)) for record in page.records]


def traced(work: Work, asked: Subject, id: UUID | None) -> dict[str, Any]:
    """What the draft makes of a record as it is now; nothing of one that the person may not see."""
    place = asked.place
    record = work.records.get(place.name, id) if place is not None and id is not None else None
    if place is None or record is None:
        return {}
    names = WorkNames(work)
    names.learn(place.form, [record])
    tracer = Tracer(work.service("around"), asked.app, asked.form, record.id)
    words = WhyNot(work, place, record, names)
    told: dict[str, Any] = {"record": record.id, "record_title": title_of(place.form, record, names)}
    if asked.rule is not None:
        seen = tracer.rule(asked.rule, None, release=0)
        return {**told, "rule": words.rule(seen, now=True) if seen else None}
    assert asked.decision is not None  # noqa: S101
    assert asked.asker is not None  # noqa: S101
    found = tracer.decision(asked.name.partition("@")[0], asked.decision, asked.asker, release=0)
    return {**told, "decision": words.decision(found) if found else None}
