"""What a draft rule would have done over the workspace's own records, against the rule in force, account by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from engines import rules
from engines.core import InputError, InputProblem
from engines.rules import CompiledRule, CompiledTrigger, SweepTime
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.runtime.around import Around

# Runs of a schedule that are looked back on: a year of days.
MOST_RUNS = 400


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Firing:
    """A rule would have fired for a record on a day."""

    on: date
    record: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Firings of the draft and of the rule in force."""

    draft: frozenset[Firing]
    published: frozenset[Firing]

    @property
    def gained(self) -> list[Firing]:
        """Only the draft fires."""
        return sorted(self.draft - self.published)

    @property
    def lost(self) -> list[Firing]:
        """Only the rule in force fires."""
        return sorted(self.published - self.draft)


def backtest(
    around: Around, app: str, draft: CompiledRule, published: CompiledRule | None, start: date, end: date
) -> Backtest:
    """Both rules over the days from ``start`` to ``end``, under the app's rights; nothing is carried out.

    ``InputError`` "rules.no_backtest" for a rule that events start: history tells of records, not of events.
    """
    return Backtest(
        draft=frozenset(fired(around, app, draft, start, end)),
        published=frozenset(fired(around, app, published, start, end)) if published is not None else frozenset(),
    )


def fired(around: Around, app: str, rule: CompiledRule, start: date, end: date) -> Iterator[Firing]:
    """Who would have fired when."""
    clock = [trigger for trigger in rule.triggers if not trigger.waits_for]
    if not clock:
        raise InputError([InputProblem(pointer="", code="rules.no_backtest", params={"rule": rule.name})])
    for trigger in clock:
        if isinstance(trigger.tree, t.Absence):
            yield from _absences(around, app, rule, trigger, start, end)
        else:
            yield from _days(around, app, rule, trigger, start, end)


def _absences(
    around: Around, app: str, rule: CompiledRule, trigger: CompiledTrigger, start: date, end: date
) -> Iterator[Firing]:
    """All dry spells of the stretch in one statement."""
    work = around.work
    source = around.records(app).source(around.form_name(app, rule.form))
    settings, dialect = dict(around.settings(app)), work.connection.dialect.name
    query = rules.absences(rule, trigger, source, dialect, start, end, settings, work.zone)
    for row in work.connection.execute(query):
        yield Firing(on=row.fires_on, record=row.id)


def _days(
    around: Around, app: str, rule: CompiledRule, trigger: CompiledTrigger, start: date, end: date
) -> Iterator[Firing]:
    """One statement for each run of a schedule, or each day of a date, over the records as they were then."""
    work = around.work
    for instant in _instants(around, app, trigger, start, end):
        source = around.records(app).source(around.form_name(app, rule.form), instant)
        when = SweepTime(since=instant - timedelta(days=1), now=instant, zone=work.zone)
        settings: dict[str, Any] = dict(around.settings(app))
        plan = rules.sweep(rule, trigger, source, work.connection.dialect.name, when, settings)
        if plan is None:
            continue
        if not plan.has_condition:
            raise InputError([InputProblem(pointer="", code="rules.no_backtest", params={"rule": rule.name})])
        for record, _ in plan.occasions(work.connection.execute(plan.select)):
            yield Firing(on=instant.astimezone(work.zone).date(), record=record)


def _instants(around: Around, app: str, trigger: CompiledTrigger, start: date, end: date) -> Iterator[datetime]:
    zone, tree = around.work.zone, trigger.tree
    first = datetime.combine(start, time(), zone).astimezone(UTC)
    last = datetime.combine(end + timedelta(days=1), time(), zone).astimezone(UTC)
    if isinstance(tree, t.DateReached):
        tree = t.Schedule(rhythm="day", at=tree.at)
    assert isinstance(tree, t.Schedule)  # noqa: S101  (the only other trigger of the clock is absence)
    calendar = around.calendar(app, tree.calendar) if tree.calendar else None
    instant, count = first - timedelta(microseconds=1), 0
    while (instant := rules.next_run(tree, instant, zone, calendar)) < last:
        count += 1
        if count > MOST_RUNS:
            raise InputError([InputProblem(pointer="", code="rules.too_many_runs", params={"limit": MOST_RUNS})])
        yield instant


def titles(around: Around, app: str, form: str, ids: list[UUID]) -> dict[UUID, str]:
    """What records are called, by id."""
    qualified = around.form_name(app, form)
    compiled = around.records(app).world.form(qualified).compiled
    source = around.records(app).source(qualified)
    column = source.column(compiled.title) if compiled.title else None
    found: dict[UUID, str] = {}
    for begin in range(0, len(ids) if column is not None else 0, 500):
        assert column is not None  # noqa: S101
        own = source.selectable.c.id
        query = sa.select(own, column.element).where(own.in_(ids[begin : begin + 500]), source.visible_rows())
        found.update({row[0]: str(row[1] or "") for row in around.work.connection.execute(query)})
    return found
