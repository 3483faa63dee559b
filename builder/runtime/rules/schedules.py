"""What the clock starts: schedules, absences and dates of rules. Each is a row with a job for its next run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from builder.jobs import queue
from builder.jobs.ports import Job
from builder.runtime.rules.running import ruleset_of
from builder.runtime.rules.sweeping import sweep
from builder.storage.runtime_tables import schedule as table
from engines import rules
from engines.core import new_id
from engines.rules import CompiledTrigger
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.around import Around
    from builder.workspace.work import Work
    from engines.rules import CompiledRule

SCHEDULE = "rule.schedule"
# How often absences are looked for, by the unit in which they are counted.
RHYTHMS = {"minutes": timedelta(minutes=1), "hours": timedelta(minutes=5)}
HOURLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trigger that the clock starts."""

    app: CompiledApp
    rule: CompiledRule
    trigger: CompiledTrigger

    @property
    def name(self) -> str:
        """Rule and trigger."""
        return f"{self.rule.name}#{self.trigger.index}"

    @property
    def key(self) -> str:
        """Key of its job."""
        return f"{SCHEDULE}:{self.app.name}:{self.name}"


def entries(around: Around) -> Iterator[Entry]:
    """All triggers of all apps that the clock starts."""
    for app in around.work.apps.values():
        if app.rulesets:
            for found in ruleset_of(around, app).clock_triggers():
                yield Entry(app=app, rule=found.rule, trigger=found.trigger)


def sync(work: Work) -> None:
    """Makes rows and jobs for new schedules, removes those that are gone, keeps the others as they are."""
    around: Around = work.service("around")
    wanted = {(entry.app.name, entry.name): entry for entry in entries(around)}
    known = {
        (row.app, row.name): row for row in work.connection.execute(sa.select(table).where(table.c.kind == "rule"))
    }
    for key, row in known.items():
        if key not in wanted:
            work.connection.execute(table.delete().where(table.c.id == row.id))
            queue.cancel(work.connection, f"{SCHEDULE}:{row.app}:{row.name}")
    for key, entry in wanted.items():
        text = _sentence(entry.trigger)
        row = known.get(key)
        if row is None or row.expression != text:
            _put(around, entry, text, row)


def _put(around: Around, entry: Entry, text: str, row: sa.Row[Any] | None) -> None:
    connection = around.work.connection
    values = {"expression": text, "enabled": True, "next_at": _arm(around, entry)}
    if row is not None:
        connection.execute(table.update().where(table.c.id == row.id).values(**values))
        return
    # What came due before the rule was published is not made up for.
    begun = around.work.instant
    identity = {"id": new_id(), "app": entry.app.name, "kind": "rule", "name": entry.name, "last_at": begun}
    connection.execute(table.insert(), {**identity, **values})


def _arm(around: Around, entry: Entry) -> datetime:
    """When it runs next; its job is waiting for that."""
    due = next_run(around, entry)
    queue.put(
        around.work.connection,
        kind=SCHEDULE,
        due_at=due,
        now=around.work.instant,
        payload={"rule": entry.rule.name, "trigger": str(entry.trigger.index)},
        app=entry.app.name,
        key=entry.key,
    )
    return due


def next_run(around: Around, entry: Entry) -> datetime:
    """The first run after this command's instant."""
    now, zone = around.work.instant, around.work.zone
    match entry.trigger.tree:
        case t.Schedule() as found:
            calendar = around.calendar(entry.app.name, found.calendar) if found.calendar else None
            return rules.next_run(found, now, zone, calendar)
        case t.Absence() as found:
            return _next_multiple(now, RHYTHMS.get(found.lasting.unit, HOURLY))
        case t.DateReached() as found:
            return rules.next_run(t.Schedule(rhythm="day", at=found.at), now, zone)
    raise NotImplementedError(type(entry.trigger.tree).__name__)


def _next_multiple(now: datetime, step: timedelta) -> datetime:
    """The next instant that is a whole number of steps: the full hour, the full minute."""
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + ((now - begin) // step + 1) * step


def _sentence(trigger: CompiledTrigger) -> str:
    """The trigger as text, to notice that it has changed."""
    return repr(trigger.tree)[:2000]


def run(work: Work, job: Job, _: Any) -> None:
    """Runs one schedule and arms it again. After downtime it runs once, for everything that it missed."""
    around: Around = work.service("around")
    entry = _entry(around, job)
    if entry is None:
        return
    row = work.connection.execute(
        sa.select(table).where(table.c.app == job.app, table.c.kind == "rule", table.c.name == entry.name)
    ).one_or_none()
    found = sweep(around, entry, since=(row.last_at if row else None) or job.due_at)
    values = {"last_at": work.instant, "last_outcome": {"fired": found}, "next_at": _arm(around, entry)}
    if row is not None:
        work.connection.execute(table.update().where(table.c.id == row.id).values(**values))


def _entry(around: Around, job: Job) -> Entry | None:
    wanted = (job.app, f"{job.payload['rule']}#{job.payload['trigger']}")
    return next((e for e in entries(around) if (e.app.name, e.name) == wanted), None)
