"""Periods that readers choose, and the periods that they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from engines.report.definitions import Compare, Grain
from engines.report.grains import add_months, days_in_month, floor, step, units


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Days from ``start`` to ``end``, both included; None is open."""

    start: date | None = None
    end: date | None = None


def compared(period: DateRange, compare: Compare, grain: Grain | None) -> DateRange | None:
    """The period that ``period`` is compared with; None where it has no length (an open end).

    Whole months move by months (January to March is compared with October to December), other periods by days. One
    unit before needs a ``grain``.
    """
    match compare:
        case Compare.PREVIOUS_YEAR:
            return _moved(period, -12)
        case Compare.PREVIOUS_BUCKET if grain:
            return DateRange(
                start=period.start and step(floor(period.start, grain), grain, -1),
                end=period.end and _end_of_unit(step(floor(period.end, grain), grain, -1), grain),
            )
    if period.start is None or period.end is None:
        return None
    months = _whole_months(period.start, period.end)
    if months:
        return _moved(period, -months)
    length = (period.end - period.start).days + 1
    return DateRange(start=period.start - timedelta(days=length), end=period.start - timedelta(days=1))


def aligned(
    period: DateRange | None, before: DateRange | None, compare: Compare, grain: Grain
) -> Callable[[date], date | None]:
    """The function that takes a unit's first day to that of the unit it is compared with.

    Where both periods are known, the n-th unit of one meets the n-th of the other, except that days and months meet
    the same day or month of the year before; None where there is no such unit.
    """
    if compare is Compare.PREVIOUS_BUCKET:
        return lambda start: step(start, grain, -1)
    if compare is Compare.PREVIOUS_YEAR and grain is not Grain.WEEK:
        return lambda start: floor(add_months(start, -12), grain)
    if compare is Compare.PREVIOUS_YEAR:
        return lambda start: step(start, grain, -52)
    if not (period and before and period.start and period.end and before.start and before.end):
        return lambda start: None
    ours = units(period.start, period.end, grain)
    theirs = units(before.start, before.end, grain)
    return dict(zip(ours, theirs, strict=False)).get


def _moved(period: DateRange, months: int) -> DateRange:
    """``period`` by months; its end stays the last day of a month where it is one."""
    end = period.end
    if end is not None:
        last = end.day == days_in_month(end.year, end.month)
        end = add_months(end, months)
        end = end.replace(day=days_in_month(end.year, end.month)) if last else end
    return DateRange(start=period.start and add_months(period.start, months), end=end)


def _whole_months(start: date, end: date) -> int:
    """How many months the days make up; 0 where they are not whole calendar months."""
    if start.day != 1 or end.day != days_in_month(end.year, end.month):
        return 0
    return (end.year - start.year) * 12 + end.month - start.month + 1


def _end_of_unit(start: date, grain: Grain) -> date:
    return step(start, grain) - timedelta(days=1)
