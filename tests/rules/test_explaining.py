"""Why and why not: terms with values, the smallest change; drafts replayed over the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from engines import feel
from engines.rules import EventKind, absences, difference, explain_condition, replay
from tests.rules.apps import NOW, SHANGHAI, context, data, event, ruleset, uid
from tests.rules.store import box, boxes, fill, move

SCOPE = feel.Scope(
    {
        "amount": feel.NUMBER,
        "level": feel.STRING,
        "due": feel.DATE,
        "open": feel.BOOLEAN,
        "shelf": feel.ContextType({"level": feel.STRING, "load": feel.NUMBER}),
        "settings": feel.ContextType({"limit": feel.NUMBER}),
        "moves": feel.ListType(feel.ContextType({"kind": feel.STRING, "amount": feel.NUMBER})),
    }
)
RECORD = {
    "amount": Decimal(90),
    "level": "silver",
    "due": date(2026, 3, 2),
    "open": False,
    "shelf": {"level": "low", "load": Decimal(5)},
    "settings": {"limit": Decimal(100)},
    "moves": [{"kind": kind, "amount": Decimal(4)} for kind in ("in", "out")],
}
CHANGES = [
    ("amount > 100", {"amount": 101}),
    ("amount >= settings.limit", {"amount": 100}),
    ("amount < 80.5", {"amount": Decimal("80.49")}),
    ('level = "gold"', {"level": "gold"}),
    ('shelf.level = "top" and amount > 50', {"shelf.level": "top"}),
    ('amount > 100 and level = "gold"', {"amount": 101, "level": "gold"}),
    ("amount > 200 or amount > 95", {"amount": 96}),
    ("amount in [95..99]", {"amount": 95}),
    ("amount between 10 and 20", {"amount": 20}),
    ('due < date("2026-03-01")', {"due": date(2026, 2, 28)}),
    ("open", {"open": True}),
    ("not(open) and amount > 91", {"amount": 92}),
    (
        'amount > 100 and level = "gold" and due < date("2026-03-02")',
        {"amount": 101, "level": "gold", "due": date(2026, 3, 1)},
    ),
    # What is computed is named by its text where no plain value is compared; parts of a filter never are.
    ('count(moves[kind = "out"]) >= 3', {'count(moves[kind = "out"])': 3}),
    ("sum(moves.amount) * 2 > 50 and amount > 50", {"sum(moves.amount) * 2": 51}),
    # A term that compares nothing would have to be true itself.
    ('contains(level, "gold") and amount > 50', {'contains(level, "gold")': True}),
]


@pytest.mark.parametrize(("text", "needed"), CHANGES)
def test_a_no_names_the_smallest_change(text: str, needed: dict[str, Any]) -> None:
    explanation = explain_condition(feel.compile(text, SCOPE), RECORD, context())
    assert explanation.value is False
    assert {change.path: change.needed for change in explanation.changes} == needed


def test_terms_stand_with_their_values_and_inputs() -> None:
    explanation = explain_condition(feel.compile('amount > 50 and (level = "gold" or open)', SCOPE), RECORD, context())
    first, second = explanation.term.terms
    assert (first.text, first.value, first.inputs) == ("amount > 50", True, {"amount": 90})
    assert [term.value for term in second.terms] == [False, False]
    assert explanation.changes[0].found in ("silver", False)


def test_a_yes_needs_no_change_and_a_null_tells_its_failures() -> None:
    assert explain_condition(feel.compile("amount > 50", SCOPE), RECORD, context()).changes == ()
    explanation = explain_condition(feel.compile("shelf.load > 3", SCOPE), {**RECORD, "shelf": None}, context())
    assert explanation.value is None
    assert explanation.failures


def test_replay_lists_who_would_have_fired_and_what_a_draft_changes() -> None:
    past = [
        (event(EventKind.RECORD_UPDATED, at=NOW + timedelta(days=day)), data({"weight": weight}))
        for day, weight in enumerate((4, 6, 8, 3, 9))
    ]
    text = "rule r only when becoming true when box is saved if weight > {} then stop end"
    published = list(replay(ruleset(text.format(5)), past))
    draft = list(replay(ruleset(text.format(7)), past))
    assert [(one.at - NOW).days for one in published] == [1, 4]
    assert [(one.at - NOW).days for one in draft] == [2, 4]
    change = difference(draft, published)
    assert [(one.at - NOW).days for one in change.gained] == [2]
    assert [(one.at - NOW).days for one in change.lost] == [1]


def test_replayed_delays_fire_when_they_would_have_come_due() -> None:
    rules = ruleset("rule r when box is created after 2 days if weight > 5 then stop end")
    (fired,) = replay(rules, [(event(EventKind.RECORD_CREATED), data({"weight": 6}))])
    assert fired.at == NOW + timedelta(days=2)


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection
        connection.rollback()


def test_absences_of_a_year_are_those_of_its_daily_sweeps(connection: Connection) -> None:
    first = date(2025, 1, 1)
    steps = {"a": [0, 20, 70, 75, 200], "b": [5, 34, 64], "c": [10]}
    moves = [
        move(f"{name}{day}", name, first + timedelta(days=day), kind="out" if day != 75 else "in")
        for name, days in steps.items()
        for day in days
    ]
    fill(connection, [box(name, kind="x" if name != "c" else "y") for name in steps], moves)
    text = """rule r when box has no moves where kind = "out" dated by day for 30 days if kind = "x" then stop end"""
    rules = ruleset(text)
    (candidate,) = rules.clock_triggers()
    dialect = connection.dialect.name
    last = first + timedelta(days=300)
    found_by = absences(candidate.rule, candidate.trigger, boxes(), dialect, first, last, {}, SHANGHAI)
    found = {(row.id, row.spell, row.fires_on) for row in connection.execute(found_by.select)}
    expected = set()
    seen = set()
    for day in range(301):
        today = first + timedelta(days=day)
        visible = [m for m in moves if m["day"] <= today and m["kind"] == "out"]
        for name in ("a", "b"):
            latest = max((m["day"] for m in visible if m["box_id"] == uid(name)), default=None)
            due = latest is not None and today - latest >= timedelta(days=30)
            if due and (name, latest) not in seen:
                seen.add((name, latest))
                expected.add((uid(name), latest, today))
    assert found == expected
    assert len(found) == 4


def test_a_rule_without_absence_cannot_be_looked_back_on() -> None:
    rules = ruleset("rule r every day for each box then stop end")
    (candidate,) = rules.clock_triggers()
    with pytest.raises(ValueError, match="absence"):
        absences(candidate.rule, candidate.trigger, boxes(), "sqlite", NOW.date(), NOW.date(), {}, SHANGHAI)
