"""The expressions of a form: their syntax, names and types, and formulas that need each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engines import feel
from engines.core import Diagnostic, Severity
from engines.form.checks.cycles import check_cycles
from engines.form.checks.sql import check_sql
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.expressions import ExpressionUse, expressions_of, formula_of
from engines.form.scope import FormTypeContext
from engines.form.types import FieldTypes


def check_expressions(form: FormDefinition, types: FormTypeContext, registry: FieldTypes) -> Iterator[Diagnostic]:
    """Everything that FEEL says about the form's expressions, at their places in the file; then formula circles."""
    broken = False
    for use in expressions_of(form, types, registry):
        for problem in feel.check(use.text, use.scope, expect=use.expect):
            broken = broken or problem.severity is Severity.ERROR
            yield _placed(form, use, problem)
    if not broken:
        fields = computed_fields(form, registry)
        circles = list(check_cycles(form, fields, needs_of(form, fields, types, registry)))
        yield from circles or check_sql(form, types, registry)


def _placed(form: FormDefinition, use: ExpressionUse, problem: Diagnostic) -> Diagnostic:
    if not use.literal:
        return replace(problem.at(form.source.place(use.pointer)), hint=problem.hint or f"it computes {use.text}")
    lines = use.text.split("\n")
    offset = sum(len(line) + 1 for line in lines[: max(problem.line - 1, 0)]) + max(problem.column - 1, 0)
    return problem.at(form.source.place_in_string(use.pointer, offset, problem.length or 1))


def computed_fields(form: FormDefinition, registry: FieldTypes) -> dict[str, FieldDefinition]:
    """Fields that an expression computes, those of sub-tables as "lines.amount"."""
    found: dict[str, FieldDefinition] = {}
    for field in form.fields:
        for column in field.fields:
            if formula_of(column, registry):
                found[f"{field.name}.{column.name}"] = column
        if formula_of(field, registry):
            found[field.name] = field
    return found


def needs_of(
    form: FormDefinition, fields: Mapping[str, FieldDefinition], types: FormTypeContext, registry: FieldTypes
) -> dict[str, frozenset[str]]:
    """The computed fields that each computed field reads."""
    record = types.record_scope(form)
    rows = {field.name: types.row_scope(form, field) for field in form.fields if field.fields}
    found = {}
    for name, field in fields.items():
        table = name.partition(".")[0] if "." in name else ""
        expression = feel.compile(formula_of(field, registry), rows[table] if table else record)
        found[name] = frozenset(_computed(expression.reads, table, fields))
    return found


def _computed(reads: frozenset[tuple[str, ...]], table: str, fields: Mapping[str, FieldDefinition]) -> Iterator[str]:
    for path in reads:
        if table and path[0] == "parent":
            path = path[1:]
        elif table:
            path = (table, *path)
        for name in (".".join(path[:2]), path[0] if path else ""):
            if name in fields:
                yield name
        if len(path) == 1:
            yield from (name for name in fields if name.startswith(f"{path[0]}."))
