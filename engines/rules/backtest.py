"""What a draft would have done: rules replayed over past events, absences over a whole stretch in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, or_, select

from engines import feel
from engines.feel import storage
from engines.feel.sql import to_sql_condition
from engines.rules.actions import RecordRef
from engines.rules.compiled import CompiledRule, CompiledTrigger
from engines.rules.events import RuleData, RuleEvent, RuleState
from engines.rules.language import tree as t
from engines.rules.ports import RowSource
from engines.rules.ruleset import RuleSet, run
from engines.rules.sources import WithVariables


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


def replay(ruleset: RuleSet, past: Iterable[tuple[RuleEvent, RuleData]]) -> list[Fired]:
    """Which rules would have fired on past events, in the order given; what rules remember is kept between them.

    Nothing is carried out: what a rule would have changed is not seen by the events that follow. A rule with a delay
    counts as fired at its due time if its condition holds on the data of the event.
    """
    states: dict[Any, dict[str, RuleState]] = {}
    fired: list[Fired] = []
    for event, data in past:
        kept = states.setdefault(event.record.id if event.record else None, {})
        result = run(ruleset, event, replace(data, state=kept.get))
        kept.update(result.states)
        fired += [Fired(rule=firing.rule, record=firing.record, at=event.at) for firing in result.firings]
        for timer in result.timers:
            rule = ruleset.rule(timer.rule)
            if rule is not None and _holds(rule, data):
                fired.append(Fired(rule=timer.rule, record=timer.record, at=timer.due_at))
    return fired


def _holds(rule: CompiledRule, data: RuleData) -> bool:
    if rule.condition is None:
        return True
    variables = {**data.variables, **data.record, "record": data.record, "previous": data.previous}
    return rule.condition.evaluate(variables, data.context).value is True


def difference(draft: Iterable[Fired], published: Iterable[Fired]) -> Difference:
    """What the draft would change: firings by rule, record and time."""
    new, old = list(draft), list(published)
    mine, theirs = set(new), set(old)
    return Difference(
        gained=tuple(one for one in new if one not in theirs), lost=tuple(one for one in old if one not in mine)
    )


def absences(
    rule: CompiledRule,
    trigger: CompiledTrigger,
    source: RowSource,
    dialect: str,
    start: date,
    end: date,
    settings: Mapping[str, Any],
    zone: ZoneInfo,
) -> Select[Any]:
    """All dry spells that would have fired an absence rule from ``start`` to ``end``, as one statement.

    Rows have ``id``, ``spell`` (the date of the last event) and ``fires_on``. The rule's condition is looked at as the
    records are now. Only absences dated by a date, in days or weeks, that begin with an event are found.
    """
    tree = trigger.tree
    relation = source.relation(tree.relation) if isinstance(tree, t.Absence) else None
    identity = source.column("id")
    if not isinstance(tree, t.Absence) or relation is None or trigger.distance is None or identity is None:
        raise ValueError(f"{rule.name} has no absence to look back on")
    days = _days(trigger, settings)
    context = feel.EvaluationContext(now=datetime.combine(end, datetime.min.time(), zone), zone=zone)
    dated = relation.source.column(tree.dated_by or "created_at")
    assert dated is not None  # noqa: S101
    conditions: list[ColumnElement[bool]] = [source.visible_rows(), relation.on]
    rows = WithVariables(source, {"settings": settings}, row_name="record")
    if rule.condition is not None:
        conditions.append(to_sql_condition(rule.condition, rows, dialect, context))
    if trigger.where is not None:
        related = WithVariables(relation.source, {"settings": settings})  # type: ignore[arg-type]
        conditions.append(to_sql_condition(trigger.where, related, dialect, context))
    following = func.lead(dated.element).over(partition_by=identity.element, order_by=dated.element)
    events = (
        select(identity.element.label("id"), dated.element.label("spell"), following.label("following"))
        .select_from(source.selectable)
        .join(relation.selectable, and_(*conditions))
        .subquery("events")
    )
    fires_on = _plus_days(events.c.spell, days, dialect)
    silent = or_(events.c.following.is_(None), events.c.following > fires_on)
    within = and_(fires_on >= literal(start, storage.CalendarDate()), fires_on <= literal(end, storage.CalendarDate()))
    return select(events.c.id, events.c.spell, fires_on.label("fires_on")).where(silent, within)


def _days(trigger: CompiledTrigger, settings: Mapping[str, Any]) -> int:
    distance = trigger.distance
    amount = distance.number({"settings": settings}, feel.EvaluationContext()) if distance else None
    if distance is None or amount is None or distance.unit not in ("days", "weeks"):
        raise ValueError("only absences of days or weeks can be looked back on")
    return amount * (7 if distance.unit == "weeks" else 1)


def _plus_days(element: ColumnElement[Any], days: int, dialect: str) -> ColumnElement[Any]:
    """A date column some days later."""
    from sqlalchemy import Date, Text, type_coerce

    kind = storage.CalendarDate()
    if dialect == "sqlite":
        return type_coerce(func.date(type_coerce(element, Text()), f"+{days} days"), kind)
    return type_coerce(cast(type_coerce(element, Date()) + timedelta(days=days), Date()), kind)
