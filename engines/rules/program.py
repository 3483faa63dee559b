"""The actions of a rule, compiled to steps that yield what is to be done and take the reply."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engines import feel
from engines.core import StateConflict
from engines.rules import actions as a
from engines.rules.firing import Steps
from engines.rules.variables import Variables


class RecordMissing(StateConflict):
    """An action needs a record, and the expression that should give it gave none."""

    def __init__(self, rule: str, expression: str) -> None:
        super().__init__("rules.record_missing", rule=rule, expression=expression)


@dataclass(slots=True)
class Frame:
    """What is known while a rule's actions run."""

    rule: str
    variables: Variables
    context: feel.EvaluationContext
    record: a.RecordRef | None
    # "stop" was met.
    stopped: bool = False
    # Failures behind nulls, for the trace.
    failures: list[Any] = field(default_factory=list)

    def value(self, expression: feel.Expression) -> Any:
        """The value of an expression as plain Python."""
        return feel.to_python(self.feel_value(expression))

    def feel_value(self, expression: feel.Expression) -> Any:
        """The value of an expression as FEEL holds it."""
        result = expression.evaluate(self.variables, self.context)
        self.failures += result.failures
        return result.value


Step = Callable[[Frame], Steps]
Getter = Callable[[Frame], Any]
# Gives the items of a loop; may ask for them first.
Source = Callable[[Frame], Generator[a.Action, Any, list[Any]]]


def sequence(steps: Sequence[Step]) -> Step:
    """All steps in order, until one says stop."""

    def run(frame: Frame) -> Steps:
        for step in steps:
            if frame.stopped:
                return
            yield from step(frame)

    return run


def yielding(
    make: Callable[[Frame], a.Action | None], then: Callable[[Frame, a.Action, Any], None] | None = None
) -> Step:
    """A step of one action; ``then`` takes its reply. No action is made where ``make`` gives None."""

    def run(frame: Frame) -> Steps:
        action = make(frame)
        if action is None:
            return
        reply = yield action
        if then is not None:
            then(frame, action, reply)

    return run


def stop(frame: Frame) -> Steps:
    """Ends the rule."""
    frame.stopped = True
    yield from ()


def choose(condition: feel.Expression, then: Step, otherwise: Step) -> Step:
    """One of two sequences."""

    def run(frame: Frame) -> Steps:
        yield from (then if frame.feel_value(condition) is True else otherwise)(frame)

    return run


def each(name: str, items: Source, where: feel.Expression | None, body: Step) -> Step:
    """``body`` for each item, under ``name``; items may have to be asked for first."""

    def run(frame: Frame) -> Steps:
        found = yield from items(frame)
        outer = frame.variables
        for item in found:
            frame.variables = outer.with_names({name: item})
            if where is None or frame.feel_value(where) is True:
                yield from body(frame)
            if frame.stopped:
                break
        frame.variables = outer

    return run


def items_of(expression: feel.Expression) -> Source:
    """The items of a list; null has none, a single value is one."""

    def run(frame: Frame) -> Generator[a.Action, Any, list[Any]]:
        value = frame.feel_value(expression)
        yield from ()
        return [] if value is None else value if isinstance(value, list) else [value]

    return run


def records_of(
    form: str, name: str, where: feel.Expression | None, reads: frozenset[tuple[str, ...]] = frozenset()
) -> Source:
    """The records of a form, asked for with the values of the names that the condition takes from the rule."""

    def run(frame: Frame) -> Generator[a.Action, Any, list[Any]]:
        used = {path[0] for path in where.reads} - {name} if where is not None else set()
        values = {key: frame.variables.get(key) for key in used}
        found = yield a.FindRecords(form=form, name=name, where=where, variables=values, reads=reads)
        return list(found or ())

    return run


def bind(name: str) -> Callable[[Frame, a.Action, Any], None]:
    """Keeps a reply under ``name``."""

    def keep(frame: Frame, action: a.Action, reply: Any) -> None:
        frame.variables = frame.variables.with_names({name: reply})

    return keep


def overlay(frame: Frame, action: a.Action, reply: Any) -> None:
    """After an action on the rule's own record, its fields have the new values."""
    target = getattr(action, "record", None)
    if frame.record is None or target is None or target.id != frame.record.id:
        return
    changed: Mapping[str, Any] = reply if isinstance(reply, Mapping) else getattr(action, "values", {})
    frame.variables = frame.variables.with_record(changed)


def record_getter(rule: str, expression: feel.Expression | None, form: str) -> Callable[[Frame], a.RecordRef]:
    """The record an action is about: the rule's own, or what the expression gives (a record or its id)."""

    def own(frame: Frame) -> a.RecordRef:
        if frame.record is None:
            raise RecordMissing(rule, "record")
        return frame.record

    def other(frame: Frame) -> a.RecordRef:
        assert expression is not None  # noqa: S101
        value = frame.feel_value(expression)
        identity = value.get("id") if isinstance(value, Mapping) else value
        if not isinstance(identity, UUID):
            raise RecordMissing(rule, expression.text)
        return a.RecordRef(form=form, id=identity)

    return own if expression is None else other
