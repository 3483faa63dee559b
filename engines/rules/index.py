"""Finds the rules that an event can concern: by kind and name, by changed field, by constant tests of the condition.

A condition ``kind = "a" and …`` is looked up by the value that the record has; ``amount > 5`` by binary search among
the limits. So rules that cannot match cost nothing, however many they are. The conditions of those that cannot be
looked up are evaluated together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple

from engines import feel
from engines.rules.compiled import CompiledRule, CompiledTrigger
from engines.rules.constant_tests import KEYS, OneOf, constant_tests
from engines.rules.events import EventKind, RuleEvent

# From here on it pays to compile conditions to one function.
_TOGETHER: Final = 8


class Candidate(NamedTuple):
    """A trigger of a rule that may be concerned."""

    rule: CompiledRule
    trigger: CompiledTrigger
    # Higher priority first, then as written.
    order: tuple[int, int, int]
    # Whether the condition alone decides, and only on firing or not.
    simple: bool
    # Whether the rule's condition is known to be true.
    holds: bool = False


def candidate_of(rule: CompiledRule, trigger: CompiledTrigger) -> Candidate:
    """A trigger with the place of its rule among the others."""
    simple = not (_matters_when_false(rule, trigger) or _is_guarded(rule, trigger))
    return Candidate(rule, trigger, (-rule.tree.priority, rule.order, trigger.index), simple)


@dataclass(slots=True)
class _Limits:
    """Rules that need ``field > limit`` (or the like), in order of their limits."""

    entries: list[tuple[Decimal, int, Candidate]] = field(default_factory=list)
    keys: list[Decimal] = field(default_factory=list)

    def add(self, limit: Decimal, candidate: Candidate) -> None:
        self.entries.append((limit, len(self.entries), candidate))

    def freeze(self) -> None:
        self.entries.sort(key=lambda entry: entry[:2])
        self.keys = [entry[0] for entry in self.entries]

    def met(self, operator: str, value: Decimal) -> Iterator[Candidate]:
        """The rules whose test ``value operator limit`` holds."""
        match operator:
            case ">":
                found = self.entries[: bisect_left(self.keys, value)]
            case ">=":
                found = self.entries[: bisect_right(self.keys, value)]
            case "<":
                found = self.entries[bisect_right(self.keys, value) :]
            case _:
                found = self.entries[bisect_left(self.keys, value) :]
        return (entry[2] for entry in found)


class _Together:
    """Candidates whose conditions are evaluated in one go; those that hold are left."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []

    @cached_property
    def _conditions(self) -> feel.Batch:
        return feel.Batch([c.rule.condition for c in self.candidates if c.rule.condition is not None])

    def met(self, variables: Mapping[str, Any], context: feel.EvaluationContext) -> list[Candidate]:
        """The candidates whose condition is true; all of them where they are too few for it to pay."""
        if len(self.candidates) < _TOGETHER:
            return self.candidates
        values = self._conditions.values(variables, context)
        return [c._replace(holds=True) for c, value in zip(self.candidates, values, strict=True) if value is True]


@dataclass(slots=True)
class Bucket:
    """Candidates of one kind of event, by what their conditions need."""

    # Those that are looked at whatever the record holds.
    always: list[Candidate] = field(default_factory=list)
    together: _Together = field(default_factory=_Together)
    # field -> (type, value) -> candidates
    equal: dict[str, dict[tuple[type, Any], list[Candidate]]] = field(default_factory=dict)
    # (field, operator) -> limits
    ordered: dict[tuple[str, str], _Limits] = field(default_factory=dict)
    # What any of the rules reads.
    reads: frozenset[tuple[str, ...]] = frozenset()

    def add(self, candidate: Candidate) -> None:
        """Files a candidate under the constant test that leaves most out."""
        tests = list(constant_tests(candidate.rule.condition))
        test = next((t for t in tests if isinstance(t, OneOf)), tests[0] if tests else None)
        if _matters_when_false(candidate.rule, candidate.trigger) or candidate.rule.condition is None:
            self.always.append(candidate)
        elif test is None:
            (self.together.candidates if candidate.simple else self.always).append(candidate)
        elif isinstance(test, OneOf):
            by_value = self.equal.setdefault(test.field, {})
            for key in dict.fromkeys((type(value), value) for value in test.values):
                by_value.setdefault(key, []).append(candidate)
        else:
            self.ordered.setdefault((test.field, test.operator), _Limits()).add(test.value, candidate)

    def freeze(self) -> None:
        """Call once all are in."""
        for limits in self.ordered.values():
            limits.freeze()
        self.reads = frozenset(path for candidate in self.all() for path in candidate.rule.reads)

    def find(self, variables: Mapping[str, Any], context: feel.EvaluationContext) -> list[Candidate]:
        """Those whose constant test the record meets."""
        found = self.always[:]
        if self.together.candidates:
            found += self.together.met(variables, context)
        for name, by_value in self.equal.items():
            value = _comparable(variables.get(name))
            found += by_value.get((type(value), value), ())
        for (name, operator), limits in self.ordered.items():
            value = _comparable(variables.get(name))
            if type(value) is Decimal:
                found += limits.met(operator, value)
        return found

    def all(self) -> Iterator[Candidate]:
        """Every candidate, whatever its condition; one that has several values to match may come again."""
        yield from self.always
        yield from self.together.candidates
        for by_value in self.equal.values():
            for found in by_value.values():
                yield from found
        for limits in self.ordered.values():
            yield from (entry[2] for entry in limits.entries)


class RuleIndex:
    """All rules of an app by what they wait for."""

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._any: dict[tuple[EventKind, str], Bucket] = {}
        self._by_field: dict[tuple[EventKind, str], dict[str, Bucket]] = {}
        for rule in rules:
            if not rule.tree.switched_off:
                for trigger in rule.triggers:
                    self._add(candidate_of(rule, trigger))
        for bucket in self._buckets():
            bucket.freeze()

    def _add(self, candidate: Candidate) -> None:
        for key in candidate.trigger.waits_for:
            if candidate.trigger.field:
                bucket = self._by_field.setdefault(key, {}).setdefault(candidate.trigger.field, Bucket())
            else:
                bucket = self._any.setdefault(key, Bucket())
            bucket.add(candidate)

    def _buckets(self) -> Iterator[Bucket]:
        yield from self._any.values()
        for by_field in self._by_field.values():
            yield from by_field.values()

    def concerned(self, event: RuleEvent) -> list[Bucket]:
        """Where the rules stand that wait for such an event, whatever the record holds."""
        key = (event.kind, event.name or (event.record.form if event.record else ""))
        found = [self._any[key]] if key in self._any else []
        by_field = self._by_field.get(key)
        if by_field is not None:
            created = event.kind is EventKind.RECORD_CREATED
            found += by_field.values() if created else (by_field[name] for name in event.changed if name in by_field)
        return found

    def hears(self, kind: EventKind, name: str) -> bool:
        """Whether any rule waits for events of this kind about what is called ``name``."""
        return (kind, name) in self._any or (kind, name) in self._by_field

    def find(self, event: RuleEvent, variables: Mapping[str, Any], context: feel.EvaluationContext) -> list[Candidate]:
        """Triggers that the event may set off, in the order in which their rules run; one per rule and trigger."""
        found: list[Candidate] = []
        for bucket in self.concerned(event):
            found += bucket.find(variables, context)
        if len(found) > 1:
            found.sort(key=run_order)
        return found

    def waiting(self, event: RuleEvent) -> list[Candidate]:
        """All triggers that wait for such an event, whatever the record holds, in the same order."""
        found = {candidate.order: candidate for bucket in self.concerned(event) for candidate in bucket.all()}
        return [found[order] for order in sorted(found)]


def run_order(candidate: Candidate) -> tuple[int, int, int]:
    """Higher priority first, then as written."""
    return candidate.order


def _matters_when_false(rule: CompiledRule, trigger: CompiledTrigger) -> bool:
    """Whether a condition that is not true matters, too, or is to be looked at later only."""
    return trigger.delay is not None or rule.otherwise is not None or rule.remembers


def _is_guarded(rule: CompiledRule, trigger: CompiledTrigger) -> bool:
    """Whether something cheaper may settle that the condition need not be looked at."""
    return trigger.test is not None or bool(rule.tree.valid_from) or bool(rule.tree.valid_until)


def _comparable(value: Any) -> Any:
    """A record's value as literals have it."""
    kind = type(value)
    if kind in KEYS or value is None:
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, str):
        return str(value)
    return Decimal(value) if isinstance(value, Decimal) else _OTHER


_OTHER: Final = date.min
