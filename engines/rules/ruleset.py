"""All rules of an app, run on one event at a time. Pure: what is to be done comes back as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from engines import feel
from engines.rules.compiled import CompiledDelay, CompiledDuration, CompiledRule, CompiledRules, CompiledTrigger
from engines.rules.events import EventKind, RuleData, RuleEvent, RuleResult, RuleState, TimerRequest, TraceEntry
from engines.rules.firing import Firing, Steps
from engines.rules.index import Candidate, RuleIndex, candidate_of
from engines.rules.program import Frame
from engines.rules.schedules import add_period
from engines.rules.variables import Variables

_DUE: Final = EventKind.RULE_DUE
_CLOCK_UNITS: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
_NONE: Final[Mapping[str, Any]] = {}


class RuleSet:
    """The rules of one app, indexed. Immutable and free of data; safe to share between threads."""

    def __init__(self, files: Iterable[CompiledRules]) -> None:
        """``files``: in the order in which their rules run where priorities are equal."""
        self.rules: tuple[CompiledRule, ...] = tuple(_numbered(files))
        self._by_name = {rule.name: rule for rule in self.rules}
        self._index = RuleIndex(self.rules)

    def rule(self, name: str) -> CompiledRule | None:
        """A rule by name."""
        return self._by_name.get(name)

    def waits_for(self, event: RuleEvent) -> bool:
        """Whether any rule could fire on such an event; where not, nothing need be loaded."""
        if event.kind is _DUE:
            return bool(self._due(event))
        return bool(self._index.concerned(event))

    def hears(self, kind: EventKind, name: str) -> bool:
        """Whether any rule could fire on an event of this kind about what is called ``name``, whatever it carries."""
        return self._index.hears(kind, name)

    def reads(self, event: RuleEvent) -> frozenset[tuple[str, ...]]:
        """The paths that rules may read on this event: of the record ("account", "tier"), of "previous", "settings" …

        Paths that begin with "record" are given without it.
        """
        if event.kind is _DUE:
            parts = [candidate.rule.reads for candidate in self._due(event)]
        else:
            parts = [bucket.reads for bucket in self._index.concerned(event)]
        found = frozenset[tuple[str, ...]]().union(*parts)
        return frozenset(path[1:] if path[0] == "record" and len(path) > 1 else path for path in found)

    def _due(self, event: RuleEvent) -> list[Candidate]:
        rule = self._by_name.get(event.name)
        if rule is None or rule.tree.switched_off or event.trigger >= len(rule.triggers):
            return []
        return [candidate_of(rule, rule.triggers[event.trigger])]

    def clock_triggers(self) -> Iterator[Candidate]:
        """The triggers that the clock starts: schedules, absences, dates. The runtime sweeps them."""
        for rule in self.rules:
            if not rule.tree.switched_off:
                for trigger in rule.triggers:
                    if not trigger.waits_for:
                        yield candidate_of(rule, trigger)


def run(ruleset: RuleSet, event: RuleEvent, data: RuleData, *, trace: bool = False) -> RuleResult:
    """What the rules make of an event: firings in order, timers to set, states to keep.

    All conditions are looked at before anything is done (docs/rules.md, What happens when).
    """
    return _Run(ruleset, event, data, trace).result()


class _Run:
    __slots__ = ("_data", "_event", "_firings", "_ruleset", "_states", "_timers", "_trace", "_tracing", "_variables")

    def __init__(self, ruleset: RuleSet, event: RuleEvent, data: RuleData, trace: bool) -> None:
        self._ruleset = ruleset
        self._event = event
        self._data = data
        self._tracing = trace
        self._trace: list[TraceEntry] = []
        self._firings: list[Firing] = []
        self._timers: list[TimerRequest] = []
        self._states: dict[str, RuleState] = {}
        self._variables = variables_of(event, data)

    def result(self) -> RuleResult:
        due = self._event.kind is _DUE
        done: set[str] = set()
        stopped_below: int | None = None
        for candidate in self._candidates(due):
            tree = candidate.rule.tree
            if tree.name in done or (stopped_below is not None and tree.priority < stopped_below):
                continue
            if self._fires(candidate) if candidate.simple and not self._tracing else self._look_at(candidate, due):
                done.add(tree.name)
                stopped_below = tree.priority if tree.stop_after else stopped_below
        return RuleResult(tuple(self._firings), tuple(self._timers), self._states, tuple(self._trace))

    def _candidates(self, due: bool) -> list[Candidate]:
        if due:
            return self._ruleset._due(self._event)
        # A trace tells of rules that the index would pass over, too.
        if self._tracing:
            return self._ruleset._index.waiting(self._event)
        return self._ruleset._index.find(self._event, self._variables, self._data.context)

    def _fires(self, candidate: Candidate) -> bool:
        """Fires a rule of which only the condition is to be looked at, where it holds; whether it fired."""
        rule = candidate.rule
        if not (candidate.holds or rule.condition is None or self._value(rule.condition) is True):
            return False
        self._fire(rule, rule.then)
        return True

    def _look_at(self, candidate: Candidate, due: bool) -> bool:
        """Fires the rule, or sets its timer, where the event calls for it; whether it fired."""
        rule, trigger = candidate.rule, candidate.trigger
        if not self._is_valid(rule):
            return self._note(rule, "not_valid")
        if not due and trigger.test is not None and not trigger.test(self._event, self._data, self._variables):
            return False
        if not due and trigger.delay is not None:
            self._delay(rule, trigger, trigger.delay)
            return self._note(rule, "delayed")
        if due and trigger.delay is not None and self._is_void(trigger.delay):
            return self._note(rule, "unless")
        if due and trigger.population is not None and self._value(trigger.population) is not True:
            return self._note(rule, "not_meant")
        return self._decide(rule)

    def _is_valid(self, rule: CompiledRule) -> bool:
        first, last = rule.tree.valid_from, rule.tree.valid_until
        if not first and not last:
            return True
        day = self._event.at.astimezone(self._data.context.zone or UTC).date().isoformat()
        return (not first or day >= first) and (not last or day <= last)

    def _is_void(self, delay: CompiledDelay) -> bool:
        return delay.unless is not None and self._value(delay.unless) is True

    def _value(self, expression: feel.Expression) -> Any:
        return expression.evaluate(self._variables, self._data.context).value

    def _decide(self, rule: CompiledRule) -> bool:
        evaluation = None if rule.condition is None else rule.condition.evaluate(self._variables, self._data.context)
        holds = evaluation is None or evaluation.value is True
        why = "fired" if holds else "condition" if evaluation is not None and evaluation.value is False else "null"
        failures = evaluation.failures if evaluation is not None else ()
        if rule.remembers:
            why = self._with_state(rule, holds, why)
        if why == "fired":
            self._fire(rule, rule.then)
        elif rule.otherwise is not None and not holds:
            self._fire(rule, rule.otherwise)
            why = "otherwise"
        self._note(rule, why, failures)
        return why in ("fired", "otherwise")

    def _with_state(self, rule: CompiledRule, holds: bool, why: str) -> str:
        """Applies "only when becoming true" and "cool down", and says what is to be kept."""
        state = self._data.state(rule.name) or self._state_before(rule)
        cooling = holds and self._is_cooling(rule, state)
        if holds and rule.tree.becoming and state.holds:
            why = "not_becoming"
        elif cooling:
            why = "cool_down"
        fired_at = self._event.at if why == "fired" else state.fired_at
        self._states[rule.name] = RuleState(holds=holds and not cooling, fired_at=fired_at)
        return why

    def _state_before(self, rule: CompiledRule) -> RuleState:
        """Where nothing is kept yet, whether the condition held is worked out from the record before the change."""
        previous = self._data.previous
        if previous is None or rule.condition is None or not rule.tree.becoming:
            return RuleState()
        before = Variables({"record": previous}, previous, self._data.variables)
        return RuleState(holds=rule.condition.evaluate(before, self._data.context).value is True)

    def _is_cooling(self, rule: CompiledRule, state: RuleState) -> bool:
        if rule.cool_down is None or state.fired_at is None:
            return False
        until = _later(state.fired_at, rule.cool_down, self._variables, self._data.context)
        return until is not None and self._event.at < until

    def _fire(self, rule: CompiledRule, step: Any) -> None:
        tree, event = rule.tree, self._event
        program = _program(rule, step, event, self._variables, self._data.context)
        self._firings.append(Firing(tree.name, tree.label, tree.priority, tree.reason, event, event.record, program))

    def _delay(self, rule: CompiledRule, trigger: CompiledTrigger, delay: CompiledDelay) -> None:
        due_at = self._due_at(delay)
        if due_at is not None:
            request = TimerRequest(
                rule=rule.name,
                trigger=trigger.index,
                due_at=due_at,
                record=self._event.record,
                payload=self._event.payload,
            )
            self._timers.append(request)

    def _due_at(self, delay: CompiledDelay) -> datetime | None:
        calendar = self._data.calendar(delay.calendar) if delay.calendar else None
        unit = _CLOCK_UNITS.get(delay.duration.unit)
        if calendar is not None and unit is not None:
            amount = delay.duration.number(self._variables, self._data.context)
            return None if amount is None else calendar.add(self._event.at, amount * unit)
        return _later(self._event.at, delay.duration, self._variables, self._data.context)

    def _note(self, rule: CompiledRule, why: str, failures: tuple[feel.Failure, ...] = ()) -> bool:
        if self._tracing:
            reads = rule.condition.reads if rule.condition is not None else ()
            inputs = {".".join(path): _at(self._variables, path) for path in sorted(reads)}
            codes = tuple(failure.code for failure in failures)
            self._trace.append(
                TraceEntry(rule=rule.name, fired=why in ("fired", "otherwise"), why=why, inputs=inputs, failures=codes)
            )
        return False


def variables_of(event: RuleEvent, data: RuleData) -> Variables:
    """The names of an event's expressions: record, previous, event and the record's own fields."""
    about = {"kind": event.kind.value, "name": event.name, "at": event.at, **event.payload}
    names: dict[str, Any] = {"event": about, "previous": data.previous}
    if data.record:
        names["record"] = data.record
    return Variables(names, data.record, data.variables)


def _program(
    rule: CompiledRule, step: Any, event: RuleEvent, variables: Variables, context: feel.EvaluationContext
) -> Any:
    def start() -> Steps:
        frame = Frame(rule=rule.name, variables=variables, context=context, record=event.record)
        return (yield from step(frame))  # type: ignore[no-any-return]

    return start


def _later(
    start: datetime, duration: CompiledDuration, variables: Mapping[str, Any], context: feel.EvaluationContext
) -> datetime | None:
    """``start`` plus a duration; days and longer are local days, so that a clock change does not shift them."""
    amount = duration.number(variables, context)
    if amount is None:
        return None
    if duration.unit in _CLOCK_UNITS:
        return start + amount * _CLOCK_UNITS[duration.unit]
    zone = context.zone or ZoneInfo("UTC")
    local = start.astimezone(zone)
    moved = datetime.combine(add_period(local.date(), amount, duration.unit), local.timetz().replace(tzinfo=None))
    return moved.replace(tzinfo=zone, fold=local.fold).astimezone(UTC)


def _at(variables: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = variables.get(path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _numbered(files: Iterable[CompiledRules]) -> Iterator[CompiledRule]:
    from dataclasses import replace

    order = 0
    for file in files:
        for rule in file.rules:
            yield replace(rule, order=order)
            order += 1


__all__ = ["RuleSet", "run", "variables_of"]
