"""Checking a form against the definitions around it."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core import Diagnostic
from engines.core.ports import Definitions
from engines.form.checks.expressions import check_expressions
from engines.form.checks.names import check_names
from engines.form.checks.references import ReferenceCheck
from engines.form.checks.rights import check_rights
from engines.form.checks.views import check_views
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.load import OptionListDefinition
from engines.form.scope import FormTypeContext
from engines.form.types import FieldTypes, field_types


def validate(
    definition: FormDefinition, definitions: Definitions, registry: FieldTypes | None = None
) -> list[Diagnostic]:
    """Everything that is wrong with a form, all at once, each with its place; empty where it is fine."""
    types = registry or field_types()
    context = FormTypeContext(definitions, types, definition)
    found = [
        *check_names(definition),
        *ReferenceCheck(definition, definitions, context).run(),
        *_check_settings(definition, types),
        *check_views(definition),
        *check_rights(definition),
    ]
    return [*found, *check_expressions(definition, context, types)]


def validate_options(definition: OptionListDefinition, definitions: Definitions) -> list[Diagnostic]:
    """Everything that is wrong with a shared option list: labels for options that it does not have."""
    names = {option.name for option in definition.options}
    return [
        Diagnostic(code="form.unknown_option", found=name, expected="one of: " + ", ".join(sorted(names))).at(
            definition.source.place("/label_sets")
        )
        for labels in definition.label_sets.values()
        for name in labels
        if name not in names
    ]


def _check_settings(form: FormDefinition, types: FieldTypes) -> Iterator[Diagnostic]:
    for field in form.fields:
        yield from _check_field(form, field, types)
        for column in field.fields:
            yield from _check_field(form, column, types)
            if column.fields:
                hint = "make it a form of its own with a reference to this one"
                place = form.source.place(column.pointer)
                yield Diagnostic(code="form.nested_subtable", found=column.name, hint=hint).at(place)


def _check_field(form: FormDefinition, field: FieldDefinition, types: FieldTypes) -> Iterator[Diagnostic]:
    """Codes: ``form.cannot_be_unique``, ``form.cannot_be_searched``, ``form.no_options``, ``form.empty_range``."""
    kind = types[field.type]

    def problem(code: str, key: str, hint: str = "") -> Diagnostic:
        return Diagnostic(code=code, found=field.type, hint=hint).at(form.source.place(f"{field.pointer}/{key}"))

    if field.unique and not kind.can_be_unique:
        yield problem("form.cannot_be_unique", "unique")
    if field.search and not kind.textual:
        yield problem("form.cannot_be_searched", "search", "search looks at texts")
    if kind.has_options and not field.options and not field.option_list and field.type != "tags":
        yield problem("form.no_options", "type", 'add "options" or name an "option_list"')
    low, high = field.config.get("min"), field.config.get("max")
    if low is not None and high is not None and type(low) is type(high) and low > high:
        yield problem("form.empty_range", "min", f"no value lies between {low} and {high}")
