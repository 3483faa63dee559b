"""Brings dates and instants to the first day of a calendar unit, in SQL, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, DateTime, Integer, Text, case, cast, func, literal_column, type_coerce

from engines.feel.storage import CalendarDate, Instant
from engines.report.definitions import Grain
from engines.report.grains import offsets
from engines.report.results import ValueType

# Offsets of a zone are worked out for these years; before and after, the first and last known one holds.
FIRST_YEAR, LAST_YEAR = 1970, 2060
# Seconds from year 1 to 1970: keeps SQLite's division, which cuts towards zero, on the positive side.
_SHIFT_S = 62_135_596_800


def bucket(
    element: ColumnElement[Any], kind: ValueType, grain: Grain | None, zone: ZoneInfo, dialect: str
) -> ColumnElement[Any]:
    """``element`` (a date or instant column) brought to the first day of its ``grain``, as a date.

    An instant counts on the day that it has in ``zone``. Without a grain the element itself comes back.
    """
    if grain is None:
        return element
    if dialect == "postgresql":
        return type_coerce(_postgresql(element, kind, grain, zone), CalendarDate())
    return type_coerce(_sqlite(element, kind, grain, zone), CalendarDate())


def _postgresql(element: ColumnElement[Any], kind: ValueType, grain: Grain, zone: ZoneInfo) -> ColumnElement[Any]:
    if kind is ValueType.INSTANT:
        local: ColumnElement[Any] = func.timezone(literal_column(_quoted(zone.key)), element)
    elif grain is Grain.DAY:
        return element
    else:
        local = cast(element, DateTime(timezone=False))
    return cast(func.date_trunc(literal_column(_quoted(grain.value)), local), Date())


def _sqlite(element: ColumnElement[Any], kind: ValueType, grain: Grain, zone: ZoneInfo) -> ColumnElement[Any]:
    if kind is ValueType.INSTANT:
        seconds = (_plain(element) + _offset(element, zone) + literal_column(str(_SHIFT_S * 1_000_000))).op(
            "/", precedence=8
        )(literal_column("1000000")) - literal_column(str(_SHIFT_S))
        arguments: tuple[ColumnElement[Any], ...] = (seconds, literal_column("'unixepoch'"))
        day: ColumnElement[Any] = func.strftime(literal_column(_quoted(_FORMATS[grain])), *arguments)
    else:
        day = type_coerce(element, Text())
        arguments = (day,)
    match grain:
        case Grain.DAY:
            return day
        case Grain.WEEK:
            # On to Sunday, then back to Monday.
            return func.date(*arguments, literal_column("'weekday 0'"), literal_column("'-6 days'"))
        case Grain.MONTH:
            return day if kind is ValueType.INSTANT else func.substr(day, _number(1), _number(8)).op("||")(_text("01"))
        case Grain.QUARTER:
            month = cast(func.substr(day, _number(6), _number(2)), Integer())
            start = func.substr(_text("010101040404070707101010"), month * _number(2) - _number(1), _number(2))
            return func.substr(day, _number(1), _number(5)).op("||")(start).op("||")(_text("-01"))
        case Grain.YEAR:
            return (
                day if kind is ValueType.INSTANT else func.substr(day, _number(1), _number(5)).op("||")(_text("01-01"))
            )


_FORMATS = {
    Grain.DAY: "%Y-%m-%d",
    Grain.WEEK: "%Y-%m-%d",
    Grain.MONTH: "%Y-%m-01",
    Grain.QUARTER: "%Y-%m-%d",
    Grain.YEAR: "%Y-01-01",
}


def _offset(element: ColumnElement[Any], zone: ZoneInfo) -> ColumnElement[Any]:
    """The zone's offset at an instant, in microseconds: a search by halves among its changes."""
    return _search(_plain(element), offsets(zone, FIRST_YEAR, LAST_YEAR))


def _search(instant: ColumnElement[Any], changes: Sequence[tuple[datetime, timedelta]]) -> ColumnElement[Any]:
    if len(changes) == 1:
        return _number(changes[0][1] // timedelta(microseconds=1))
    middle = len(changes) // 2
    before = instant < _number(Instant.to_microseconds(changes[middle][0]))
    return case((before, _search(instant, changes[:middle])), else_=_search(instant, changes[middle:]))


def _plain(element: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(element, Integer())


def _number(number: int) -> ColumnElement[Any]:
    # A literal, not a parameter: PostgreSQL groups only by what is written alike.
    return literal_column(str(number), Integer())


def _text(text: str) -> ColumnElement[Any]:
    return literal_column(_quoted(text), Text())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
