"""Working calendars: hours of the week, holidays, days worked in exchange, and durations in working time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import chinese_calendar

from engines.core import DefinitionSource, Diagnostic, Kind, Loaded, LocalizedText, check_schema, load_json
from engines.core.diagnostics import Severity

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
# A calendar that names no working time within this many days can never end a duration.
HORIZON_DAYS = 366 * 30
SCHEMA: Mapping[str, Any] = json.loads(
    resources.files("builder.runtime").joinpath("schema/calendar.schema.json").read_text("utf-8")
)
Span = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDefinition:
    """What a ``*.calendar.json`` says."""

    name: str
    label: LocalizedText
    # IANA name; "" is the workspace's zone.
    zone: str
    # For each day of the week, Monday first: spans from midnight, in order.
    hours: tuple[tuple[Span, ...], ...]
    # Whether China's public holidays and the days worked in exchange count.
    public_holidays: bool
    holidays: frozenset[date]
    # Day -> day of the week whose hours count.
    workdays: Mapping[date, int]
    # Code of a department -> what holds there, and in departments below it.
    departments: Mapping[str, CalendarDefinition] = field(default_factory=dict)


def _span(text_from: str, text_to: str) -> Span:
    def offset(text: str) -> timedelta:
        hours, minutes = text.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes))

    return offset(text_from), offset(text_to)


def _days(entry: Mapping[str, Any]) -> Iterator[date]:
    day = date.fromisoformat(entry["from"])
    last = date.fromisoformat(entry.get("to", entry["from"]))
    while day <= last:
        yield day
        day += DAY


def load(source: DefinitionSource) -> Loaded[CalendarDefinition]:
    """The calendar of a file; ``calendar.bad_value`` for dates, times and zones that do not exist."""
    data, diagnostics = load_json(source)
    if data is not None:
        diagnostics += check_schema(data, SCHEMA, source)
    if data is None or diagnostics:
        return Loaded(definition=None, diagnostics=tuple(diagnostics))
    diagnostics = list(_problems(data, source))
    if diagnostics:
        return Loaded(definition=None, diagnostics=tuple(diagnostics))
    return Loaded(definition=_definition(data), diagnostics=())


def _definition(data: Mapping[str, Any]) -> CalendarDefinition:
    hours: list[list[Span]] = [[] for _ in WEEKDAYS]
    for entry in data["hours"]:
        for day in entry["days"]:
            hours[WEEKDAYS.index(day)].append(_span(entry["from"], entry["to"]))
    return CalendarDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        zone=data.get("zone", ""),
        hours=tuple(tuple(sorted(spans)) for spans in hours),
        public_holidays=data.get("public_holidays") == "CN",
        holidays=frozenset(day for entry in data.get("holidays", ()) for day in _days(entry)),
        workdays={
            day: WEEKDAYS.index(entry.get("as", "mon")) for entry in data.get("workdays", ()) for day in _days(entry)
        },
        departments={entry["department"]: _definition(_varied(data, entry)) for entry in data.get("departments", ())},
    )


def _varied(data: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The calendar as a department has it: what the entry states, and the rest from the calendar."""
    return {key: value for key, value in {**data, **entry}.items() if key not in ("departments", "department")}


def _problems(data: Mapping[str, Any], source: DefinitionSource) -> Iterator[Diagnostic]:
    def bad(pointer: str, found: object, expected: str) -> Diagnostic:
        diagnostic = Diagnostic(code="calendar.bad_value", pointer=pointer, found=str(found), expected=expected)
        return diagnostic.at(source.place(pointer))

    try:
        ZoneInfo(data.get("zone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        yield bad("/zone", data["zone"], "an IANA time zone such as Asia/Shanghai")
    yield from _time_problems(data, "", bad)
    codes = [entry["department"] for entry in data.get("departments", ())]
    for index, entry in enumerate(data.get("departments", ())):
        if entry["department"] in codes[:index]:
            yield bad(f"/departments/{index}/department", entry["department"], "each department once")
        yield from _time_problems(entry, f"/departments/{index}", bad)


def _time_problems(data: Mapping[str, Any], place: str, bad: Any) -> Iterator[Diagnostic]:
    """Hours and days that do not exist or overlap."""
    taken: dict[str, list[Span]] = {}
    for index, entry in enumerate(data.get("hours", ())):
        span = _span(entry["from"], entry["to"])
        if span[0] >= span[1]:
            yield bad(f"{place}/hours/{index}/to", entry["to"], f"a time after {entry['from']}")
        for day in entry["days"]:
            if any(span[0] < other[1] and other[0] < span[1] for other in taken.setdefault(day, [])):
                yield bad(f"{place}/hours/{index}", f"{day} {entry['from']}–{entry['to']}", "hours that do not overlap")
            taken[day].append(span)
    for key in ("holidays", "workdays"):
        for index, entry in enumerate(data.get(key, ())):
            yield from _day_problems(entry, f"{place}/{key}/{index}", bad)


def _day_problems(entry: Mapping[str, Any], pointer: str, bad: Any) -> Iterator[Diagnostic]:
    parsed: dict[str, date] = {}
    for key in ("from", "to"):
        if key in entry:
            try:
                parsed[key] = date.fromisoformat(entry[key])
            except ValueError:
                yield bad(f"{pointer}/{key}", entry[key], "a date of the calendar, YYYY-MM-DD")
    if len(parsed) == 2 and parsed["to"] < parsed["from"]:
        yield bad(f"{pointer}/to", entry["to"], f"{entry['from']} or later")


def validate(definition: CalendarDefinition, definitions: Any = None) -> Sequence[Diagnostic]:
    """Nothing refers out of a calendar; what is missing depends on the day and is told by ``missing_year``."""
    return ()


def missing_year(definition: CalendarDefinition, today: date) -> Diagnostic | None:
    """A warning where the public holidays of this year or, from October on, the next are not known yet."""
    if not definition.public_holidays:
        return None
    wanted = today.year + (today.month >= 10)
    for year in range(today.year, wanted + 1):
        if not _knows(year):
            return Diagnostic(
                code="calendar.missing_year",
                severity=Severity.WARNING,
                found=str(year),
                expected="a year whose public holidays are published",
                hint="update the package chinesecalendar, or list the days under holidays and workdays",
                params={"calendar": definition.name, "year": year},
            )
    return None


def _knows(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 7, 1))
    except NotImplementedError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time of one calendar in one zone: the ``WorkingCalendar`` port."""

    definition: CalendarDefinition
    zone: ZoneInfo
    # Codes of a department and of those above it, the nearest first.
    lineage: Callable[[UUID], Sequence[str]] = field(default=lambda _: (), compare=False, repr=False)
    _days: dict[date, tuple[Span, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of_department(self, department: UUID | None) -> Calendar:
        """The calendar with the hours of a department, or of the nearest one above it that has its own."""
        known = self.definition.departments
        if department is None or not known:
            return self
        code = next((code for code in self.lineage(department) if code in known), None)
        return self if code is None else Calendar(known[code], self.zone)

    def is_working_day(self, day: date) -> bool:
        """Whether people work on ``day``."""
        return bool(self.spans(day))

    def spans(self, day: date) -> tuple[Span, ...]:
        """Working spans of ``day`` as offsets from midnight, in order; empty on a day off."""
        if day not in self._days:
            self._days[day] = self._spans(day)
        return self._days[day]

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The instant at which ``working`` time has passed since ``start``, UTC.

        A negative duration counts back. ``ValueError`` where the calendar has no such working time within 30 years.
        """
        if working < timedelta(0):
            return self._subtract(start, -working)
        left = working
        for begin, end in self._forward(start):
            if begin + left <= end:
                return begin + left
            left -= end - begin
        raise ValueError(f"the calendar {self.definition.name} has no {working} of working time after {start}")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; negative where ``end`` is earlier."""
        if end < start:
            return -self.between(end, start)
        total = timedelta(0)
        for begin, stop in self._forward(start):
            if begin >= end:
                break
            total += min(stop, end) - begin
        return total

    def _subtract(self, start: datetime, working: timedelta) -> datetime:
        left = working
        day = start.astimezone(self.zone).date()
        for _ in range(HORIZON_DAYS):
            for begin, end in reversed(list(self._instants(day))):
                stop = min(end, start)
                if stop <= begin:
                    continue
                if stop - left >= begin:
                    return stop - left
                left -= stop - begin
            day -= DAY
        raise ValueError(f"the calendar {self.definition.name} has no {working} of working time before {start}")

    def _forward(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working spans as instants, the first cut at ``start``."""
        start = start.astimezone(UTC)
        day = start.astimezone(self.zone).date()
        for _ in range(HORIZON_DAYS):
            for begin, end in self._instants(day):
                if end > start:
                    yield max(begin, start), end
            day += DAY

    def _instants(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for begin, end in self.spans(day):
            yield self._at(day, begin), self._at(day, end)

    def _at(self, day: date, offset: timedelta) -> datetime:
        wall = datetime.combine(day, time.min) + offset
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    def _spans(self, day: date) -> tuple[Span, ...]:
        definition = self.definition
        if day in definition.workdays:
            return definition.hours[definition.workdays[day]]
        if day in definition.holidays:
            return ()
        if not definition.public_holidays or not _knows(day.year):
            return definition.hours[day.weekday()]
        if not chinese_calendar.is_workday(day):
            return ()
        # A weekend day worked in exchange takes Monday's hours.
        return definition.hours[day.weekday()] or definition.hours[0]


def compile(definition: CalendarDefinition, definitions: Any = None, registry: Any = None) -> CalendarDefinition:
    """The definition itself; ``Calendar(definition, zone)`` makes it count in a workspace's zone."""
    return definition


KIND = Kind(name="calendar", suffix=".calendar.json", schema=SCHEMA, load=load, validate=validate, compile=compile)
