"""Properties of temporal values and ranges (DMN 1.5 Tables 65 to 67): ``date.year``, ``duration.hours``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engines.feel import types as t
from engines.feel.temporal import day_number, offset_at
from engines.feel.values import NANOS, Date, DateTime, DaysTime, Range, Time, YearsMonths


def _number(value: int) -> Decimal:
    return Decimal(value)


def weekday(date: Date) -> int:
    """1 for Monday to 7 for Sunday."""
    return (day_number(date) + 3) % 7 + 1


def _seconds(time: Time) -> int:
    return time.nanos // NANOS


def _second(time: Time) -> Decimal:
    return Decimal(time.nanos % (60 * NANOS)) / NANOS if time.nanos % NANOS else Decimal(_seconds(time) % 60)


def _offset(date: Date, time: Time) -> DaysTime | None:
    offset = offset_at(date, time)
    return None if offset is None else DaysTime(offset * NANOS)


def _part(value: int, whole: int) -> int:
    """The remainder with the sign of ``value``."""
    return value % whole if value >= 0 else -(-value % whole)


def _towards_zero(value: int, whole: int) -> int:
    return value // whole if value >= 0 else -(-value // whole)


def _duration_seconds(value: DaysTime) -> Decimal:
    seconds = Decimal(_part(value.nanos, 60 * NANOS)) / NANOS
    return seconds if value.nanos % NANOS else Decimal(int(seconds))


_DATE: dict[str, Callable[[Date], Any]] = {
    "year": lambda date: _number(date.year),
    "month": lambda date: _number(date.month),
    "day": lambda date: _number(date.day),
    "weekday": lambda date: _number(weekday(date)),
}
_TIME: dict[str, Callable[[Time], Any]] = {
    "hour": lambda time: _number(_seconds(time) // 3600),
    "minute": lambda time: _number(_seconds(time) // 60 % 60),
    "second": _second,
    "time offset": lambda time: _offset(Date(1970, 1, 1), time),
    "timezone": lambda time: time.zone,
}


def _of_date(read: Callable[[Date], Any]) -> Callable[[DateTime], Any]:
    return lambda value: read(value.date)


def _of_time(read: Callable[[Time], Any]) -> Callable[[DateTime], Any]:
    return lambda value: read(value.time)


# (class of the value, property) to a function that reads it.
PROPERTIES: dict[tuple[type, str], Callable[[Any], Any]] = {
    **{(Date, name): read for name, read in _DATE.items()},
    **{(Time, name): read for name, read in _TIME.items()},
    **{(DateTime, name): _of_date(read) for name, read in _DATE.items()},
    **{(DateTime, name): _of_time(read) for name, read in _TIME.items()},
    (DateTime, "time offset"): lambda value: _offset(value.date, value.time),
    (DaysTime, "days"): lambda value: _number(_towards_zero(value.nanos, 86400 * NANOS)),
    (DaysTime, "hours"): lambda value: _number(_part(_towards_zero(value.nanos, 3600 * NANOS), 24)),
    (DaysTime, "minutes"): lambda value: _number(_part(_towards_zero(value.nanos, 60 * NANOS), 60)),
    (DaysTime, "seconds"): _duration_seconds,
    (YearsMonths, "years"): lambda value: _number(_towards_zero(value.months, 12)),
    (YearsMonths, "months"): lambda value: _number(_part(value.months, 12)),
    (Range, "start"): lambda value: None if value.operator == "!=" else value.start,
    (Range, "end"): lambda value: None if value.operator == "!=" else value.end,
    (Range, "start included"): lambda value: value.start_included,
    (Range, "end included"): lambda value: value.end_included,
}

_NUMBERS: Mapping[str, t.FeelType] = {name: t.NUMBER for name in _DATE}
_CLOCK: Mapping[str, t.FeelType] = dict.fromkeys(("hour", "minute", "second"), t.NUMBER) | {
    "time offset": t.DAYS_TIME,
    "timezone": t.STRING,
}
# Type to the properties that its values have, with their types.
PROPERTY_TYPES: Mapping[t.FeelType, Mapping[str, t.FeelType]] = {
    t.DATE: _NUMBERS,
    t.TIME: _CLOCK,
    t.DATE_TIME: {**_NUMBERS, **_CLOCK},
    t.DAYS_TIME: dict.fromkeys(("days", "hours", "minutes", "seconds"), t.NUMBER),
    t.YEARS_MONTHS: dict.fromkeys(("years", "months"), t.NUMBER),
}


def property_type(kind: t.FeelType, name: str) -> t.FeelType | None:
    """The type of property ``name`` of values of ``kind``; None where there is no such property."""
    if isinstance(kind, t.RangeType):
        ends = {"start": kind.element, "end": kind.element, "start included": t.BOOLEAN, "end included": t.BOOLEAN}
        return ends.get(name)
    return PROPERTY_TYPES.get(kind, {}).get(name)
