"""Trees by a reference to the record above: opened level by level, or drawn whole as an organisation chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import url_for

from builder.web.views.sheet import Card, Sheet
from engines.form import Record, SortDefinition

# Records of a level that are read at once.
LEVEL = 50
# Records of an organisation chart; one with more is to be narrowed.
MOST_NODES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A record in a tree that is opened level by level."""

    card: Card
    # How many records are right below it, as far as the reader may see them.
    below: int
    # Where they are read.
    href: str


@dataclass(slots=True, kw_only=True)
class Node:
    """A record in a chart with all that is below it."""

    card: Card
    nodes: list[Node] = field(default_factory=list)
    # How many are below it at any depth.
    below: int = 0


def tree(sheet: Sheet) -> dict[str, Any]:
    """What the tree's template shows: the highest level, or the records found where something is searched for."""
    found = bool(sheet.state.search or sheet.state.conditions or sheet.narrowed)
    given = dict(sheet.state.stands).get("root", "")
    root = _uuid(given)
    level = branches(sheet, root, sheet.state.after, flat=found and root is None)
    above = sheet.work.records.get(sheet.place.name, root) if root else None
    if above is not None:
        sheet.names.learn(sheet.place.form, [above])
    return {
        **level,
        "flat": found,
        "above": sheet.card(above) if above else None,
        "top_href": sheet.state.href(root=""),
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def branches(sheet: Sheet, above: UUID | None, after: str = "", *, flat: bool = False) -> dict[str, Any]:
    """One level of the tree behind a cursor, and where the next records of it are read."""
    parent = sheet.key("parent")
    narrow = [] if flat else [_below(parent, above)]
    query = sheet.query(
        narrow=narrow, columns=[parent], sort=_order(sheet), after=after, limit=LEVEL, count=above is None
    )
    page = sheet.page(query)
    counts = _counts(sheet, parent, [record.id for record in page.records])
    path = url_for("records.branch", app=sheet.place.app.name, form=sheet.place.local)
    return {
        "branches": [
            Branch(
                card=sheet.card(record),
                below=counts.get(record.id, 0),
                href=sheet.state.href(path=path, q="", f=[], root=str(record.id)),
            )
            for record in page.records
        ],
        "more_href": sheet.state.href(path=path, root=str(above) if above else "", after=page.next)
        if page.next
        else "",
        "page": page,
    }


def _below(parent: str, above: UUID | None) -> str:
    """What is right below a record; at the top also what stands below a record that the reader may not see."""
    return f'{parent} = identifier("{above}")' if above else f"{parent}.id = null"


def _order(sheet: Sheet) -> tuple[SortDefinition, ...]:
    title = sheet.place.form.title
    return sheet.view.sort or ((SortDefinition(field=title),) if title else ())


def _counts(sheet: Sheet, parent: str, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many records are right below each of some."""
    if not ids:
        return {}
    listed = " or ".join(f'{parent} = identifier("{id}")' for id in ids)
    groups = sheet.work.records.groups(sheet.place.name, sheet.query_of(listed), parent)
    return {item.value: item.count for item in groups.items if item.value is not None}


# -- organisation charts


def organisation(sheet: Sheet) -> dict[str, Any]:
    """What the chart's template shows."""
    parent = sheet.key("parent")
    query = sheet.query(columns=[parent], sort=_order(sheet), limit=MOST_NODES, count=True)
    page = sheet.page(query)
    return {"roots": forest(sheet, page.records, parent), "more": page.next is not None, "page": page}


def forest(sheet: Sheet, records: Sequence[Record], parent: str) -> list[Node]:
    """The records below each other; one whose record above is not among them stands at the top.

    Where records stand above each other in a circle, the first of them stands at the top.
    """
    nodes = {record.id: Node(card=sheet.card(record)) for record in records}
    above = {record.id: record.get(parent) for record in records}
    roots = []
    for record in records:
        up = above[record.id]
        if up in nodes and not _circular(record.id, above):
            nodes[up].nodes.append(nodes[record.id])
        else:
            # What closes a circle is cut here, so that the others of the circle find their way up.
            above[record.id] = None
            roots.append(nodes[record.id])
    for root in roots:
        _count(root)
    return roots


def _circular(start: UUID, above: dict[UUID, Any]) -> bool:
    seen, at = {start}, above.get(start)
    while at is not None and at not in seen:
        seen.add(at)
        at = above.get(at)
    return at == start


def _count(node: Node) -> int:
    stack, order = [node], []
    while stack:
        one = stack.pop()
        order.append(one)
        stack += one.nodes
    for one in reversed(order):
        one.below = sum(1 + inner.below for inner in one.nodes)
    return node.below
