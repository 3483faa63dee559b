"""Tree → compiled rules, checked against the app's definitions; everything that is wrong is gathered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

from engines import feel
from engines.core import Diagnostic
from engines.rules.compiled import CompiledDelay, CompiledDuration, CompiledRule, CompiledTrigger
from engines.rules.compiling_actions import ActionCompiler
from engines.rules.events import EventKind
from engines.rules.language import tree as t
from engines.rules.scoping import Scoping
from engines.rules.triggers import changed_test, crossing_test, outcome_test

_RECORD_KINDS: Final[Mapping[str, tuple[EventKind, ...]]] = {
    "created": (EventKind.RECORD_CREATED,),
    "updated": (EventKind.RECORD_UPDATED,),
    "saved": (EventKind.RECORD_CREATED, EventKind.RECORD_UPDATED),
    "deleted": (EventKind.RECORD_DELETED,),
    "restored": (EventKind.RECORD_RESTORED,),
}
_CHANGES: Final = (EventKind.RECORD_CREATED, EventKind.RECORD_UPDATED)


class RuleCompiler:
    """Compiles the rules of one file."""

    def __init__(self, scoping: Scoping) -> None:
        self._scoping = scoping

    @property
    def problems(self) -> list[Diagnostic]:
        """Everything found wrong so far."""
        return self._scoping.problems

    def rule(self, rule: t.Rule, order: int) -> CompiledRule:
        """One rule; parts that are broken are reported and left out."""
        form = self._form_of(rule)
        triggers = tuple(self._trigger(trigger, i, form) for i, trigger in enumerate(rule.triggers))
        scope = self._scoping.scope(form, rule.place)
        condition = self._condition(rule.condition, scope)
        actions = ActionCompiler(self._scoping, rule.name, form)
        then = actions.block(rule.then, scope)
        otherwise = actions.block(rule.otherwise, scope) if rule.otherwise else None
        cool_down = self._duration(rule.cool_down, scope) if rule.cool_down else None
        self._check_dates(rule)
        reads = set(actions.reads) | (set(condition.reads) if condition else set())
        reads |= {path for trigger in triggers for path in trigger.reads}
        return CompiledRule(
            tree=rule,
            order=order,
            form=form,
            scope=scope,
            triggers=triggers,
            condition=condition,
            then=then,
            otherwise=otherwise,
            cool_down=cool_down,
            reads=frozenset(reads),
        )

    def _form_of(self, rule: t.Rule) -> str:
        """The form that the rule's expressions see: that of its triggers, which must agree."""
        forms = {self._trigger_form(trigger): trigger for trigger in rule.triggers}
        known = [form for form in forms if form is not None]
        if len(known) > 1:
            self._scoping.report(
                "rules.triggers_disagree",
                forms[known[1]].place,
                found=known[1] or "no record",
                expected=known[0] or "no record",
            )
        return known[0] if known else ""

    def _trigger_form(self, trigger: t.Trigger) -> str | None:
        """The form of a trigger's records; None where it cannot be told."""
        match trigger:
            case t.RecordEvent() | t.FieldChanged() | t.FieldCrosses() | t.Absence() | t.DateReached() | t.Schedule():
                return trigger.form
            case t.ProcessEvent():
                return self._subject(trigger.process)
            case t.TaskEvent():
                return self._subject(trigger.task.partition(".")[0]) if "." in trigger.task else None
            case t.Arrival():
                return None

    def _subject(self, process: str) -> str | None:
        definitions = self._scoping.definitions
        found = definitions.get("process", process) if definitions is not None else None
        return str(getattr(found, "subject", "") or "") if found is not None else None

    def _condition(self, expression: t.Expr | None, scope: feel.Scope) -> feel.Expression | None:
        if expression is None:
            return None
        compiled = self._scoping.compile(expression, scope, feel.BOOLEAN)
        return compiled if compiled is not None else feel.compile("false")

    def _check_dates(self, rule: t.Rule) -> None:
        for text in (rule.valid_from, rule.valid_until):
            try:
                date.fromisoformat(text or "2000-01-01")
            except ValueError:
                self._scoping.report("rules.no_such_date", rule.place, found=text)

    # Triggers

    def _trigger(self, trigger: t.Trigger, index: int, form: str) -> CompiledTrigger:
        scope = self._scoping.scope(form, trigger.place)
        parts: dict[str, Any] = getattr(self, "_" + trigger.KIND)(trigger, scope)
        delay = getattr(trigger, "delay", None)
        if delay is not None:
            parts["delay"] = self._delay(delay, scope)
        return CompiledTrigger(tree=trigger, index=index, form=form, reads=frozenset(_reads(parts)), **_without(parts))

    def _record(self, trigger: t.RecordEvent, scope: feel.Scope) -> dict[str, Any]:
        return {"waits_for": tuple((kind, trigger.form) for kind in _RECORD_KINDS[trigger.what])}

    def _changed(self, trigger: t.FieldChanged, scope: feel.Scope) -> dict[str, Any]:
        self._scoping.field(trigger.form, trigger.field, trigger.place)
        before, after = (self._optional(side, scope) for side in (trigger.before, trigger.after))
        return {
            "waits_for": tuple((kind, trigger.form) for kind in _CHANGES),
            "field": trigger.field,
            "test": changed_test(trigger.field, before, after),
            "used": (before, after, trigger.field),
        }

    def _crosses(self, trigger: t.FieldCrosses, scope: feel.Scope) -> dict[str, Any]:
        self._scoping.field(trigger.form, trigger.field, trigger.place)
        limit = self._scoping.compile(trigger.limit, scope) or feel.compile("null")
        return {
            "waits_for": tuple((kind, trigger.form) for kind in _CHANGES),
            "field": trigger.field,
            "test": crossing_test(trigger.field, trigger.how, limit),
            "used": (limit, trigger.field),
        }

    def _process(self, trigger: t.ProcessEvent, scope: feel.Scope) -> dict[str, Any]:
        self._scoping.known("process", trigger.process, trigger.place)
        return {"waits_for": ((EventKind(f"process.{trigger.what}"), trigger.process),)}

    def _task(self, trigger: t.TaskEvent, scope: feel.Scope) -> dict[str, Any]:
        if "." in trigger.task:
            self._scoping.known("process", trigger.task.partition(".")[0], trigger.place)
        outcome = self._optional(trigger.outcome, scope)
        return {
            "waits_for": ((EventKind(f"task.{trigger.what}"), trigger.task),),
            "test": outcome_test(outcome) if outcome else None,
            "used": (outcome,),
        }

    def _arrival(self, trigger: t.Arrival, scope: feel.Scope) -> dict[str, Any]:
        return {"waits_for": ((EventKind(f"{trigger.what}.arrived"), trigger.name),)}

    def _absence(self, trigger: t.Absence, scope: feel.Scope) -> dict[str, Any]:
        kind = self._scoping.field(trigger.form, trigger.relation, trigger.place)
        element = kind.element if isinstance(kind, feel.ListType) else kind
        inner = scope.extended({**_entries(element), "item": element})
        where = self._scoping.compile(trigger.where, inner, feel.BOOLEAN) if trigger.where else None
        if trigger.where is not None:
            self._scoping.in_sql(where, element, "", trigger.where.place)
        if trigger.dated_by and isinstance(element, feel.ContextType) and not element.open:
            self._known_entry(element, trigger.dated_by, trigger)
        return {"where": where, "distance": self._duration(trigger.lasting, self._clock_scope())}

    def _date(self, trigger: t.DateReached, scope: feel.Scope) -> dict[str, Any]:
        kind = self._scoping.field(trigger.form, trigger.field, trigger.place)
        if not kind.is_any and kind not in (feel.DATE, feel.DATE_TIME):
            self._scoping.report("rules.wrong_type", trigger.place, found=f"{trigger.field} ({kind})", expected="date")
        distance = self._duration(trigger.distance, self._clock_scope()) if trigger.distance else None
        return {"distance": distance, **self._population(trigger, scope)}

    def _schedule(self, trigger: t.Schedule, scope: feel.Scope) -> dict[str, Any]:
        if trigger.cron and not croniter.is_valid(trigger.cron):
            self._scoping.report("rules.no_such_schedule", trigger.place, found=trigger.cron, expected="0 6 * * 1-5")
        try:
            ZoneInfo(trigger.zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            self._scoping.report("rules.no_such_zone", trigger.place, found=trigger.zone, expected="Asia/Shanghai")
        if trigger.calendar:
            self._scoping.known("calendar", trigger.calendar, trigger.place)
        if trigger.where is not None and not trigger.form:
            self._scoping.report("rules.no_record", trigger.place, hint='say of which form with "for each …"')
        return self._population(trigger, scope)

    def _population(self, trigger: t.DateReached | t.Schedule, scope: feel.Scope) -> dict[str, Any]:
        if trigger.where is None:
            return {}
        found = self._scoping.compile(trigger.where, scope, feel.BOOLEAN) or feel.compile("false")
        return {"population": found, "used": (found,)}

    def _clock_scope(self) -> feel.Scope:
        """What the distance of an absence or a date may use: settings, as it is the same for all records of a sweep."""
        return self._scoping.settings_scope()

    def _known_entry(self, kind: feel.ContextType, name: str, trigger: t.Trigger) -> None:
        if kind.get(name) is None:
            self._scoping.report("rules.unknown_field", trigger.place, found=name, expected=f"a field of {kind.name}")

    def _delay(self, delay: t.Delay, scope: feel.Scope) -> CompiledDelay:
        unless = self._scoping.compile(delay.unless, scope, feel.BOOLEAN) if delay.unless else None
        return CompiledDelay(duration=self._duration(delay.duration, scope), calendar=delay.calendar, unless=unless)

    def _duration(self, duration: t.Duration, scope: feel.Scope) -> CompiledDuration:
        amount = self._scoping.compile(duration.amount, scope, feel.NUMBER) or feel.compile("null")
        return CompiledDuration(amount=amount, unit=duration.unit)

    def _optional(self, expression: t.Expr | None, scope: feel.Scope) -> feel.Expression | None:
        return self._scoping.compile(expression, scope) if expression is not None else None


def _entries(kind: feel.FeelType) -> Mapping[str, feel.FeelType]:
    return kind.fields if isinstance(kind, feel.ContextType) else {}


def _without(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parts.items() if key != "used"}


def _reads(parts: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """What a trigger's expressions read of the record; those of related records (``where``) are read in SQL."""
    found: set[tuple[str, ...]] = set()
    for used in parts.get("used", ()):
        if isinstance(used, str):
            found.add((used,))
        elif used is not None:
            found |= used.reads
    delay, distance = parts.get("delay"), parts.get("distance")
    if delay is not None:
        found |= delay.duration.amount.reads | (delay.unless.reads if delay.unless else frozenset())
    return found | (distance.amount.reads if distance else set())
