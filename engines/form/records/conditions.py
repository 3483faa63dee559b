"""Filters that people click together, as FEEL text: one meaning for lists, drills and rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engines.core import InputError, InputProblem
from engines.feel import DATE, DATE_TIME, IDENTIFIER, NUMBER, TIME, ContextType, FeelType, ListType

_COMPARED = {"=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
OPERATORS = (
    *_COMPARED,
    "in",
    "not_in",
    "between",
    "contains",
    "not_contains",
    "starts_with",
    "is_empty",
    "is_not_empty",
    "is_true",
    "is_false",
    "within",
)
PERIODS = (
    "today",
    "yesterday",
    "tomorrow",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
    "last_year",
    "next_week",
    "next_month",
    "next_quarter",
    "next_year",
)


def to_feel(condition: Mapping[str, Any], types: Mapping[str, FeelType], today: date) -> str:
    """FEEL text of a condition: ``{"field", "op", "value"}``, ``{"and": […]}``, ``{"or": […]}`` or ``{"not": …}``.

    ``value`` may be "$me", "$my_department" or "$my_departments"; ``within`` takes one of ``PERIODS``, "last_30_days"
    or "next_7_days". Texts compare as they are written; search is what looks past capital letters. What is not
    understood is an ``InputError`` with code ``list.bad_filter``.
    """
    for word in ("and", "or"):
        if word in condition:
            parts = [to_feel(part, types, today) for part in condition[word]]
            return f" {word} ".join(f"({part})" for part in parts) or ("true" if word == "and" else "false")
    if "not" in condition:
        return f"not({to_feel(condition['not'], types, today)})"
    path = str(condition.get("field", ""))
    kind = _type_of(path, types)
    if kind is None:
        raise _bad(path, "field")
    return _leaf(path, str(condition.get("op", "=")), condition.get("value"), kind, today)


def _bad(found: str, what: str) -> InputError:
    return InputError([InputProblem(pointer="", code="list.bad_filter", params={"found": found, "what": what})])


def _type_of(path: str, types: Mapping[str, FeelType]) -> FeelType | None:
    head, *rest = path.split(".")
    kind = types.get(head)
    for name in rest:
        kind = kind.get(name) if isinstance(kind, ContextType) else None
    return kind


def _leaf(path: str, op: str, value: Any, kind: FeelType, today: date) -> str:
    if op in _COMPARED:
        return f"{path} {_COMPARED[op]} {_literal(value, kind)}"
    match op:
        case "in" | "not_in":
            test = " or ".join(f"{path} = {_literal(item, kind)}" for item in _items(value)) or "false"
            if value == "$my_departments":
                test = f"list contains(my_departments, {path})"
            return f"not({test})" if op == "not_in" else test
        case "between":
            low, high = _items(value)
            return f"{path} >= {_literal(low, kind)} and {path} <= {_literal(high, kind)}"
        case "contains" | "not_contains":
            if isinstance(kind, ListType):
                test = f"list contains({path}, {_literal(value, kind.element)})"
            else:
                test = f"contains({path}, {_literal(value, kind)})"
            return test if op == "contains" else f"not({test})"
        case "starts_with":
            return f"starts with({path}, {_literal(value, kind)})"
        case "is_empty":
            return f"{path} = null"
        case "is_not_empty":
            return f"{path} != null"
        case "is_true":
            return f"{path} = true"
        case "is_false":
            return f"{path} = false"
        case "within":
            return _within(path, str(value), kind, today)
    raise _bad(op, "operator")


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _literal(value: Any, kind: FeelType) -> str:
    """A constant as FEEL text of the wanted type; texts are quoted, so nothing sent can become an expression."""
    if value is None:
        return "null"
    if value in ("$me", "$my_department"):
        return str(value)[1:]
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == NUMBER:
        return _number(value)
    quoted = json.dumps(str(value), ensure_ascii=False)
    if kind == DATE:
        return f"date({quoted})"
    if kind == DATE_TIME:
        return f"date and time({quoted})"
    if kind == TIME:
        return f"time({quoted})"
    if kind == IDENTIFIER or isinstance(kind, ContextType):
        return f"identifier({quoted})"
    return quoted


def _number(value: Any) -> str:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise _bad(str(value), "number") from None
    if not number.is_finite():
        raise _bad(str(value), "number")
    return f"{number:f}"


def _within(path: str, period: str, kind: FeelType, today: date) -> str:
    start, end = period_days(period, today)
    low, high = f'date("{start.isoformat()}")', f'date("{end.isoformat()}")'
    value = f"date({path})" if kind == DATE_TIME else path
    return f"{value} >= {low} and {value} < {high}"


def period_days(period: str, today: date) -> tuple[date, date]:
    """First day of a period, and the day after its last; weeks begin on Monday."""
    words = period.split("_")
    if len(words) == 3 and words[0] in ("last", "next") and words[1].isdigit() and words[2] == "days":
        days = timedelta(days=int(words[1]))
        return (
            (today - days, today)
            if words[0] == "last"
            else (today + timedelta(days=1), today + days + timedelta(days=1))
        )
    if period in ("today", "yesterday", "tomorrow"):
        day = today + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(period, 0))
        return day, day + timedelta(days=1)
    if period not in PERIODS:
        raise _bad(period, "period")
    start = _start(words[1], today)
    if words[0] == "last":
        return _start(words[1], start - timedelta(days=1)), start
    following = _after(words[1], start)
    return (following, _after(words[1], following)) if words[0] == "next" else (start, following)


def _after(unit: str, start: date) -> date:
    """First day of the unit behind the one that begins at ``start``."""
    return _start(unit, start + timedelta(days={"week": 8, "month": 32, "quarter": 100, "year": 370}[unit]))


def _start(unit: str, day: date) -> date:
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return date(day.year, 1, 1)
