"""When schedules and dates come due: pure calendar arithmetic, in local days of a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from croniter import croniter
from lunardate import LunarDate

from engines.core.ports import WorkingCalendar
from engines.rules.language import tree as t

_MONTHS: Final = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
# Years between which the Chinese calendar is known.
LUNAR_YEARS: Final = range(1900, 2100)


def next_run(
    schedule: t.Schedule, after: datetime, zone: ZoneInfo, calendar: WorkingCalendar | None = None
) -> datetime:
    """The first instant (UTC) after ``after`` at which a schedule runs.

    ``zone`` is the workspace's, unless the schedule names one. Without a calendar, Monday to Friday are worked.
    A local time that a clock change skips runs at the instant that follows.
    """
    place = ZoneInfo(schedule.zone) if schedule.zone else zone
    local = after.astimezone(place)
    if schedule.rhythm == "cron":
        runs: Iterator[datetime] = _cron_runs(schedule, local)
    elif schedule.rhythm == "hour":
        runs = _hours(schedule, after)
    else:
        runs = (_at(day, schedule.at, place) for day in _days(schedule, local.date()))
    for run in runs:
        moved = _on_working_day(run, schedule.working_days, place, calendar)
        if moved is not None and moved > after:
            return moved.astimezone(UTC)
    raise AssertionError("a schedule has no end")


def add_period(day: date, amount: int, unit: str) -> date:
    """``day`` moved by days, weeks, months or years; the last day of a month that is too short for it."""
    if unit in ("days", "weeks"):
        return day + timedelta(days=amount * (7 if unit == "weeks" else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "years" else 1)
    first = date(months // 12, months % 12 + 1, 1)
    return first.replace(day=min(day.day, _length(first, 1)))


def yearly_days(day: date) -> frozenset[tuple[int, int]]:
    """The months and days of a yearly date that are kept on ``day``: 29 February on the 28th in common years."""
    kept = {(day.month, day.day)}
    if (day.month, day.day) == (2, 28) and _length(date(day.year, 2, 1), 1) == 28:
        kept.add((2, 29))
    return frozenset(kept)


@cache
def lunar_days(day: date) -> tuple[date, ...]:
    """All dates since 1900 whose Chinese anniversary is kept on ``day``, in order.

    A leap month's dates are kept in its ordinary month; day 30 on day 29 of a month that has no 30th.
    """
    on = LunarDate.from_solar_date(day.year, day.month, day.day)
    if on.is_leap_month:
        return ()
    months = _lunar_months()
    days = [on.day]
    if on.day == 29 and months[on.month, False][on.year][1] < 30:
        days.append(30)
    found = (
        first + timedelta(days=number - 1)
        for leap in (False, True)
        for first, length in months.get((on.month, leap), {}).values()
        for number in days
        if number <= length
    )
    return tuple(sorted(birth for birth in found if birth <= day))


@cache
def _lunar_months() -> dict[tuple[int, bool], dict[int, tuple[date, int]]]:
    """First day and length of every month of the Chinese calendar, by (month, whether it is a leap one) and year."""
    found: dict[tuple[int, bool], dict[int, tuple[date, int]]] = {}
    for year in LUNAR_YEARS:
        leaping = LunarDate.leap_month_for_year(year)
        for month in range(1, 13):
            for leap in (False, True) if month == leaping else (False,):
                first: date = LunarDate(year, month, 1, leap).to_solar_date()
                length = 30 if _has_day_30(year, month, leap) else 29
                found.setdefault((month, leap), {})[year] = (first, length)
    return found


def _has_day_30(year: int, month: int, leap: bool) -> bool:
    try:
        LunarDate(year, month, 30, leap).to_solar_date()
    except ValueError:
        return False
    return True


def _length(first: date, months: int) -> int:
    """Days in ``months`` months from the first of one."""
    number = first.year * 12 + first.month - 1 + months
    return (date(number // 12, number % 12 + 1, 1) - first).days


def _days(schedule: t.Schedule, around: date) -> Iterator[date]:
    """The days of a schedule, from the period before ``around`` on."""
    if schedule.rhythm == "day":
        yield from (around + timedelta(days=offset) for offset in range(-1, 4000))
        return
    if schedule.rhythm == "week":
        monday = around - timedelta(days=around.weekday() + 7)
        offset = min(schedule.on_day, 7) - 1
        yield from (monday + timedelta(days=7 * week + offset) for week in range(600))
        return
    months = _MONTHS[schedule.rhythm]
    number = (around.year * 12 + around.month - 1) // months * months - months
    for step in range(600):
        begins = number + step * months
        first = date(begins // 12, begins % 12 + 1, 1)
        yield first + timedelta(days=min(schedule.on_day, _length(first, months)) - 1)


def _hours(schedule: t.Schedule, after: datetime) -> Iterator[datetime]:
    start = after.astimezone(UTC).replace(minute=int(schedule.at[3:] or 0), second=0, microsecond=0)
    yield from (start + timedelta(hours=step) for step in range(24 * 400))


def _cron_runs(schedule: t.Schedule, local: datetime) -> Iterator[datetime]:
    walk = croniter(schedule.cron, local)
    while True:
        yield walk.get_next(datetime)


def _at(day: date, at: str, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, time.fromisoformat(at) if at else time(0), zone)
    # By way of UTC, a time that does not exist becomes the one that the clock then shows.
    return local.astimezone(UTC).astimezone(zone)


def _on_working_day(run: datetime, rule: str, zone: ZoneInfo, calendar: WorkingCalendar | None) -> datetime | None:
    if rule == "any" or _is_working(run.astimezone(zone).date(), calendar):
        return run
    if rule == "only":
        return None
    local = run.astimezone(zone)
    day = local.date()
    for _ in range(400):
        day += timedelta(days=1)
        if _is_working(day, calendar):
            break
    return _at(day, local.strftime("%H:%M"), zone)


def _is_working(day: date, calendar: WorkingCalendar | None) -> bool:
    return calendar.is_working_day(day) if calendar else day.weekday() < 5
