"""Conditions that people put together in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from builder.web.context import _, site
from builder.web.forms.display import shown_type
from engines.core import InputError, InputProblem
from engines.form import CompiledField, CompiledForm

TEXT, NUMBER, CHOICE, BOOLEAN, DATE, LINK = "text", "number", "choice", "boolean", "date", "link"
PERSON, DEPARTMENT, SEVERAL, INSTANT = "person", "department", "several", "instant"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("text", "long_text", "rich_text", "email", "phone", "url", "autonumber"), TEXT),
    **dict.fromkeys(("resident_id", "credit_code", "barcode", "color"), TEXT),
    **dict.fromkeys(("number", "money", "percent", "rating"), NUMBER),
    "choice": CHOICE,
    "boolean": BOOLEAN,
    "date": DATE,
    "datetime": INSTANT,
    "reference": LINK,
    "person": PERSON,
    "department": DEPARTMENT,
    **dict.fromkeys(("multi_choice", "tags"), SEVERAL),
}
# What every record has, by which lists filter.
SYSTEM_KINDS: Mapping[str, str] = {
    "created_at": INSTANT,
    "updated_at": INSTANT,
    "created_by": PERSON,
    "updated_by": PERSON,
    "owner": PERSON,
    "department": DEPARTMENT,
}
_DAYS = ("is", "from", "to", "last", "next", "within", "empty", "filled")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    TEXT: ("contains", "lacks", "is", "not", "starts", "empty", "filled"),
    NUMBER: ("is", "not", "from", "to", "empty", "filled"),
    CHOICE: ("is", "not", "any", "empty", "filled"),
    BOOLEAN: ("yes", "no"),
    DATE: _DAYS,
    INSTANT: _DAYS,
    LINK: ("is", "not", "empty", "filled"),
    PERSON: ("me", "is", "not", "empty", "filled"),
    DEPARTMENT: ("mine", "below", "is", "empty", "filled"),
    SEVERAL: ("has", "lacks", "empty", "filled"),
}
# The record engine's words for them.
_OPS: Mapping[str, str] = {
    "contains": "contains",
    "has": "contains",
    "lacks": "not_contains",
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
NEEDS_NO_VALUE = frozenset({"empty", "filled", "yes", "no", "me", "mine", "below"})
PERIODS = (
    *("today", "yesterday", "tomorrow", "this_week", "last_week", "next_week", "this_month", "last_month"),
    *("next_month", "this_quarter", "last_quarter", "next_quarter", "this_year", "last_year", "next_year"),
)


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


def kind_at(form: CompiledForm, name: str) -> str | None:
    """The same for a field by its name, or for what every record has."""
    field = form.fields.get(name)
    return kind_of(field) if field else SYSTEM_KINDS.get(name)


def operator_labels() -> dict[str, str]:
    """What the operators are called."""
    return {
        "contains": _("contains"),
        "lacks": _("does not contain"),
        "has": _("contains"),
        "is": _("is"),
        "not": _("is not"),
        "any": _("is one of"),
        "starts": _("starts with"),
        "from": _("from"),
        "to": _("up to"),
        "last": _("within the last days"),
        "next": _("within the next days"),
        "within": _("in the period"),
        "me": _("is me"),
        "mine": _("is my department"),
        "below": _("is my department or below"),
        "empty": _("is empty"),
        "filled": _("is filled"),
        "yes": _("yes"),
        "no": _("no"),
    }


def period_labels() -> dict[str, str]:
    """What the periods are called."""
    return {
        "today": _("today"),
        "yesterday": _("yesterday"),
        "tomorrow": _("tomorrow"),
        "this_week": _("this week"),
        "last_week": _("last week"),
        "next_week": _("next week"),
        "this_month": _("this month"),
        "last_month": _("last month"),
        "next_month": _("next month"),
        "this_quarter": _("this quarter"),
        "last_quarter": _("last quarter"),
        "next_quarter": _("next quarter"),
        "this_year": _("this year"),
        "last_year": _("last year"),
        "next_year": _("next year"),
    }


def parse_conditions(given: Iterable[str], form: CompiledForm, known: Iterable[str]) -> list[Condition]:
    """The conditions of a request that name a field that may be read and a fitting operator."""
    readable = frozenset(known)
    found = []
    for text in given:
        name, _colon, rest = text.partition(":")
        operator, _colon, value = rest.partition(":")
        item = Condition(field=name, operator=operator, value=value.strip())
        if fits(item, form, readable):
            found.append(item)
    return found


def fits(item: Condition, form: CompiledForm, readable: frozenset[str]) -> bool:
    """Whether a condition names a field that may be read, an operator of its kind, and a value where one is needed."""
    kind = kind_at(form, item.field)
    if kind is None or (item.field not in readable and item.field not in SYSTEM_KINDS):
        return False
    if item.operator not in OPERATORS[kind]:
        return False
    if item.operator in {"last", "next"}:
        return item.value.isdigit() and len(item.value) <= 5
    if item.operator == "within":
        return item.value in PERIODS
    return bool(item.value) or item.operator in NEEDS_NO_VALUE


def to_filter(conditions: Sequence[Condition], form: CompiledForm | None = None) -> dict[str, Any] | None:
    """All conditions as the data that ``ListQuery.filter`` takes; None for none."""
    return {"and": [as_data(item, form) for item in conditions]} if conditions else None


def as_data(item: Condition, form: CompiledForm | None) -> dict[str, Any]:
    """One condition as that data."""
    special = _SPECIAL.get(item.operator)
    if special is not None:
        return special(item)
    if form is not None and kind_at(form, item.field) == INSTANT and item.operator in {"is", "from", "to"}:
        return _instant(item)
    return {"field": item.field, "op": _OPS[item.operator], "value": item.value}


_SPECIAL: Mapping[str, Callable[[Condition], dict[str, Any]]] = {
    "last": lambda item: {"field": item.field, "op": "within", "value": f"last_{item.value}_days"},
    "next": lambda item: {"field": item.field, "op": "within", "value": f"next_{item.value}_days"},
    "within": lambda item: {"field": item.field, "op": "within", "value": item.value},
    "any": lambda item: {"field": item.field, "op": "in", "value": item.value.split(",")},
    "me": lambda item: {"field": item.field, "op": "=", "value": "$me"},
    "mine": lambda item: {"field": item.field, "op": "=", "value": "$my_department"},
    "below": lambda item: {"field": item.field, "op": "in", "value": "$my_departments"},
}


def _instant(item: Condition) -> dict[str, Any]:
    """An instant compared with a day: the day begins and ends in the workspace's zone."""
    try:
        day = date.fromisoformat(item.value)
        first = datetime.combine(day, time(), site().formats.zone).isoformat()
        after = datetime.combine(day + timedelta(days=1), time(), site().formats.zone).isoformat()
    except (ValueError, OverflowError):
        raise InputError([InputProblem(pointer="", code="list.bad_filter", params={"found": item.value})]) from None
    since = {"field": item.field, "op": ">=", "value": first}
    until = {"field": item.field, "op": "<", "value": after}
    return {"is": {"and": [since, until]}, "from": since, "to": until}[item.operator]
