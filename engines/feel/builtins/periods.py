"""Calendar periods, for the same measure in earlier ones. Ours: the standard has no such functions."""

from __future__ import annotations

from decimal import Decimal

from engines.feel import temporal as calendar
from engines.feel.builtins.registry import builtin
from engines.feel.properties import weekday
from engines.feel.runtime import Runtime
from engines.feel.values import MAX_YEAR, Date, Range

_MONTHS = {"month": 1, "quarter": 3, "half year": 6, "year": 12}
_DAYS = {"day": 1, "week": 7}


@builtin("period of(date: date, unit: string, offset?: number|null) -> range<date>")
def period_of(runtime: Runtime, date: Date, unit: str, offset: Decimal | None = None) -> Range | None:
    """The first to the last day of the day, week, month, quarter, half year or year that holds ``date``.

    ``offset`` counts periods from there: -1 is the one before. A week begins on Monday.
    """
    steps = Decimal(0) if offset is None else offset
    if unit not in (*_DAYS, *_MONTHS) or steps != int(steps) or abs(steps) > MAX_YEAR:
        return runtime.fail("feel.no_period", unit=unit[:40], offset=str(steps))  # type: ignore[no-any-return]
    days = _of_days(date, _DAYS[unit], int(steps)) if unit in _DAYS else _of_months(date, _MONTHS[unit], int(steps))
    return days or runtime.fail("feel.no_period", unit=unit, offset=str(steps))


def _of_days(date: Date, length: int, steps: int) -> Range | None:
    first = calendar.day_number(date) + steps * length - (weekday(date) - 1 if length > 1 else 0)
    start, end = calendar.date_of_number(first), calendar.date_of_number(first + length - 1)
    return Range(start, True, end, True) if start and end else None


def _of_months(date: Date, length: int, steps: int) -> Range | None:
    first = ((date.year * 12 + date.month - 1) // length + steps) * length
    start, last = (calendar.make_date(number // 12, number % 12 + 1, 1) for number in (first, first + length - 1))
    if start is None or last is None:
        return None
    return Range(start, True, Date(last.year, last.month, calendar.days_in_month(last.year, last.month)), True)
