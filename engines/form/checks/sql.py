"""Expressions that queries run: told when a definition is checked where SQL has no exact meaning for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Column, FromClause, MetaData, Table, true

from engines import feel
from engines.core import DefinitionError, Diagnostic
from engines.feel import ContextType, Expression, FeelType, Scope, SqlColumn, SqlJoin
from engines.feel.storage import CodePointText, Identifier, Instant
from engines.form.compiled import Mode
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.expressions import filter_scope, formula_of
from engines.form.modes import ModeAnalysis
from engines.form.scope import AROUND, SYSTEM_FIELDS, FormTypeContext
from engines.form.storage.columns import column_type
from engines.form.types import FieldTypes

DIALECTS = ("sqlite", "postgresql")
# Any instant will do: what is checked is whether there is SQL at all.
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_SOME_ZONE = ZoneInfo("Asia/Shanghai")


class DefinitionRows:
    """Rows of a form as its definition describes them: a ``SqlSource`` without a database."""

    def __init__(
        self,
        types: FormTypeContext,
        registry: FieldTypes,
        form: FormDefinition,
        fields: Sequence[FieldDefinition],
        variables: frozenset[str] = frozenset(),
    ) -> None:
        self._types = types
        self._registry = registry
        self._form = form
        self._fields = {field.name: field for field in fields}
        self._own = types.types_of(fields, form if fields is form.fields else None)
        self._variables = variables
        table = Table(form.name, MetaData(), Column("id", Identifier()), *self._columns())
        self.rows: FromClause = table.alias()

    def _columns(self) -> Iterator[Column[object]]:
        for name in ("created_at", "updated_at"):
            yield Column(name, Instant())
        for name in ("owner", "department", "created_by", "updated_by"):
            yield Column(name, Identifier())
        for name, field in self._fields.items():
            whole = self._types.with_result(field, tuple(self._fields.values()), self._form)
            stored = self._registry[field.type].column(whole)
            if stored is not None:
                yield Column(name, column_type(stored))

    def column(self, name: str) -> SqlColumn | None:
        """A scalar field, typed as it is stored."""
        if name not in self.rows.c or (self._is_row and name in SYSTEM_FIELDS and name != "id"):
            return None
        kind = self._own.get(name, SYSTEM_FIELDS.get(name, feel.ANY))
        return SqlColumn(element=self.rows.c[name], type=_scalar(kind), nullable=name != "id")

    @property
    def _is_row(self) -> bool:
        return tuple(self._fields.values()) != self._form.fields

    def reference(self, name: str) -> SqlJoin | None:
        """Another form's record, a person, or the record of a row."""
        field = self._fields.get(name)
        if name == "parent" and self._is_row:
            return _join(DefinitionRows(self._types, self._registry, self._form, self._form.fields))
        if field is not None and "form" in field.config:
            return self._other(str(field.config["form"]))
        kind = self._own.get(name, SYSTEM_FIELDS.get(name))
        return _join(_People()) if isinstance(kind, ContextType) and kind.get("name") else None

    def relation(self, name: str) -> SqlJoin | None:
        """Rows of a sub-table, or records that refer to this one."""
        field = self._fields.get(name)
        if field is not None and field.fields:
            return _join(DefinitionRows(self._types, self._registry, self._form, field.fields))
        relation = next((r for r in self._form.relations if r.name == name), None)
        return self._other(relation.form) if relation is not None and not self._is_row else None

    def _other(self, name: str) -> SqlJoin | None:
        found = self._types.definition(name)
        return _join(DefinitionRows(self._types, self._registry, found, found.fields)) if found else None

    def variable(self, name: str) -> object | None:
        """Nothing is known of who will act; null stands for it."""
        unknown: object = NotImplemented
        return None if name in AROUND or name in self._variables else unknown


class _People:
    """A person or department."""

    def __init__(self) -> None:
        columns: tuple[Column[object], ...] = (Column("id", Identifier()), Column("name", CodePointText()))
        self.rows: FromClause = Table("people", MetaData(), *columns).alias()

    def column(self, name: str) -> SqlColumn | None:
        known = {"id": feel.IDENTIFIER, "name": feel.STRING}
        return SqlColumn(element=self.rows.c[name], type=known[name]) if name in known else None

    def reference(self, name: str) -> SqlJoin | None:
        return None

    def relation(self, name: str) -> SqlJoin | None:
        return None

    def variable(self, name: str) -> object | None:
        unknown: object = NotImplemented
        return unknown


def _join(source: DefinitionRows | _People) -> SqlJoin:
    return SqlJoin(source=source, selectable=source.rows, on=true())


def _scalar(kind: FeelType) -> FeelType:
    return feel.IDENTIFIER if isinstance(kind, ContextType) and kind.get("id") is feel.IDENTIFIER else kind


def check_sql(form: FormDefinition, types: FormTypeContext, registry: FieldTypes) -> Iterator[Diagnostic]:
    """What queries will run and SQL cannot say: conditions of rights, views and choices, live and maintained values."""
    modes = ModeAnalysis(types, registry)
    rows = DefinitionRows(types, registry, form, form.fields)
    scope = types.record_scope(form)
    for permission in form.permissions:
        if permission.rows:
            yield from _checked(form, f"{permission.pointer}/rows", permission.rows, scope, rows)
    for view in form.views:
        if view.filter:
            yield from _checked(form, f"{view.pointer}/filter", view.filter, scope, rows)
        if view.config.get("done"):
            yield from _checked(form, f"{view.pointer}/done", view.config["done"], scope, rows)
    for field in form.fields:
        yield from _choice(form, field, scope, types, registry)
        if modes.mode(form, field) in (Mode.LIVE, Mode.MAINTAINED):
            yield from _checked(form, _at(field), formula_of(field, registry), scope, rows)
        inner = DefinitionRows(types, registry, form, field.fields) if field.fields else None
        for column in field.fields if inner else ():
            row_scope = types.row_scope(form, field)
            yield from _choice(form, column, row_scope, types, registry)
            if inner and modes.mode(form, column, field.name) is Mode.LIVE:
                yield from _checked(form, _at(column), formula_of(column, registry), row_scope, inner)


def _at(field: FieldDefinition) -> str:
    return f"{field.pointer}/formula" if field.formula else field.pointer


def _choice(
    form: FormDefinition, field: FieldDefinition, scope: Scope, types: FormTypeContext, registry: FieldTypes
) -> Iterator[Diagnostic]:
    condition = str(field.config.get("filter", "")) if field.type == "reference" else ""
    target = types.definition(str(field.config.get("form", "")))
    if condition and target:
        chooser = frozenset((*scope.variables, "record"))
        rows = DefinitionRows(types, registry, target, target.fields, chooser)
        yield from _checked(form, f"{field.pointer}/filter", condition, filter_scope(field, scope, types), rows)


def _checked(form: FormDefinition, pointer: str, text: str, scope: Scope, rows: DefinitionRows) -> Iterator[Diagnostic]:
    expression = feel.compile(text, scope)
    for dialect in DIALECTS:
        try:
            feel.to_sql(expression, rows, dialect, feel.EvaluationContext(now=_SOME_DAY, zone=_SOME_ZONE))
        except DefinitionError as error:
            for problem in error.diagnostics:
                yield _placed(form, pointer, expression, problem)
            return


def _placed(form: FormDefinition, pointer: str, expression: Expression, problem: Diagnostic) -> Diagnostic:
    hint = problem.hint or f"queries run this expression, and SQL has no exact meaning for this part: {expression.text}"
    offset = int(problem.params.get("offset", 0))
    literal = pointer.endswith(("/rows", "/filter", "/formula", "/done"))
    place = form.source.place_in_string(pointer, offset, problem.length) if literal else form.source.place(pointer)
    return replace(problem, hint=hint).at(place)
