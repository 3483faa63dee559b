"""Runs the rules of all apps on one event: loads what they read, carries out what they want, keeps states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.jobs import queue
from builder.runtime.rules.executing import Executor
from builder.runtime.rules.lazy import LazyRecord, Paths
from builder.runtime.rules.sweeping import has_fired, note_fired
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import rule_firing, rule_state
from builder.storage.upsert import upsert
from builder.storage.values import encode
from engines import rules
from engines.core import Event, new_id
from engines.rules import EventKind, Firing, RuleData, RuleEvent, RuleResult, RuleSet, RuleState, TimerRequest
from engines.rules.actions import RecordRef, Score
from engines.rules.ruleset import variables_of

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
# Where events that bring values of their own keep them.
_CARRIED: Mapping[str, str] = {"rule.due": "payload", "message.arrived": "values", "signal.arrived": "values"}
# Events that hold all stored values of their record as they were written.
_WRITTEN = frozenset({"record.created", "record.updated"})
_FIRED = Prepared(rule_firing.insert(), rule_firing.c.keys())
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
            if not app.rulesets or not _concerns(event, app.name):
                continue
            if event.type in BATCHES:
                Batch(self._around, self._rounds, app, event).handle()
            elif event.type in KINDS:
                self._run(app, self._seen(app, event), event)

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
            payload=dict(payload.get(_CARRIED[event.type], ())) if event.type in _CARRIED else _plain(payload),
            trigger=int(payload.get("trigger", 0)),
            spell=str(payload.get("spell", "")),
            id=event.id,
        )

    def _run(self, app: CompiledApp, event: RuleEvent, raised: Event) -> None:
        ruleset = ruleset_of(self._around, app)
        if not ruleset.waits_for(event):
            return
        own = self._written(app, ruleset.reads(event), raised)
        looked = look_at(self._around, app, ruleset, event, raised.payload, own)
        for firing in looked.result.firings if looked else ():
            fire(self._around, self._rounds, app, looked, firing)  # type: ignore[arg-type]

    def _written(self, app: CompiledApp, reads: Paths, event: Event) -> dict[str, Any] | None:
        """The record's stored fields as the event tells them, where nobody has written to the record since."""
        if event.type not in _WRITTEN or event.subject is None or not self._rounds.is_last_word(event):
            return None
        return LazyRecord.known(self._around, app.name, *event.subject, reads, event.payload["after"])


def _concerns(event: Event, app: str) -> bool:
    """Whether rules of an app may see an event: records of any app, else only what is the app's own by its name."""
    return event.type.startswith(("record.", "records.")) or event.app == app


class Batch:
    """Rules on an event about many records: each record is looked at, scores are computed once at the end."""

    def __init__(self, around: Around, rounds: Rounds, app: CompiledApp, event: Event) -> None:
        self._around = around
        self._work = around.work
        self._rounds = rounds
        self._app = app
        self._event = event
        self._scores: dict[str, dict[UUID, None]] = {}

    def handle(self) -> None:
        """Runs the rules for each record of the batch."""
        payload = self._event.payload
        _grant(self._around, len(payload["ids"]))
        form, kind = payload["form"], BATCHES[self._event.type]
        changed = frozenset(payload.get("changed", ()))
        ruleset = ruleset_of(self._around, self._app)
        events = [self._seen(form, record_id, kind, changed) for record_id in payload["ids"]]
        if not events or not ruleset.waits_for(events[0]):
            return
        # Each record is seen as it was when the rules of the batch began.
        reads = ruleset.reads(events[0])
        stored = LazyRecord.scalars_of(self._around, self._app.name, form, payload["ids"], reads)
        for record_id, event in zip(payload["ids"], events, strict=True):
            if record_id in stored:
                self._one(ruleset, event, stored[record_id])
        self._score()

    def _seen(self, form: str, record_id: UUID, kind: EventKind, changed: frozenset[str]) -> RuleEvent:
        record = ref(self._app.name, form, record_id)
        return RuleEvent(kind=kind, at=self._event.at, record=record, changed=changed, id=self._event.id)

    def _one(self, ruleset: RuleSet, event: RuleEvent, own: dict[str, Any]) -> None:
        looked = look_at(self._around, self._app, ruleset, event, {}, own)
        for firing in looked.result.firings if looked else ():
            fire(self._around, self._rounds, self._app, looked, firing, self._deferred)  # type: ignore[arg-type]

    def _deferred(self, action: Any) -> bool:
        """Whether an action waits for the end of the batch."""
        if isinstance(action, Score):
            if f"{self._app.name}.{action.model}" in self._work.scored_later:
                return True
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


def _grant(around: Around, records: int) -> None:
    """Lets the command spend more: a batch stands for as many commands as it has records."""
    budget = around.budget
    budget.steps += 20_000 * records
    budget.size += 200_000 * records
    budget.seconds += 0.02 * records
    budget.wall_seconds += 0.1 * records


def ref(app: str, form: str, record_id: UUID) -> RecordRef:
    """A record as rules of ``app`` name it."""
    return RecordRef(form=form.removeprefix(f"{app}."), id=record_id)


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What rules may read of an event, besides the record itself."""
    return {k: v for k, v in payload.items() if k not in ("before", "after", "changed", "computed")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the rules of an app made of an event, with what they saw."""

    ruleset: RuleSet
    event: RuleEvent
    data: RuleData
    result: RuleResult

    def inputs(self, rule: str) -> dict[str, Any]:
        """What the condition of a rule read, by path."""
        found = self.ruleset.rule(rule)
        if found is None or found.condition is None:
            return {}
        variables = variables_of(self.event, self.data)
        return {".".join(path): _at(variables, path) for path in sorted(found.condition.reads)}


def _at(variables: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = variables.get(path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def ruleset_of(around: Around, app: CompiledApp) -> RuleSet:
    """All rules of an app, indexed once per set of releases."""
    cache = around.work.app_set.cache
    key = f"runtime.rules:{app.name}"
    if key not in cache:
        cache[key] = RuleSet(app.rulesets.values())
    return cache[key]  # type: ignore[return-value]


def message_rules(around: Around, app: str, message: str) -> bool:
    """Whether a rule of an app waits for a message."""
    found = around.work.apps.get(app)
    if found is None or not found.rulesets:
        return False
    event = RuleEvent(kind=EventKind.MESSAGE_ARRIVED, at=around.work.instant, name=message)
    return ruleset_of(around, found).waits_for(event)


def look_at(
    around: Around,
    app: CompiledApp,
    ruleset: RuleSet,
    event: RuleEvent,
    payload: Mapping[str, Any],
    own: dict[str, Any] | None = None,
) -> Looked | None:
    """What the rules of an app make of an event, their states and timers kept; None where its record is gone."""
    if event.spell and event.record and has_fired(around, app.name, event.name, event.record.id, event.spell):
        return None
    data = data_of(around, app, event, ruleset.reads(event), payload, own)
    if data is None:
        return None
    result = rules.run(ruleset, event, data)
    keep(around, app, event, result)
    for firing in result.firings:
        if event.spell and event.record:
            note_fired(around, app.name, firing.rule, event.record.id, event.spell)
    return Looked(ruleset=ruleset, event=event, data=data, result=result)


def data_of(
    around: Around,
    app: CompiledApp,
    event: RuleEvent,
    reads: frozenset[tuple[str, ...]],
    payload: Mapping[str, Any],
    own: dict[str, Any] | None = None,
) -> RuleData | None:
    """What the rules may read: the record as the app may see it, as far as ``reads`` says, the rest when asked for.

    ``own``: the record's stored fields, where they were loaded for a whole batch.
    """
    record: Mapping[str, Any] = {}
    previous: Mapping[str, Any] | None = None
    if event.record is not None:
        form = around.form_name(app.name, event.record.form)
        deleted = event.kind is EventKind.RECORD_DELETED
        given = payload.get("after") if deleted else None
        lazy = LazyRecord(around, app.name, form, event.record.id, reads, given, own)
        if not deleted and not lazy.exists:
            return None
        record = lazy
        before = payload.get("before")
        previous = LazyRecord.before(around, app.name, form, event.record.id, reads, before) if before else None
    return RuleData(
        record=record,
        previous=previous,
        context=around.feel_of(app.name),
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
    looked: Looked,
    firing: Firing,
    deferred: Callable[[Any], bool] = lambda action: False,
) -> None:
    """Carries out a firing and keeps a row of it; ``deferred`` takes actions that are carried out later."""
    executor = Executor(around, app.name, firing)
    # What the condition saw: read before the actions change it.
    inputs = encode(looked.inputs(firing.rule))
    with rounds.cause(f"rule {app.name}.{firing.rule}"):
        rules.carry_out(firing, lambda action: None if deferred(action) else executor.execute(action))
    record = firing.record
    row = {
        "id": new_id(),
        "app": app.name,
        "rule": firing.rule,
        "release": app.release,
        "form": around.form_name(app.name, record.form) if record else None,
        "record_id": record.id if record else None,
        "at": around.work.instant,
        "cause": firing.event.kind.value,
        "command_id": around.work.command_id,
        "inputs": inputs,
        "actions": encode(executor.done),
    }
    _FIRED.run(around.work.connection, row)
