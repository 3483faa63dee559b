"""Sweeps: one statement finds the records for which a rule of the clock fires; each fires once per spell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from builder.jobs import queue
from builder.jobs.ports import Job
from builder.storage.runtime_tables import rule_state
from engines import rules
from engines.rules import SweepTime
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from builder.runtime.rules.schedules import Entry
    from builder.workspace.work import Work

FIRE = "rule.fire"
# Records that one command acts on; more are portioned into jobs, one after the other.
PORTION = 20


def sweep(around: Around, entry: Entry, *, since: datetime) -> int:
    """How many occasions were found that have not fired yet; what the rule does for them follows in portions.

    A schedule that is not for each record of a form is one occasion of its own.
    """
    trigger = entry.trigger
    if isinstance(trigger.tree, t.Schedule) and not trigger.form:
        around.raise_event("rule.due", app=entry.app.name, subject=None, name=entry.rule.name, trigger=trigger.index)
        return 1
    found = due(around, entry, since=since)
    portions = [found[start : start + PORTION] for start in range(0, len(found), PORTION)]
    if len(portions) == 1:
        raise_due(around, entry.app.name, entry.rule.name, trigger.index, form_of(around, entry), portions[0])
    elif portions:
        _portion(around, entry, portions)
    return len(found)


def form_of(around: Around, entry: Entry) -> str:
    """The qualified form whose records are swept."""
    return around.form_name(entry.app.name, entry.trigger.form or entry.rule.form)


def due(around: Around, entry: Entry, *, since: datetime) -> list[tuple[UUID, str]]:
    """Records and spells that are due and have not fired, by id."""
    app, work = entry.app.name, around.work
    source = around.records(app).source(form_of(around, entry))
    when = SweepTime(since=since, now=work.instant, zone=work.zone)
    dialect = work.connection.dialect.name
    plan = rules.sweep(entry.rule, entry.trigger, source, dialect, when, dict(around.settings(app)))
    if plan is None:
        return []
    rows = plan.occasions(work.connection.execute(plan.select))
    fired = _fired(around, app, entry.rule.name, plan.select) if rows else set()
    left = (pair for pair in rows if (pair[0], pair[1][:200]) not in fired)
    return sorted(left, key=lambda pair: (pair[0].int, pair[1]))


def _fired(around: Around, app: str, rule: str, found: sa.Select[Any]) -> set[tuple[UUID, str]]:
    """Occasions that have fired, of the records that are found now: of all records they would be ever more."""
    table = rule_state
    mine = (table.c.app == app, table.c.rule == rule, table.c.spell != "")
    among = table.c.record_id.in_(sa.select(found.subquery().c.id))
    rows = around.work.connection.execute(sa.select(table.c.record_id, table.c.spell).where(*mine, among))
    return {(row[0], row[1]) for row in rows}


def raise_due(
    around: Around, app: str, rule: str, trigger: int, form: str, occasions: Sequence[tuple[UUID, str]]
) -> None:
    """Lets a rule look at each of the records in this command."""
    for record_id, spell in occasions:
        around.raise_event("rule.due", app=app, subject=(form, record_id), name=rule, trigger=trigger, spell=spell)


def _portion(around: Around, entry: Entry, portions: Sequence[Sequence[tuple[UUID, str]]]) -> None:
    """Jobs for all portions, each released by the one before it."""
    chain, work = uuid4(), around.work
    rows = [
        queue.row_of(
            kind=FIRE,
            due_at=work.instant,
            now=work.instant,
            app=entry.app.name,
            key=f"{FIRE}:{chain}:{number}",
            payload={
                "rule": entry.rule.name,
                "trigger": str(entry.trigger.index),
                "form": form_of(around, entry),
                "occasions": [[record_id, spell] for record_id, spell in portion],
                "chain": str(chain),
                "number": str(number),
            },
        )
        for number, portion in enumerate(portions, 1)
    ]
    queue.park(work.connection, rows)
    queue.unpark(work.connection, f"{FIRE}:{chain}:1")


def fire_portion(work: Work, job: Job, _: Any) -> None:
    """One portion; an occasion that has fired meanwhile is passed over when the rule is looked at."""
    payload = job.payload
    occasions = [(record_id, spell) for record_id, spell in payload["occasions"]]
    raise_due(work.service("around"), job.app, payload["rule"], int(payload["trigger"]), payload["form"], occasions)
    queue.unpark(work.connection, f"{FIRE}:{payload['chain']}:{int(payload['number']) + 1}")


def has_fired(around: Around, app: str, rule: str, record_id: UUID, spell: str) -> bool:
    """Whether a rule has fired for this occasion."""
    table = rule_state
    mine = (table.c.app == app, table.c.rule == rule, table.c.record_id == record_id, table.c.spell == spell[:200])
    return around.work.connection.execute(sa.select(table.c.fired_at).where(*mine)).first() is not None


def note_fired(around: Around, app: str, rule: str, record_id: UUID, spell: str) -> None:
    """Keeps that a rule has fired for this occasion; a second time is a broken key, never a second effect."""
    values = {"app": app, "rule": rule, "record_id": record_id, "spell": spell[:200]}
    around.work.connection.execute(rule_state.insert(), {**values, "holds": True, "fired_at": around.work.instant})
