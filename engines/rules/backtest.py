"""What a draft would have done: rules replayed over past events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engines.rules.actions import RecordRef
from engines.rules.events import EventKind, RuleData, RuleEvent, RuleState, TimerRequest
from engines.rules.ruleset import RuleSet, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A rule that would have fired."""

    rule: str
    record: RecordRef | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A draft against what is published."""

    # Only the draft fires.
    gained: tuple[Fired, ...]
    # Only the published fires.
    lost: tuple[Fired, ...]


# What is known at the time at which a delay ends; None where the record is gone by then, or that time has not come.
Later = Callable[[TimerRequest], "RuleData | None"]


def replay(ruleset: RuleSet, past: Iterable[tuple[RuleEvent, RuleData]], later: Later | None = None) -> Iterator[Fired]:
    """Which rules would have fired on past events, in the order given; what rules remember is kept between them.

    Nothing is carried out: what a rule would have changed is not seen by the events that follow. A rule with a delay
    fires at its due time on what ``later`` gives; without it, on the data of the event.
    """
    states: dict[Any, dict[str, RuleState]] = {}
    for event, data in past:
        record = event.record.id if event.record else None
        kept = states.get(record, {})
        result = run(ruleset, event, replace(data, state=kept.get))
        kept.update(result.states)
        yield from (Fired(rule=firing.rule, record=firing.record, at=event.at) for firing in result.firings)
        for timer in result.timers:
            then = later(timer) if later is not None else data
            if then is not None:
                yield from _delayed(ruleset, timer, then, kept)
        if kept:
            states[record] = kept


def _delayed(ruleset: RuleSet, timer: TimerRequest, data: RuleData, kept: dict[str, RuleState]) -> Iterator[Fired]:
    due = RuleEvent(
        kind=EventKind.RULE_DUE,
        at=timer.due_at,
        record=timer.record,
        name=timer.rule,
        trigger=timer.trigger,
        payload=timer.payload,
    )
    result = run(ruleset, due, replace(data, state=kept.get))
    kept.update(result.states)
    yield from (Fired(rule=firing.rule, record=firing.record, at=timer.due_at) for firing in result.firings)


def difference(draft: Iterable[Fired], published: Iterable[Fired]) -> Difference:
    """What the draft would change: firings by rule, record and time."""
    new, old = list(draft), list(published)
    mine, theirs = set(new), set(old)
    return Difference(
        gained=tuple(one for one in new if one not in theirs), lost=tuple(one for one in old if one not in mine)
    )
