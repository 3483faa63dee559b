"""The property panel: inputs made from what a field type states about itself, nothing written by hand per type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from builder.definitions import MISSING
from builder.web.context import _, site
from builder.web.wording import code_text
from engines.core import InputError, InputProblem
from engines.form import FieldType

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One input of the panel."""

    # Path below the thing that is edited: "label/zh", "scale".
    path: str
    label: str
    # text, number, flag, choice, expression, names
    kind: str
    value: str = ""
    checked: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""


def text_properties(data: Mapping[str, Any], key: str, label: str, languages: tuple[str, ...]) -> list[Property]:
    """One input per language for a localised text."""
    given = data.get(key)
    texts = given if isinstance(given, Mapping) else {"zh": given or ""}
    return [
        Property(
            path=f"{key}/{language}", label=f"{label} · {language}", kind="text", value=str(texts.get(language, ""))
        )
        for language in languages
    ]


def field_properties(
    data: Mapping[str, Any], kind: FieldType, languages: tuple[str, ...], forms: Mapping[str, str]
) -> list[Property]:
    """All properties of a field: those that every field has, then those of its type."""
    found = text_properties(data, "label", _("Label"), languages)
    found += text_properties(data, "help", _("Help text"), languages)
    if kind.enterable:
        found.append(_flag_or_expression(data, "required", _("Required")))
        found.append(_flag_or_expression(data, "read_only", _("Read-only")))
    if kind.can_be_unique:
        found.append(Property(path="unique", label=_("Unique"), kind="flag", checked=bool(data.get("unique"))))
    if kind.textual:
        found.append(Property(path="search", label=_("Found by search"), kind="flag", checked=bool(data.get("search"))))
    found.append(_expression(data, "visible", _("Visible when")))
    if kind.enterable:
        found.append(_expression(data, "default", _("Default")))
    if kind.name in {"number", "money", "percent", "text", "date", "boolean", "formula"}:
        found.append(_expression(data, "formula", _("Formula")))
    found += [_config(name, schema, data, forms) for name, schema in kind.config.items() if name != "options"]
    return [item for item in found if item is not None]


def _flag_or_expression(data: Mapping[str, Any], key: str, label: str) -> Property:
    value = data.get(key, False)
    if isinstance(value, str):
        return _expression(data, key, label)
    return Property(path=key, label=label, kind="flag", checked=bool(value))


def _expression(data: Mapping[str, Any], key: str, label: str) -> Property:
    return Property(path=key, label=label, kind="expression", value=str(data.get(key, "") or ""))


def _config(name: str, schema: Mapping[str, Any], data: Mapping[str, Any], forms: Mapping[str, str]) -> Property | None:
    label = code_text(f"form.property.{name}", site().locale)
    label = label if not label.startswith("form.property.") else name.replace("_", " ")
    value = data.get(name)
    if name == "form":
        return Property(path=name, label=label, kind="choice", value=str(value or ""), choices=tuple(forms.items()))
    if "enum" in schema:
        choices = (("", "—"), *((str(item), str(item)) for item in schema["enum"]))
        return Property(path=name, label=label, kind="choice", value=str(value or ""), choices=choices)
    match schema.get("type"):
        case "boolean":
            return Property(path=name, label=label, kind="flag", checked=bool(value))
        case "integer" | "number":
            return Property(path=name, label=label, kind="number", value="" if value is None else str(value))
        case "array":
            names = ", ".join(map(str, value)) if isinstance(value, list) else ""
            return Property(path=name, label=label, kind="names", value=names)
        case "string":
            return Property(path=name, label=label, kind="text", value=str(value or ""))
    if "feel" in str(schema.get("$ref", "")):
        return Property(path=name, label=label, kind="expression", value=str(value or ""))
    return None


def written(kind: str, value: Any) -> str:
    """A property's value as its input shows it: the reverse of ``parse``."""
    if value is MISSING or value is None or value is False:
        return ""
    match kind:
        case "flag":
            return "true" if value is True else str(value)
        case "names":
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        case "json":
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def parse(kind: str, text: str) -> Any:
    """What an input's text means as JSON data; MISSING where it was emptied. ``InputError`` where it does not fit."""
    text = text.strip()
    match kind:
        case "flag":
            return True if text == "true" else MISSING
        case "names":
            return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()] or MISSING
        case "number":
            return _number(text) if text else MISSING
        case "json":
            return _json(text)
    return text or MISSING


def _number(text: str) -> Any:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InputError([InputProblem(pointer="/value", code="form.not_number")]) from None
    return int(number) if number == number.to_integral_value() else number


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        raise InputError([InputProblem(pointer="/value", code="form.not_json")]) from None
