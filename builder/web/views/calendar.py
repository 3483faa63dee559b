"""Calendars: records on the days that they are about; by month, week or day, and as an agenda on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from babel import Locale, dates
from flask import url_for

from builder.web.context import _, site
from builder.web.views.sheet import Card, Sheet
from engines.form import Record, SortDefinition

SPANS = ("month", "week", "day")
# Entries of one page; a calendar with more is one to be narrowed.
MOST_ENTRIES = 500
# Entries of a day in a month; the others are a click away.
MOST_ON_DAY = 4
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record on a day."""

    card: Card
    # When on that day, in words; empty: all of it.
    at: str
    # First and last day of the whole entry, ISO.
    start: str
    end: str
    # Whether it goes on from the day before, or to the day after.
    before: bool
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of a calendar."""

    date: date
    # The number of the day, and the day in full.
    number: str
    label: str
    entries: tuple[Entry, ...]
    # How many do not fit.
    more: int
    # Where the day alone is shown.
    href: str
    today: bool
    # Whether it belongs to the month shown.
    inside: bool
    # Where a record on this day is made; empty for whom that is not.
    new_href: str = ""


def calendar(sheet: Sheet) -> dict[str, Any]:
    """What the calendar's template shows."""
    span, on = _place(sheet)
    first, last = _range(span, on)
    found, more = _entries(sheet, first, last)
    weeks = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, 7 if span != "day" else 1)]
    length = 1 if span == "day" else 7
    return {
        "span": span,
        "on": on.isoformat(),
        "title": _title(span, on, first, last),
        "weeks": [[_day(sheet, w + timedelta(days=n), on, span, found) for n in range(length)] for w in weeks],
        "weekdays": _weekdays() if span != "day" else [],
        "spans": [(s, text, sheet.state.href(span=s, on=on.isoformat()), s == span) for s, text in _span_labels()],
        "back": sheet.state.href(span=span, on=_step(span, on, -1).isoformat()),
        "forth": sheet.state.href(span=span, on=_step(span, on, 1).isoformat()),
        "today": sheet.state.href(span=span, on=_today().isoformat()),
        "movable": sheet.movable(sheet.key("start"), sheet.key("end")),
        "more": more,
        "any": bool(found),
    }


def _span_labels() -> list[tuple[str, str]]:
    return [("month", _("Month")), ("week", _("Week")), ("day", _("Day"))]


def _today() -> date:
    return site().formats.now.astimezone(site().formats.zone).date()


def _place(sheet: Sheet) -> tuple[str, date]:
    given = dict(sheet.state.stands)
    span = given.get("span", "")
    try:
        on = date.fromisoformat(given.get("on", ""))
    except ValueError:
        on = _today()
    # Around the ends of the calendar there is nothing to step to.
    on = min(max(on, date(2, 1, 1)), date(9998, 1, 1))
    return span if span in SPANS else "month", on


def _range(span: str, on: date) -> tuple[date, date]:
    """First and last day shown; weeks begin on Monday."""
    if span == "day":
        return on, on
    first = on if span == "week" else on.replace(day=1)
    first -= timedelta(days=first.weekday())
    if span == "week":
        return first, first + 6 * _DAY
    last = _step("month", on.replace(day=1), 1) - _DAY
    return first, last + (6 - last.weekday()) * _DAY


def _step(span: str, on: date, by: int) -> date:
    if span != "month":
        return on + timedelta(days=by * (7 if span == "week" else 1))
    months = on.year * 12 + on.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def _title(span: str, on: date, first: date, last: date) -> str:
    locale = _babel()
    if span == "month":
        return str(dates.format_skeleton("yMMMM", on, locale=locale))
    if span == "week":
        return f"{site().formats.date(first)} – {site().formats.date(last)}"
    return str(dates.format_date(on, "full", locale=locale))


def _babel() -> Locale:
    return Locale.parse("zh_Hans_CN" if site().locale == "zh" else "en")


def _weekdays() -> list[str]:
    names = dates.get_day_names("abbreviated", locale=_babel())
    return [str(names[n]) for n in range(7)]


# -- entries


def _entries(sheet: Sheet, first: date, last: date) -> tuple[dict[date, list[Entry]], bool]:
    """The entries by day, and whether there are more than are shown."""
    start, end = sheet.key("start"), sheet.key("end")
    columns = [name for name in (start, end) if name]
    sort = (SortDefinition(field=start),)
    query = sheet.query(narrow=[touching(sheet, start, end, first, last)], columns=columns, limit=MOST_ENTRIES)
    page = sheet.page(replace(query, sort=sort))
    days: dict[date, list[Entry]] = {}
    for record in page.records:
        for day, entry in _days_of(sheet, record, start, end, first, last):
            days.setdefault(day, []).append(entry)
    return days, page.next is not None


def touching(sheet: Sheet, start: str, end: str, first: date, last: date) -> str:
    """FEEL condition of the records whose time has a day in common with a range."""
    low, high = _bound(sheet, start, first), _bound(sheet, start, last + _DAY)
    begins = f"{start} >= {low} and {start} < {high}"
    if not end:
        return begins
    return f"({begins}) or ({start} < {high} and {end} >= {_bound(sheet, end, first)})"


def _bound(sheet: Sheet, name: str, day: date) -> str:
    """The beginning of a day, as values of a field are compared with it."""
    if not is_instant(sheet, name):
        return f'date("{day.isoformat()}")'
    at = datetime.combine(day, time(), site().formats.zone)
    return f'date and time("{at.isoformat()}")'


def is_instant(sheet: Sheet, name: str) -> bool:
    """Whether a field holds instants, not days."""
    field = sheet.place.form.fields.get(name)
    return field is None or (field.definition.config.get("result") or field.definition.type) == "datetime"


def local(value: Any) -> date | None:
    """The day of a value, in the workspace's zone."""
    if isinstance(value, datetime):
        return value.astimezone(site().formats.zone).date()
    return value if isinstance(value, date) else None


def _days_of(
    sheet: Sheet, record: Record, start: str, end: str, first: date, last: date
) -> Iterable[tuple[date, Entry]]:
    begins = local(record.get(start))
    if begins is None:
        return
    ends = max(local(record.get(end)) or begins, begins) if end else begins
    card = sheet.card(record)
    day = max(begins, first)
    while day <= min(ends, last):
        at = _at(record.get(start)) if day == begins else ""
        bounds = {"start": begins.isoformat(), "end": ends.isoformat()}
        yield day, Entry(card=card, at=at, before=day > begins, after=day < ends, **bounds)
        day += _DAY


def _at(value: Any) -> str:
    return f"{value.astimezone(site().formats.zone):%H:%M}" if isinstance(value, datetime) else ""


def _day(sheet: Sheet, day: date, on: date, span: str, found: Mapping[date, list[Entry]]) -> Day:
    entries = found.get(day, [])
    most = MOST_ON_DAY if span == "month" else len(entries)
    start = sheet.key("start")
    entry = f"{day.isoformat()}T09:00" if is_instant(sheet, start) else day.isoformat()
    new = _new_href(sheet, {start: entry}) if sheet.place.may("create") else ""
    return Day(
        date=day,
        number=str(day.day),
        label=str(dates.format_date(day, "full", locale=_babel())),
        entries=tuple(entries[:most]) if len(entries) > most + 1 else tuple(entries),
        more=len(entries) - most if len(entries) > most + 1 else 0,
        href=sheet.state.href(span="day", on=day.isoformat()),
        today=day == _today(),
        inside=span != "month" or day.month == on.month,
        new_href=new,
    )


def _new_href(sheet: Sheet, values: Mapping[str, str]) -> str:
    return url_for("records.new", app=sheet.place.app.name, form=sheet.place.local, **values)
