"""Checking that references point to records that are there, may be seen, and fit the field's filter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from engines.core import InputProblem
from engines.feel import Expression
from engines.feel.sql import SqlColumn, SqlJoin
from engines.form.compiled import CompiledField
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.source import FormSource, source_of
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm


class ChoiceSource:
    """The records to choose from; ``record`` is the one that chooses."""

    def __init__(self, source: FormSource, record: Mapping[str, Any]) -> None:
        self._source = source
        self._record = record

    def column(self, name: str) -> SqlColumn | None:
        """A field of the records to choose from."""
        return self._source.column(name)

    def reference(self, name: str) -> SqlJoin | None:
        """What they point to."""
        return self._source.reference(name)

    def relation(self, name: str) -> SqlJoin | None:
        """What points to them."""
        return self._source.relation(name)

    def variable(self, name: str) -> object | None:
        """The choosing record, who acts, settings."""
        return self._record if name == "record" else self._source.variable(name)


def unknown_references(
    world: World,
    form: StoredForm,
    values: Mapping[str, Any],
    current: Mapping[str, Any] | None,
    vouched: Collection[str] = (),
) -> Iterator[InputProblem]:
    """A problem for each reference, newly set, to a record that may not be chosen. Code: ``form.unknown_record``.

    ``vouched``: fields whose records somebody else chose, who had the right to.
    """
    for name, field in form.compiled.fields.items():
        if name in vouched:
            continue
        if field.rows is not None:
            yield from _of_rows(world, field, values, current)
        elif field.list_target:
            if unknown_in_list(world, field, values.get(name), (current or {}).get(name), values):
                yield InputProblem(pointer=f"/{name}", code="form.unknown_record")
        elif field.row_target:
            new, old = values.get(name), (current or {}).get(name)
            if new is not None and new != old and not row_is_choosable(world, field, new, values, (current or {})):
                yield InputProblem(pointer=f"/{name}", code="form.unknown_record")
        elif field.target:
            new, old = values.get(name), (current or {}).get(name)
            if new is not None and new != old and not choosable(world, field, [new], values):
                yield InputProblem(pointer=f"/{name}", code="form.unknown_record")


def _of_rows(
    world: World, table: CompiledField, values: Mapping[str, Any], current: Mapping[str, Any] | None
) -> Iterator[InputProblem]:
    rows = values.get(table.name) or []
    for name, field in (table.rows or {}).items():
        if field.list_target or field.row_target:
            yield from _of_column(world, table, field, values, current)
        if not field.target:
            continue
        known = {row.get(name) for row in (current or {}).get(table.name) or []}
        wanted = {row[name] for row in rows if row.get(name) is not None} - known
        good = choosable(world, field, wanted, {"parent": dict(values)}) if wanted else set()
        for place, row in enumerate(rows):
            if row.get(name) in wanted and row[name] not in good:
                yield InputProblem(pointer=f"/{table.name}/{place}/{name}", code="form.unknown_record")


def _of_column(
    world: World,
    table: CompiledField,
    column: CompiledField,
    values: Mapping[str, Any],
    current: Mapping[str, Any] | None,
) -> Iterator[InputProblem]:
    """Lists of references, and references to rows, in the rows of a sub-table."""
    before = {row["id"]: row.get(column.name) for row in (current or {}).get(table.name) or [] if row.get("id")}
    for place, row in enumerate(values.get(table.name) or []):
        new, old = row.get(column.name), before.get(row.get("id"))
        if new is None or new == old:
            continue
        around = {**row, "parent": dict(values)}
        wrong = (
            unknown_in_list(world, column, new, old, around)
            if column.list_target
            else not row_is_choosable(world, column, new, row, {})
        )
        if wrong:
            yield InputProblem(pointer=f"/{table.name}/{place}/{column.name}", code="form.unknown_record")


def unknown_in_list(
    world: World, field: CompiledField, new: Any, old: Any, record: Mapping[str, Any] | None = None
) -> bool:
    """Whether a list of references newly holds a record that may not be chosen."""
    added = {UUID(key) for key in new or ()} - {UUID(key) for key in old or ()}
    return bool(added) and choosable(world, field, added, record or {}) != added


def row_is_choosable(
    world: World, field: CompiledField, row: UUID, values: Mapping[str, Any], current: Mapping[str, Any]
) -> bool:
    """Whether a reference to a row may hold ``row``: it is there, of the right record, and that may be seen."""
    target = world.forms.get(field.row_target)
    rows = target.children.get(str(field.definition.config["rows"])) if target else None
    if target is None or rows is None:
        return False
    source = source_of(world, target)
    child, parent = rows.table.c, source.selectable.c
    conditions = [child.id == row, parent.id == child.parent, source.visible_rows(), source.readable(rows_name(field))]
    if reference := field.definition.config.get("reference"):
        conditions.append(child.parent == values.get(str(reference)))
    elif "form" not in field.definition.config:
        conditions.append(child.parent == current.get("id"))
    return world.connection.execute(select(child.id).where(*conditions)).first() is not None


def rows_name(field: CompiledField) -> str:
    """Name of the sub-table whose rows a reference to a row offers."""
    return str(field.definition.config["rows"])


def choosable(world: World, field: CompiledField, ids: Iterable[UUID], record: Mapping[str, Any]) -> set[UUID]:
    """Those of ``ids`` that the field may point to: there, visible to who acts, and fitting the field's filter."""
    target = world.forms.get(field.target or field.list_target)
    if target is None:
        return set()

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        source = source_of(world, target)
        conditions = [match(source.selectable.c.id), source.visible_rows()]
        if field.choice_filter is not None:
            conditions.append(choice_condition(source, field.choice_filter, record))
        return select(source.selectable.c.id).where(*conditions), None

    found: set[UUID] = set()
    # A filter may read any value of the choosing record: its statement is made for this one.
    key = ("choosable", target.name) if field.choice_filter is None else None
    for _, rows in run_by_ids(world, key, sorted(ids), make):
        found.update(rows.scalars())
    return found


def choice_condition(
    source: FormSource, expression: Expression, record: Mapping[str, Any], *, limited: bool = False
) -> Any:
    """A reference's filter in SQL, for the record that chooses; ``limited``: over what who acts may read alone."""
    names = {
        name: {"id": value} if isinstance(value, UUID) and name != "id" else value for name, value in record.items()
    }
    return source.world.test(expression, ChoiceSource(source if limited else source.trusted(), names))
