"""Calendar units: the first day of a unit, the next one, the ones between, in Python and in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from engines.report.definitions import Grain

_MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
_DAYS = {Grain.DAY: 1, Grain.WEEK: 7}


def floor(day: date, grain: Grain) -> date:
    """The first day of the unit that holds ``day``."""
    match grain:
        case Grain.DAY:
            return day
        case Grain.WEEK:
            return day - timedelta(days=day.weekday())
        case Grain.MONTH:
            return day.replace(day=1)
        case Grain.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Grain.YEAR:
            return day.replace(month=1, day=1)


def step(start: date, grain: Grain, count: int = 1) -> date:
    """The first day of the unit ``count`` units after the one that starts at ``start``."""
    if grain in _DAYS:
        return start + timedelta(days=_DAYS[grain] * count)
    return add_months(start, _MONTHS[grain] * count)


def add_months(day: date, months: int) -> date:
    """``day`` moved by calendar months, brought to the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, days_in_month(year, month + 1)))


def days_in_month(year: int, month: int) -> int:
    """How many days a month has."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def units(first: date, last: date, grain: Grain) -> Iterator[date]:
    """The first days of all units from the one that holds ``first`` to the one that holds ``last``."""
    start = floor(first, grain)
    while start <= last:
        yield start
        start = step(start, grain)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which ``day`` begins in ``zone``."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@cache
def offsets(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """The changes of a zone's offset from UTC between two years: (instant from which it holds, offset), in order.

    The first entry is the start of ``first_year``, whatever held before. Found by halving days in which the
    offset differs at both ends; ``zoneinfo`` gives no list of its own.
    """
    found = []
    moment = datetime(first_year, 1, 1, tzinfo=UTC)
    offset = _offset(moment, zone)
    found.append((moment, offset))
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        following = moment + timedelta(days=7)
        changed = _offset(following, zone)
        if changed != offset:
            found.append((_change(moment, following, zone), changed))
            offset = changed
        moment = following
    return tuple(found)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        if middle in (low, high):
            break
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
