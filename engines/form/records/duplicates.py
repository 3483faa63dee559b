"""Records that mean the same: finding them, and making one of several with everything that refers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, or_, select, update
from sqlalchemy import Text as SqlText

from engines.form.records.prepared import chunks
from engines.form.records.search import matching
from engines.form.records.source import FormSource, source_of
from engines.form.records.world import World
from engines.form.records.writing import keep_versions
from engines.form.storage.sort_keys import sort_key
from engines.form.storage.support import EXTERNAL_KEYS
from engines.form.storage.tables import StoredForm, StoredRows

# Keys that are at least so alike may be the same name.
ALIKE = 0.75
_CANDIDATES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A record that may mean the same."""

    id: UUID
    title: str
    # Name of the rule that found it.
    rule: str
    # 1 for equal values, less for similar ones.
    likeness: float


def find_duplicates(world: World, form: StoredForm, values: Mapping[str, Any], but: UUID | None) -> list[Duplicate]:
    """Records that the form's ``duplicates`` rules find alike to ``values``, the likest first, of those one may see.

    Texts are compared by their pinyin keys in lower case. ``but`` is the record itself.
    """
    found: dict[UUID, Duplicate] = {}
    for place, rule in enumerate(form.compiled.definition.duplicates):
        name = str(rule.get("name", f"rule_{place + 1}"))
        fields = [field for field in rule["fields"] if values.get(field) is not None]
        if len(fields) < len(rule["fields"]):
            continue
        source = source_of(world, form)
        hits = _similar(source, fields, values) if rule.get("match") == "fuzzy" else _equal(source, fields, values)
        for id, title, likeness in hits:
            if id != but and likeness > (found[id].likeness if id in found else 0):
                found[id] = Duplicate(id=id, title=title, rule=name, likeness=likeness)
    return sorted(found.values(), key=lambda hit: (-hit.likeness, hit.id))


def _equal(source: FormSource, fields: Sequence[str], values: Mapping[str, Any]) -> Iterator[tuple[UUID, str, float]]:
    conditions: list[ColumnElement[bool]] = [source.visible_rows()]
    for name in fields:
        key, column = source.rows.sort_keys.get(name), source.column(name)
        if column is None:
            return
        if key is not None:
            conditions.append(source.selectable.c[key.name] == sort_key(str(values[name])))
        conditions.append(column.element.is_not(None) if key is not None else column.element == values[name])
    for id, title in _rows(source, and_(*conditions)):
        yield id, title, 1.0


def _similar(source: FormSource, fields: Sequence[str], values: Mapping[str, Any]) -> Iterator[tuple[UUID, str, float]]:
    """Candidates share a token in a searched field; the likeness of the keys decides."""
    searched = source.form.searched
    columns = [column for name in fields if (column := source.column(name)) is not None]
    condition = matching(source, " ".join(str(values[name]) for name in fields), every=False)
    if condition is None or len(columns) < len(fields) or searched.keys().isdisjoint(fields):
        return
    wanted = sort_key(" ".join(str(values[name]) for name in fields)) or ""
    query = select(source.selectable.c.id, *(column.element for column in columns))
    for row in source.world.connection.execute(query.where(condition, source.visible_rows()).limit(_CANDIDATES)):
        shown = " ".join(str(value or "") for value in row[1:])
        likeness = SequenceMatcher(None, wanted, sort_key(shown) or "").ratio()
        if likeness >= ALIKE:
            yield row[0], shown, round(likeness, 3)


def _rows(source: FormSource, condition: ColumnElement[bool]) -> Iterator[tuple[UUID, str]]:
    title = source.column(source.form.compiled.title) if source.form.compiled.title else None
    query = select(source.selectable.c.id, *([title.element] if title else [])).where(condition).limit(_CANDIDATES)
    for row in source.world.connection.execute(query):
        yield row[0], str(row[1]) if title and row[1] is not None else ""


def move_references(world: World, form: StoredForm, keep: UUID, others: Sequence[UUID]) -> dict[str, list[UUID]]:
    """Lets everything that refers to ``others`` refer to ``keep``; gives the records touched, by form.

    What was there stays in the history; the versions that people edit against stay as they are.
    """
    touched: dict[str, list[UUID]] = {}
    for other in world.forms.values():
        for rows in other.all_rows():
            by_id = "id" if rows is other.rows else "parent"
            for name, field in rows.fields.items():
                if field.target == form.name:
                    ids = _move(world, rows, rows.columns[name].name, keep, others, by_id)
                    touched.setdefault(other.name, []).extend(ids)
                elif field.list_target == form.name:
                    ids = _move_in_lists(world, rows, rows.columns[name].name, keep, others)
                    touched.setdefault(other.name, []).extend(ids)
    keys = update(EXTERNAL_KEYS).where(EXTERNAL_KEYS.c.record.in_(others)).values(record=keep)
    world.connection.execute(keys)
    return {name: list(dict.fromkeys(ids)) for name, ids in touched.items() if ids}


def _move(world: World, rows: StoredRows, column: str, keep: UUID, others: Sequence[UUID], by: str) -> list[UUID]:
    table = rows.table
    query = select(table.c.id, table.c[by]).where(table.c[column].in_(others)).order_by(table.c.id)
    found = world.connection.execute(query).all()
    for part in chunks([row[0] for row in found]):
        keep_versions(world, rows, part, None)
        stamp = {column: keep, "valid_from": world.now, "command": world.command}
        world.connection.execute(update(table).where(table.c.id.in_(part)).values(stamp))
    return [row[1] for row in found]


def _move_in_lists(world: World, rows: StoredRows, column: str, keep: UUID, others: Sequence[UUID]) -> list[UUID]:
    table, gone = rows.table, {str(other) for other in others}
    holds = or_(*(cast(table.c[column], SqlText).contains(other) for other in sorted(gone)))
    found = world.connection.execute(select(table.c.id, table.c[column]).where(holds)).all()
    for id, listed in found:
        keep_versions(world, rows, [id], None)
        moved = list(dict.fromkeys(str(keep) if item in gone else item for item in listed))
        stamp = {column: moved, "valid_from": world.now, "command": world.command}
        world.connection.execute(update(table).where(table.c.id == id).values(stamp))
    return [id for id, _ in found]
