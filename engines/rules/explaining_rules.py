"""Why a rule did or did not fire on an event: what stopped it, its condition term by term, the smallest change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from engines import feel
from engines.rules.compiled import CompiledRule, CompiledRules, CompiledTrigger
from engines.rules.events import RuleData, RuleEvent
from engines.rules.explaining import Explanation, explain_condition
from engines.rules.language import tree as t
from engines.rules.ruleset import RuleSet, run, variables_of
from engines.rules.schedules import add_period


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExplanation:
    """Why a rule did or did not fire."""

    rule: CompiledRule
    fired: bool
    # As in ``TraceEntry``; or not_triggered, stopped (by a rule before it), switched_off.
    why: str
    # Of its condition on the data given; None where it has none.
    explanation: Explanation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How an absence stands."""

    # Day of the last event that counts; None where there was none and the record's creation counts.
    last: date | None
    # The first day on which the rule may fire.
    due: date


def explain_rule(ruleset: RuleSet, name: str, event: RuleEvent, data: RuleData) -> RuleExplanation | None:
    """Why a rule did or did not fire on an event; None for an unknown rule. Nothing is carried out."""
    rule = ruleset.rule(name)
    if rule is None:
        return None
    own = replace(data, context=replace(data.context, budget=_budget()))
    entry = _entry(ruleset, name, event, own)
    why = entry.why if entry is not None else _unseen(rule, event, own)
    explanation = None
    if rule.condition is not None:
        explanation = explain_condition(rule.condition, variables_of(event, own), own.context)
    return RuleExplanation(rule=rule, fired=entry is not None and entry.fired, why=why, explanation=explanation)


def _budget() -> feel.Budget:
    # Changes are tried many times over; the command's own budget is not for that.
    return feel.Budget(steps=20_000_000, seconds=3.0, wall_seconds=10.0)


def _entry(ruleset: RuleSet, name: str, event: RuleEvent, data: RuleData) -> Any:
    """What the trace says of a rule; that it fired, where it was looked at for several triggers."""
    entries = [entry for entry in run(ruleset, event, data, trace=True).trace if entry.rule == name]
    return next((entry for entry in entries if entry.fired), entries[-1] if entries else None)


def _unseen(rule: CompiledRule, event: RuleEvent, data: RuleData) -> str:
    """Why a rule was not even looked at."""
    if rule.tree.switched_off:
        return "switched_off"
    return "stopped" if _entry(alone(rule), rule.name, event, data) is not None else "not_triggered"


def alone(rule: CompiledRule) -> RuleSet:
    """A rule as the only one of its app."""
    return RuleSet([CompiledRules(tree=t.RuleFile(rules=(rule.tree,)), rules=(rule,))])


def silence(trigger: CompiledTrigger, data: RuleData) -> Silence | None:
    """Since when a record is silent, and from when on an absence fires; None for other triggers, and for hours."""
    tree, distance = trigger.tree, trigger.distance
    amount = distance.number({"settings": data.variables.get("settings") or {}}, data.context) if distance else None
    if not isinstance(tree, t.Absence) or distance is None or amount is None:
        return None
    days = [_day(item.get(tree.dated_by or "created_at"), data) for item in _counted(trigger, tree, data)]
    last = max((day for day in days if day is not None), default=None)
    since = last or _day(data.record.get("created_at"), data)
    if since is None or distance.unit in ("minutes", "hours"):
        return None
    return Silence(last=last, due=add_period(since, amount, distance.unit))


def _counted(trigger: CompiledTrigger, tree: t.Absence, data: RuleData) -> list[Any]:
    items = data.record.get(tree.relation) or []
    if trigger.where is None:
        return list(items)
    return [item for item in items if trigger.where.evaluate({**data.variables, **item}, data.context).value is True]


def _day(value: Any, data: RuleData) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(data.context.zone).date()
    return value if isinstance(value, date) else None


__all__ = ["RuleExplanation", "Silence", "alone", "explain_rule", "silence"]
