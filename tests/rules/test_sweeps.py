"""Sweeps: who fires on absences, dates and schedules, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select

from engines.rules import EventKind, SweepTime, run, sweep, where_clause
from engines.rules.actions import FindRecords
from tests.rules.apps import NOW, SHANGHAI, actions, data, event, ruleset, uid
from tests.rules.store import BOX_MODEL, SHELVES, box, boxes, fill, move
from tests.rules.tables import TableSource

TODAY = NOW.astimezone(SHANGHAI).date()


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection
        connection.rollback()


def found(
    connection: Connection, trigger: str, condition: str = "", *, now: datetime = NOW, since: datetime | None = None
) -> dict[str, str]:
    """Names of the boxes that fire, with their spells."""
    rules = ruleset(f"rule r {trigger} {f'if {condition}' if condition else ''} then stop end")
    (candidate,) = rules.clock_triggers()
    when = SweepTime(since=since or now - timedelta(days=1), now=now, zone=SHANGHAI)
    made = sweep(candidate.rule, candidate.trigger, boxes(), connection.dialect.name, when, {"dry_days": 30})
    if made is None:
        return {}
    names = {uid(name): name for name in (*"abcdefgh",)}
    return {names[identity]: spell for identity, spell in made.occasions(connection.execute(made.select))}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize("days", ["30", "settings.dry_days"])
def test_absence_fires_on_the_day_and_names_its_dry_spell(connection: Connection, days: str) -> None:
    rows = [box(name) for name in "abcd"] + [box("e", created_at=NOW - timedelta(days=29)), box("f")]
    moves = [
        move("1", "a", ago(30)),
        move("2", "b", ago(29)),
        move("3", "c", ago(30)),
        move("4", "c", ago(1)),
        move("5", "d", ago(1), kind="in"),
    ]
    fill(connection, rows, moves)
    trigger = f'when box has no moves where kind = "out" dated by day for {days} days'
    assert found(connection, trigger) == {"a": str(ago(30)), "d": "", "f": ""}
    # The next day the one that was at 29 days joins, and so does the record that is 30 days old.
    later = found(connection, trigger, now=NOW + timedelta(days=1))
    assert later == {"a": str(ago(30)), "b": str(ago(29)), "d": "", "e": "", "f": ""}


def test_absence_takes_older_events_of_a_young_record(connection: Connection) -> None:
    fill(connection, [box("a", created_at=NOW)], [move("1", "a", ago(40))])
    assert found(connection, "when box has no moves dated by day for 30 days") == {"a": str(ago(40))}


def test_absence_by_creation_counts_instants(connection: Connection) -> None:
    fill(connection, [box("a"), box("b", created_at=NOW - timedelta(hours=2))])
    assert set(found(connection, "when box has no moves for 2 hours")) == {"a", "b"}
    assert set(found(connection, "when box has no moves for 3 hours")) == {"a"}


def test_condition_stands_in_the_statement(connection: Connection) -> None:
    fill(connection, [box("a", kind="x"), box("b", kind="y"), box("c")])
    assert set(found(connection, "every day for each box", 'kind = "x"')) == {"a"}
    assert set(found(connection, "every day for each box", 'record.kind != "x"')) == {"b", "c"}
    assert set(found(connection, "every day for each box")) == {"a", "b", "c"}


DATES = [
    # trigger, due date of the box, fires today
    ("when box.due is today", 0, True),
    ("when box.due is today", 1, False),
    ("when box.due is in 30 days", 30, True),
    ("when box.due is in 30 days", 29, False),
    ("when box.due is past by 7 days", -7, True),
    ("when box.due is past by 7 days", 7, False),
    ("when box.due is in 2 weeks", 14, True),
]


@pytest.mark.parametrize(("trigger", "days", "fires"), DATES)
def test_date_comes_due(connection: Connection, trigger: str, days: int, fires: bool) -> None:
    due = TODAY + timedelta(days=days)
    fill(connection, [box("a", due=due), box("b")])
    assert found(connection, trigger) == ({"a": str(due)} if fires else {})


def test_date_is_caught_up_after_a_standstill(connection: Connection) -> None:
    fill(connection, [box("a", due=TODAY - timedelta(days=3)), box("b", due=TODAY - timedelta(days=9))])
    assert set(found(connection, "when box.due is today", since=NOW - timedelta(days=5))) == {"a"}


def test_time_of_day_is_waited_for(connection: Connection) -> None:
    fill(connection, [box("a", due=TODAY)])
    # It is noon in Shanghai.
    assert set(found(connection, "when box.due is today at 12:00")) == {"a"}
    assert found(connection, "when box.due is today at 12:01") == {}


def test_months_before_a_date_are_counted_by_the_calendar(connection: Connection) -> None:
    fill(connection, [box(name, due=date(2026, 3, day)) for name, day in (("a", 28), ("b", 31), ("c", 27))])
    now = datetime(2026, 2, 28, 4, tzinfo=UTC)
    assert set(found(connection, "when box.due is in 1 months", now=now)) == {"a", "b"}


def test_yearly_dates_keep_29_february(connection: Connection) -> None:
    fill(connection, [box("a", due=date(2000, 2, 29)), box("b", due=date(2001, 2, 28)), box("c", due=date(2001, 3, 1))])
    trigger = "when box.due is today every year"
    common = found(connection, trigger, now=datetime(2026, 2, 28, 4, tzinfo=UTC))
    assert common == {"a": "2026-02-28", "b": "2026-02-28"}
    assert set(found(connection, trigger, now=datetime(2028, 2, 28, 4, tzinfo=UTC))) == {"b"}
    assert set(found(connection, trigger, now=datetime(2028, 2, 29, 4, tzinfo=UTC))) == {"a"}


def test_lunar_dates_follow_the_chinese_calendar(connection: Connection) -> None:
    fill(connection, [box("a", due=date(1990, 1, 27)), box("b", due=date(1990, 2, 10))])
    new_year = datetime(2024, 2, 10, 4, tzinfo=UTC)
    assert found(connection, "when box.due is today every lunar year", now=new_year) == {"a": "2024-02-10"}
    before = new_year - timedelta(days=3)
    assert set(found(connection, "when box.due is in 3 days every lunar year", now=before)) == {"a"}


def test_rows_that_may_not_be_seen_do_not_fire(connection: Connection) -> None:
    fill(connection, [box("a", kind="secret"), box("b")])
    rules = ruleset("rule r every day for each box then stop end")
    (candidate,) = rules.clock_triggers()
    when = SweepTime(since=NOW, now=NOW, zone=SHANGHAI)
    mine = TableSource(BOX_MODEL, condition=BOX_MODEL.table.c.kind.is_(None))
    made = sweep(candidate.rule, candidate.trigger, mine, connection.dialect.name, when, {})
    assert made is not None
    assert [made.read(row)[0] for row in connection.execute(made.select)] == [uid("b")]


def test_records_of_a_loop_are_found_in_sql(connection: Connection) -> None:
    shelf = {"id": uid("s"), "name": "S", "level": "top", "load": Decimal(1), "created_at": NOW}
    rows = [box("a", kind="x", shelf_id=uid("s")), box("b", kind="x"), box("c", kind="y", shelf_id=uid("s"))]
    fill(connection, rows)
    connection.execute(insert(SHELVES), [shelf])
    text = """rule r when box is saved then
      for each o of box where o.kind = kind and o.shelf.level = event.level do delete o end end"""
    asked: list[FindRecords] = []
    happened = event(EventKind.RECORD_UPDATED, payload={"level": "top"})
    record: dict[str, Any] = {"id": uid("z"), "kind": "x"}
    actions(ruleset(text), happened, data(record), {FindRecords: lambda action: asked.append(action)})
    source = boxes()
    clause = where_clause(asked[0], source, connection.dialect.name)
    query = select(source.selectable.c.name).where(clause)
    assert [row.name for row in connection.execute(query)] == ["a"]


RHYTHM = """rule visit
  every day for each box where kind = "a" and weight > 5
  every day for each box where kind = "b" and upper case(name) = "C"
  when box.due is today where kind = "a"
  then stop end"""


def test_each_kind_of_record_has_a_schedule_of_its_own(connection: Connection) -> None:
    """What SQL cannot say is asked of each record when the rule runs."""
    rows = [box("a", kind="a", weight=6), box("b", kind="a", weight=5), box("c", kind="b"), box("d", kind="b")]
    fill(connection, [{**row, "due": TODAY} for row in rows])
    rules = ruleset(RHYTHM)
    when = SweepTime(since=NOW - timedelta(days=1), now=NOW, zone=SHANGHAI)
    swept = []
    for candidate in rules.clock_triggers():
        made = sweep(candidate.rule, candidate.trigger, boxes(), connection.dialect.name, when, {})
        assert made is not None
        swept.append({made.read(row)[0] for row in connection.execute(made.select)})
    assert swept == [{uid("a")}, {uid(name) for name in "abcd"}, {uid("a"), uid("b")}]
    due = event(EventKind.RULE_DUE, name="visit", trigger=1)
    for name, kind, fires in (("C", "b", True), ("d", "b", False), ("C", "a", False)):
        result = run(rules, due, data({"id": uid(name), "name": name, "kind": kind}), trace=True)
        assert bool(result.firings) is fires
        assert result.trace[0].why == ("fired" if fires else "not_meant")


def test_a_measure_of_earlier_periods_is_asked_in_sql(connection: Connection) -> None:
    """It is 2 March: the quarter before began on 1 October."""
    rows = [box("a"), box("b"), box("c")]
    moves = [
        move("1", "a", date(2025, 10, 1), amount=4),
        move("2", "a", date(2025, 12, 31), amount=1),
        move("3", "b", date(2025, 9, 30), amount=9),
        move("4", "c", date(2026, 1, 1), amount=9),
        move("5", "c", date(2025, 11, 1), amount=4),
    ]
    fill(connection, rows, moves)
    condition = 'sum(moves[day in period of(today(), "quarter", -1)].amount) >= 5'
    assert set(found(connection, "every day for each box", condition)) == {"a"}


def test_a_standstill_of_a_year_is_caught_up_for_yearly_and_lunar_dates(connection: Connection) -> None:
    fill(connection, [box("a", due=date(2000, 2, 29)), box("b", due=date(1990, 1, 27)), box("c", due=date(2001, 7, 1))])
    since = NOW - timedelta(days=500)
    yearly = found(connection, "when box.due is today every year", since=since)
    assert yearly == {"a": "2026-02-28", "b": "2026-01-27", "c": "2025-07-01"}
    lunar = found(connection, "when box.due is today every lunar year", since=since)
    assert lunar["b"] == "2026-02-17"
    # The 25th of the first month came before those 365 days, and comes again after them.
    assert set(lunar) == {"b", "c"}


def test_two_dates_of_one_rule_are_two_occasions(connection: Connection) -> None:
    fill(connection, [box("a", due=TODAY + timedelta(days=30))])
    rules = ruleset("rule r when box.due is in 60 days when box.due is in 30 days then stop end")
    when = SweepTime(since=NOW - timedelta(days=31), now=NOW, zone=SHANGHAI)
    spells = []
    for candidate in rules.clock_triggers():
        made = sweep(candidate.rule, candidate.trigger, boxes(), connection.dialect.name, when, {})
        assert made is not None
        spells += [spell for _, spell in made.occasions(connection.execute(made.select))]
    assert spells == ["2026-04-01", "1:2026-04-01"]
