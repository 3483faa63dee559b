"""Records as who acts may see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, literal, select

from engines.form.records.loading import chunks
from engines.form.records.record import MASK, Record
from engines.form.records.source import FormSource, RowSource, rows_at, source_of
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm

SYSTEM = (
    "id",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "owner",
    "department",
    "deleted_at",
)
_HIDDEN, _MASKED, _READ = 0, 1, 2


class FieldReader:
    """Selects fields of a form's records under rights, and turns rows into ``Record``."""

    def __init__(self, source: FormSource, names: Iterable[str] | None = None) -> None:
        """``names``: the fields wanted; all but sub-tables unless given."""
        self.source = source
        fields = source.form.compiled.fields
        wanted = [name for name in (fields if names is None else names) if name in fields]
        self._levels = {name: self._level(name) for name in wanted}
        self.names = [name for name in wanted if fields[name].rows is None and self._levels[name] is not _HIDDEN]
        self.tables = [name for name in wanted if fields[name].rows is not None and self._levels[name] is not _HIDDEN]
        # Fields whose access differs from record to record.
        self._varying = [name for name in wanted if not isinstance(self._levels[name], int)]
        # How many of a row's columns are the record's.
        self.width = len(SYSTEM) + len(self.names) + len(self._varying)
        fixed = {name: level for name, level in self._levels.items() if isinstance(level, int)}
        self._masked = frozenset(name for name in self.names if fixed.get(name) == _MASKED)
        self._hidden_tables = frozenset(name for name in self.tables if fixed.get(name, _READ) != _READ)

    def _level(self, name: str) -> int | ColumnElement[int]:
        rights = self.source.rights
        if rights is None or rights.always(name, "read"):
            return _READ
        if rights.never(name, "masked"):
            return _HIDDEN
        if rights.never(name, "read") and rights.always(name, "masked"):
            return _MASKED
        read, mask = self.source.readable(name), self.source.readable(name, "masked")
        return case((read, literal(_READ)), (mask, literal(_MASKED)), else_=literal(_HIDDEN))

    def columns(self) -> list[ColumnElement[Any]]:
        """What to select, in the order that ``record`` reads."""
        table = self.source.selectable.c
        values = [self._element(name).label(f"v{place}") for place, name in enumerate(self.names)]
        levels = [self._levels[name].label(f"l{place}") for place, name in enumerate(self._varying)]  # type: ignore[union-attr]
        return [*(table[name] for name in SYSTEM), *values, *levels]

    def _element(self, name: str) -> ColumnElement[Any]:
        raw = self.source.raw(name)
        masked = self._levels[name] is _MASKED
        found = None if raw is None or masked else self.source.guard(name, raw)
        return literal(None) if found is None else found

    def select(self) -> Select[Any]:
        """The visible records' fields; add conditions, order and limit."""
        return select(*self.columns()).where(self.source.visible_rows())

    def record(self, row: Row[Any]) -> Record:
        """The record that a selected row holds, without sub-tables; further columns of the row are left alone."""
        start = len(SYSTEM)
        values = dict(zip(self.names, row[start : start + len(self.names)], strict=True))
        masked, hidden = self._masked, self._hidden_tables
        if self._varying:
            levels = dict(zip(self._varying, row[start + len(self.names) : self.width], strict=True))
            masked = masked | {name for name, level in levels.items() if level == _MASKED}
            hidden = hidden | {name for name, level in levels.items() if level != _READ}
            for name in [name for name, level in levels.items() if level == _HIDDEN]:
                values.pop(name, None)
        for name in masked:
            values[name] = MASK
        for name in self.tables:
            if name not in hidden:
                values[name] = []
        system = dict(zip(SYSTEM, row[:start], strict=True))
        return Record(form=self.source.form.name, values=values, masked=frozenset(masked), **system)


def read_records(source: FormSource, ids: Sequence[UUID], *, deleted: bool = False) -> list[Record]:
    """The records among ``ids`` that may be seen, with sub-tables and the titles of what they refer to."""
    reader = FieldReader(source)
    found: list[Record] = []
    for part in chunks(list(ids)):
        query = select(*reader.columns()).where(source.selectable.c.id.in_(part), source.visible_rows(deleted=deleted))
        found += [reader.record(row) for row in source.world.connection.execute(query)]
    add_rows(source, reader.tables, found)
    return with_titles(source, found)


def add_rows(source: FormSource, tables: Sequence[str], records: Sequence[Record]) -> None:
    """Fills the sub-tables of ``records`` where they may be read; live columns included."""
    for name in tables:
        lists: dict[UUID, list[dict[str, Any]]] = {r.id: r.values[name] for r in records if name in r.values}
        rows = RowSource(source, name, rows_at(source.form.children[name], source.as_of))
        elements = {n: e for n in rows.rows.fields if (e := rows.raw(n)) is not None}
        table = rows.selectable.c
        for part in chunks(list(lists)):
            query = select(table.parent, table.id, *elements.values()).where(table.parent.in_(part))
            for row in source.world.connection.execute(query.order_by(table.parent, table.position)):
                lists[row[0]].append({"id": row[1], **dict(zip(elements, row[2:], strict=True))})


def with_titles(source: FormSource, records: Sequence[Record]) -> list[Record]:
    """The records with the titles of the records and people that they point to, as far as those may be seen."""
    targets = _targets(source)
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for record in records:
        for name, target in targets.items():
            if isinstance(value := record.get(name), UUID):
                wanted[target].add(value)
    if not wanted:
        return list(records)
    titles = {target: titles_of(source.world, target, sorted(ids)) for target, ids in wanted.items()}
    return [replace(record, titles=_titles(record, targets, titles)) for record in records]


def _targets(source: FormSource) -> dict[str, str]:
    """What each field that holds an id points to: a form, "person" or "department"."""
    fields = source.form.compiled.fields.items()
    own = {n: f.target or f.kind.name for n, f in fields if f.target or f.kind.name in ("person", "department")}
    people = dict.fromkeys(("owner", "created_by", "updated_by"), "person")
    return {**own, **people, "department": "department"}


def _titles(record: Record, targets: Mapping[str, str], titles: Mapping[str, Mapping[UUID, str]]) -> dict[str, str]:
    found = {}
    for name, target in targets.items():
        value = record.get(name)
        if isinstance(value, UUID) and value in titles.get(target, {}):
            found[name] = titles[target][value]
    return found


def titles_of(world: World, target: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Titles of records by id, of those that may be seen; ``target`` may also be "person" or "department"."""
    if target in ("person", "department"):
        return _names_of(world, target, ids)
    form = world.forms.get(target)
    title = form.compiled.title if form else ""
    if form is None or not title or not world.rights(form).may("see"):
        return {}
    source = source_of(world, form)
    column = source.column(title)
    if column is None:
        return {}
    found: dict[UUID, str] = {}
    for part in chunks(ids):
        query = select(source.selectable.c.id, column.element)
        query = query.where(source.selectable.c.id.in_(part), source.visible_rows())
        found |= {row[0]: str(row[1]) for row in world.connection.execute(query) if row[1] is not None}
    return found


def _names_of(world: World, target: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    if world.directory is None:
        return {}
    table = (world.directory.people if target == "person" else world.directory.departments).c
    query = select(table.id, table.name).where(table.id.in_(ids))
    return {row[0]: row[1] for row in world.connection.execute(query)}


def visible_record(world: World, form: StoredForm, values: Mapping[str, Any]) -> Record:
    """A record just written, of its stored values, as far as who wrote it may read them everywhere.

    A field whose access depends on the record is left out; reading the record again tells.
    """
    rights = world.rights(form)
    kept = {name: values.get(name) for name in form.compiled.fields if name in values and rights.always(name, "read")}
    if not rights.may("see"):
        kept = {}
    return Record(form=form.name, values=kept, **{name: values[name] for name in SYSTEM})
