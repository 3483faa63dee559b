"""Schedules and anniversaries: when they come due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engines.core import DefinitionSource
from engines.rules.language import parse
from engines.rules.language import tree as t
from engines.rules.schedules import add_period, lunar_days, next_run, yearly_days

SHANGHAI = ZoneInfo("Asia/Shanghai")


def schedule(text: str) -> t.Schedule:
    parsed = parse(DefinitionSource(file="s.rules", text=f"rule r {text} then end"))
    trigger = parsed.tree.rules[0].triggers[0]
    assert isinstance(trigger, t.Schedule)
    return trigger


class Holidays:
    """Works every day but weekends and the first week of October; the last Sunday of September is worked instead."""

    def is_working_day(self, day: date) -> bool:
        if day == date(2026, 9, 27):
            return True
        return day.weekday() < 5 and not date(2026, 10, 1) <= day <= date(2026, 10, 7)

    def add(self, start: datetime, working: timedelta) -> datetime:
        return start + working


CASES = [
    # schedule, after (Shanghai), next (Shanghai)
    ("every day at 02:00", "2026-01-01T01:59", "2026-01-01T02:00"),
    ("every day at 02:00", "2026-01-01T02:00", "2026-01-02T02:00"),
    ("every hour", "2026-01-01T02:00", "2026-01-01T03:00"),
    ("every hour at 00:30", "2026-01-01T02:29", "2026-01-01T02:30"),
    ("every week on day 5 at 17:00", "2026-01-02T17:00", "2026-01-09T17:00"),
    ("every month on day 31", "2026-01-31T00:00", "2026-02-28T00:00"),
    ("every month on day 31", "2028-02-01T00:00", "2028-02-29T00:00"),
    ("every quarter at 02:00", "2026-01-01T02:00", "2026-04-01T02:00"),
    ("every quarter on day 99", "2026-01-02T00:00", "2026-03-31T00:00"),
    ("every half year", "2026-03-01T00:00", "2026-07-01T00:00"),
    ("every year on day 60", "2026-03-01T00:00", "2027-03-01T00:00"),
    ('by cron "0 6 * * 1-5"', "2026-01-02T06:00", "2026-01-05T06:00"),
    ("every day at 09:00 only on working days", "2026-09-30T09:00", "2026-10-08T09:00"),
    ("every month on day 1 at 09:00 moved to next working day", "2026-09-30T09:00", "2026-10-08T09:00"),
    ("every week on day 7 at 08:00 only on working days", "2026-09-21T00:00", "2026-09-27T08:00"),
]


@pytest.mark.parametrize(("text", "after", "expected"), CASES)
def test_schedule_runs_next_at(text: str, after: str, expected: str) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=SHANGHAI)
    run = next_run(schedule(text), start.astimezone(UTC), SHANGHAI, Holidays())
    assert run.astimezone(SHANGHAI).isoformat(timespec="minutes")[:16] == expected


def test_schedule_keeps_local_time_over_a_clock_change() -> None:
    berlin = schedule('every day at 02:30 in zone "Europe/Berlin"')
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    skipped = next_run(berlin, before, SHANGHAI)
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert next_run(berlin, skipped, SHANGHAI) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "amount", "unit", "expected"),
    [
        ("2026-01-31", 1, "months", "2026-02-28"),
        ("2028-02-29", 1, "years", "2029-02-28"),
        ("2026-03-31", -1, "months", "2026-02-28"),
        ("2026-01-01", -1, "days", "2025-12-31"),
        ("2026-01-01", 2, "weeks", "2026-01-15"),
    ],
)
def test_periods_end_on_a_day_that_exists(day: str, amount: int, unit: str, expected: str) -> None:
    assert add_period(date.fromisoformat(day), amount, unit) == date.fromisoformat(expected)


def test_29_february_is_kept_every_year() -> None:
    assert yearly_days(date(2026, 2, 28)) == {(2, 28), (2, 29)}
    assert yearly_days(date(2028, 2, 28)) == {(2, 28)}
    assert yearly_days(date(2028, 2, 29)) == {(2, 29)}


def test_lunar_anniversaries() -> None:
    # 2024-02-10 was the first day of the Chinese year, as 1990-01-27 was.
    assert date(1990, 1, 27) in lunar_days(date(2024, 2, 10))
    # 2023 had a second second month; who was born in it keeps the day in the ordinary one.
    assert date(2023, 3, 22) in lunar_days(date(2024, 3, 10))
    assert lunar_days(date(2023, 3, 22)) == ()
    # The last day of the year is the 29th in 2025 (2025-01-28): who was born on a 30th keeps it then.
    assert date(2023, 1, 21) in lunar_days(date(2025, 1, 28))
    assert date(2024, 2, 9) in lunar_days(date(2025, 1, 28))


def test_lunar_anniversaries_of_a_day_agree_with_the_calendar_of_every_year() -> None:
    """Of all days of sixty years, those are kept on a day that have its lunar month and day."""
    from lunardate import LunarDate

    born = [date(1960, 1, 28) + timedelta(days=7 * n) for n in range(52 * 60)]
    for on in (date(2026, 2, 16), date(2026, 2, 17), date(2025, 7, 24), date(2025, 6, 24)):
        lunar = LunarDate.from_solar_date(on.year, on.month, on.day)
        wanted = set()
        for day in born:
            other = LunarDate.from_solar_date(day.year, day.month, day.day)
            if not lunar.is_leap_month and (other.month, other.day) == (lunar.month, lunar.day):
                wanted.add(day)
        assert wanted <= set(lunar_days(on))
        extra = {
            LunarDate.from_solar_date(d.year, d.month, d.day).day for d in set(lunar_days(on)) & set(born) - wanted
        }
        assert extra <= {30}
