"""Reading, writing and calculating dates, times and durations beyond what Python's datetime can hold.

Lexical forms are those of XML Schema 1.1 as restricted by DMN 1.5 §10.3.2.3.4 to §10.3.2.3.9.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engines.feel.values import DAY_NANOS, MAX_YEAR, NANOS, Date, DateTime, DaysTime, Time, YearsMonths

_DATE = r"(?P<year>-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME = (
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<oh>[0-9]{2}):(?P<om>[0-9]{2})(?::(?P<os>[0-9]{2}))?|@(?P<zone>[A-Za-z0-9_+\-/]+))?"
)
_DATE_RE = re.compile(_DATE)
_TIME_RE = re.compile(_TIME)
_DATE_TIME_RE = re.compile(_DATE + "T" + _TIME)
_DAYS_RE = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)(?:\.(?P<fraction>[0-9]*))?S)?)?"
)
_MONTHS_RE = re.compile(r"(?P<sign>-)?P(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?")
_MAX_DIGITS = 18
_MAX_OFFSET = 18 * 3600


def days_in_month(year: int, month: int) -> int:
    """Number of days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def make_date(year: int, month: int, day: int) -> Date | None:
    """The date, or None where there is no such day."""
    if not (-MAX_YEAR <= year <= MAX_YEAR and 1 <= month <= 12 and 1 <= day <= days_in_month(year, month)):
        return None
    return Date(year, month, day)


def make_time(hour: int, minute: int, second: int, nanos: int = 0, offset: int | None = None) -> Time | None:
    """The time, or None where there is no such time; 24:00:00 is not one here."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    if offset is not None and abs(offset) > _MAX_OFFSET:
        return None
    return Time(((hour * 60 + minute) * 60 + second) * NANOS + nanos, offset)


def day_number(date: Date) -> int:
    """Days since 1970-01-01, negative before it (proleptic Gregorian calendar)."""
    year, month, day = date
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def date_of_number(number: int) -> Date | None:
    """The day that is ``number`` days after 1970-01-01; None beyond the years that FEEL knows."""
    era, day_of_era = divmod(number + 719468, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    return Date(year, month, day) if abs(year) <= MAX_YEAR else None


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone ``name``; "Z" and unknown names give None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def offset_at(date: Date, time: Time) -> int | None:
    """Seconds east of UTC at a local date and time; None for a local time.

    In a gap or an overlap of a zone the offset before the change holds. Beyond the years of Python's calendar the
    rules of the year at the same place in the 400-year cycle hold.
    """
    if time.zone is None:
        return time.offset
    place = zone(time.zone)
    if place is None:
        return None
    year = date.year if 2 <= date.year <= 9998 else 2000 + date.year % 400 if date.year > 0 else 1600 + date.year % 400
    local = datetime(year, date.month, date.day) + timedelta(microseconds=time.nanos // 1000)
    offset = local.replace(tzinfo=place).utcoffset()
    return None if offset is None else int(offset.total_seconds())


def local_nanos(value: DateTime) -> int:
    """Nanoseconds from 1970-01-01T00:00:00 to the value's local time."""
    return day_number(value.date) * DAY_NANOS + value.time.nanos


def instant_nanos(value: DateTime) -> int:
    """Nanoseconds since 1970 UTC; a local date and time counts as UTC."""
    offset = offset_at(value.date, value.time)
    return local_nanos(value) - (offset or 0) * NANOS


def is_local(value: DateTime) -> bool:
    """Whether the value has neither offset nor zone."""
    return value.time.offset is None and value.time.zone is None


def shift(value: DateTime, nanos: int) -> DateTime | None:
    """``value`` moved by a duration; with a zone, along the real time line (DMN 1.5 Table 57)."""
    if value.time.zone is not None and (place := zone(value.time.zone)) is not None:
        moved = _in_zone(instant_nanos(value) + nanos, place, value.time.zone)
        if moved is not None:
            return moved
    days, rest = divmod(local_nanos(value) + nanos, DAY_NANOS)
    date = date_of_number(days)
    return None if date is None else DateTime(date, value.time._replace(nanos=rest))


def _in_zone(instant: int, place: ZoneInfo, name: str) -> DateTime | None:
    days, rest = divmod(instant, DAY_NANOS)
    utc = date_of_number(days)
    if utc is None or not 2 <= utc.year <= 9998:
        return None
    moment = datetime(*utc, tzinfo=UTC) + timedelta(microseconds=rest // 1000)
    offset = moment.astimezone(place).utcoffset() or timedelta(0)
    days, rest = divmod(instant + int(offset.total_seconds()) * NANOS, DAY_NANOS)
    date = date_of_number(days)
    return None if date is None else DateTime(date, Time(rest, None, name))


def at_instant(nanos: int, name: str) -> DateTime | None:
    """The local date and time in zone ``name`` at an instant."""
    place = zone(name)
    return None if place is None else _in_zone(nanos, place, name)


def add_months(date: Date, months: int) -> Date | None:
    """``date`` moved by whole months; a day that the month lacks becomes its last day."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if abs(year) > MAX_YEAR:
        return None
    return Date(year, month + 1, min(date.day, days_in_month(year, month + 1)))


def months_between(start: DateTime, end: DateTime) -> int:
    """Whole months from ``start`` to ``end``, towards zero (DMN 1.5 Table 77, years and months duration)."""
    months = (end.date.year - start.date.year) * 12 + end.date.month - start.date.month
    first, last = (start.date.day, start.time.nanos), (end.date.day, end.time.nanos)
    if months > 0 and last < first:
        months -= 1
    elif months < 0 and last > first:
        months += 1
    return months


def parse_date(text: str) -> Date | None:
    """The date that ``text`` writes, or None."""
    found = _DATE_RE.fullmatch(text)
    return None if found is None else _date_of(found)


def _date_of(found: re.Match[str]) -> Date | None:
    if found["year"].startswith("-0000"):
        return None
    return make_date(int(found["year"]), int(found["month"]), int(found["day"]))


def parse_time(text: str) -> Time | None:
    """The time that ``text`` writes, or None."""
    found = _TIME_RE.fullmatch(text)
    return None if found is None else _time_of(found)


def _time_of(found: re.Match[str]) -> Time | None:
    offset: int | None = 0 if found["utc"] else None
    if found["sign"]:
        hours, minutes, seconds = int(found["oh"]), int(found["om"]), int(found["os"] or 0)
        if minutes > 59 or seconds > 59:
            return None
        offset = (hours * 3600 + minutes * 60 + seconds) * (-1 if found["sign"] == "-" else 1)
    if found["zone"] and zone(found["zone"]) is None:
        return None
    # The end of the day is the start of the next one (XML Schema 1.1 part 2 §3.3.8.2).
    hour = 0 if _is_end_of_day(found) else int(found["hour"])
    time = make_time(hour, int(found["minute"]), int(found["second"]), _nanos(found["fraction"]), offset)
    return time._replace(zone=found["zone"]) if time and found["zone"] else time


def _is_end_of_day(found: re.Match[str]) -> bool:
    clock = (found["hour"], found["minute"], found["second"])
    return clock == ("24", "00", "00") and not _nanos(found["fraction"])


def _nanos(fraction: str | None) -> int:
    return int((fraction or "0")[:9].ljust(9, "0"))


def parse_date_time(text: str) -> DateTime | None:
    """The date and time that ``text`` writes, or None."""
    found = _DATE_TIME_RE.fullmatch(text)
    if found is None:
        return None
    date, time = _date_of(found), _time_of(found)
    if date is not None and _is_end_of_day(found):
        date = date_of_number(day_number(date) + 1)
    return None if date is None or time is None else DateTime(date, time)


def parse_duration(text: str) -> DaysTime | YearsMonths | None:
    """The duration of either kind that ``text`` writes, or None."""
    found = _MONTHS_RE.fullmatch(text)
    if found and (found["years"] or found["months"]):
        if max(len(found["years"] or ""), len(found["months"] or "")) > _MAX_DIGITS:
            return None
        months = int(found["years"] or 0) * 12 + int(found["months"] or 0)
        return YearsMonths(-months if found["sign"] else months)
    found = _DAYS_RE.fullmatch(text)
    parts = ("days", "hours", "minutes", "seconds")
    if found is None or not any(found[part] for part in parts):
        return None
    if any(len(found[part] or "") > _MAX_DIGITS for part in parts):
        return None
    hours = int(found["days"] or 0) * 24 + int(found["hours"] or 0)
    seconds = (hours * 60 + int(found["minutes"] or 0)) * 60 + int(found["seconds"] or 0)
    nanos = seconds * NANOS + _nanos(found["fraction"])
    return DaysTime(-nanos if found["sign"] else nanos)


def format_date(date: Date) -> str:
    """The date as ISO 8601 text."""
    return f"{'-' if date.year < 0 else ''}{abs(date.year):04d}-{date.month:02d}-{date.day:02d}"


def format_time(time: Time) -> str:
    """The time as ISO 8601 text, a named zone after ``@``; trailing zeros of the fraction left out."""
    seconds, fraction = divmod(time.nanos, NANOS)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if fraction:
        text += f".{fraction:09d}".rstrip("0")
    if time.zone is not None:
        return f"{text}@{time.zone}"
    return text if time.offset is None else text + format_offset(time.offset)


def format_offset(offset: int) -> str:
    """An offset as ``Z`` or ``+08:00``."""
    if offset == 0:
        return "Z"
    seconds = abs(offset)
    text = f"{'-' if offset < 0 else '+'}{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text


def format_date_time(value: DateTime) -> str:
    """The date and time as ISO 8601 text."""
    return f"{format_date(value.date)}T{format_time(value.time)}"


def format_days_time(value: DaysTime) -> str:
    """The duration as ISO 8601 text, largest units first; none is ``PT0S``."""
    seconds, fraction = divmod(abs(value.nanos), NANOS)
    days, seconds = divmod(seconds, 86400)
    date = f"{days}D" if days else ""
    time = f"{seconds // 3600}H" if seconds >= 3600 else ""
    time += f"{seconds // 60 % 60}M" if seconds // 60 % 60 else ""
    if seconds % 60 or fraction:
        tail = f".{fraction:09d}".rstrip("0") if fraction else ""
        time += f"{seconds % 60}{tail}S"
    if not date and not time:
        return "PT0S"
    return f"{'-' if value.nanos < 0 else ''}P{date}{'T' if time else ''}{time}"


def format_years_months(value: YearsMonths) -> str:
    """The duration as ISO 8601 text; none is ``P0M``."""
    years, months = divmod(abs(value.months), 12)
    text = (f"{years}Y" if years else "") + (f"{months}M" if months else "")
    return f"{'-' if value.months < 0 else ''}P{text or '0M'}"
