"""From a definition to what runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines import feel
from engines.core import DefinitionError, Diagnostic, Severity
from engines.core.ports import Definitions
from engines.feel import Expression, Scope
from engines.form.checks.cycles import in_order
from engines.form.checks.expressions import computed_fields, needs_of
from engines.form.compiled import (
    CompiledConstraint,
    CompiledField,
    CompiledForm,
    CompiledPermission,
    CompiledRelation,
    Mode,
)
from engines.form.definition import ConstraintDefinition, FieldDefinition, FormDefinition
from engines.form.expressions import filter_scope, formula_of
from engines.form.json_schema import record_schema
from engines.form.load import OptionListDefinition
from engines.form.modes import ModeAnalysis
from engines.form.scope import FormTypeContext
from engines.form.steps import steps_of
from engines.form.types import FieldTypes, ReferencesType, ReferenceType, RowReferenceType, field_types
from engines.form.validate import validate

# Raised with every change that makes the same definition compile to something else.
FORMAT = 1


def compile(
    definition: FormDefinition, definitions: Definitions, registry: FieldTypes | None = None, *, app: str = ""
) -> CompiledForm:
    """The form ready to run, under the name ``<app>.<name>``; ``DefinitionError`` with all that is wrong with it.

    One whose source was checked before is not validated again.
    """
    types = registry or field_types()
    found = [] if definition.source.checked else validate(definition, definitions, types)
    problems = [d for d in found if d.severity is Severity.ERROR]
    if problems:
        raise DefinitionError(problems)
    return _Compiler(definition, definitions, types, app).form()


def qualify(app: str, name: str) -> str:
    """``name`` with the app's name in front, unless it names another app already."""
    return name if "." in name or not app or not name else f"{app}.{name}"


class _Compiler:
    def __init__(self, form: FormDefinition, definitions: Definitions, registry: FieldTypes, app: str) -> None:
        self._form = form
        self._definitions = definitions
        self._registry = registry
        self._app = app
        self._types = FormTypeContext(definitions, registry, form)
        self._modes = ModeAnalysis(self._types, registry)
        self._sorted = {sort.field for view in form.views for sort in view.sort} | {form.title}
        self._resolved: list[str] = []

    def form(self) -> CompiledForm:
        form = self._form
        scope = self._types.record_scope(form)
        fields = {field.name: self._field(field, scope, form.fields) for field in form.fields}
        computed = computed_fields(form, self._registry)
        constraints = tuple(self._constraint(c, scope, "form.constraint") for c in form.constraints)
        name = qualify(self._app, form.name)
        return CompiledForm(
            name=name,
            app=self._app,
            definition=form,
            fields=fields,
            relations={
                r.name: CompiledRelation(name=r.name, form=qualify(self._app, r.form), field=r.field)
                for r in form.relations
            },
            layouts={layout.name: layout for layout in form.layouts},
            views={view.name: view for view in form.views},
            permissions=tuple(self._permissions(scope)),
            constraints=constraints,
            formula_order=tuple(in_order(needs_of(form, computed, self._types, self._registry))),
            json_schema=record_schema(form, fields),
            steps=steps_of(fields, [c.condition for c in constraints]),
            live_at_save=frozenset(_live_names(fields, constraints)),
            reads=self._reads(fields, constraints),
            scope=scope,
            conditions=self._conditions(scope),
            hash=self._hash(name),
        )

    def _hash(self, name: str) -> str:
        text = json.dumps([FORMAT, name, self._form.source.text, self._resolved], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def _options(self, field: FieldDefinition) -> FieldDefinition:
        """The field with the options of its shared list, in that list's order, its own ones after them."""
        shared = self._definitions.get("options", field.option_list) if field.option_list else None
        if not isinstance(shared, OptionListDefinition):
            return field
        self._resolved.append(shared.source.text)
        return replace(field, options=(*shared.options, *field.options))

    def _field(
        self, definition: FieldDefinition, scope: Scope, beside: Sequence[FieldDefinition], table: str = ""
    ) -> CompiledField:
        field = self._options(self._types.with_result(definition, beside, self._form if not table else None))
        kind = self._registry[field.type]
        target = self._row_target(field, beside) if isinstance(kind, RowReferenceType) else ""
        if target:
            # Pages know the definition alone.
            field = replace(field, config={**field.config, "row_target": target})
        mode = self._modes.mode(self._form, field, table)
        live = mode is Mode.LIVE
        text = formula_of(field, self._registry)

        def expression(source: bool | str) -> Expression | None:
            return feel.compile(source, scope) if isinstance(source, str) and source else None

        choices = str(field.config.get("filter", "")) if "form" in field.config else ""
        return CompiledField(
            name=field.name,
            definition=field,
            kind=kind,
            mode=mode,
            column=None if live else kind.column(field),
            coerce=kind.coercer(field),
            required=field.required is True,
            required_when=expression(field.required),
            default=expression(field.default),
            formula=expression(text),
            visible=expression(field.visible),
            read_only=field.read_only is True,
            read_only_when=expression(field.read_only),
            constraint=self._constraint(field.constraint, scope, "form.field_constraint") if field.constraint else None,
            choice_filter=feel.compile(choices, filter_scope(field, scope, self._types)) if choices else None,
            target=qualify(self._app, str(field.config["form"])) if isinstance(kind, ReferenceType) else "",
            list_target=qualify(self._app, str(field.config["form"])) if isinstance(kind, ReferencesType) else "",
            row_target=target,
            rows=self._rows(field) if field.fields else None,
            sort_key=not live and kind.textual and kind.sortable and (field.search or field.name in self._sorted),
        )

    def _row_target(self, field: FieldDefinition, beside: Sequence[FieldDefinition]) -> str:
        """The form whose rows a reference to a row offers."""
        own = self._form.name
        beside_it = next((other for other in beside if other.name == field.config.get("reference")), None)
        named = beside_it.config["form"] if beside_it else field.config.get("form", own)
        return qualify(self._app, str(named))

    def _conditions(self, scope: Scope) -> dict[str, Expression]:
        """The conditions of layout elements, each compiled once."""
        texts = {item.visible for layout in self._form.layouts for item in layout.walk() if item.visible}
        return {text: feel.compile(text, scope) for text in sorted(texts)}

    def _rows(self, field: FieldDefinition) -> Mapping[str, CompiledField]:
        scope = self._types.row_scope(self._form, field)
        return {column.name: self._field(column, scope, field.fields, field.name) for column in field.fields}

    def _constraint(self, constraint: ConstraintDefinition, scope: Scope, code: str) -> CompiledConstraint:
        return CompiledConstraint(
            condition=feel.compile(constraint.condition, scope),
            code=code,
            text=constraint.message.texts,
            fields=constraint.fields,
            severity=constraint.severity,
        )

    def _permissions(self, scope: Scope) -> Iterable[CompiledPermission]:
        for permission in self._form.permissions:
            yield CompiledPermission(
                role=qualify(self._app, permission.role),
                operations=permission.operations,
                rows=feel.compile(permission.rows, scope) if permission.rows else None,
                definition=permission,
            )

    def _reads(
        self, fields: Mapping[str, CompiledField], constraints: Iterable[CompiledConstraint]
    ) -> dict[str, frozenset[tuple[str, ...]]]:
        """Paths into other records that saving reads, by the reference or relation they start with."""
        found: dict[str, set[tuple[str, ...]]] = {}
        outside = {f.name for f in fields.values() if f.target} | {r.name for r in self._form.relations}
        for path in _save_time_reads(fields, constraints):
            if path[0] in outside and len(path) > 1 and path[1] != "id":
                found.setdefault(path[0], set()).add(path[1:])
            elif len(path) > 2 and path[0] in fields and fields[path[0]].rows:
                _add_row_path(found, path[0], fields[path[0]].rows or {}, path[1:])
        for table, field in fields.items():
            for column in (field.rows or {}).values():
                for path in _reads_of(column, lambda path: path):
                    _add_row_path(found, table, field.rows or {}, path)
        return {name: frozenset(paths) for name, paths in found.items()}


def _add_row_path(
    found: dict[str, set[tuple[str, ...]]], table: str, columns: Mapping[str, CompiledField], path: tuple[str, ...]
) -> None:
    """Notes what a row reads through one of its references, under "lines.product"; live columns through themselves."""
    column = columns.get(path[0])
    if column is None:
        return
    if column.target and path[1:] not in ((), ("id",)):
        found.setdefault(f"{table}.{column.name}", set()).add(path[1:])
    elif column.mode is Mode.LIVE and column.formula is not None:
        for inner in column.formula.reads:
            if inner[0] != path[0]:
                _add_row_path(found, table, columns, inner)


def _save_time_reads(
    fields: Mapping[str, CompiledField], constraints: Iterable[CompiledConstraint]
) -> set[tuple[str, ...]]:
    """What the expressions that run when a record is saved read, through the live formulas they use."""
    pending = [path for c in constraints for path in c.condition.reads]
    for field in fields.values():
        pending += _reads_of(field, lambda path: path)
        for column in (field.rows or {}).values():
            pending += _reads_of(column, lambda path: path[1:] if path[0] == "parent" else ())
    seen: set[tuple[str, ...]] = set()
    used: CompiledField | None
    while pending:
        path = pending.pop()
        if not path or path in seen:
            continue
        seen.add(path)
        used = fields.get(path[0])
        if used is not None and used.formula is not None and used.mode is Mode.LIVE:
            pending += used.formula.reads
    return seen


def _live_names(fields: Mapping[str, CompiledField], constraints: Iterable[CompiledConstraint]) -> Iterable[str]:
    for path in _save_time_reads(fields, constraints):
        field = fields.get(path[0])
        if field is not None and field.mode is Mode.LIVE:
            yield field.name
        for column in (field.rows or {}).values() if field is not None else ():
            if column.mode is Mode.LIVE and path[1:2] in ((), (column.name,)):
                yield f"{path[0]}.{column.name}"


def _reads_of(
    field: CompiledField, of_record: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> Iterable[tuple[str, ...]]:
    stored = field.formula if field.mode is Mode.STORED else None
    used: list[Any] = [field.default, field.visible, field.required_when, field.read_only_when, stored]
    if field.constraint:
        used.append(field.constraint.condition)
    return [of_record(path) for expression in used if expression is not None for path in expression.reads]


__all__ = ["Diagnostic", "compile", "qualify"]
