"""Records as expressions see them: exactly the paths that they read, under the rights of who acts, a query a level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

if TYPE_CHECKING:
    from engines.form import Records

Path = tuple[str, ...]
# Ids in one IN list: below the limits of both databases.
CHUNK = 500


def load(records: Records, form: str, record_id: UUID, paths: Iterable[Path]) -> dict[str, Any] | None:
    """One record with what ``paths`` say; None where there is none that may be seen."""
    return load_many(records, form, [record_id], paths).get(record_id)


def load_many(records: Records, form: str, ids: Sequence[UUID], paths: Iterable[Path]) -> dict[UUID, dict[str, Any]]:
    """Records by id. References become contexts, relations and sub-tables lists of contexts; each has its ``id``.

    A path that names no field is left out: what an expression then reads is null.
    """
    wanted = _by_head(paths)
    source = records.source(form)
    found: dict[UUID, dict[str, Any]] = {}
    columns = {head: column.element for head in wanted if head != "id" and (column := source.column(head)) is not None}
    own = source.selectable.c.id
    for part in _chunks(sorted(set(ids))):
        query = sa.select(own, *columns.values()).where(own.in_(part), source.visible_rows())
        for row in records.world.connection.execute(query):
            found[row[0]] = {"id": row[0], **dict(zip(columns, row[1:], strict=True))}
    fields = source.form.compiled.fields
    for head, deeper in wanted.items():
        if head in columns:
            target = fields[head].target if head in fields else ""
            if target:
                _link(records, found, head, target, deeper)
            elif _is_person(fields, head):
                _name(records, found, head)
        elif head in fields and fields[head].rows is not None:
            _subtable(records, source, found, head, deeper)
        elif head in source.form.compiled.relations:
            _relation(records, source, found, head, deeper)
    return found


def _by_head(paths: Iterable[Path]) -> dict[str, set[Path]]:
    wanted: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        if path:
            wanted[path[0]].add(path[1:])
    return wanted


def _chunks(items: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _is_person(fields: Mapping[str, Any], head: str) -> bool:
    if head in ("owner", "created_by", "updated_by", "department"):
        return True
    return head in fields and fields[head].kind.name in ("person", "department")


def _link(records: Records, found: dict[UUID, dict[str, Any]], head: str, target: str, deeper: set[Path]) -> None:
    further = {path for path in deeper if path and path != ("id",)}
    keys = {record[head] for record in found.values() if record[head] is not None}
    targets = load_many(records, target, sorted(keys), further) if further and keys else {}
    for record in found.values():
        key = record[head]
        record[head] = None if key is None else targets.get(key, {"id": key})


def _name(records: Records, found: dict[UUID, dict[str, Any]], head: str) -> None:
    """People and departments as contexts; their names are read once for all records."""
    directory = records.world.directory
    keys = sorted({record[head] for record in found.values() if isinstance(record[head], UUID)})
    names: dict[UUID, Any] = {}
    if directory is not None and keys:
        table = directory.departments if head == "department" else directory.people
        query = sa.select(table.c.id, table.c.name).where(table.c.id.in_(keys))
        names = {row[0]: row[1] for row in records.world.connection.execute(query)}
    for record in found.values():
        key = record[head]
        if isinstance(key, UUID):
            record[head] = {"id": key, "name": names.get(key)}


def _subtable(records: Records, source: Any, found: dict[UUID, dict[str, Any]], head: str, deeper: set[Path]) -> None:
    join = source.relation(head)
    rows = source.form.compiled.fields[head].rows
    names = sorted({path[0] for path in deeper if path} & set(rows)) if deeper - {()} else sorted(rows)
    columns = {name: column.element for name in names if (column := join.source.column(name)) is not None}
    own = source.selectable.c.id
    for record in found.values():
        record[head] = []
    for part in _chunks(sorted(found)):
        query = sa.select(own, *columns.values()).join_from(source.selectable, join.selectable, join.on)
        for row in records.world.connection.execute(query.where(own.in_(part))):
            found[row[0]][head].append(dict(zip(columns, row[1:], strict=True)))
    for name in columns:
        if rows[name].target:
            items = {index: item for index, item in enumerate(i for r in found.values() for i in r[head])}
            below = {path[1:] for path in deeper if path and path[0] == name}
            _link(records, items, name, rows[name].target, below)  # type: ignore[arg-type]


def _relation(records: Records, source: Any, found: dict[UUID, dict[str, Any]], head: str, deeper: set[Path]) -> None:
    join = source.relation(head)
    target = source.form.compiled.relations[head].form
    own, child = source.selectable.c.id, join.selectable.c.id
    pairs: list[tuple[UUID, UUID]] = []
    for part in _chunks(sorted(found)):
        query = sa.select(own, child).join_from(source.selectable, join.selectable, join.on).where(own.in_(part))
        pairs += [(row[0], row[1]) for row in records.world.connection.execute(query.order_by(own, child))]
    children = load_many(records, target, [pair[1] for pair in pairs], deeper)
    for record in found.values():
        record[head] = []
    for parent, key in pairs:
        if key in children:
            found[parent][head].append(children[key])
