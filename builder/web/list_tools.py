"""What a list's toolbar offers besides search: the filter builder's data, groups with subtotals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from builder.web.context import _, site
from builder.web.filter_tree import Condition, Tree
from builder.web.filters import period_labels
from builder.web.listing import UNGROUPED, columns_of, groupable
from builder.web.rows import TableRow, table_rows
from builder.web.single import enterable
from builder.web.views.sections import Section, condition, sections_of
from builder.web.views.sheet import Sheet

# Rows of a group that are read at once.
ROWS = 10
# Groups whose rows a page holds; the others open at a click.
OPEN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """A group of a list with its first rows."""

    section: Section
    rows: Sequence[TableRow]
    # Where the next rows are read, or the first of a group that is closed.
    more_href: str


def grouped(sheet: Sheet) -> dict[str, Any]:
    """The groups of a list, each with its figures and first rows."""
    sections, left_out = sections_of(sheet, sheet.key("group"))
    groups = []
    for place, section in enumerate(s for s in sections if s.count):
        if place < OPEN:
            read = rows_in(sheet, section.key)
            groups.append(RowGroup(section=section, rows=read["rows"], more_href=read["more_href"]))
        else:
            groups.append(RowGroup(section=section, rows=(), more_href=_section_href(sheet, section.key, "")))
    return {"groups": groups, "groups_left_out": left_out}


def rows_in(sheet: Sheet, key: str, after: str = "") -> dict[str, Any]:
    """Rows of a group behind a cursor, and where the next ones are read."""
    own = [name for name in sheet.state.columns if name in sheet.place.form.fields]
    narrow = [condition(sheet, sheet.key("group"), key)]
    page = sheet.page(sheet.query(narrow=narrow, columns=own, after=after, limit=ROWS))
    columns = columns_of(sheet.place, sheet.state)
    rows = table_rows(sheet.place, page.records, columns, sheet.display, editable(sheet))
    return {
        "rows": rows,
        "bulk": may_bulk(sheet),
        "more_href": _section_href(sheet, key, page.next) if page.next else "",
    }


def editable(sheet: Sheet) -> frozenset[str]:
    """The fields that are entered in the list itself."""
    return frozenset(enterable(sheet.place, sheet.access)) if sheet.place.may("edit") else frozenset()


def may_bulk(sheet: Sheet) -> bool:
    """Whether many records may be changed or deleted at once."""
    return sheet.place.may("edit") or sheet.place.may("delete")


def _section_href(sheet: Sheet, key: str, after: str) -> str:
    path = url_for("records.section", app=sheet.place.app.name, form=sheet.place.local)
    # An empty value is a group, too: that of the records without one.
    return f"{sheet.state.href(path=path, after=after)}&in={key}"


def groupings(sheet: Sheet, known: Sequence[str]) -> list[dict[str, Any]]:
    """What a list can be grouped by, each with its link; none for other kinds of views."""
    if sheet.view.kind != "list":
        return []
    current = sheet.state.group
    none = {"label": _("No groups"), "href": sheet.state.href(group=UNGROUPED), "current": not current}
    fields = [
        {"label": sheet.label(name), "href": sheet.state.href(group=name), "current": name == current}
        for name in groupable(sheet.place, known)
    ]
    return [none, *sorted(fields, key=lambda item: not item["current"])]


def builder_data(sheet: Sheet, filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the filter builder works with: fields, operators, choices, and the conditions in force."""
    state = sheet.state
    own: list[Condition | Tree] = list(state.conditions)
    where = state.where
    if where is not None and where.every:
        own += where.parts
    elif where is not None:
        own.append(where)
    tree = where if where is not None and not state.conditions else Tree(every=True, parts=tuple(own))
    names = {leaf.value: sheet.called(leaf.field, leaf.value) for leaf in _leaves(tree) if _named(filters, leaf)}
    return {
        "fields": filters,
        "periods": [{"value": name, "label": label} for name, label in period_labels().items()],
        "tree": tree.plain(),
        "names": names,
        "choices": url_for("records.filter_choices", app=sheet.place.app.name, form=sheet.place.local, field="_"),
        "href": state.href(f=[], where=""),
        "locale": site().locale,
    }


def _leaves(tree: Tree) -> list[Condition]:
    found: list[Condition] = []
    for part in tree.parts:
        found += _leaves(part) if isinstance(part, Tree) else [part]
    return found


def _named(filters: Sequence[Mapping[str, Any]], leaf: Condition) -> bool:
    kind = next((item["kind"] for item in filters if item["name"] == leaf.field), "")
    return bool(leaf.value) and kind in {"link", "person", "department"}
