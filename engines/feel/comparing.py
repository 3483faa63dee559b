"""Equality and order of values (DMN 1.5 Tables 42 and 43)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.feel.budget import Budget
from engines.feel.values import Date, DateTime, DaysTime, Function, Range, Time, YearsMonths


def is_identity(value: Any) -> bool:
    """Whether the value is a person, a department or a record: an identifier, or a context with one as ``id``."""
    return type(value) is UUID or (isinstance(value, Mapping) and isinstance(value.get("id"), UUID))


def identity(value: Any) -> Any:
    """The identifier behind a value that ``is_identity``."""
    return value if type(value) is UUID else value["id"]


def equal(left: Any, right: Any, budget: Budget | None = None) -> bool | None:
    """``left = right`` (DMN 1.5 Table 42); None where the kinds differ. ``budget`` counts the items compared."""
    kind = type(left)
    if kind is type(right):
        if kind is list:
            return left is right or _equal_lists(left, right, budget)
        if kind is dict:
            return left is right or _equal_contexts(left, right, budget)
        if kind is Range:
            return _equal_ranges(left, right)
        if kind is Time or kind is DateTime:
            return left == right or _same_instant(left, right)
        return left == right if kind is not Function else left is right
    if left is None or right is None:
        return False
    if is_identity(left) and is_identity(right):
        return bool(identity(left) == identity(right))
    return None


def _equal_lists(left: list[Any], right: list[Any], budget: Budget | None) -> bool:
    if len(left) != len(right):
        return False
    if budget is not None:
        budget.charge(len(left))
    return all(equal(a, b, budget) is True for a, b in zip(left, right, strict=True))


def _equal_contexts(left: dict[str, Any], right: dict[str, Any], budget: Budget | None) -> bool:
    if is_identity(left) and is_identity(right):
        return bool(identity(left) == identity(right))
    if left.keys() != right.keys():
        return False
    if budget is not None:
        budget.charge(len(left))
    return all(equal(value, right[key], budget) is True for key, value in left.items())


def _equal_ranges(left: Range, right: Range) -> bool:
    return (left.start_included, left.end_included, left.operator == "!=") == (
        right.start_included,
        right.end_included,
        right.operator == "!=",
    ) and (equal(left.start, right.start) is True and equal(left.end, right.end) is True)


def _same_instant(left: Any, right: Any) -> bool:
    a, b = sort_key(left), sort_key(right)
    return a[0] == b[0] and a[1] == b[1]


def sort_key(value: Any) -> tuple[int, Any]:
    """A value of a time or a date and time that orders as FEEL does: (has a zone, nanoseconds)."""
    from engines.feel import temporal

    if type(value) is DateTime:
        return (0 if temporal.is_local(value) else 1, temporal.instant_nanos(value))
    offset = temporal.offset_at(Date(1970, 1, 1), value)
    return (0 if offset is None else 1, value.nanos - (offset or 0) * 1_000_000_000)


_COMPARABLE = frozenset({Decimal, str, Date, DaysTime, YearsMonths})


def order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as ``left`` is below, equal to or above ``right``; None where they have no order."""
    kind = type(left)
    if kind is not type(right):
        return None
    if kind in _COMPARABLE:
        return -1 if left < right else 1 if left > right else 0
    if kind is Time or kind is DateTime:
        a, b = sort_key(left), sort_key(right)
        if a[0] != b[0]:
            return None
        return -1 if a[1] < b[1] else 1 if a[1] > b[1] else 0
    return None
