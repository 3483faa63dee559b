"""The tests of triggers: changed, crossed a limit, completed with an outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from engines import feel
from engines.feel.comparing import equal, order
from engines.rules.compiled import Test
from engines.rules.events import EventKind, RuleData, RuleEvent
from engines.rules.variables import Variables

# (before, now) against the limit, each -1, 0 or 1; null before counts as being on the other side.
_CROSSINGS: Final[Mapping[str, tuple[Callable[[int], bool], Callable[[int], bool]]]] = {
    "rises_above": (lambda before: before <= 0, lambda now: now > 0),
    "reaches": (lambda before: before < 0, lambda now: now >= 0),
    "falls_below": (lambda before: before >= 0, lambda now: now < 0),
    "sinks_to": (lambda before: before > 0, lambda now: now <= 0),
}


def values_of(event: RuleEvent, data: RuleData, field: str) -> tuple[Any, Any]:
    """A field's value before and after the event; null before a record existed."""
    before = data.previous.get(field) if data.previous is not None else None
    return (None if event.kind is EventKind.RECORD_CREATED else before), data.record.get(field)


def changed_test(field: str, before: feel.Expression | None, after: feel.Expression | None) -> Test:
    """Whether the field has another value than before, from and to the values asked for."""

    def test(event: RuleEvent, data: RuleData, variables: Variables) -> bool:
        was, now = values_of(event, data, field)
        if event.kind is EventKind.RECORD_CREATED and now is None:
            return False
        sides = ((before, was), (after, now))
        return all(_same(wanted, value, data, variables) for wanted, value in sides if wanted is not None)

    return test


def _same(wanted: feel.Expression, value: Any, data: RuleData, variables: Variables) -> bool:
    target = wanted.evaluate(variables, data.context).value
    return equal(target, feel.from_python(value, data.context.zone)) is True


def crossing_test(field: str, how: str, limit: feel.Expression) -> Test:
    """Whether the field has crossed the limit in the direction ``how``. Null never crosses, nor does a null limit."""
    was_beyond, is_beyond = _CROSSINGS[how]

    def test(event: RuleEvent, data: RuleData, variables: Variables) -> bool:
        was, now = (feel.from_python(value, data.context.zone) for value in values_of(event, data, field))
        bound = limit.evaluate(variables, data.context).value
        after = order(now, bound) if now is not None and bound is not None else None
        if after is None or not is_beyond(after):
            return False
        before = order(was, bound) if was is not None else None
        return before is None or was_beyond(before)

    return test


def outcome_test(outcome: feel.Expression) -> Test:
    """Whether a task ended with the outcome."""

    def test(event: RuleEvent, data: RuleData, variables: Variables) -> bool:
        return bool(outcome.evaluate(variables, data.context).value == event.payload.get("outcome"))

    return test
