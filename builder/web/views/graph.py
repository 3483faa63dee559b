"""Relationship graphs: records as points, what they refer to as lines between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import url_for

from builder.web.catalogue import place_of
from builder.web.views.sheet import Sheet
from engines.form import Record

# Records from which lines start; a graph with more is to be narrowed.
MOST_POINTS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A reference from one record to another, in words."""

    source: str
    source_href: str
    label: str
    target: str
    target_href: str


def graph(sheet: Sheet) -> dict[str, Any]:
    """What the graph's template shows: data for the drawing, and the same as a table."""
    links = sheet.keys("links")
    query = sheet.query(columns=links, limit=MOST_POINTS, count=True)
    page = sheet.page(query)
    points: dict[UUID, dict[str, Any]] = {
        record.id: {
            "id": str(record.id),
            "name": sheet.title(record),
            "form": sheet.place.label,
            "href": sheet.href(record.id),
            "tone": sheet.color(record).removeprefix("c-"),
        }
        for record in page.records
    }
    lines: list[Line] = []
    edges = []
    for record in page.records:
        for name in links:
            for target in _targets(record, name):
                point = points.get(target) or _outside(sheet, name, target)
                if point is None:
                    continue
                points[target] = point
                edges.append({"source": str(record.id), "target": str(target), "label": sheet.label(name)})
                lines.append(_line(points[record.id], sheet.label(name), point))
    forms = list(dict.fromkeys(point["form"] for point in points.values()))
    return {
        "data": {"points": list(points.values()), "edges": edges, "forms": forms},
        "lines": lines,
        "more": page.next is not None,
        "page": page,
    }


def _targets(record: Record, name: str) -> list[UUID]:
    value = record.values.get(name)
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, UUID) else UUID(str(item)) for item in items if item]


def _outside(sheet: Sheet, name: str, id: UUID) -> dict[str, Any] | None:
    """A record that is referred to and is not in the list itself; None where it may not be seen."""
    field = sheet.place.form.fields[name]
    form = field.target or field.list_target
    title, place = sheet.names.record(form, id), place_of(form)
    if title is None or place is None:
        return None
    href = url_for("records.page", app=place.app.name, form=place.local, id=id)
    return {"id": str(id), "name": title, "form": place.label, "href": href, "tone": ""}


def _line(source: dict[str, Any], label: str, target: dict[str, Any]) -> Line:
    return Line(
        source=source["name"],
        source_href=source["href"],
        label=label,
        target=target["name"],
        target_href=target["href"],
    )
