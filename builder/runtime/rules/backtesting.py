"""What a draft rule would have done over the workspace's own records, against the rule in force, account by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from builder.runtime.rules.past import Past
from engines import rules
from engines.core import InputError, InputProblem
from engines.form import versions
from engines.rules import CompiledRule, CompiledTrigger, EventKind, SweepTime
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.runtime.around import Around

# Days or runs of a schedule that are looked back on one by one: a year of days.
MOST_RUNS = 400
_OF_RECORDS = frozenset(
    {EventKind.RECORD_CREATED, EventKind.RECORD_UPDATED, EventKind.RECORD_DELETED, EventKind.RECORD_RESTORED}
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Firing:
    """A rule would have fired for a record."""

    on: date
    record: UUID
    # For a rule that an event starts; of one that the clock starts only the day counts.
    at: datetime | None = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Firings of the draft and of the rule in force."""

    draft: frozenset[Firing]
    published: frozenset[Firing]
    # Whether there was more history than was looked at.
    is_cut: bool = False

    @property
    def gained(self) -> list[Firing]:
        """Only the draft fires."""
        return _sorted(self.draft - self.published)

    @property
    def lost(self) -> list[Firing]:
        """Only the rule in force fires."""
        return _sorted(self.published - self.draft)


def _sorted(firings: frozenset[Firing]) -> list[Firing]:
    return sorted(firings, key=lambda one: (one.on, one.record))


def backtest(
    around: Around,
    app: str,
    draft: CompiledRule,
    published: CompiledRule | None,
    start: date,
    end: date,
    *,
    most: int | None = None,
) -> Backtest:
    """Both rules over the days from ``start`` to ``end``, under the app's rights; nothing is carried out.

    Conditions see records as they were: at the event, on the day. ``most``: changes of records that are looked at.
    ``InputError`` "rules.no_backtest" for a trigger that history does not hold: processes, tasks, messages.
    """
    mine, theirs = (_Run(around, app, rule, start, end, most) if rule else None for rule in (draft, published))
    return Backtest(
        draft=frozenset(mine.firings() if mine else ()),
        published=frozenset(theirs.firings() if theirs else ()),
        is_cut=any(run.is_cut for run in (mine, theirs) if run),
    )


class _Run:
    """One rule over a stretch of days."""

    def __init__(
        self, around: Around, app: str, rule: CompiledRule, start: date, end: date, most: int | None = None
    ) -> None:
        self._around = around
        self._app = app
        self._rule = rule
        self._start, self._end = start, end
        self._zone: ZoneInfo = around.work.zone
        self._most = most
        self.is_cut = False

    def firings(self) -> Iterator[Firing]:
        """Who would have fired when."""
        clock = [trigger for trigger in self._rule.triggers if not trigger.waits_for]
        events = [trigger for trigger in self._rule.triggers if trigger.waits_for]
        kinds = {kind for trigger in events for kind, _ in trigger.waits_for}
        if not self._rule.form or kinds - _OF_RECORDS:
            raise self._refused()
        for trigger in clock:
            if isinstance(trigger.tree, t.Absence):
                yield from self._absences(trigger)
            else:
                yield from self._days(trigger)
        if events:
            yield from self._replayed()

    def _refused(self) -> InputError:
        return InputError([InputProblem(pointer="", code="rules.no_backtest", params={"rule": self._rule.name})])

    # What events start

    def _replayed(self) -> Iterator[Firing]:
        rule = self._rule
        ruleset = rules.alone(rule)
        # Related records are read only where an event may concern the rule.
        past = Past(self._around, self._app, rule.form, _reads(rule))
        until = min(
            self._midnight(self._end + timedelta(days=1)), self._around.work.instant + timedelta(microseconds=1)
        )
        changes = past.changes(self._midnight(self._start), until)
        seen = self._counted(changes)
        events = ((past.event(change), change) for change in seen)
        concerned = ((event, past.data_of(change)) for event, change in events if ruleset.waits_for(event))
        for fired in rules.replay(ruleset, concerned, lambda timer: past.at_due(timer, until)):
            if fired.record is not None:
                on = fired.at.astimezone(self._zone).date()
                yield Firing(on=on, record=fired.record.id, at=fired.at)

    def _counted(self, changes: Iterator[Any]) -> Iterator[Any]:
        """The changes, up to as many as are to be looked at."""
        yield from changes if self._most is None else islice(changes, self._most)
        if self._most is not None and next(changes, None) is not None:
            self.is_cut = True

    # What the clock starts

    def _absences(self, trigger: CompiledTrigger) -> Iterator[Firing]:
        """All dry spells of the stretch in one statement, where there is one."""
        work, records = self._around.work, self._around.records(self._app)
        form = self._around.form_name(self._app, self._rule.form)
        dialect, settings = work.connection.dialect.name, self._settings()
        last = min(self._end, work.instant.astimezone(self._zone).date())
        try:
            found = rules.absences(
                self._rule,
                trigger,
                records.source(form),
                dialect,
                self._start,
                last,
                settings,
                self._zone,
                versions(records.world, form),
            )
        except rules.NotInOneStatement:
            yield from self._spell_by_day(trigger)
            return
        for record, on in found.read(work.connection.execute(found.select)):
            yield Firing(on=on, record=record)

    def _spell_by_day(self, trigger: CompiledTrigger) -> Iterator[Firing]:
        """Each spell on the first day that its sweep finds it."""
        seen: set[tuple[UUID, str]] = set()
        days = t.Schedule(rhythm="day", at="23:59")
        # Those that were silent already when the stretch began fired before it.
        first = self._midnight(self._start) - timedelta(minutes=1)
        for instant in (first, *self._instants(days)):
            for record, spell in self._swept(trigger, instant):
                if (record, spell) not in seen and instant != first:
                    yield Firing(on=instant.astimezone(self._zone).date(), record=record)
                seen.add((record, spell))

    def _days(self, trigger: CompiledTrigger) -> Iterator[Firing]:
        """One statement for each run of a schedule, or each day of a date, over the records as they were then."""
        tree = trigger.tree
        rhythm = t.Schedule(rhythm="day", at=tree.at) if isinstance(tree, t.DateReached) else tree
        assert isinstance(rhythm, t.Schedule)  # noqa: S101  (the only other trigger of the clock is absence)
        for instant in self._instants(rhythm):
            for record, _ in self._swept(trigger, instant):
                yield Firing(on=instant.astimezone(self._zone).date(), record=record)

    def _swept(self, trigger: CompiledTrigger, instant: datetime) -> list[tuple[UUID, str]]:
        """Who fires at an instant, over the records as they were; what SQL cannot say is asked record by record."""
        work = self._around.work
        source = self._around.records(self._app).source(self._around.form_name(self._app, self._rule.form), instant)
        when = SweepTime(since=instant - timedelta(days=1), now=instant, zone=self._zone)
        plan = rules.sweep(self._rule, trigger, source, work.connection.dialect.name, when, self._settings())
        if plan is None:
            return []
        found = plan.occasions(work.connection.execute(plan.select))
        return found if plan.has_condition else [item for item in found if self._holds(item[0], instant)]

    def _holds(self, record: UUID, instant: datetime) -> bool:
        """The rule's condition on a record as it was."""
        data = Past(self._around, self._app, self._rule.form, _reads(self._rule)).data_at(record, instant)
        condition = self._rule.condition
        if data is None or condition is None:
            return data is not None
        variables = {**data.variables, **{name: data.record[name] for name in data.record}, "record": data.record}
        return condition.evaluate(variables, data.context).value is True

    def _instants(self, tree: t.Schedule) -> Iterator[datetime]:
        calendar = self._around.calendar(self._app, tree.calendar) if tree.calendar else None
        last = self._midnight(self._end + timedelta(days=1))
        instant, count = self._midnight(self._start) - timedelta(microseconds=1), 0
        while (instant := rules.next_run(tree, instant, self._zone, calendar)) < last:
            count += 1
            if count > MOST_RUNS:
                raise InputError([InputProblem(pointer="", code="rules.too_many_runs", params={"limit": MOST_RUNS})])
            yield instant

    def _settings(self) -> dict[str, Any]:
        return dict(self._around.settings(self._app))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)


def _reads(rule: CompiledRule) -> frozenset[tuple[str, ...]]:
    """What a rule's triggers and condition may read, as the record names it."""
    return frozenset(path[1:] if path[0] == "record" and len(path) > 1 else path for path in rule.reads)


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
