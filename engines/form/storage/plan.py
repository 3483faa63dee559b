"""What publishing a change of forms does to the data, told before it is done; and doing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, func, inspect, select

from engines.form.compiled import CompiledField, CompiledForm, Mode
from engines.form.storage.advice import view_indexes
from engines.form.storage.ddl import allocate_names, ensure_indexes, ensure_references, ensure_tables
from engines.form.storage.indexes import IndexSpec
from engines.form.storage.physical import TABLE, PhysicalNames
from engines.form.storage.support import ensure_support
from engines.form.storage.tables import StoredForm


class Impact(StrEnum):
    """What a change means for what is there."""

    # Nothing that exists is touched.
    ADDITIVE = "additive"
    # What exists stays valid and visible.
    COMPATIBLE = "compatible"
    # Something is no longer seen, though kept.
    LOSSY = "lossy"
    # Something that exists no longer fits.
    BREAKING = "breaking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, with its sentence in the catalogue under ``form.plan.<code>``."""

    code: str
    impact: Impact
    form: str
    # Field name; empty for the form itself; "lines.price" for a column of a sub-table.
    field: str = ""
    # Records that it concerns; None where nothing was counted.
    rows: int | None = None
    params: Mapping[str, Any] = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes, and what is to do in the database."""

    changes: tuple[Change, ...]
    new: Mapping[str, CompiledForm]
    physical: PhysicalNames
    # Fields whose values or sort keys must be computed for records that are there: (form, field).
    backfills: tuple[tuple[str, str], ...] = ()

    @property
    def impact(self) -> Impact:
        """The gravest of all changes."""
        order = list(Impact)
        return max((change.impact for change in self.changes), key=order.index, default=Impact.ADDITIVE)


def plan(
    old: Mapping[str, CompiledForm],
    new: Mapping[str, CompiledForm],
    physical: PhysicalNames,
    connection: Connection | None = None,
) -> Plan:
    """What going from ``old`` to ``new`` forms (by qualified name) means; with a connection, rows are counted."""
    planner = _Planner(old, new, physical, connection)
    changes = tuple(planner.changes())
    fills = ("formula_changed", "sort_key_added", "figure_changed")
    backfills = tuple((change.form, change.field) for change in changes if change.code in fills)
    return Plan(changes=changes, new=new, physical=physical, backfills=backfills)


def apply(connection: Connection, plan: Plan, *, indexes: bool = True) -> dict[str, StoredForm]:
    """Brings the database to the plan's forms: new tables and empty columns, then (with ``indexes``) indexes.

    Adds only; running it again does what is still missing. Gives the stored forms by name.
    """
    from engines.form.records.search import ensure_search

    ensure_support(connection)
    for compiled in plan.new.values():
        allocate_names(compiled, plan.physical)
    stored = {name: StoredForm(compiled, plan.physical) for name, compiled in plan.new.items()}
    ensure_tables(connection, stored.values())
    for form in stored.values():
        ensure_references(connection, form, stored)
        ensure_search(connection, form)
        if indexes:
            ensure_indexes(connection, form_indexes(form))
    return stored


def form_indexes(form: StoredForm) -> tuple[IndexSpec, ...]:
    """All indexes of a form: those of its fields, then those of its views."""
    own = [index for rows in form.all_rows() for index in rows.indexes]
    return (*own, *view_indexes(form))


class _Planner:
    def __init__(
        self,
        old: Mapping[str, CompiledForm],
        new: Mapping[str, CompiledForm],
        physical: PhysicalNames,
        connection: Connection | None,
    ) -> None:
        self._old = old
        self._new = new
        self._physical = physical
        self._connection = connection
        self._tables = set(inspect(connection).get_table_names()) if connection is not None else set()

    def changes(self) -> Iterator[Change]:
        renamed = {
            f"{form.app}.{old}" if form.app else old: name
            for name, form in self._new.items()
            for old in form.definition.formerly
        }
        for name, form in self._new.items():
            before = self._old.get(name) or next(
                (self._old[o] for o, n in renamed.items() if n == name and o in self._old), None
            )
            if before is None:
                yield Change(code="form_added", impact=Impact.ADDITIVE, form=name)
            else:
                yield from self._form(before, form)
        for name, form in self._old.items():
            if name not in self._new and name not in renamed:
                yield Change(code="form_archived", impact=Impact.LOSSY, form=name, rows=self._count(form))

    def _form(self, old: CompiledForm, new: CompiledForm) -> Iterator[Change]:
        if old.name != new.name:
            yield Change(code="form_renamed", impact=Impact.COMPATIBLE, form=new.name, params={"before": old.name})
        yield from self._fields(old, new, old.fields, new.fields, "")
        yield from self._rights(old, new)

    def _fields(
        self,
        old: CompiledForm,
        new: CompiledForm,
        before: Mapping[str, CompiledField],
        after: Mapping[str, CompiledField],
        table: str,
    ) -> Iterator[Change]:
        renamed = {was: name for name, field in after.items() for was in field.definition.formerly}
        for name, field in after.items():
            was = next((o for o in (name, *reversed(field.definition.formerly)) if o in before), None)
            if was is None:
                yield from self._added(old, new, field, table)
            else:
                yield from self._changed(old, new, before[was], field, table)
        for name, field in before.items():
            if name not in after and name not in renamed:
                rows = self._count(old, field, table, present=True)
                yield self._change("field_archived", Impact.LOSSY, new, field, table, rows)

    def _change(
        self,
        code: str,
        impact: Impact,
        form: CompiledForm,
        field: CompiledField,
        table: str,
        rows: int | None = None,
        **params: Any,
    ) -> Change:
        name = f"{table}.{field.name}" if table else field.name
        return Change(code=code, impact=impact, form=form.name, field=name, rows=rows, params=params)

    def _added(self, old: CompiledForm, new: CompiledForm, field: CompiledField, table: str) -> Iterator[Change]:
        yield self._change("field_added", Impact.ADDITIVE, new, field, table)
        if field.required and field.default is None and field.mode is Mode.ENTERED:
            yield self._change("required_added", Impact.COMPATIBLE, new, field, table, self._count(old))
        if field.mode is Mode.STORED:
            yield self._change("formula_changed", Impact.COMPATIBLE, new, field, table, self._count(old))
        if field.mode is Mode.MAINTAINED:
            yield self._change("figure_changed", Impact.COMPATIBLE, new, field, table, self._count(old))

    def _changed(
        self, old: CompiledForm, new: CompiledForm, before: CompiledField, after: CompiledField, table: str
    ) -> Iterator[Change]:
        if before.name != after.name:
            yield self._change("field_renamed", Impact.COMPATIBLE, new, after, table, before=before.name)
        if before.rows is not None and after.rows is not None:
            yield from self._fields(old, new, before.rows, after.rows, after.name)
        yield from self._retyped(old, new, before, after, table)
        if after.definition.unique and not before.definition.unique:
            rows = self._duplicates(old, before, table)
            impact = Impact.BREAKING if rows else Impact.COMPATIBLE
            yield self._change("unique_added", impact, new, after, table, rows)
        if after.required and not before.required and after.mode is Mode.ENTERED:
            rows = self._count(old, before, table, present=False)
            yield self._change("required_added", Impact.COMPATIBLE, new, after, table, rows)
        if after.sort_key and not before.sort_key:
            yield self._change("sort_key_added", Impact.COMPATIBLE, new, after, table, self._count(old))
        yield from self._options(old, new, before, after, table)

    def _retyped(
        self, old: CompiledForm, new: CompiledForm, before: CompiledField, after: CompiledField, table: str
    ) -> Iterator[Change]:
        text_before = before.formula.text if before.formula else ""
        text_after = after.formula.text if after.formula else ""
        if after.formula is not None and text_before != text_after and after.mode in (Mode.STORED, Mode.MAINTAINED):
            code = "formula_changed" if after.mode is Mode.STORED else "figure_changed"
            yield self._change(code, Impact.COMPATIBLE, new, after, table, self._count(old))
        stored = before.column.signature if before.column else ""
        wanted = after.column.signature if after.column else ""
        if stored and wanted and stored != wanted:
            rows = self._count(old, before, table, present=True)
            kinds = {"before": before.kind.name, "after": after.kind.name}
            yield self._change("type_changed", Impact.BREAKING, new, after, table, rows, **kinds)

    def _options(
        self, old: CompiledForm, new: CompiledForm, before: CompiledField, after: CompiledField, table: str
    ) -> Iterator[Change]:
        names = {option.name for option in after.definition.options}
        if not after.kind.has_options or not names:
            return
        for option in before.definition.options:
            if option.name not in names:
                yield self._change("option_removed", Impact.LOSSY, new, after, table, option=option.name)

    def _rights(self, old: CompiledForm, new: CompiledForm) -> Iterator[Change]:
        """Rights that each role gets or loses, as a whole and on new fields."""
        for role in sorted({p.role for p in (*old.permissions, *new.permissions)}):
            before = {o for p in old.permissions if p.role == role for o in p.operations}
            after = {o for p in new.permissions if p.role == role for o in p.operations}
            if before != after:
                params = {"role": role, "gained": sorted(after - before), "lost": sorted(before - after)}
                yield Change(code="rights_changed", impact=Impact.COMPATIBLE, form=new.name, params=params)

    # -- counting

    def _stored(self, form: CompiledForm) -> StoredForm | None:
        name = self._physical.find((form.name,), TABLE)
        if self._connection is None or name not in self._tables:
            return None
        return StoredForm(form, self._physical)

    def _count(
        self, form: CompiledForm, field: CompiledField | None = None, table: str = "", *, present: bool | None = None
    ) -> int | None:
        """Records of a form; with ``present`` those that hold (or lack) a value of ``field``."""
        stored = self._stored(form)
        if stored is None or self._connection is None:
            return None
        rows = stored.children[table] if table else stored.rows
        query = select(func.count()).select_from(rows.table)
        column: Column[Any] | None = rows.columns.get(field.name) if field else None
        if field is not None and present is not None:
            if column is None:
                return None
            query = query.where(column.is_not(None) if present else column.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def _duplicates(self, form: CompiledForm, field: CompiledField, table: str) -> int | None:
        """Records whose value of ``field`` another record has too."""
        stored = self._stored(form)
        column = (stored.children[table] if table else stored.rows).columns.get(field.name) if stored else None
        if column is None or self._connection is None:
            return None
        twice = select(func.count().label("n")).where(column.is_not(None)).group_by(column).having(func.count() > 1)
        total = select(func.coalesce(func.sum(twice.subquery().c.n), 0))
        return int(self._connection.execute(total).scalar_one())
