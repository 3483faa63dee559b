"""Conditions that people put together in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.web.context import _
from builder.web.forms.display import shown_type
from engines.form import CompiledField

TEXT, NUMBER, CHOICE, BOOLEAN, DATE, LINK = "text", "number", "choice", "boolean", "date", "link"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("text", "long_text", "rich_text", "email", "phone", "url", "autonumber"), TEXT),
    **dict.fromkeys(("resident_id", "credit_code", "barcode", "color"), TEXT),
    **dict.fromkeys(("number", "money", "percent", "rating"), NUMBER),
    "choice": CHOICE,
    "boolean": BOOLEAN,
    "date": DATE,
    **dict.fromkeys(("reference", "person"), LINK),
}
OPERATORS: Mapping[str, tuple[str, ...]] = {
    TEXT: ("contains", "is", "starts", "empty", "filled"),
    NUMBER: ("is", "from", "to", "empty", "filled"),
    CHOICE: ("is", "not", "empty", "filled"),
    BOOLEAN: ("yes", "no"),
    DATE: ("is", "from", "to", "last", "empty", "filled"),
    LINK: ("is", "empty", "filled"),
}
# The record engine's words for them.
_OPS: Mapping[str, str] = {
    "contains": "contains",
    "is": "=",
    "not": "!=",
    "starts": "starts_with",
    "from": ">=",
    "to": "<=",
    "empty": "is_empty",
    "filled": "is_not_empty",
    "yes": "is_true",
    "no": "is_false",
}
NEEDS_NO_VALUE = frozenset({"empty", "filled", "yes", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: a field, an operator of its kind and a value as typed."""

    field: str
    operator: str
    value: str = ""

    @property
    def encoded(self) -> str:
        """The condition as a query parameter holds it."""
        return f"{self.field}:{self.operator}:{self.value}"


def kind_of(field: CompiledField) -> str | None:
    """Which operators fit; None where lists cannot filter by the field."""
    return _KINDS.get(shown_type(field.definition))


def operator_labels() -> dict[str, str]:
    """What the operators are called."""
    return {
        "contains": _("contains"),
        "is": _("is"),
        "not": _("is not"),
        "starts": _("starts with"),
        "from": _("from"),
        "to": _("up to"),
        "last": _("within the last days"),
        "empty": _("is empty"),
        "filled": _("is filled"),
        "yes": _("yes"),
        "no": _("no"),
    }


def parse_conditions(given: Iterable[str], fields: Mapping[str, CompiledField]) -> list[Condition]:
    """The conditions of a request that name a known field and a fitting operator."""
    found = []
    for text in given:
        name, _colon, rest = text.partition(":")
        operator, _colon, value = rest.partition(":")
        field = fields.get(name)
        kind = kind_of(field) if field else None
        if kind and operator in OPERATORS[kind] and (value or operator in NEEDS_NO_VALUE):
            found.append(Condition(field=name, operator=operator, value=value.strip()))
    return found


def to_filter(conditions: Sequence[Condition]) -> dict[str, Any] | None:
    """All conditions as the data that ``ListQuery.filter`` takes; None for none."""
    return {"and": [_condition(item) for item in conditions]} if conditions else None


def _condition(item: Condition) -> dict[str, Any]:
    if item.operator == "last":
        return {"field": item.field, "op": "within", "value": f"last_{item.value}_days"}
    return {"field": item.field, "op": _OPS[item.operator], "value": item.value}
