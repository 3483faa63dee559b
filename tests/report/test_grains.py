"""Calendar units: Python and both databases agree, in every zone."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, insert, select

from engines.feel.storage import CalendarDate, Instant
from engines.report.definitions import Compare, Grain
from engines.report.grains import add_months, day_start, floor, step, units
from engines.report.periods import DateRange, aligned, compared
from engines.report.results import ValueType
from engines.report.sqlgrain import bucket

D = date.fromisoformat


@pytest.mark.parametrize(
    ("day", "grain", "first", "following"),
    [
        ("2024-02-29", Grain.DAY, "2024-02-29", "2024-03-01"),
        ("2024-02-29", Grain.WEEK, "2024-02-26", "2024-03-04"),
        ("2024-01-01", Grain.WEEK, "2024-01-01", "2024-01-08"),
        ("2023-01-01", Grain.WEEK, "2022-12-26", "2023-01-02"),
        ("2024-02-29", Grain.MONTH, "2024-02-01", "2024-03-01"),
        ("2024-12-31", Grain.MONTH, "2024-12-01", "2025-01-01"),
        ("2024-06-30", Grain.QUARTER, "2024-04-01", "2024-07-01"),
        ("2024-10-01", Grain.QUARTER, "2024-10-01", "2025-01-01"),
        ("2024-12-31", Grain.YEAR, "2024-01-01", "2025-01-01"),
    ],
)
def test_a_unit_begins_and_is_followed(day: str, grain: Grain, first: str, following: str) -> None:
    assert floor(D(day), grain) == D(first)
    assert step(D(first), grain) == D(following)


def test_months_are_added_within_shorter_months() -> None:
    assert add_months(D("2024-01-31"), 1) == D("2024-02-29")
    assert add_months(D("2024-02-29"), -12) == D("2023-02-28")
    assert [u.month for u in units(D("2024-11-15"), D("2025-02-01"), Grain.MONTH)] == [11, 12, 1, 2]


def test_a_day_begins_in_its_zone() -> None:
    assert day_start(D("2024-03-01"), ZoneInfo("Asia/Shanghai")) == datetime(2024, 2, 29, 16, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_databases_bring_days_and_instants_to_units_as_python_does(database: Engine, zone: str) -> None:
    table = Table("moments", MetaData(), Column("day", CalendarDate()), Column("at", Instant()))
    rng = random.Random(7)
    start, span = datetime(1971, 1, 1, tzinfo=UTC), 80 * 365 * 86_400 * 10**6
    moments = [start + timedelta(microseconds=rng.randrange(span)) for _ in range(500)]
    local = ZoneInfo(zone)
    with database.begin() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"day": m.date(), "at": m} for m in moments])
        for grain in Grain:
            found = connection.execute(
                select(
                    table.c.day,
                    table.c.at,
                    bucket(table.c.day, ValueType.DATE, grain, local, database.dialect.name),
                    bucket(table.c.at, ValueType.INSTANT, grain, local, database.dialect.name),
                )
            )
            for day, at, of_day, of_instant in found:
                assert of_day == floor(day, grain)
                assert of_instant == floor(at.astimezone(local).date(), grain), (at, grain)


@pytest.mark.parametrize(
    ("start", "end", "compare", "before"),
    [
        ("2024-01-01", "2024-03-31", Compare.PREVIOUS_PERIOD, ("2023-10-01", "2023-12-31")),
        ("2024-02-01", "2024-02-29", Compare.PREVIOUS_PERIOD, ("2024-01-01", "2024-01-31")),
        ("2024-03-04", "2024-03-10", Compare.PREVIOUS_PERIOD, ("2024-02-26", "2024-03-03")),
        ("2024-02-01", "2024-02-29", Compare.PREVIOUS_YEAR, ("2023-02-01", "2023-02-28")),
        ("2023-02-01", "2023-02-28", Compare.PREVIOUS_YEAR, ("2022-02-01", "2022-02-28")),
        ("2025-02-01", "2025-02-28", Compare.PREVIOUS_YEAR, ("2024-02-01", "2024-02-29")),
        ("2024-01-01", "2024-03-31", Compare.PREVIOUS_BUCKET, ("2023-12-01", "2024-02-29")),
    ],
)
def test_a_period_is_compared_with_one_of_equal_length(
    start: str, end: str, compare: Compare, before: tuple[str, str]
) -> None:
    found = compared(DateRange(start=D(start), end=D(end)), compare, Grain.MONTH)
    assert found == DateRange(start=D(before[0]), end=D(before[1]))


def test_an_open_period_has_no_previous_one() -> None:
    assert compared(DateRange(start=D("2024-01-01")), Compare.PREVIOUS_PERIOD, Grain.MONTH) is None


def test_units_of_compared_periods_meet_in_order() -> None:
    period = DateRange(start=D("2024-01-01"), end=D("2024-03-31"))
    before = compared(period, Compare.PREVIOUS_PERIOD, Grain.MONTH)
    meet = aligned(period, before, Compare.PREVIOUS_PERIOD, Grain.MONTH)
    assert [meet(D(f"2024-0{m}-01")) for m in (1, 2, 3)] == [D("2023-10-01"), D("2023-11-01"), D("2023-12-01")]
    assert meet(D("2024-04-01")) is None
