"""All FEEL texts of a form with their places, scopes and wanted types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engines.feel import ANY, BOOLEAN, FeelType, Scope
from engines.form.definition import ConstraintDefinition, FieldDefinition, FormDefinition
from engines.form.scope import FormTypeContext
from engines.form.types import FieldTypes, FormulaType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionUse:
    """One FEEL text in a form."""

    # Pointer of the string in the file; of the whole field where the text is made from several keys.
    pointer: str
    text: str
    scope: Scope
    expect: FeelType
    # False where the text does not stand at the pointer as it is.
    literal: bool = True


def expressions_of(form: FormDefinition, types: FormTypeContext, registry: FieldTypes) -> Iterator[ExpressionUse]:
    """Every expression of ``form``, in file order."""
    record = types.record_scope(form)
    for field in form.fields:
        yield from _of_field(field, record, types, registry, form)
        if field.fields:
            row = types.row_scope(form, field)
            for column in field.fields:
                yield from _of_field(column, row, types, registry, form, within=field.fields)
    for constraint in form.constraints:
        yield _of_constraint(constraint, record)
    for layout in form.layouts:
        for item in layout.walk():
            if item.visible:
                yield _boolean(f"{item.pointer}/visible", item.visible, record)
            for name, text in item.config.get("set", {}).items():
                wanted = record.variables.get(name, ANY)
                yield ExpressionUse(pointer=f"{item.pointer}/set/{name}", text=text, scope=record, expect=wanted)
    for view in form.views:
        if view.filter:
            yield _boolean(f"{view.pointer}/filter", view.filter, record)
        if view.config.get("done"):
            yield _boolean(f"{view.pointer}/done", view.config["done"], record)
    for permission in form.permissions:
        if permission.rows:
            yield _boolean(f"{permission.pointer}/rows", permission.rows, record)


def _of_field(
    field: FieldDefinition,
    scope: Scope,
    types: FormTypeContext,
    registry: FieldTypes,
    form: FormDefinition,
    within: tuple[FieldDefinition, ...] = (),
) -> Iterator[ExpressionUse]:
    kind = registry[field.type]
    value = types.types_of(within, None)[field.name] if within else types.types_of(form.fields, form)[field.name]
    if field.default:
        yield ExpressionUse(pointer=f"{field.pointer}/default", text=field.default, scope=scope, expect=value)
    if field.formula:
        yield ExpressionUse(pointer=f"{field.pointer}/formula", text=field.formula, scope=scope, expect=value)
    elif isinstance(kind, FormulaType):
        text = kind.expression(field)
        yield ExpressionUse(pointer=field.pointer, text=text, scope=scope, expect=ANY, literal=False)
    for key, condition in (("visible", field.visible), ("required", field.required), ("read_only", field.read_only)):
        if isinstance(condition, str) and condition:
            yield _boolean(f"{field.pointer}/{key}", condition, scope)
    if field.constraint:
        yield _of_constraint(field.constraint, scope)
    if field.type in ("reference", "references") and field.config.get("filter"):
        yield _boolean(f"{field.pointer}/filter", field.config["filter"], filter_scope(field, scope, types))


def filter_scope(field: FieldDefinition, scope: Scope, types: FormTypeContext) -> Scope:
    """Scope of a reference's filter: the fields of the record to choose, and the choosing record as ``record``."""
    target = types.form_type(str(field.config.get("form", "")))
    return scope.extended({**target.fields, "record": types.context_of(scope.variables)})


def _of_constraint(constraint: ConstraintDefinition, scope: Scope) -> ExpressionUse:
    return _boolean(f"{constraint.pointer}/condition", constraint.condition, scope)


def _boolean(pointer: str, text: str, scope: Scope) -> ExpressionUse:
    return ExpressionUse(pointer=pointer, text=text, scope=scope, expect=BOOLEAN)


def formula_of(field: FieldDefinition, registry: FieldTypes) -> str:
    """The FEEL text that computes a field; empty for entered ones."""
    kind = registry[field.type]
    return kind.expression(field) if isinstance(kind, FormulaType) else field.formula
