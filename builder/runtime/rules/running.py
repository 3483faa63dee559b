"""Runs the rules of all apps on one event: loads what they read, carries out what they want, keeps states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.jobs import queue
from builder.runtime.rules.executing import Executor
from builder.runtime.rules.lazy import LazyRecord
from builder.storage.runtime_tables import rule_firing, rule_state
from builder.storage.upsert import upsert
from builder.storage.values import encode
from engines import rules
from engines.core import Event, new_id
from engines.rules import EventKind, Firing, RuleData, RuleEvent, RuleResult, RuleState, TimerRequest, TraceEntry
from engines.rules.actions import RecordRef, Score

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.around import Around
    from builder.runtime.rounds import Rounds

KINDS = frozenset(kind.value for kind in EventKind)
BATCHES: Mapping[str, EventKind] = {
    "records.batch_created": EventKind.RECORD_CREATED,
    "records.batch_updated": EventKind.RECORD_UPDATED,
}
TIMER = "rule.timer"
# Records of one batch that are scored one by one; above it a full run is cheaper, and moves the cut points.
SINGLE_SCORES = 200


class RuleRunner:
    """The rules of one event."""

    def __init__(self, around: Around, rounds: Rounds) -> None:
        self._around = around
        self._work = around.work
        self._rounds = rounds

    def handle(self, event: Event) -> None:
        """Runs the rules of every app that waits for the event."""
        for app in self._work.apps.values():
            if not app.rulesets:
                continue
            if event.type in BATCHES:
                Batch(self._around, self._rounds, app, event).handle()
            elif event.type in KINDS:
                self._run(app, self._seen(app, event), event.payload)

    def _seen(self, app: CompiledApp, event: Event) -> RuleEvent:
        """The event as rules of an app see it: forms of the app itself by their short names."""
        payload = event.payload
        record = ref(app.name, *event.subject) if event.subject else None
        return RuleEvent(
            kind=EventKind(event.type),
            at=event.at,
            record=record,
            name=str(payload.get("name", "")),
            changed=frozenset(payload.get("changed", ())),
            payload=dict(payload.get("payload", ())) if event.type == "rule.due" else _plain(payload),
            trigger=int(payload.get("trigger", 0)),
            spell=str(payload.get("spell", "")),
            id=event.id,
        )

    def _run(self, app: CompiledApp, event: RuleEvent, payload: Mapping[str, Any]) -> None:
        results = [
            (ruleset, result)
            for ruleset in app.rulesets.values()
            if ruleset.concerns(event) and (result := evaluate(self._around, app, ruleset, event, payload)) is not None
        ]
        for _, result in results:
            keep(self._around, app, event, result)
        firings = [(firing, result.trace) for _, result in results for firing in result.firings]
        # Priority decides over all files of an app; the sort keeps the order of files and rules among equals.
        for firing, trace in sorted(firings, key=lambda pair: -pair[0].priority):
            fire(self._around, self._rounds, app, firing, trace)


class Batch:
    """Rules on an event about many records: each record is looked at, scores are computed once at the end."""

    def __init__(self, around: Around, rounds: Rounds, app: CompiledApp, event: Event) -> None:
        self._around = around
        self._rounds = rounds
        self._app = app
        self._event = event
        self._scores: dict[str, dict[UUID, None]] = {}

    def handle(self) -> None:
        """Runs the rules for each record of the batch."""
        payload = self._event.payload
        form, kind = payload["form"], BATCHES[self._event.type]
        changed = frozenset(payload.get("changed", ()))
        sample = self._seen(form, payload["ids"][0], kind, changed) if payload["ids"] else None
        for ruleset in self._app.rulesets.values():
            if sample is None or not ruleset.concerns(sample):
                continue
            for record_id in payload["ids"]:
                self._one(ruleset, self._seen(form, record_id, kind, changed))
        self._score()

    def _seen(self, form: str, record_id: UUID, kind: EventKind, changed: frozenset[str]) -> RuleEvent:
        record = ref(self._app.name, form, record_id)
        return RuleEvent(kind=kind, at=self._event.at, record=record, changed=changed, id=self._event.id)

    def _one(self, ruleset: Any, event: RuleEvent) -> None:
        result = evaluate(self._around, self._app, ruleset, event, {})
        if result is None:
            return
        keep(self._around, self._app, event, result)
        for firing in result.firings:
            fire(self._around, self._rounds, self._app, firing, result.trace, self._deferred)

    def _deferred(self, action: Any) -> bool:
        """Whether an action waits for the end of the batch."""
        if isinstance(action, Score):
            self._scores.setdefault(action.model, {})[action.record.id] = None
            return True
        return False

    def _score(self) -> None:
        scoring = self._around.scoring
        for model, ids in self._scores.items():
            if len(ids) > SINGLE_SCORES:
                scoring.request_run(self._app.name, model, cause=self._event.type)
            else:
                for record_id in ids:
                    scoring.score_one(self._app.name, model, record_id, cause=self._event.type)


def ref(app: str, form: str, record_id: UUID) -> RecordRef:
    """A record as rules of ``app`` name it."""
    return RecordRef(form=form.removeprefix(f"{app}."), id=record_id)


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What rules may read of an event, besides the record itself."""
    return {k: v for k, v in payload.items() if k not in ("before", "after", "changed", "computed")}


def evaluate(
    around: Around, app: CompiledApp, ruleset: Any, event: RuleEvent, payload: Mapping[str, Any]
) -> RuleResult | None:
    """What the rules of one file make of an event; None where its record is gone."""
    data = data_of(around, app, event, ruleset.reads(event), payload)
    return None if data is None else rules.run(ruleset, event, data, trace=True)


def data_of(
    around: Around, app: CompiledApp, event: RuleEvent, reads: frozenset[tuple[str, ...]], payload: Mapping[str, Any]
) -> RuleData | None:
    """What the rules may read: the record as the app may see it, as far as ``reads`` says, the rest when asked for."""
    record: Mapping[str, Any] = {}
    previous: Mapping[str, Any] | None = None
    if event.record is not None:
        form = around.form_name(app.name, event.record.form)
        deleted = event.kind is EventKind.RECORD_DELETED
        lazy = LazyRecord(around, app.name, form, event.record.id, reads, payload.get("after") if deleted else None)
        if not deleted and not lazy.exists:
            return None
        record = lazy
        before = payload.get("before")
        previous = LazyRecord.before(around, app.name, form, event.record.id, reads, before) if before else None
    return RuleData(
        record=record,
        previous=previous,
        context=around.feel,
        variables=around.variables(app.name),
        state=lambda rule: _state(around, app.name, rule, event.record),
        calendar=lambda name: around.calendar(app.name, name),
    )


def _state(around: Around, app: str, rule: str, record: RecordRef | None) -> RuleState | None:
    if record is None:
        return None
    table = rule_state
    mine = (table.c.app == app, table.c.rule == rule, table.c.record_id == record.id, table.c.spell == "")
    row = around.work.connection.execute(sa.select(table.c.holds, table.c.fired_at).where(*mine)).one_or_none()
    return None if row is None else RuleState(holds=row.holds, fired_at=row.fired_at)


def keep(around: Around, app: CompiledApp, event: RuleEvent, result: RuleResult) -> None:
    """Stores what rules remember of a record, and the timers they want."""
    if event.record is not None and result.states:
        rows = [
            {
                "app": app.name,
                "rule": rule,
                "record_id": event.record.id,
                "spell": "",
                "holds": state.holds,
                "fired_at": state.fired_at,
            }
            for rule, state in result.states.items()
        ]
        upsert(around.work.connection, rule_state, rows)
    for timer in result.timers:
        _set_timer(around, app, timer)


def _set_timer(around: Around, app: CompiledApp, timer: TimerRequest) -> None:
    record = timer.record
    form = around.form_name(app.name, record.form) if record else None
    queue.put(
        around.work.connection,
        kind=TIMER,
        due_at=timer.due_at,
        now=around.work.instant,
        app=app.name,
        payload={
            "rule": timer.rule,
            "trigger": str(timer.trigger),
            "form": form,
            "record": record.id if record else None,
            "payload": dict(timer.payload),
        },
    )


def fire(
    around: Around,
    rounds: Rounds,
    app: CompiledApp,
    firing: Firing,
    trace: Sequence[TraceEntry],
    deferred: Any = None,
) -> None:
    """Carries out a firing and keeps a row of it."""
    executor = Executor(around, app.name, firing)
    firing_id = new_id()

    def execute(action: Any) -> Any:
        if deferred is not None and deferred(action):
            return None
        return executor.execute(action)

    with rounds.cause(f"rule {app.name}.{firing.rule}"):
        rules.carry_out(firing, execute)
    record = firing.record
    inputs = next((entry.inputs for entry in _fired(trace, firing.rule)), {})
    row = {
        "id": firing_id,
        "app": app.name,
        "rule": firing.rule,
        "release": app.release,
        "form": around.form_name(app.name, record.form) if record else None,
        "record_id": record.id if record else None,
        "at": around.work.instant,
        "cause": firing.event.kind.value,
        "command_id": around.work.command_id,
        "inputs": encode({".".join(path) if isinstance(path, tuple) else path: v for path, v in inputs.items()}),
        "actions": encode(executor.done),
    }
    around.work.connection.execute(rule_firing.insert(), row)


def _fired(trace: Sequence[TraceEntry], rule: str) -> Iterator[TraceEntry]:
    return (entry for entry in trace if entry.rule == rule and entry.fired)
