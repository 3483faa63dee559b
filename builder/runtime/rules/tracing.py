"""Why and why not, for stored records: rules and decisions on a record as it was at one of its changes, or is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.rules.asking import Asker, askers, compiled_inputs
from builder.runtime.rules.past import Past
from builder.runtime.rules.running import data_of, ref, ruleset_of
from builder.runtime.rules.sweeping import has_fired
from builder.storage.runtime_tables import rule_firing
from builder.storage.values import decode
from engines import feel, rules
from engines.form import PastChange
from engines.rules import CompiledDecisions, CompiledRule, EventKind, RuleData, RuleEvent, RuleExplanation, Silence
from engines.rules.explaining_decisions import DecisionExplanation
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.around import Around

LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
# Firings of a rule for a record that are shown, the latest first.
MOST_FIRINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringSeen:
    """A firing that was kept."""

    at: datetime
    cause: str
    release: int
    inputs: Mapping[str, Any]
    # Names of what was done.
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTraced:
    """A rule on a record."""

    explained: RuleExplanation
    release: int
    # Paths that the rule's condition and triggers read of the record, which who asks must be allowed to see.
    reads: frozenset[tuple[str, ...]]
    firings: tuple[FiringSeen, ...] = ()
    # For absences, as things stand now, and whether the rule has fired for this dry spell.
    silence: Silence | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTraced:
    """A decision on a record."""

    name: str
    model: Any
    asker: Asker
    release: int
    explained: DecisionExplanation
    reads: frozenset[tuple[str, ...]]


class Tracer:
    """Rules and decisions of one app on one record."""

    def __init__(self, around: Around, app: CompiledApp, form: str, record_id: UUID) -> None:
        """``form``: as the app names it. Rights of who asks are the caller's concern: the app's own are used here."""
        self._around = around
        self._app = app
        self._form = form
        self._name = around.form_name(app.name, form)
        self._id = record_id

    def changes(self) -> list[PastChange]:
        """What happened to the record, newest first."""
        until = self._around.work.instant + timedelta(microseconds=1)
        return list(self._past(frozenset()).changes(LONG_AGO, until, [self._id]))[::-1]

    def rule(self, rule: CompiledRule, change: PastChange | None, release: int | None = None) -> RuleTraced | None:
        """A rule on the record at one of its changes; without one as it is now. None where the record is gone."""
        reads = frozenset(_own(path) for path in rule.reads) | _silent(rule)
        clock = next((trigger for trigger in rule.triggers if not trigger.waits_for), None)
        ruleset = ruleset_of(self._around, self._app)
        if ruleset.rule(rule.name) is not rule:
            ruleset = rules.alone(rule)
        if change is not None:
            past = self._past(reads)
            event, data = past.event(change), past.data_of(change)
        else:
            event = self._due(rule, clock.index if clock else 0)
            found = data_of(self._around, self._app, event, reads, {})
            if found is None:
                return None
            data = found
        explained = rules.explain_rule(ruleset, rule.name, event, data)
        assert explained is not None  # noqa: S101  (it is in the set)
        standing = rules.silence(clock, data) if clock is not None and change is None else None
        return RuleTraced(
            explained=explained,
            release=self._app.release if release is None else release,
            reads=_asked(rule),
            firings=self._firings(rule.name),
            silence=standing,
            is_done=clock is not None and standing is not None and self._is_done(rule, clock.index, standing),
        )

    def decision(
        self,
        name: str,
        compiled: CompiledDecisions,
        asker: Asker,
        change: PastChange | None = None,
        release: int | None = None,
    ) -> DecisionTraced | None:
        """A decision as somebody asks it about the record; None where the record is gone."""
        inputs = compiled_inputs(self._app, asker.form, asker.inputs)
        reads = frozenset(_own(path) for one in inputs.values() for path in one.reads)
        data = self._data(reads, change)
        if data is None:
            return None
        heads = {path[0] for path in reads}
        variables = {**data.variables, **{h: data.record[h] for h in heads if h in data.record}, "record": data.record}
        given = {key: feel.to_python(one.evaluate(variables, data.context).value) for key, one in inputs.items()}
        return DecisionTraced(
            name=name,
            model=compiled.model,
            asker=asker,
            release=self._app.release if release is None else release,
            explained=rules.explain_decision(compiled, given, data.context),
            reads=reads,
        )

    def rules_of_form(self) -> list[CompiledRule]:
        """The app's rules about records of the form."""
        return [rule for rule in ruleset_of(self._around, self._app).rules if rule.form == self._form]

    def askers(self) -> list[tuple[str, Asker]]:
        """Decisions that are asked about records of the form, with who asks."""
        return [(name, asker) for name in self._app.decisions for asker in askers(self._app, name, self._form)[:1]]

    def _past(self, reads: frozenset[tuple[str, ...]]) -> Past:
        return Past(self._around, self._app.name, self._form, reads)

    def _data(self, reads: frozenset[tuple[str, ...]], change: PastChange | None) -> RuleData | None:
        if change is not None:
            return self._past(reads).data_of(change)
        event = RuleEvent(
            kind=EventKind.RECORD_UPDATED,
            at=self._around.work.instant,
            record=ref(self._app.name, self._name, self._id),
        )
        return data_of(self._around, self._app, event, reads, {})

    def _due(self, rule: CompiledRule, trigger: int) -> RuleEvent:
        """The event with which the clock would start the rule now."""
        return RuleEvent(
            kind=EventKind.RULE_DUE,
            at=self._around.work.instant,
            record=ref(self._app.name, self._name, self._id),
            name=rule.name,
            trigger=trigger,
        )

    def _is_done(self, rule: CompiledRule, trigger: int, standing: Silence) -> bool:
        text = standing.last.isoformat() if standing.last else ""
        spell = f"{trigger}:{text}" if trigger else text
        return bool(has_fired(self._around, self._app.name, rule.name, self._id, spell))

    def _firings(self, rule: str) -> tuple[FiringSeen, ...]:
        c = rule_firing.c
        mine = (c.app == self._app.name, c.rule == rule, c.form == self._name, c.record_id == self._id)
        query = sa.select(rule_firing).where(*mine).order_by(c.id.desc()).limit(MOST_FIRINGS)
        return tuple(
            FiringSeen(
                at=row.at,
                cause=row.cause,
                release=row.release,
                inputs=decode(row.inputs),
                actions=tuple(action["action"] for action in decode(row.actions)),
            )
            for row in self._around.work.connection.execute(query)
        )


def _own(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[1:] if path[0] == "record" and len(path) > 1 else path


def _silent(rule: CompiledRule) -> frozenset[tuple[str, ...]]:
    """What absences read of the records that break a silence."""
    found: set[tuple[str, ...]] = {("created_at",)}
    for trigger in rule.triggers:
        if isinstance(trigger.tree, t.Absence):
            head = trigger.tree.relation
            found.add((head, trigger.tree.dated_by or "created_at"))
            found |= {(head, *path) for path in (trigger.where.reads if trigger.where is not None else ())}
    return frozenset(found)


def _asked(rule: CompiledRule) -> frozenset[tuple[str, ...]]:
    """What the condition and the triggers of a rule tell of a record."""
    parts = [rule.condition.reads] if rule.condition is not None else []
    for trigger in rule.triggers:
        parts.append(trigger.reads)
        if trigger.field:
            parts.append(frozenset({(trigger.field,)}))
    return frozenset(_own(path) for part in parts for path in part) | _silent(rule)
