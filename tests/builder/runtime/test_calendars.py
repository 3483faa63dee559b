"""Working calendars: working time forward and back, holidays, 调休 days, what is wrong with a file."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from builder.runtime.calendars import Calendar, load, missing_year
from engines.core import DefinitionSource

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE: dict[str, Any] = {
    "name": "office",
    "hours": [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "12:00"},
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "13:00", "to": "18:00"},
    ],
    "public_holidays": "CN",
}


def source(data: dict[str, Any]) -> DefinitionSource:
    return DefinitionSource(file="office.calendar.json", text=json.dumps(data, indent=1))


def calendar(**changes: Any) -> Calendar:
    definition = load(source({**OFFICE, **changes})).definition
    assert definition is not None
    return Calendar(definition, SHANGHAI)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


ADD = [
    # start, working hours, end (local)
    ("2026-03-02 09:00", 3, "2026-03-02 12:00"),
    ("2026-03-02 09:00", 4, "2026-03-02 14:00"),
    ("2026-03-02 11:30", 1, "2026-03-02 13:30"),
    ("2026-03-02 20:00", 1, "2026-03-03 10:00"),
    ("2026-03-06 17:00", 2, "2026-03-09 10:00"),
    # The National Day week of 2026 (1 to 7 October) is off, Saturday 10 October is worked in exchange.
    ("2026-09-30 17:00", 2, "2026-10-08 10:00"),
    ("2026-10-09 17:00", 2, "2026-10-10 10:00"),
    ("2026-03-02 09:00", 0, "2026-03-02 09:00"),
    ("2026-03-03 10:00", -2, "2026-03-02 17:00"),
    ("2026-03-09 09:00", -8, "2026-03-06 09:00"),
]


@pytest.mark.parametrize(("start", "hours", "end"), ADD)
def test_working_time_is_counted_over_breaks_weekends_and_holidays(start: str, hours: int, end: str) -> None:
    assert calendar().add(at(start), timedelta(hours=hours)) == at(end).astimezone(UTC)


@pytest.mark.parametrize(("start", "hours", "end"), [row for row in ADD if row[1] > 0])
def test_time_between_undoes_adding(start: str, hours: int, end: str) -> None:
    assert calendar().between(at(start), at(end)) == timedelta(hours=hours)
    assert calendar().between(at(end), at(start)) == -timedelta(hours=hours)


def test_own_days_stand_above_public_ones() -> None:
    own = calendar(
        holidays=[{"from": "2026-03-02", "to": "2026-03-03"}], workdays=[{"from": "2026-10-01", "as": "fri"}]
    )
    assert not own.is_working_day(date(2026, 3, 3))
    assert own.is_working_day(date(2026, 3, 4))
    assert own.is_working_day(date(2026, 10, 1))


def test_a_duration_that_can_never_end_is_refused() -> None:
    closed = calendar(public_holidays="none", hours=[{"days": ["mon"], "from": "09:00", "to": "10:00"}])
    with pytest.raises(ValueError, match="office"):
        closed.add(at("2026-03-02 09:00"), timedelta(days=4000))


def test_a_year_whose_holidays_are_not_published_is_warned_of_and_counted_by_weekdays() -> None:
    unknown = calendar()
    warning = missing_year(unknown.definition, date(2091, 5, 1))
    assert warning is not None
    assert (warning.code, warning.found) == ("calendar.missing_year", "2091")
    assert missing_year(unknown.definition, date(2025, 5, 1)) is None
    assert unknown.is_working_day(date(2091, 1, 1)) is (date(2091, 1, 1).weekday() < 5)


INVALID = [
    ({"hours": [{"days": ["mon"], "from": "12:00", "to": "09:00"}]}, "calendar.bad_value", "/hours/0/to"),
    (
        {"hours": [*OFFICE["hours"], {"days": ["tue"], "from": "11:00", "to": "12:30"}]},
        "calendar.bad_value",
        "/hours/2",
    ),
    ({"zone": "Asia/Atlantis"}, "calendar.bad_value", "/zone"),
    ({"holidays": [{"from": "2026-02-30"}]}, "calendar.bad_value", "/holidays/0/from"),
    ({"holidays": [{"from": "2026-02-03", "to": "2026-02-01"}]}, "calendar.bad_value", "/holidays/0/to"),
    ({"hours": []}, "definition.invalid", "/hours"),
    (
        {"departments": [{"department": "a", "hours": [{"days": ["mon"], "from": "12:00", "to": "09:00"}]}]},
        "calendar.bad_value",
        "/departments/0/hours/0/to",
    ),
    ({"departments": [{"department": "a"}, {"department": "a"}]}, "calendar.bad_value", "/departments/1/department"),
]


@pytest.mark.parametrize(("change", "code", "pointer"), INVALID)
def test_a_mistake_is_told_with_its_place(change: dict[str, Any], code: str, pointer: str) -> None:
    diagnostics = load(source({**OFFICE, **change})).diagnostics
    assert (code, pointer) in [(d.code, d.pointer) for d in diagnostics]
    assert all(d.line > 0 for d in diagnostics)
