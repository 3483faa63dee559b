"""Boards: a column for each value of a field, its records as cards that are moved from column to column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for

from builder.web.views.sections import Section, condition, sections_of
from builder.web.views.sheet import Card, Sheet
from engines.form import SortDefinition

# Cards of a column that are read at once.
CARDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a board with its first cards."""

    section: Section
    cards: tuple[Card, ...]
    more_href: str


def board(sheet: Sheet) -> dict[str, Any]:
    """What the board's template shows."""
    by = sheet.key("group")
    sections, left_out = sections_of(sheet, by)
    columns = [Column(section=s, **cards_in(sheet, by, s.key)) if s.count else _empty(s) for s in sections]
    fixed = not sheet.movable(by)
    field = sheet.place.form.fields.get(by)
    return {
        "columns": columns,
        "left_out": left_out,
        "by": sheet.label(by),
        "by_name": by,
        "movable": not fixed,
        # A required field cannot be emptied by dragging.
        "closed": [""] if field is None or field.required else [],
        "total": sum(s.count for s in sections),
    }


def _empty(section: Section) -> Column:
    return Column(section=section, cards=(), more_href="")


def cards_in(sheet: Sheet, by: str, key: str, after: str = "") -> dict[str, Any]:
    """Cards of a column behind a cursor, and where the next ones are read."""
    newest = (SortDefinition(field="updated_at", direction="desc"),)
    sort = sheet.view.sort or newest
    query = sheet.query(narrow=[condition(sheet, by, key)], columns=[by], sort=sort, after=after, limit=CARDS)
    page = sheet.page(query)
    more = ""
    if page.next:
        path = url_for("records.section", app=sheet.place.app.name, form=sheet.place.local)
        more = sheet.state.href(path=path, **{"in": key, "after": page.next})
    return {"cards": tuple(sheet.card(record) for record in page.records), "more_href": more}
