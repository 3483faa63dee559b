"""Rules compiled: triggers that test an event, a condition, a program of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engines import feel
from engines.rules.events import EventKind, RuleData, RuleEvent
from engines.rules.language import tree as t
from engines.rules.program import Step
from engines.rules.variables import Variables

# Whether a trigger's own test (field, crossing, outcome) holds; the event's kind and name have matched already.
Test = Callable[[RuleEvent, RuleData, Variables], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDuration:
    """A length of time whose amount is computed when needed."""

    amount: feel.Expression
    unit: str

    def number(self, variables: Mapping[str, Any], context: feel.EvaluationContext) -> int | None:
        """The whole amount; None where it is null."""
        value = self.amount.evaluate(variables, context).value
        return int(value) if isinstance(value, Decimal) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDelay:
    """A delay after the event, and what makes it void."""

    duration: CompiledDuration
    calendar: str
    unless: feel.Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTrigger:
    """One trigger of a rule."""

    tree: t.Trigger
    # Position among the rule's triggers.
    index: int
    # (kind of event, name) pairs that it waits for; empty for those that only the clock starts.
    waits_for: tuple[tuple[EventKind, str], ...] = ()
    # For record events: the field that must have changed; "" for any.
    field: str = ""
    test: Test | None = None
    delay: CompiledDelay | None = None
    # Form of the record that expressions see; "" has none.
    form: str = ""
    # For absence: which related records count. For dates and absences: how long.
    where: feel.Expression | None = None
    # For dates and schedules: which records of the form are meant.
    population: feel.Expression | None = None
    distance: CompiledDuration | None = None
    reads: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule ready to run. Immutable and free of data."""

    tree: t.Rule
    # Position among all rules of the app; decides between equal priorities.
    order: int = 0
    # Form of the record that expressions see; "" has none.
    form: str
    # Names of its expressions.
    scope: feel.Scope
    triggers: tuple[CompiledTrigger, ...]
    condition: feel.Expression | None
    then: Step
    otherwise: Step | None
    cool_down: CompiledDuration | None
    # All paths that conditions and actions read.
    reads: frozenset[tuple[str, ...]] = field(default=frozenset())

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.tree.name

    @property
    def remembers(self) -> bool:
        """Whether its state per record must be kept: it fires only when becoming true, or cools down."""
        return self.tree.becoming or self.cool_down is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRules:
    """The rules of one file."""

    tree: t.RuleFile
    rules: tuple[CompiledRule, ...]
