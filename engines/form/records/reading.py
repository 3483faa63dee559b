"""Records as who acts may see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Row, Select, and_, case, literal, null, select, union_all

from engines.form.records.prepared import Match, among, bound_ids, padded, run_by_ids
from engines.form.records.record import MASK, Record
from engines.form.records.source import FormSource, RowSource, own_source, rows_at, source_of
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
_PEOPLE = ("person", "department")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReader:
    """Turns selected rows into ``Record``; holds nothing of who acts."""

    # Qualified name of the form.
    form: str
    # Fields in the order of the row's columns, behind the system's.
    names: tuple[str, ...]
    # Fields whose access differs from record to record: their levels stand behind the fields.
    varying: tuple[str, ...]
    # Fields shown as "•••" in every record.
    masked: frozenset[str]
    # Sub-tables that may be seen, and those of them whose rows may not be read.
    tables: tuple[str, ...]
    hidden_tables: frozenset[str]
    # Fields with the title of what they point to in the columns behind the levels.
    titled: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many of a row's columns are the record's."""
        return len(SYSTEM) + len(self.names) + len(self.varying) + len(self.titled)

    def record(self, row: Row[Any]) -> Record:
        """The record that a selected row holds, without sub-tables; further columns of the row are left alone."""
        start = len(SYSTEM)
        end = start + len(self.names)
        system = dict(zip(SYSTEM, row[:start], strict=True))
        values = dict(zip(self.names, row[start:end], strict=True))
        masked, hidden = self.masked, self.hidden_tables
        if self.varying:
            levels = dict(zip(self.varying, row[end : end + len(self.varying)], strict=True))
            masked = masked | {name for name, level in levels.items() if level == _MASKED}
            hidden = hidden | {name for name, level in levels.items() if level != _READ}
            for name in [name for name, level in levels.items() if level == _HIDDEN]:
                values.pop(name, None)
        for name in masked:
            values[name] = MASK
        for name in self.tables:
            if name not in hidden:
                values[name] = []
        titles: dict[str, str] = {}
        end += len(self.varying)
        for name, title in zip(self.titled, row[end : end + len(self.titled)], strict=True):
            if title is not None and isinstance(values.get(name, system.get(name)), UUID):
                titles[name] = str(title)
        return Record(form=self.form, values=values, titles=titles, masked=masked, **system)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Turns selected rows of a sub-table (its record's id, its own, its columns, levels) into mappings."""

    names: tuple[str, ...]
    # Columns shown as "•••" in every row.
    masked: frozenset[str]
    # Columns whose access differs from record to record: their levels stand behind the columns.
    varying: tuple[str, ...]

    def row(self, row: Row[Any]) -> dict[str, Any]:
        """The row as far as it may be seen."""
        end = 2 + len(self.names)
        found = {"id": row[1], **dict(zip(self.names, row[2:end], strict=True))}
        for name in self.masked:
            found[name] = MASK
        for name, level in zip(self.varying, row[end:], strict=True):
            if level == _MASKED:
                found[name] = MASK
            elif level == _HIDDEN:
                del found[name]
        return found


def level_of(source: FormSource, name: str, *operations: str) -> int | ColumnElement[int]:
    """How far a field (or a column, "lines.price") may be seen: 0 not, 1 masked, 2 read; or an element that tells.

    ``operations``: what is done with it beside seeing, such as "export", which must open it as far.
    """
    rights, asked = source.rights, ("see", *operations)
    if rights is None or all(rights.always(name, "read", each) for each in asked):
        return _READ
    if any(rights.never(name, "masked", each) for each in asked):
        return _HIDDEN
    unread = any(rights.never(name, "read", each) for each in asked)
    if unread and all(rights.always(name, "masked", each) for each in asked):
        return _MASKED
    read = and_(*(source.readable(name, "read", each) for each in asked))
    mask = and_(*(source.readable(name, "masked", each) for each in asked))
    return case((read, literal(_READ)), (mask, literal(_MASKED)), else_=literal(_HIDDEN))


class SelectedFields:
    """Selects fields of a form's records under rights."""

    def __init__(
        self,
        source: FormSource,
        names: Iterable[str] | None = None,
        *,
        titles: bool = False,
        operation: str = "see",
    ) -> None:
        """``names``: the fields wanted; all but sub-tables unless given. ``titles``: also of what they point to.

        ``operation``: what is done with them beside seeing, which must give the fields too.
        """
        self.source = source
        more = () if operation == "see" else (operation,)
        fields = source.form.compiled.fields
        wanted = [name for name in (fields if names is None else names) if name in fields]
        self._levels = {name: level_of(source, name, *more) for name in wanted}
        shown = [name for name in wanted if self._levels[name] is not _HIDDEN]
        fixed = {name: level for name, level in self._levels.items() if isinstance(level, int)}
        tables = [name for name in shown if fields[name].rows is not None]
        self.names = [name for name in shown if fields[name].rows is None]
        self.titles = self._titles() if titles else {}
        self.reader = RecordReader(
            form=source.form.name,
            names=tuple(self.names),
            varying=tuple(name for name in wanted if name not in fixed),
            masked=frozenset(name for name in self.names if fixed.get(name) == _MASKED),
            tables=tuple(tables),
            hidden_tables=frozenset(name for name in tables if fixed.get(name, _READ) != _READ),
            titled=tuple(self.titles),
        )

    def columns(self) -> list[ColumnElement[Any]]:
        """What to select, in the order that the reader reads."""
        table = self.source.selectable.c
        values = [self._element(name).label(f"v{place}") for place, name in enumerate(self.names)]
        levels = [self._levels[name].label(f"l{place}") for place, name in enumerate(self.reader.varying)]  # type: ignore[union-attr]
        titles = [element.label(f"t{place}") for place, element in enumerate(self.titles.values())]
        return [*(table[name] for name in SYSTEM), *values, *levels, *titles]

    def _element(self, name: str) -> ColumnElement[Any]:
        raw = self.source.raw(name)
        masked = self._levels[name] is _MASKED
        found = None if raw is None or masked else self.source.guard(name, raw)
        return null() if found is None else found

    def _titles(self) -> dict[str, ColumnElement[Any]]:
        """For each field that points to something, the title of that, where it may be seen."""
        found = {}
        for name, target in _targets(self.source.form).items():
            key: ColumnElement[Any] | None = self.source.selectable.c[name] if name in SYSTEM else None
            if name in self.names and self._levels[name] is not _MASKED:
                key = self._element(name)
            title = None if key is None else _title_of(self.source.world, target, key)
            if title is not None:
                found[name] = title
        return found

    def select(self) -> Select[Any]:
        """The visible records' fields; add conditions, order and limit."""
        return select(*self.columns()).where(self.source.visible_rows())


def read_records(
    world: World, form: StoredForm, ids: Sequence[UUID], *, deleted: bool = False, as_of: datetime | None = None
) -> list[Record]:
    """The records among ``ids`` that may be seen, with sub-tables and the titles of what they refer to.

    With ``as_of`` as they were at that instant, under today's rights.
    """

    def make(world: World, match: Match) -> tuple[Select[Any], RecordReader]:
        source = own_source(world, form) if as_of is None else source_of(world, form, as_of=as_of)
        found = SelectedFields(source, titles=True)
        rows = match(source.selectable.c.id), source.visible_rows(deleted=deleted)
        return select(*found.columns()).where(*rows), found.reader

    records: list[Record] = []
    tables: tuple[str, ...] = ()
    key = ("records", form.name, deleted) if as_of is None else None
    for reader, rows in run_by_ids(world, key, ids, make):
        records += map(reader.record, rows)
        tables = reader.tables
    for name in tables if records else ():
        add_rows(world, form, name, records, as_of)
    return records


def add_rows(
    world: World, form: StoredForm, name: str, records: Sequence[Record], as_of: datetime | None = None
) -> None:
    """Fills a sub-table of ``records`` where it may be read; live columns included."""

    def make(world: World, match: Match) -> tuple[Select[Any], RowReader]:
        source = source_of(world, form, as_of=as_of)
        rows = RowSource(source, name, rows_at(form.children[name], as_of))
        levels = {n: level_of(source, f"{name}.{n}") for n in rows.rows.fields}
        found = {n: rows.raw(n) for n, level in levels.items() if level is not _HIDDEN}
        elements = {n: null() if levels[n] is _MASKED else e for n, e in found.items() if e is not None}
        varying = {n: level for n, level in levels.items() if n in elements and not isinstance(level, int)}
        table = rows.selectable.c
        query = select(table.parent, table.id, *elements.values(), *varying.values())
        if varying:
            query = query.join_from(rows.selectable, source.selectable, source.selectable.c.id == table.parent)
        masked = frozenset(n for n in elements if levels[n] is _MASKED)
        reader = RowReader(names=tuple(elements), masked=masked, varying=tuple(varying))
        return query.where(match(table.parent)).order_by(table.parent, table.position), reader

    lists: dict[UUID, list[dict[str, Any]]] = {r.id: r.values[name] for r in records if name in r.values}
    key = ("rows", form.name, name) if as_of is None else None
    for reader, found in run_by_ids(world, key, list(lists), make):
        for row in found:
            lists[row[0]].append(reader.row(row))


def readable_columns(world: World, form: StoredForm, table: str, id: UUID) -> list[str]:
    """The columns of a sub-table that may be read in one record."""
    source = source_of(world, form)
    levels = {name: level_of(source, f"{table}.{name}") for name in form.children[table].fields}
    varying = {name: level for name, level in levels.items() if not isinstance(level, int)}
    if varying:
        query = select(*varying.values()).where(source.selectable.c.id == id)
        row = world.connection.execute(query).first() or [_HIDDEN] * len(varying)
        levels |= dict(zip(varying, row, strict=True))
    return [name for name, level in levels.items() if level == _READ]


def add_titles(world: World, form: StoredForm, records: Sequence[Record]) -> None:
    """Fills in the titles of the records and people that ``records`` point to, as far as those may be seen."""
    targets = _targets(form)
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for record in records:
        for name, target in targets.items():
            if isinstance(value := record.get(name), UUID):
                wanted[target].add(value)
    titles = names_of(world, *(wanted.pop(kind, set()) for kind in _PEOPLE))
    for target, ids in wanted.items():
        titles |= titles_of(world, target, sorted(ids))
    for record in records if titles else ():
        record.titles.update(_titles(record, targets, titles))


def _targets(form: StoredForm) -> dict[str, str]:
    """What each field that holds an id points to: a form, "person" or "department"."""
    fields = form.compiled.fields.items()
    own = {n: f.target or f.kind.name for n, f in fields if f.target or f.kind.name in _PEOPLE}
    people = dict.fromkeys(("owner", "created_by", "updated_by"), "person")
    return {**own, **people, "department": "department"}


def _titles(record: Record, targets: Mapping[str, str], titles: Mapping[UUID, str]) -> dict[str, str]:
    pairs = ((name, titles.get(record.get(name))) for name in targets)
    return {name: title for name, title in pairs if title is not None}


def _title_of(world: World, target: str, key: ColumnElement[Any]) -> ColumnElement[Any] | None:
    """The title of what ``key`` points to as a column, null where it may not be seen; None where none ever may."""
    if target in _PEOPLE:
        if world.directory is None:
            return None
        people = (world.directory.people if target == "person" else world.directory.departments).alias()
        name = select(people.c.name).where(people.c.id == key)
        return name.correlate_except(people).scalar_subquery()
    found = _titled(world, target)
    if found is None:
        return None
    source, title = found
    query = select(title).where(source.selectable.c.id == key, source.visible_rows())
    return query.correlate_except(source.selectable).scalar_subquery()


def _titled(world: World, target: str) -> tuple[FormSource, ColumnElement[Any]] | None:
    """The records of a form with the column that names them; None where they may not be seen or have none."""
    form = world.forms.get(target)
    if form is None or not form.compiled.title or not world.rights(form).may("see"):
        return None
    source = source_of(world, form)
    column = source.column(form.compiled.title)
    return None if column is None else (source, column.element)


def titles_of(world: World, target: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Titles of a form's records by id, of those that may be seen."""

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        found = _titled(world, target)
        if found is None:
            return select(null(), null()).limit(0), None
        source, title = found
        return select(source.selectable.c.id, title).where(match(source.selectable.c.id), source.visible_rows()), None

    titles: dict[UUID, str] = {}
    for _, rows in run_by_ids(world, ("titles", target), ids, make):
        titles |= {row[0]: str(row[1]) for row in rows if row[1] is not None}
    return titles


def names_of(world: World, people: Iterable[UUID], departments: Iterable[UUID]) -> dict[UUID, str]:
    """Names of people and departments by id, in one query."""
    directory = world.directory
    wanted = {"people": list(people), "departments": list(departments)}
    if directory is None or not any(wanted.values()):
        return {}
    tables = {"people": directory.people.c, "departments": directory.departments.c}
    widths = {name: padded(len(ids)) for name, ids in wanted.items() if ids}

    def make(_world: World) -> tuple[Executable, None]:
        parts = [
            select(tables[name].id, tables[name].name).where(among(name, width)(tables[name].id))
            for name, width in widths.items()
        ]
        return union_all(*parts) if len(parts) > 1 else parts[0], None

    prepared, given = world.prepared(("names", *widths.items()), make)
    for name in widths:
        given |= bound_ids(name, wanted[name])
    return {row[0]: row[1] for row in prepared.run(world.connection, given)}


def visible_record(world: World, form: StoredForm, values: Mapping[str, Any]) -> Record:
    """A record just written, of its stored values, as far as who wrote it may read them everywhere.

    A field whose access depends on the record is left out; reading the record again tells.
    """
    readable = world.rights(form).always_readable
    kept = {name: values[name] for name in form.compiled.fields if name in readable and name in values}
    for name in form.children.keys() & kept.keys():
        shown = ("id", *(n for n in form.children[name].fields if f"{name}.{n}" in readable))
        kept[name] = [{n: row[n] for n in shown if n in row} for row in kept[name]]
    return Record(form=form.name, values=kept, **{name: values[name] for name in SYSTEM})
