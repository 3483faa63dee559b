"""Which expressions of a form the browser may evaluate for instant behaviour; the server decides in any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.web.forms.display import Display, plain_text
from engines.feel import Expression, runs_in_browser
from engines.form import CompiledField, CompiledForm

# Types whose values mean the same to the browser's evaluator as to ours.
SAFE_TYPES = frozenset(
    {"text", "long_text", "email", "phone", "url", "number", "money", "percent", "rating", "boolean", "choice"}
)


def browser_logic(
    form: CompiledForm,
    values: Mapping[str, Any],
    shown: set[str],
    display: Display,
    sections: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """Expressions, types and current values for the browser as JSON data, or None where nothing can be instant.

    ``sections``: names of elements of the layout, and the conditions under which they are shown.
    """
    blocks = [{"name": name, "visible": text} for name, text in (sections or {}).items() if is_instant(form, text)]
    fields = [_field(form, form.fields[name]) for name in form.fields if name in shown]
    tables = [_table(form, table) for table in form.subtables.values() if table.name in shown]
    lively = any(set(entry) & {"visible", "required", "formula"} for entry in fields)
    if not lively and not blocks and not any("formula" in column for table in tables for column in table["fields"]):
        return None
    unseen = {
        name: _json(values.get(name)) for name in form.fields if name not in shown and _is_safe(form.fields[name])
    }
    return {"fields": fields, "subtables": tables, "values": unseen, "blocks": blocks}


def is_instant(form: CompiledForm, text: str) -> bool:
    """Whether the browser decides a condition of the layout while somebody types."""
    return is_browser_safe(form, form.conditions.get(text))


def _field(form: CompiledForm, field: CompiledField) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": field.name, "type": field.definition.type}
    if "scale" in field.definition.config:
        entry["scale"] = int(field.definition.config["scale"])
    if is_browser_safe(form, field.visible):
        entry["visible"] = field.definition.visible
    if is_browser_safe(form, field.required_when):
        entry["required"] = field.definition.required
    if is_browser_safe(form, field.formula):
        entry["formula"] = field.definition.formula
    return entry


def _table(form: CompiledForm, table: CompiledField) -> dict[str, Any]:
    rows = table.rows or {}
    columns = []
    for column in rows.values():
        entry: dict[str, Any] = {"name": column.name, "type": column.definition.type}
        if "scale" in column.definition.config:
            entry["scale"] = int(column.definition.config["scale"])
        if is_browser_safe(form, column.formula, rows):
            entry["formula"] = column.definition.formula
        columns.append(entry)
    return {"name": table.name, "fields": columns}


def is_browser_safe(
    form: CompiledForm, expression: Expression | None, row: Mapping[str, CompiledField] | None = None
) -> bool:
    """Whether the browser comes to the same value: it reads only entered plain values of this record, and no clock."""
    if expression is None or expression.volatile or not runs_in_browser(expression):
        return False
    return all(_readable(form, path, row or {}) for path in expression.reads)


def _readable(form: CompiledForm, path: tuple[str, ...], row: Mapping[str, CompiledField]) -> bool:
    head = row.get(path[0]) or form.fields.get(path[0])
    if head is None:
        return False
    if head.rows is not None:
        return len(path) == 1 or (len(path) == 2 and path[1] in head.rows and _is_safe(head.rows[path[1]]))
    return len(path) == 1 and _is_safe(head)


def _is_safe(field: CompiledField) -> bool:
    return field.definition.type in SAFE_TYPES


def _json(value: Any) -> Any:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, bool | str) or value is None else plain_text(value)
