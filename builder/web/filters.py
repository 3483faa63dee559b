"""Conditions that people put together in a list, and the FEEL they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from builder.web.context import _
from builder.web.forms.display import shown_type
from engines.form import CompiledField

TEXT, NUMBER, CHOICE, BOOLEAN, DATE, LINK = "text", "number", "choice", "boolean", "date", "link"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("text", "long_text", "email", "phone", "url", "autonumber"), TEXT),
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
NEEDS_NO_VALUE = frozenset({"empty", "filled", "yes", "no"})


class FilterInvalid(ValueError):
    """A condition's value does not fit its field."""


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


def to_feel(conditions: Sequence[Condition], fields: Mapping[str, CompiledField]) -> str:
    """One FEEL condition for all; "" for none. ``FilterInvalid`` where a value does not fit."""
    return " and ".join(_condition(item, kind_of(fields[item.field]) or TEXT) for item in conditions)


def _condition(item: Condition, kind: str) -> str:
    name = item.field
    match item.operator:
        case "empty":
            return f"{name} = null"
        case "filled":
            return f"{name} != null"
        case "yes":
            return f"{name} = true"
        case "no":
            return f"not({name} = true)"
        case "contains":
            return f"contains({name}, {quote(item.value)})"
        case "starts":
            return f"starts with({name}, {quote(item.value)})"
        case "last":
            return f'{name} >= today() - duration("P{_days(item.value)}D")'
    sign = {"is": "=", "not": "!=", "from": ">=", "to": "<="}[item.operator]
    return (
        f"{name}.id {sign} {_literal(item.value, kind)}"
        if kind == LINK
        else f"{name} {sign} {_literal(item.value, kind)}"
    )


def _literal(value: str, kind: str) -> str:
    try:
        if kind == NUMBER:
            number = Decimal(value.replace(",", ""))
            if not number.is_finite():
                raise FilterInvalid(value)
            return format(number, "f")
        if kind == DATE:
            return f'date("{date.fromisoformat(value).isoformat()}")'
        if kind == LINK:
            return quote(str(UUID(value)))
    except (InvalidOperation, ValueError) as error:
        raise FilterInvalid(value) from error
    return quote(value)


def _days(value: str) -> int:
    if not value.isdigit() or len(value) > 5:
        raise FilterInvalid(value)
    return int(value)


def quote(text: str) -> str:
    """A FEEL string literal."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'"{escaped}"'
