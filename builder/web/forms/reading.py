"""What a browser sent, as raw values by field name; the form engine alone decides what they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.datastructures import MultiDict

from engines.form import FieldDefinition

_ROW = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{1,6})\.([a-z][a-z0-9_]*)")
DURATION_PARTS = ("days", "hours", "minutes", "seconds")
_SECONDS = dict(zip(DURATION_PARTS, (86400, 3600, 60, 1), strict=True))
Sent = MultiDict[str, str]
Reader = Callable[[Sent, str, FieldDefinition], Any]


def read_values(data: Sent, fields: Iterable[FieldDefinition]) -> dict[str, Any]:
    """Raw values of the fields that were sent, sub-tables as lists of rows in the order sent.

    Fields that were not on the page are not in the answer, so that saving leaves them alone.
    """
    values: dict[str, Any] = {}
    for field in fields:
        if field.type == "subtable":
            if f"{field.name}.__rows" in data:
                values[field.name] = _rows(data, field)
        elif field.name in data:
            values[field.name] = read_value(data, field.name, field)
    return values


def read_value(data: Sent, name: str, field: FieldDefinition) -> Any:
    """The raw value of one field whose inputs are called ``name`` (and ``name.part``)."""
    return _READERS.get(field.type, _text)(data, name, field)


def _text(data: Sent, name: str, field: FieldDefinition) -> Any:
    return data.getlist(name)[-1].strip() or None


def _long_text(data: Sent, name: str, field: FieldDefinition) -> Any:
    return data.getlist(name)[-1].replace("\r\n", "\n") or None


def _boolean(data: Sent, name: str, field: FieldDefinition) -> Any:
    return data.getlist(name)[-1].strip() == "true"


def _percent(data: Sent, name: str, field: FieldDefinition) -> Any:
    """What stands for so many percent; left as typed where it is no number, so that the engine says so."""
    text = data.getlist(name)[-1].strip()
    if not text:
        return None
    try:
        return format(Decimal(text.removesuffix("%").strip()) / 100, "f")
    except InvalidOperation:
        return text


def _list(data: Sent, name: str, field: FieldDefinition) -> Any:
    return [text for text in data.getlist(name) if text]


def _tags(data: Sent, name: str, field: FieldDefinition) -> Any:
    """Words from several inputs, from lines, or from one input with commas."""
    found: list[str] = []
    for text in data.getlist(name):
        parts = text.splitlines() if field.config.get("appearance") == "list" else re.split(r"[,，\n]", text)
        found += [part.strip() for part in parts if part.strip()]
    return found


def _files(data: Sent, name: str, field: FieldDefinition) -> Any:
    """Files as the upload told them; what is no JSON stays a text, which the engine refuses."""
    found: list[Any] = []
    for text in data.getlist(name):
        if text.strip():
            try:
                found.append(json.loads(text))
            except (ValueError, RecursionError):
                found.append(text)
    return found


def _parts(*names: str) -> Reader:
    """Reads a value with named parts; None where all are empty."""

    def read(data: Sent, name: str, field: FieldDefinition) -> Any:
        found = {part: data.get(f"{name}.{part}", "").strip() for part in names}
        return {part: text for part, text in found.items() if text} or None

    return read


def _duration(data: Sent, name: str, field: FieldDefinition) -> Any:
    """An ISO 8601 duration; the parts as typed where one is no number."""
    typed = _parts(*DURATION_PARTS)(data, name, field)
    if typed is None:
        return None
    try:
        seconds = sum((Decimal(text) * _SECONDS[part] for part, text in typed.items()), Decimal())
    except InvalidOperation:
        return typed
    if not seconds.is_finite() or abs(seconds) > 86400 * 999_999_999:
        return typed
    return f"{'-' if seconds < 0 else ''}PT{format(abs(seconds).quantize(Decimal(1)), 'f')}S"


def _matrix(data: Sent, name: str, field: FieldDefinition) -> Any:
    rows = [str(row["name"]) for row in field.config.get("matrix_rows", ())]
    found = {row: [text for text in data.getlist(f"{name}.{row}") if text] for row in rows}
    return {row: answers for row, answers in found.items() if answers} or None


_READERS: Mapping[str, Reader] = {
    "long_text": _long_text,
    "rich_text": _long_text,
    "json": _long_text,
    "boolean": _boolean,
    "percent": _percent,
    "multi_choice": _list,
    "references": _list,
    "ranking": _list,
    "tags": _tags,
    "attachment": _files,
    "image": _files,
    "signature": _files,
    "date_range": _parts("start", "end"),
    "address": _parts("country", "province", "city", "district", "street", "postcode"),
    "location": _parts("name", "point"),
    "duration": _duration,
    "matrix": _matrix,
}


def _rows(data: Sent, field: FieldDefinition) -> list[dict[str, Any]]:
    keys: dict[int, None] = {}
    for name in data:
        match = _ROW.fullmatch(name)
        if match and match[1] == field.name:
            keys[int(match[2])] = None
    rows = [_row(data, field, key) for key in sorted(keys)]
    return [row for row in rows if any(value not in (None, "", [], False) for value in row.values())]


def _row(data: Sent, field: FieldDefinition, key: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if sent := data.get(f"{field.name}.{key}.id"):
        row["id"] = sent
    for column in field.fields:
        name = f"{field.name}.{key}.{column.name}"
        if name in data:
            row[column.name] = read_value(data, name, column)
    return row
