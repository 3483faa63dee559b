"""Functions that make and read dates, times and durations (DMN 1.5 §10.3.4.1, §10.3.4.7 and §10.3.4.8)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engines.feel import temporal as calendar
from engines.feel.builtins.registry import builtin
from engines.feel.properties import weekday
from engines.feel.runtime import Runtime
from engines.feel.values import NANOS, Date, DateTime, DaysTime, Time, YearsMonths, type_name

MIDNIGHT = Time(0)


@builtin("date(from: string) -> date")
def date_from_text(runtime: Runtime, from_: str) -> Date | None:
    """The date that the text writes (ISO 8601, years of four to nine digits); null where it is none."""
    return calendar.parse_date(from_) or runtime.fail("feel.not_a_date", found=from_[:80])


@builtin("date(from: date) -> date")
def date_from_date(_runtime: Runtime, from_: Date) -> Date:
    """The date itself."""
    return from_


@builtin("date(from: date and time) -> date")
def date_from_date_time(_runtime: Runtime, from_: DateTime) -> Date:
    """The day of a date and time, in its own zone."""
    return from_.date


def _whole(*numbers: Decimal) -> bool:
    return all(number == int(number) and abs(number) < 10**12 for number in numbers)


@builtin("date(year: number, month: number, day: number) -> date")
def date_of(runtime: Runtime, year: Decimal, month: Decimal, day: Decimal) -> Date | None:
    """The date of a year, month and day; null where there is none."""
    found = calendar.make_date(int(year), int(month), int(day)) if _whole(year, month, day) else None
    return found or runtime.fail("feel.not_a_date", found=f"{year}-{month}-{day}")


@builtin("time(from: string) -> time")
def time_from_text(runtime: Runtime, from_: str) -> Time | None:
    """The time that the text writes, with an offset or a zone after ``@`` where it has one."""
    return calendar.parse_time(from_) or runtime.fail("feel.not_a_time", found=from_[:80])


@builtin("time(from: time) -> time")
def time_from_time(_runtime: Runtime, from_: Time) -> Time:
    """The time itself."""
    return from_


@builtin("time(from: date and time) -> time")
def time_from_date_time(_runtime: Runtime, from_: DateTime) -> Time:
    """The time of day of a date and time, with its zone."""
    return from_.time


@builtin("time(from: date) -> time")
def time_from_date(_runtime: Runtime, from_: Date) -> Time:
    """Midnight UTC."""
    return Time(0, 0)


@builtin("time(hour: number, minute: number, second: number, offset?: days and time duration|null) -> time")
def time_of(
    runtime: Runtime, hour: Decimal, minute: Decimal, second: Decimal, offset: DaysTime | None = None
) -> Time | None:
    """The time of an hour, minute, second (with a fraction) and offset from UTC."""
    found = None
    if _whole(hour, minute) and 0 <= second < 60:
        nanos = int(second % 1 * NANOS)
        seconds = None if offset is None else offset.nanos // NANOS
        found = calendar.make_time(int(hour), int(minute), int(second), nanos, seconds)
    return found or runtime.fail("feel.not_a_time", found=f"{hour}:{minute}:{second}")


@builtin("date and time(from: string) -> date and time")
def date_time_from_text(runtime: Runtime, from_: str) -> DateTime | None:
    """The date and time that the text writes; a date alone means its midnight."""
    found = calendar.parse_date_time(from_)
    if found is None and (day := calendar.parse_date(from_)) is not None:
        return DateTime(day, MIDNIGHT)
    return found or runtime.fail("feel.not_a_date_time", found=from_[:80])


@builtin("date and time(from: date and time) -> date and time")
def date_time_from_date_time(_runtime: Runtime, from_: DateTime) -> DateTime:
    """The date and time itself."""
    return from_


@builtin("date and time(from: date) -> date and time")
def date_time_from_date(_runtime: Runtime, from_: Date) -> DateTime:
    """Midnight of the day."""
    return DateTime(from_, MIDNIGHT)


@builtin("date and time(date: date, time: time) -> date and time")
def date_time_of(_runtime: Runtime, date: Date, time: Time) -> DateTime:
    """The day of ``date`` at ``time``, with the zone of ``time``."""
    return DateTime(date, time)


@builtin("date and time(date: date and time, time: time) -> date and time")
def date_time_of_date_time(_runtime: Runtime, date: DateTime, time: Time) -> DateTime:
    """The day of ``date`` at ``time``, with the zone of ``time``."""
    return DateTime(date.date, time)


@builtin("date and time(date: date and time, timezone: string) -> date and time")
def date_time_in_zone(runtime: Runtime, date: DateTime, timezone: str) -> DateTime | None:
    """The same instant as a local date and time of another zone."""
    return calendar.at_instant(calendar.instant_nanos(date), timezone) or runtime.fail(
        "feel.not_a_zone", found=timezone[:80]
    )


@builtin("duration(from: string) -> Any")
def duration(runtime: Runtime, from_: str) -> DaysTime | YearsMonths | None:
    """The duration that the text writes, of days and time or of years and months (ISO 8601)."""
    found = calendar.parse_duration(from_)
    return runtime.fail("feel.not_a_duration", found=from_[:80]) if found is None else found


@builtin("duration(from: days and time duration) -> days and time duration")
@builtin("duration(from: years and months duration) -> years and months duration")
def duration_from_duration(_runtime: Runtime, from_: Any) -> Any:
    """The duration itself."""
    return from_


def _moment(value: Any) -> DateTime | None:
    match value:
        case Date():
            return DateTime(value, MIDNIGHT)
        case DateTime():
            return value
    return None


@builtin("years and months duration(from: Any, to: Any) -> years and months duration")
def years_and_months_duration(runtime: Runtime, from_: Any, to: Any) -> YearsMonths | None:
    """The whole months between two dates or dates and times."""
    start, end = _moment(from_), _moment(to)
    if start is None or end is None:
        runtime.fail("feel.wrong_type", found=f"{type_name(from_)}, {type_name(to)}", expected="date")
        return None
    return YearsMonths(calendar.months_between(start, end))


@builtin("now() -> date and time")
def now(runtime: Runtime) -> DateTime | None:
    """The instant of the command, in the workspace's zone."""
    return None if _instant(runtime) is None else runtime.native(_instant(runtime))


@builtin("today() -> date")
def today(runtime: Runtime) -> Date | None:
    """The day of the command in the workspace's zone."""
    instant = now(runtime)
    return None if instant is None else instant.date


def _instant(runtime: Runtime) -> datetime | None:
    if runtime.now is None:
        runtime.fail("feel.no_instant")
        return None
    return runtime.now if runtime.now.tzinfo is not None else runtime.now.replace(tzinfo=UTC)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _day(value: Date | DateTime) -> Date:
    return value.date if type(value) is DateTime else value  # type: ignore[return-value]


def _day_of_year(day: Date) -> int:
    return calendar.day_number(day) - calendar.day_number(Date(day.year, 1, 1)) + 1


@builtin("day of year(date: date) -> number")
@builtin("day of year(date: date and time) -> number")
def day_of_year(_runtime: Runtime, date: Any) -> Decimal:
    """The number of the day in its year, from 1."""
    return Decimal(_day_of_year(_day(date)))


@builtin("day of week(date: date) -> string")
@builtin("day of week(date: date and time) -> string")
def day_of_week(_runtime: Runtime, date: Any) -> str:
    """The English name of the weekday."""
    return _DAYS[weekday(_day(date)) - 1]


@builtin("month of year(date: date) -> string")
@builtin("month of year(date: date and time) -> string")
def month_of_year(_runtime: Runtime, date: Any) -> str:
    """The English name of the month."""
    return _MONTHS[_day(date).month - 1]


@builtin("week of year(date: date) -> number")
@builtin("week of year(date: date and time) -> number")
def week_of_year(_runtime: Runtime, date: Any) -> Decimal:
    """The number of the week by ISO 8601: week 1 holds the year's first Thursday."""
    day = _day(date)
    thursday = calendar.day_number(day) - weekday(day) + 4
    of_year = calendar.date_of_number(thursday) or day
    return Decimal((_day_of_year(of_year) - 1) // 7 + 1)
