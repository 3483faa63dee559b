"""Which input a field gets, and what the browser is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.form import CompiledField, FieldDefinition

WIDGETS: Mapping[str, str] = {
    "text": "text",
    "long_text": "long_text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "number": "number",
    "money": "number",
    "percent": "number",
    "rating": "scale",
    "boolean": "boolean",
    "choice": "select",
    "multi_choice": "checks",
    "tags": "tags",
    "date": "text",
    "time": "text",
    "datetime": "text",
    "duration": "text",
    "person": "picker",
    "department": "picker",
    "reference": "picker",
    "role": "text",
    "subtable": "subtable",
    "json": "long_text",
}
_INPUT_TYPES = {
    "email": "email",
    "phone": "tel",
    "url": "url",
    "date": "date",
    "time": "time",
    "datetime": "datetime-local",
}
# A whole number of at most so many values is chosen from a scale.
SCALE = 11


def widget(field: CompiledField) -> str:
    """Name of the macro that draws the field; "shown" where it can only be read."""
    definition = field.definition
    if not field.kind.enterable:
        return "shown"
    if is_scale(definition):
        return "scale"
    if definition.type == "choice" and definition.config.get("widget") == "radio":
        return "radio"
    return WIDGETS.get(definition.type, "shown")


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
    if field.type in {"number", "money", "percent"}:
        found |= {"inputmode": "decimal", "autocomplete": "off"}
    if config.get("max_length") and field.type in {"text", "long_text"}:
        found["maxlength"] = config["max_length"]
    if field.type in {"date", "time", "datetime"}:
        found |= {key: config[key] for key in ("min", "max") if config.get(key)}
    if field.type == "email":
        found["autocomplete"] = "email"
    return found
