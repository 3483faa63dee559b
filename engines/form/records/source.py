"""Records as rows that expressions run over, under somebody's rights: the authorised ``SqlSource``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, cast, false, null, or_, select, true, union_all

from engines import feel
from engines.feel import ContextType, Expression, ListType
from engines.feel.sql import SqlColumn, SqlJoin
from engines.feel.storage import Instant
from engines.form.compiled import CompiledField, CompiledPermission, Mode
from engines.form.records.live import live_value
from engines.form.records.rights import Rights
from engines.form.records.sharing import shared_ids
from engines.form.records.world import World
from engines.form.scope import SYSTEM_FIELDS
from engines.form.storage.tables import StoredForm, StoredRows

_PEOPLE = ("owner", "created_by", "updated_by")
_SYSTEM_TYPES = {
    name: feel.IDENTIFIER if isinstance(kind, ContextType) else kind for name, kind in SYSTEM_FIELDS.items()
}


# An instant, or a column of an outer query that holds one for each of its rows.
AsOf = datetime | ColumnElement[datetime]


def rows_at(rows: StoredRows, instant: AsOf | None) -> FromClause:
    """The rows now, under a fresh alias; or as they were at ``instant``, earlier versions included."""
    if instant is None:
        return rows.table.alias()
    now = select(*rows.table.columns).where(rows.table.c.valid_from <= instant)
    names = [column.name for column in rows.table.columns]
    past = rows.history.c
    then = select(*(past[name] for name in names)).where(past.valid_from <= instant, past.valid_to > instant)
    if not isinstance(instant, datetime):
        now, then = now.correlate_except(rows.table), then.correlate_except(rows.history)
    return union_all(now, then).subquery()


def all_versions(rows: StoredRows) -> tuple[Select[Any], Select[Any]]:
    """The rows as they are now and as they were before, with ``valid_to``, which is null for those now."""
    names = [column.name for column in rows.table.columns]
    now = select(*rows.table.columns, cast(null(), Instant()).label("valid_to"))
    return now, select(*(rows.history.c[name] for name in names), rows.history.c.valid_to)


class FormSource:
    """The records of one form. ``rights`` None is the system's own view, which row conditions and formulas use."""

    def __init__(
        self,
        world: World,
        form: StoredForm,
        selectable: FromClause,
        rights: Rights | None,
        as_of: AsOf | None = None,
    ) -> None:
        self.world = world
        self.form = form
        self.rows = form.rows
        self.selectable = selectable
        self.rights = None if rights is None or rights.unlimited else rights
        self.as_of = as_of
        self._conditions: dict[CompiledPermission, ColumnElement[bool]] = {}
        self._columns: dict[str, SqlColumn | None] = {}

    # -- the protocol of ``engines.feel``

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field, or nothing where it may never be seen; rows that hide it give null."""
        if name not in self._columns:
            self._columns[name] = self._find(name)
        return self._columns[name]

    def reference(self, name: str) -> SqlJoin | None:
        """The record (or person, or department) that a field points to, as far as it may be seen."""
        field = self.form.compiled.fields.get(name)
        own = self.column(name)
        if own is None:
            return None
        if field is None or not field.target:
            return person_join(self.world, name, field, own.element)
        return target_join(self.world, field, own.element, self.rights is not None, self.as_of)

    def relation(self, name: str) -> SqlJoin | None:
        """The rows of a sub-table, or the records of another form that refer to this one."""
        field = self.form.compiled.fields.get(name)
        if field is not None and field.rows is not None:
            return self._subtable(name)
        relation = self.form.compiled.relations.get(name)
        target = self.world.forms.get(relation.form) if relation else None
        if relation is None or target is None:
            return None
        source = source_of(self.world, target, self.rights is not None, self.as_of)
        back = source.column(relation.field)
        on = false() if back is None else and_(back.element == self.selectable.c.id, source.visible_rows())
        return SqlJoin(source=source, selectable=source.selectable, on=on)

    def variable(self, name: str) -> object | None:
        """Who acts, settings."""
        found: object = self.world.around.get(name, NotImplemented)
        return found

    # -- rights

    def visible_rows(self, operation: str = "see", *, deleted: bool = False) -> ColumnElement[bool]:
        """The condition that a row must meet: not in the recycle bin (or in it), and open to the operation."""
        bin_ = self.selectable.c.deleted_at
        return and_(bin_.is_not(None) if deleted else bin_.is_(None), self.allowed(operation))

    def allowed(self, operation: str) -> ColumnElement[bool]:
        """The rows on which the rights allow an operation."""
        if self.rights is None:
            return true()
        return self._any(self.rights.granting(operation))

    def readable(self, name: str, access: str = "read", operation: str = "see") -> ColumnElement[bool]:
        """The rows that give at least ``access`` to a field."""
        if self.rights is None or self.rights.always(name, access, operation):
            return true()
        return self._any(self.rights.giving(name, access, operation))

    def _any(self, entries: Iterable[CompiledPermission]) -> ColumnElement[bool]:
        conditions = []
        for entry in entries:
            if not entry.limited:
                return true()
            conditions.append(self.condition(entry))
        return or_(false(), *conditions)

    def condition(self, entry: CompiledPermission) -> ColumnElement[bool]:
        """A permission's row condition in SQL; null counts as false."""
        if not entry.limited:
            return true()
        if entry not in self._conditions:
            rows = true() if entry.rows is None else self.trusted().test(entry.rows)
            if entry.share:
                rows = and_(rows, self.selectable.c.id.in_(shared_ids(self.world, self.form.name, entry.share)))
            self._conditions[entry] = rows
        return self._conditions[entry]

    # -- expressions

    def trusted(self) -> FormSource:
        """The same rows as the system sees them."""
        if self.rights is None:
            return self
        return FormSource(self.world, self.form, self.selectable, None, self.as_of)

    def sql(self, expression: Expression) -> ColumnElement[Any]:
        """An expression over the rows."""
        return self.world.sql(expression, self)

    def test(self, expression: Expression) -> ColumnElement[bool]:
        """A condition over the rows for WHERE: true exactly where the whole value is true."""
        return self.world.test(expression, self)

    def guard(self, name: str, element: ColumnElement[Any]) -> ColumnElement[Any] | None:
        """``element`` where the rights let a field be read, null elsewhere; None where they never do."""
        if self.rights is None or self.rights.always(name, "read"):
            return element
        if self.rights.never(name, "read"):
            return None
        return case((self.readable(name), element), else_=null())

    def raw(self, name: str) -> ColumnElement[Any] | None:
        """The column of a field or its live value, without any guard; None for sub-tables."""
        column = self.rows.columns.get(name)
        if column is not None:
            return self.selectable.c[column.name]
        field = self.form.compiled.fields.get(name)
        if field is not None and field.mode is Mode.LIVE and field.formula is not None:
            return live_value(field, self.trusted().sql(field.formula))
        return None

    def _find(self, name: str) -> SqlColumn | None:
        if name in _SYSTEM_TYPES:
            nullable = name not in ("id", "version", "created_at", "updated_at")
            element = self._system(name)
            return (
                element if element is None else SqlColumn(element=element, type=_SYSTEM_TYPES[name], nullable=nullable)
            )
        raw = self.raw(name)
        element = None if raw is None else self.guard(name, raw)
        return None if element is None else SqlColumn(element=element, type=scalar_type(self.form, name))

    def _system(self, name: str) -> ColumnElement[Any] | None:
        element = self.selectable.c[name]
        if self.rights is None or not self.rights.names(name):
            return element
        return self.guard(name, element)

    def _subtable(self, name: str) -> SqlJoin:
        rows = self.form.children[name]
        selectable = rows_at(rows, self.as_of)
        readable = self.readable(name)
        source = RowSource(self, name, selectable)
        return SqlJoin(
            source=source, selectable=selectable, on=and_(selectable.c.parent == self.selectable.c.id, readable)
        )


class RowSource:
    """The rows of a sub-table, seen through their record."""

    def __init__(self, owner: FormSource, name: str, selectable: FromClause) -> None:
        self.owner = owner
        self.name = name
        self.rows = owner.form.children[name]
        self.selectable = selectable

    def column(self, name: str) -> SqlColumn | None:
        """A column of the sub-table."""
        if name == "id":
            return SqlColumn(element=self.selectable.c.id, type=feel.IDENTIFIER, nullable=False)
        raw = self.raw(name)
        element = None if raw is None else self.owner.guard(f"{self.name}.{name}", raw)
        kind = scalar_of(row_types(self.owner.form, self.name).get(name, feel.ANY))
        return None if element is None else SqlColumn(element=element, type=kind)

    def raw(self, name: str) -> ColumnElement[Any] | None:
        """The column or its live value, without any guard."""
        column = self.rows.columns.get(name)
        if column is not None:
            return self.selectable.c[column.name]
        field = self.rows.fields.get(name)
        if field is not None and field.formula is not None and field.mode is Mode.LIVE:
            trusted = RowSource(self.owner.trusted(), self.name, self.selectable)
            return live_value(field, self.owner.world.sql(field.formula, trusted))
        return None

    def reference(self, name: str) -> SqlJoin | None:
        """What a column of the row points to; ``parent`` is the record."""
        world = self.owner.world
        if name == "parent":
            parent = source_of(world, self.owner.form, self.owner.rights is not None, self.owner.as_of)
            on = and_(parent.selectable.c.id == self.selectable.c.parent, parent.visible_rows())
            return SqlJoin(source=parent, selectable=parent.selectable, on=on)
        field, own = self.rows.fields.get(name), self.column(name)
        if field is None or own is None:
            return None
        if not field.target:
            return person_join(world, name, field, own.element)
        return target_join(world, field, own.element, self.owner.rights is not None, self.owner.as_of)

    def relation(self, name: str) -> SqlJoin | None:
        """Rows have none."""
        return None

    def variable(self, name: str) -> object | None:
        """Who acts, settings."""
        return self.owner.variable(name)


class PeopleSource:
    """People or departments, by id and name."""

    def __init__(self, selectable: FromClause) -> None:
        self.selectable = selectable

    def column(self, name: str) -> SqlColumn | None:
        """``id`` or ``name``."""
        if name not in ("id", "name"):
            return None
        kind = feel.IDENTIFIER if name == "id" else feel.STRING
        return SqlColumn(element=self.selectable.c[name], type=kind, nullable=False)

    def reference(self, name: str) -> SqlJoin | None:
        """None."""
        return None

    def relation(self, name: str) -> SqlJoin | None:
        """None."""
        return None

    def variable(self, name: str) -> object | None:
        """None are known here."""
        found: object = NotImplemented
        return found


def source_of(world: World, form: StoredForm, limited: bool = True, as_of: AsOf | None = None) -> FormSource:
    """A form's records under a fresh alias; ``limited`` applies the rights of who acts."""
    rights = world.rights(form) if limited else None
    return FormSource(world, form, rows_at(form.rows, as_of), rights, as_of)


def versions_of(world: World, form: StoredForm) -> FormSource:
    """A form's records in all their versions; what they refer to is seen as it was when the version began."""
    return _versions(world, form, union_all(*all_versions(form.rows)).subquery())


def now_and_before(world: World, form: StoredForm) -> tuple[FormSource, FormSource]:
    """The same in two halves, which databases join by id better than the whole: versions of now, earlier ones."""
    now, before = all_versions(form.rows)
    return _versions(world, form, now.subquery()), _versions(world, form, before.subquery())


def _versions(world: World, form: StoredForm, versions: FromClause) -> FormSource:
    return FormSource(world, form, versions, world.rights(form), versions.c.valid_from)


def own_source(world: World, form: StoredForm, limited: bool = True) -> FormSource:
    """A form's records as the table itself: for the one place in a query where the form is what the query is about."""
    return FormSource(world, form, form.table, world.rights(form) if limited else None)


def authorised_select(
    source: FormSource, names: Iterable[str], operation: str = "see", *, deleted: bool = False
) -> Select[Any]:
    """The rows of ``source`` open to an operation, with the named fields as far as each may be read."""
    columns = []
    for name in names:
        found = source.column(name)
        columns.append((null() if found is None else found.element).label(name))
    return select(*columns).where(source.visible_rows(operation, deleted=deleted))


def target_join(
    world: World, field: CompiledField, key: ColumnElement[Any], limited: bool, as_of: AsOf | None
) -> SqlJoin | None:
    """The record that ``key`` points to."""
    target = world.forms.get(field.target)
    if target is None:
        return None
    source = source_of(world, target, limited, as_of)
    on = and_(source.selectable.c.id == key, source.visible_rows())
    return SqlJoin(source=source, selectable=source.selectable, on=on)


def person_join(world: World, name: str, field: CompiledField | None, key: ColumnElement[Any]) -> SqlJoin | None:
    """The person or department that ``key`` points to, where the directory's tables are known."""
    kind = field.kind.name if field else ("department" if name == "department" else "person" if name in _PEOPLE else "")
    if world.directory is None or kind not in ("person", "department"):
        return None
    table = world.directory.people if kind == "person" else world.directory.departments
    selectable = table.alias()
    return SqlJoin(source=PeopleSource(selectable), selectable=selectable, on=selectable.c.id == key)


def scalar_type(form: StoredForm, name: str) -> feel.FeelType:
    """FEEL type of a field's column: references are identifiers."""
    return scalar_of(form.compiled.scope.variables.get(name, feel.ANY))


def scalar_of(kind: feel.FeelType) -> feel.FeelType:
    """The type of the column that holds values of ``kind``."""
    return feel.IDENTIFIER if isinstance(kind, ContextType) and kind.get("id") is feel.IDENTIFIER else kind


def row_types(form: StoredForm, subtable: str) -> Mapping[str, feel.FeelType]:
    """FEEL types of a sub-table's columns."""
    kind = form.compiled.scope.variables.get(subtable)
    element = kind.element if isinstance(kind, ListType) else None
    return element.fields if isinstance(element, ContextType) else {}
