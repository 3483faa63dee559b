"""Reading rows of records, their sub-tables and what their expressions need of other records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from engines.form.compiled import CompiledField
from engines.form.records.source import FormSource, rows_at, source_of
from engines.form.records.world import World
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.tables import StoredForm
from engines.form.types import Refused
from engines.form.types.people import parse_id

# Ids in one IN list: below the limits of both databases.
CHUNK = 500
Paths = frozenset[tuple[str, ...]]


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """``items`` in pieces of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def load_stored(
    source: FormSource, ids: Sequence[UUID], where: ColumnElement[bool], *, lock: bool = False
) -> dict[UUID, dict[str, Any]]:
    """Stored values of records with their sub-tables, by id; ``lock`` keeps others from changing them.

    Rows are locked in the order of their ids, so that two commands never wait for each other in a circle.
    """
    table = source.selectable.c
    columns = [*(table[name] for name in SYSTEM_COLUMNS), *(table[c.name] for c in source.rows.columns.values())]
    names = [*SYSTEM_COLUMNS, *source.rows.columns]
    found: dict[UUID, dict[str, Any]] = {}
    for part in chunks(sorted(ids)):
        query = select(*columns).where(table.id.in_(part), where).order_by(table.id)
        if lock and source.world.connection.dialect.name == "postgresql":
            query = query.with_for_update(of=source.selectable)
        for row in source.world.connection.execute(query):
            found[row[0]] = dict(zip(names, row, strict=True))
    add_children(source, found)
    return found


def add_children(source: FormSource, records: Mapping[UUID, dict[str, Any]]) -> None:
    """Puts the rows of all sub-tables into ``records``, in their order."""
    for name, rows in source.form.children.items():
        for record in records.values():
            record[name] = []
        selectable = rows_at(rows, source.as_of)
        table = selectable.c
        names = ["id", *rows.columns]
        columns = [table.parent, table.id, *(table[c.name] for c in rows.columns.values())]
        for part in chunks(list(records)):
            query = select(*columns).where(table.parent.in_(part)).order_by(table.parent, table.position)
            for row in source.world.connection.execute(query):
                records[row[0]][name].append(dict(zip(names, row[1:], strict=True)))


def load_references(
    world: World, form: StoredForm, values: Mapping[str, Any], current: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What saving a record reads of others: contexts of references, lists of contexts of relations."""
    found: dict[str, Any] = {}
    for name, paths in form.compiled.reads.items():
        if "." in name:
            found[name] = _row_contexts(world, form, name, paths, values, current or {})
            continue
        field = form.compiled.fields.get(name)
        relation = form.compiled.relations.get(name)
        if field is not None:
            key = parse_reference(values[name]) if name in values else (current or {}).get(name)
            found[name] = load_context(world, field.target, key, paths) if key is not None else None
        elif relation is not None and current is not None:
            target = world.forms.get(relation.form)
            found[name] = _contexts(world, target, relation.field, [current["id"]], paths) if target else []
    return found


def _row_contexts(
    world: World, form: StoredForm, name: str, paths: Paths, values: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[UUID, dict[str, Any]]:
    """Contexts of what a reference column of a sub-table points to, by id: for the rows sent and those there are."""
    rows = [row for held in (values, current) for row in rows_sent(held, name)]
    return row_contexts(world, form, name, paths, rows)


def rows_sent(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The rows of the sub-table in "lines.product" among values as sent, as far as they are rows at all."""
    rows = values.get(name.partition(".")[0])
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def row_contexts(
    world: World, form: StoredForm, name: str, paths: Paths, rows: Iterable[Mapping[str, Any]]
) -> dict[UUID, dict[str, Any]]:
    """The records that column "lines.product" of ``rows`` points to, each loaded once."""
    table, _, column = name.partition(".")
    field = (form.compiled.fields[table].rows or {})[column]
    target = world.forms.get(field.target)
    ids = {key for row in rows if (key := parse_reference(row.get(column))) is not None}
    return load_contexts(world, target, sorted(ids), paths) if target else {}


def parse_reference(value: Any) -> UUID | None:
    """The id that a sent reference holds; None where it holds none."""
    try:
        return None if value is None else parse_id(value)
    except Refused:
        return None


def load_context(world: World, target: str, key: UUID, paths: Paths) -> dict[str, Any] | None:
    """The record ``key`` as expressions see it, with the given paths; None where it is gone."""
    form = world.forms.get(target)
    return load_contexts(world, form, [key], paths).get(key) if form else None


def load_contexts(world: World, form: StoredForm, ids: Sequence[UUID], paths: Paths) -> dict[UUID, dict[str, Any]]:
    """Records as expressions see them, by id, with the given paths, as the system sees them."""
    return {record["id"]: record for record in _contexts(world, form, "id", ids, paths)}


def _contexts(world: World, form: StoredForm, by: str, keys: Sequence[UUID], paths: Paths) -> list[dict[str, Any]]:
    """Contexts of the records whose field ``by`` is one of ``keys``; deeper paths are loaded a reference at a time."""
    source = source_of(world, form, limited=False)
    heads = sorted({path[0] for path in paths} - {"id"})
    columns = {name: found.element for name in heads if (found := source.column(name)) is not None}
    match = source.column(by)
    records: list[dict[str, Any]] = []
    if match is None:
        return records
    for part in chunks(keys):
        query = select(source.selectable.c.id, *columns.values()).where(match.element.in_(part), source.visible_rows())
        for row in world.connection.execute(query):
            records.append({"id": row[0], **dict(zip(columns, row[1:], strict=True))})
    for name in columns:
        deeper = frozenset(path[1:] for path in paths if path[0] == name and path[1:] not in ((), ("id",)))
        _link(world, form.compiled.fields.get(name), name, records, deeper)
    return records


def _link(
    world: World, field: CompiledField | None, name: str, records: Sequence[dict[str, Any]], paths: Paths
) -> None:
    """Replaces ids by contexts of what they point to."""
    target = world.forms.get(field.target) if field and field.target else None
    ids = {record[name] for record in records if isinstance(record[name], UUID)}
    known = load_contexts(world, target, sorted(ids), paths) if target and paths else {}
    for record in records:
        if isinstance(record[name], UUID):
            record[name] = known.get(
                record[name], {"id": record[name], "name": None} if not target else {"id": record[name]}
            )
