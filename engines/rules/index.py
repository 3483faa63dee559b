"""Finds the rules that an event can concern: by kind and name, by changed field, by constant tests of the condition.

A condition ``kind = "a" and …`` is looked up by the value that the record has; ``amount > 5`` by binary search among
the limits. So rules that cannot match cost nothing, however many they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from engines.feel import nodes as n
from engines.rules.compiled import CompiledRule, CompiledTrigger
from engines.rules.events import EventKind, RuleData, RuleEvent

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INDEXED: Final = (str, bool, Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trigger of a rule that may be concerned."""

    rule: CompiledRule
    trigger: CompiledTrigger


@dataclass(frozen=True, slots=True)
class ConstantTest:
    """A test of a field against a literal that the condition needs to be true."""

    field: str
    operator: str
    value: Any


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


@dataclass(slots=True)
class Bucket:
    """Candidates of one kind of event, by what their conditions need."""

    always: list[Candidate] = field(default_factory=list)
    # field -> (type, value) -> candidates
    equal: dict[str, dict[tuple[type, Any], list[Candidate]]] = field(default_factory=dict)
    # (field, operator) -> limits
    ordered: dict[tuple[str, str], _Limits] = field(default_factory=dict)

    def add(self, candidate: Candidate) -> None:
        """Files a candidate under the constant test that leaves most out."""
        tests = list(constant_tests(candidate.rule))
        test = next((t for t in tests if t.operator == "="), tests[0] if tests else None)
        if test is None or _always_looked_at(candidate):
            self.always.append(candidate)
        elif test.operator == "=":
            by_value = self.equal.setdefault(test.field, {})
            by_value.setdefault((type(test.value), test.value), []).append(candidate)
        else:
            self.ordered.setdefault((test.field, test.operator), _Limits()).add(test.value, candidate)

    def freeze(self) -> None:
        """Call once all are in."""
        for limits in self.ordered.values():
            limits.freeze()

    def find(self, record: Mapping[str, Any]) -> Iterator[Candidate]:
        """Those whose constant test the record meets."""
        yield from self.always
        for name, by_value in self.equal.items():
            value = _comparable(record.get(name))
            yield from by_value.get((type(value), value), ())
        for (name, operator), limits in self.ordered.items():
            value = _comparable(record.get(name))
            if type(value) is Decimal:
                yield from limits.met(operator, value)

    def all(self) -> Iterator[Candidate]:
        """Every candidate, whatever its condition."""
        yield from self.always
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
                    self._add(Candidate(rule=rule, trigger=trigger))
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

    def _concerned(self, event: RuleEvent) -> Iterator[Bucket]:
        key = (event.kind, event.name or (event.record.form if event.record else ""))
        if key in self._any:
            yield self._any[key]
        by_field = self._by_field.get(key)
        if by_field is None:
            return
        if event.kind is EventKind.RECORD_CREATED:
            yield from by_field.values()
        else:
            yield from (by_field[name] for name in event.changed if name in by_field)

    def find(self, event: RuleEvent, data: RuleData) -> list[Candidate]:
        """Triggers that the event may set off, in the order in which their rules run; one per rule and trigger."""
        found = [candidate for bucket in self._concerned(event) for candidate in bucket.find(data.record)]
        return sorted(found, key=run_order)

    def waiting(self, event: RuleEvent) -> Iterator[Candidate]:
        """All triggers that wait for such an event, whatever the record holds."""
        for bucket in self._concerned(event):
            yield from bucket.all()


def run_order(candidate: Candidate) -> tuple[int, int, int]:
    """Higher priority first, then as written."""
    return -candidate.rule.tree.priority, candidate.rule.order, candidate.trigger.index


def _always_looked_at(candidate: Candidate) -> bool:
    """Whether a condition that is not true matters, too, or is to be looked at later only."""
    rule = candidate.rule
    return candidate.trigger.delay is not None or rule.otherwise is not None or rule.remembers


def constant_tests(rule: CompiledRule) -> Iterator[ConstantTest]:
    """The comparisons of a field with a literal among the terms of the condition that must all be true."""
    if rule.condition is None:
        return
    tree = rule.condition.tree
    for term in tree.terms if isinstance(tree, n.And) else (tree,):
        while isinstance(term, n.Group):
            term = term.inner
        if isinstance(term, n.Comparison) and (found := _constant_test(term)) is not None:
            yield found


def _constant_test(term: n.Comparison) -> ConstantTest | None:
    match term.left, term.right:
        case n.Name(name=name), n.Literal(value=value):
            operator = term.operator
        case n.Literal(value=value), n.Name(name=name):
            operator = _MIRRORED.get(term.operator, term.operator)
        case _:
            return None
    if operator == "=" and isinstance(value, _INDEXED):
        return ConstantTest(name, operator, value)
    if operator in _MIRRORED and type(value) is Decimal:
        return ConstantTest(name, operator, value)
    return None


def _comparable(value: Any) -> Any:
    """A record's value as literals have it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value if isinstance(value, _INDEXED) or value is None else _OTHER


_OTHER: Final = date.min
