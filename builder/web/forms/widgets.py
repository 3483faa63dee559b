"""Which input a field gets, and what the browser is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.form import CompiledField, FieldDefinition

WIDGETS: Mapping[str, str] = {
    "text": "text",
    "long_text": "long_text",
    "rich_text": "rich_text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "resident_id": "text",
    "credit_code": "text",
    "barcode": "barcode",
    "color": "color",
    "number": "number",
    "money": "number",
    "percent": "number",
    "rating": "number",
    "boolean": "boolean",
    "choice": "select",
    "multi_choice": "checks",
    "tags": "tags",
    "ranking": "ranking",
    "matrix": "matrix",
    "date": "text",
    "time": "text",
    "datetime": "text",
    "date_range": "date_range",
    "duration": "duration",
    "person": "picker",
    "department": "picker",
    "role": "select",
    "reference": "picker",
    "references": "multi_picker",
    "row_reference": "picker",
    "address": "address",
    "location": "location",
    "geolocation": "geolocation",
    "attachment": "files",
    "image": "files",
    "signature": "signature",
    "subtable": "subtable",
    "json": "json",
}
_INPUT_TYPES = {
    "email": "email",
    "phone": "tel",
    "url": "url",
    "date": "date",
    "time": "time",
    "datetime": "datetime-local",
}
# Codes that people copy sign by sign.
_CODES = frozenset({"resident_id", "credit_code", "barcode", "color"})
# A whole number of at most so many values is chosen from a scale.
SCALE = 11
# More options than these are searched, not listed.
MOST_LISTED = 60
MOST_CHECKS = 24


def widget(field: CompiledField, *, searchable: bool = False) -> str:
    """Name of the macro that draws the field; "shown" where it can only be read.

    ``searchable``: whether there is an address that searches its options.
    """
    definition = field.definition
    if not field.kind.enterable:
        return "shown"
    if definition.type == "rating" and definition.config.get("icon", "star") != "number" and is_scale(definition):
        return "stars"
    if is_scale(definition):
        return "scale"
    if definition.type in {"choice", "multi_choice"}:
        return _of_options(definition, searchable)
    if definition.type == "tags" and definition.config.get("appearance") == "list":
        return "lines"
    return WIDGETS.get(definition.type, "shown")


def _of_options(field: FieldDefinition, searchable: bool) -> str:
    many = len(field.options)
    if field.type == "multi_choice":
        return "multi_picker" if searchable and many > MOST_CHECKS else "checks"
    stated = field.config.get("widget") or field.config.get("appearance")
    if stated in {"radio", "buttons", "segments"} and many <= MOST_CHECKS:
        return "radio" if stated == "radio" else "scale"
    return "picker" if searchable and many > MOST_LISTED else "select"


def is_scale(field: FieldDefinition) -> bool:
    """Whether it is answered by picking one of a few whole numbers."""
    if field.type == "rating":
        return int(field.config.get("max", 5)) <= SCALE
    low, high = field.config.get("min"), field.config.get("max")
    if field.type != "number" or field.config.get("scale") != 0 or low is None or high is None:
        return False
    return 1 < int(high) - int(low) < SCALE


def scale_steps(field: FieldDefinition) -> range:
    """The numbers of a scale."""
    low = field.config.get("min", 1 if field.type == "rating" else 0)
    high = field.config.get("max", 5)
    return range(int(low), int(high) + 1)


def attributes(field: FieldDefinition) -> dict[str, Any]:
    """Attributes of the input, for the browser's own help; the server checks all of it again."""
    config = field.config
    found: dict[str, Any] = {"type": _INPUT_TYPES.get(field.type, "text")}
    if field.type in {"number", "money", "percent", "rating"}:
        found |= {"inputmode": "decimal", "autocomplete": "off"}
    if field.type in _CODES:
        found |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
    if config.get("max_length") and field.type in {"text", "long_text"}:
        found["maxlength"] = config["max_length"]
    if field.type in {"date", "time", "datetime"}:
        found |= {key: config[key] for key in ("min", "max") if config.get(key)}
    if field.type == "email":
        found["autocomplete"] = "email"
    return found
