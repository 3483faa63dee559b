"""Values of a dashboard's filters: from the text of an address, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from engines.core.errors import InputError, InputProblem
from engines.feel import Range, to_python
from engines.report.compiled import CompiledDashboard
from engines.report.definitions import DashboardFilter, FilterType
from engines.report.periods import DateRange
from engines.report.running import ReportContext


def parameters_of(
    dashboard: CompiledDashboard, given: Mapping[str, Sequence[str]], context: ReportContext
) -> dict[str, Any]:
    """The value of each filter: what an address gives, else its default, else None.

    A date_range is given as ``<name>.from`` and ``<name>.to`` (ISO 8601 days), a multi_choice as several values, a
    boolean as ``true`` or ``false``; an empty text means that nothing is chosen. ``InputError`` names what cannot be
    read.
    """
    values: dict[str, Any] = {}
    problems: list[InputProblem] = []
    for item in dashboard.definition.filters:
        try:
            values[item.name] = _value(item, given) if _is_given(item, given) else _default(item, dashboard, context)
        except (ValueError, InvalidOperation):
            problems.append(InputProblem(pointer=f"/{item.name}", code="report.filter_value"))
    if problems:
        raise InputError(problems)
    return values


def given_by(dashboard: CompiledDashboard, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of an address that give ``parameters`` again; the inverse of ``parameters_of``."""
    pairs: list[tuple[str, str]] = []
    for item in dashboard.definition.filters:
        value = parameters.get(item.name)
        if item.type is FilterType.DATE_RANGE:
            period = value or DateRange()
            pairs.append((f"{item.name}.from", period.start.isoformat() if period.start else ""))
            pairs.append((f"{item.name}.to", period.end.isoformat() if period.end else ""))
        elif item.type is FilterType.MULTI_CHOICE:
            pairs += [(item.name, str(each)) for each in value or [""]]
        else:
            pairs.append((item.name, "" if value is None else _text(value)))
    return pairs


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_given(item: DashboardFilter, given: Mapping[str, Sequence[str]]) -> bool:
    if item.type is FilterType.DATE_RANGE:
        return f"{item.name}.from" in given or f"{item.name}.to" in given
    return item.name in given


def _value(item: DashboardFilter, given: Mapping[str, Sequence[str]]) -> Any:
    if item.type is FilterType.DATE_RANGE:
        start, end = (_day(given.get(f"{item.name}.{edge}", ())) for edge in ("from", "to"))
        return DateRange(start=start, end=end) if start or end else None
    texts = [text for text in given[item.name] if text]
    if not texts:
        return None
    match item.type:
        case FilterType.MULTI_CHOICE:
            return texts
        case FilterType.NUMBER:
            number = Decimal(texts[0])
            if not number.is_finite():
                raise ValueError(texts[0])
            return number
        case FilterType.BOOLEAN:
            return {"true": True, "false": False}.get(texts[0])
        case FilterType.PERSON:
            return UUID(texts[0])
    return texts[0]


def _day(texts: Sequence[str]) -> date | None:
    return date.fromisoformat(texts[0]) if texts and texts[0] else None


def _default(item: DashboardFilter, dashboard: CompiledDashboard, context: ReportContext) -> Any:
    expression = dashboard.defaults.get(item.name)
    if expression is None:
        return None
    value = expression.evaluate({"settings": dict(context.settings)}, context.evaluation()).value
    if isinstance(value, Range):
        start, end = (to_python(edge) for edge in (value.start, value.end))
        return DateRange(start=start, end=end)
    return value
