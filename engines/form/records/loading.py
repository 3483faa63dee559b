"""Reading rows of records, their sub-tables and what their expressions need of other records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select

from engines.form.compiled import CompiledField
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.source import own_source, source_of
from engines.form.records.world import World
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.tables import StoredForm
from engines.form.types import Refused
from engines.form.types.people import parse_id

Paths = frozenset[tuple[str, ...]]


def load_stored(
    world: World,
    form: StoredForm,
    ids: Iterable[UUID],
    operation: str | None = None,
    *,
    deleted: bool = False,
    lock: bool = False,
) -> dict[UUID, dict[str, Any]]:
    """Stored values of records with their sub-tables, by id; ``lock`` keeps others from changing them.

    Those that the rights open to ``operation``, in the recycle bin or (by default) not; without an operation all.
    Rows are locked in the order of their ids, so that two commands never wait for each other in a circle.
    """
    names = [*SYSTEM_COLUMNS, *form.rows.columns]

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        source = own_source(world, form, limited=operation is not None)
        table = source.selectable.c
        columns = [*(table[name] for name in SYSTEM_COLUMNS), *(table[c.name] for c in form.rows.columns.values())]
        query = select(*columns).where(match(table.id)).order_by(table.id)
        if operation is not None:
            query = query.where(source.visible_rows(operation, deleted=deleted))
        if lock and world.dialect == "postgresql":
            query = query.with_for_update(of=source.selectable)
        return query, None

    found: dict[UUID, dict[str, Any]] = {}
    for _, rows in run_by_ids(world, ("stored", form.name, operation, deleted, lock), sorted(ids), make):
        found |= {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    for name in form.children:
        _add_children(world, form, name, found)
    return found


def _add_children(world: World, form: StoredForm, name: str, records: Mapping[UUID, dict[str, Any]]) -> None:
    """Puts the rows of a sub-table into ``records``, in their order."""
    rows = form.children[name]
    names = ["id", *rows.columns]

    def make(_world: World, match: Match) -> tuple[Select[Any], None]:
        table = rows.table.c
        columns = [table.parent, table.id, *rows.columns.values()]
        return select(*columns).where(match(table.parent)).order_by(table.parent, table.position), None

    for record in records.values():
        record[name] = []
    for _, found in run_by_ids(world, ("stored rows", form.name, name), list(records), make):
        for row in found:
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
    heads = tuple(sorted({path[0] for path in paths} - {"id"}))

    def make(world: World, match: Match) -> tuple[Select[Any], list[str]]:
        source = source_of(world, form, limited=False)
        columns = {name: found.element for name in heads if (found := source.column(name)) is not None}
        key = source.column(by)
        fits = false() if key is None else match(key.element)
        return select(source.selectable.c.id, *columns.values()).where(fits, source.visible_rows()), list(columns)

    records: list[dict[str, Any]] = []
    names: list[str] = []
    for names, rows in run_by_ids(world, ("contexts", form.name, by, heads), keys, make):
        records += [{"id": row[0], **dict(zip(names, row[1:], strict=True))} for row in rows]
    for name in names:
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
