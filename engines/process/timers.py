"""When timers are due: durations, instants and cycles, as FEEL gives them or as ISO 8601 text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from croniter import croniter

from engines.feel.values import YearsMonths
from engines.process.context import StepContext

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CYCLE = re.compile(r"R(?P<times>\d*)/(?:(?P<start>[^P/][^/]*)/)?(?P<every>P[^/]+)(?:/(?P<end>[^/]+))?")
FOREVER = -1


class TimerError(ValueError):
    """A timer's value is no duration, instant or cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a timer fires, and what of its cycle is left after that."""

    at: datetime
    left: int = 0
    cycle: str = ""


def due(kind: str, value: Any, context: StepContext, calendar: str = "", department: UUID | None = None) -> Due:
    """The first time at which a timer of ``kind`` (duration, date or cycle) with ``value`` fires."""
    match kind:
        case "duration":
            return Due(at=after(value, context, calendar, department))
        case "date":
            return Due(at=instant(value, context))
        case _:
            return _first_of_cycle(value, context)


def after(value: Any, context: StepContext, calendar: str = "", department: UUID | None = None) -> datetime:
    """The instant ``value`` (a duration) from now."""
    return shifted(context.now, value, context, calendar, department)


def shifted(
    start: datetime,
    value: Any,
    context: StepContext,
    calendar: str = "",
    department: UUID | None = None,
    *,
    back: bool = False,
) -> datetime:
    """The instant ``value`` (a duration) after ``start``, or before it."""
    months, rest = (0, value) if isinstance(value, timedelta) else _months_and_rest(value)
    sign = -1 if back else 1
    if not months:
        return context.moved(start, sign * rest, calendar, department)
    return add_months(start, sign * months, context) + sign * rest


def instant(value: Any, context: StepContext) -> datetime:
    """``value`` as an instant; a day is its first moment in the workspace's zone, local times are in that zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        except ValueError as error:
            raise TimerError(f"{value!r} is no date and time") from error
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=context.zone)).astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=context.zone).astimezone(UTC)
    raise TimerError(f"{value!r} is no date and time")


def next_of_cycle(cycle: str, last: datetime, left: int, context: StepContext) -> Due | None:
    """The occurrence after ``last``, or None when the cycle is over."""
    if left == 0:
        return None
    found = _CYCLE.fullmatch(cycle)
    if found is None:
        return Due(at=_cron(cycle, last, context), left=FOREVER, cycle=cycle)
    months, rest = _months_and_rest(found["every"])
    at = add_months(last, months, context) + rest
    if found["end"] and at > instant(found["end"], context):
        return None
    return Due(at=at, left=left if left == FOREVER else left - 1, cycle=cycle)


def _first_of_cycle(value: Any, context: StepContext) -> Due:
    if not isinstance(value, str):
        raise TimerError(f"{value!r} is no cycle")
    found = _CYCLE.fullmatch(value.strip())
    if found is None:
        return Due(at=_cron(value, context.now, context), left=FOREVER, cycle=value)
    left = int(found["times"]) - 1 if found["times"] else FOREVER
    if found["times"] and left < 0:
        raise TimerError(f"{value!r} repeats not even once")
    start = instant(found["start"], context) if found["start"] else after(found["every"], context)
    return Due(at=start, left=left, cycle=value.strip())


def _cron(line: str, last: datetime, context: StepContext) -> datetime:
    if not croniter.is_valid(line):
        raise TimerError(f"{line!r} is neither an ISO 8601 repetition nor a cron line")
    found: datetime = croniter(line, last.astimezone(context.zone)).get_next(datetime)
    return found.astimezone(UTC)


def _months_and_rest(value: Any) -> tuple[int, timedelta]:
    """A duration's months, and what of it has a fixed length."""
    if isinstance(value, YearsMonths):
        return value.months, timedelta()
    text = value if isinstance(value, str) else ""
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(v for k, v in found.groupdict().items() if k != "sign"):
        raise TimerError(f"{value!r} is no duration")
    part = {name: float(text or 0) for name, text in found.groupdict().items() if name != "sign"}
    rest = timedelta(
        weeks=part["weeks"], days=part["days"], hours=part["hours"], minutes=part["minutes"], seconds=part["seconds"]
    )
    sign = -1 if found["sign"] else 1
    return sign * int(part["years"] * 12 + part["months"]), sign * rest


def add_months(start: datetime, months: int, context: StepContext) -> datetime:
    """``start`` moved by calendar months in the workspace's zone, to the month's last day where it has no such day."""
    if not months:
        return start
    local = start.astimezone(context.zone)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    for day in range(local.day, 27, -1):
        try:
            return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
        except ValueError:
            continue
    return local.replace(year=year, month=month + 1).astimezone(UTC)
