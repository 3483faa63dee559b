"""What a browser sent, as raw values by field name; the form engine alone decides what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.datastructures import MultiDict

from engines.form import FieldDefinition

LISTS = frozenset({"multi_choice"})
_ROW = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{1,6})\.([a-z][a-z0-9_]*)")


def read_values(data: MultiDict[str, str], fields: Iterable[FieldDefinition]) -> dict[str, Any]:
    """Raw values of the fields that were sent, sub-tables as lists of rows in the order sent.

    Fields that were not on the page are not in the answer, so that saving leaves them alone.
    """
    values: dict[str, Any] = {}
    for field in fields:
        if field.type == "subtable":
            if f"{field.name}.__rows" in data:
                values[field.name] = _rows(data, field)
        elif field.name in data:
            values[field.name] = _value(data.getlist(field.name), field)
    return values


def _value(sent: list[str], field: FieldDefinition) -> Any:
    if field.type in LISTS:
        return [text for text in sent if text]
    text = sent[-1].strip() if field.type != "long_text" else sent[-1].replace("\r\n", "\n")
    if field.type == "boolean":
        return text == "true"
    if field.type == "percent":
        return _fraction(text)
    return text or None


def _fraction(text: str) -> str | None:
    """What stands for ``text`` percent; left as typed where it is no number, so that the engine says so."""
    if not text:
        return None
    try:
        return format(Decimal(text.removesuffix("%").strip()) / 100, "f")
    except InvalidOperation:
        return text


def _rows(data: MultiDict[str, str], field: FieldDefinition) -> list[dict[str, Any]]:
    keys: dict[int, None] = {}
    for name in data:
        match = _ROW.fullmatch(name)
        if match and match[1] == field.name:
            keys[int(match[2])] = None
    rows = [_row(data, field, key) for key in sorted(keys)]
    return [row for row in rows if any(value not in (None, "", [], False) for value in row.values())]


def _row(data: MultiDict[str, str], field: FieldDefinition, key: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if sent := data.get(f"{field.name}.{key}.id"):
        row["id"] = sent
    for column in field.fields:
        name = f"{field.name}.{key}.{column.name}"
        if name in data:
            row[column.name] = _value(data.getlist(name), column)
    return row
