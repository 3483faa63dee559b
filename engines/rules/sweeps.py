"""Who fires now: absences, dates and schedules over all records as one SQL statement each.

A sweep gives ids with a *spell*: a text that says which occasion it is (the dry spell by its last event, the date that
has come). The runtime keeps (rule, record, spell) unique in the same transaction as what the rule does, so that each
occasion fires once, whatever happens in between, and however often the sweep runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, literal, not_, select

from engines import feel
from engines.feel.sql import SqlUnsupportedError, to_sql, to_sql_condition
from engines.rules.actions import FindRecords
from engines.rules.compiled import CompiledRule, CompiledTrigger
from engines.rules.language import tree as t
from engines.rules.ports import RowSource
from engines.rules.schedules import add_period, lunar_days, yearly_days
from engines.rules.sources import WithVariables

# Dates further back than this are not caught up: within it, no anniversary comes twice.
MAX_CATCH_UP: Final = timedelta(days=365)
# Dates of birth that a statement lists; where more may be meant, all records with a date are looked at.
MAX_LISTED: Final = 5_000
_CLOCK_UNITS: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTime:
    """The stretch of time that a sweep covers."""

    # The last sweep of this trigger (or the rule's publication): occasions until then have been seen.
    since: datetime
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The local day of ``now``."""
        return self.now.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A statement that finds who fires, and how its rows are read."""

    select: Select[Any]
    # Row -> spell; None for a record that does not fire after all.
    spell_of: Callable[[Any], str | None]
    # Whether the rule's condition stands in the statement; it is looked at again when the rule runs in any case.
    has_condition: bool

    # Position of the trigger in its rule: the spells of several are told apart by it.
    trigger: int = 0

    def read(self, row: Any) -> tuple[UUID, str] | None:
        """The record and the spell of a row; None where it does not fire after all."""
        spell = self.spell_of(row)
        if spell is None:
            return None
        return row.id, f"{self.trigger}:{spell}" if self.trigger else spell

    def occasions(self, rows: Iterable[Any]) -> list[tuple[UUID, str]]:
        """Records and spells of all rows that fire."""
        return [found for row in rows if (found := self.read(row)) is not None]


def sweep(
    rule: CompiledRule,
    trigger: CompiledTrigger,
    source: RowSource,
    dialect: str,
    when: SweepTime,
    settings: Mapping[str, Any],
) -> Sweep | None:
    """Who fires on one of a rule's clock triggers; None where nothing can be due.

    Rows have ``id`` and ``spell``. ``settings``: for "settings.dry_days" and the like. Raises ``ValueError`` for a
    trigger that events start.
    """
    return _Sweeper(rule, trigger, source, dialect, when, settings).sweep()


class _Sweeper:
    def __init__(
        self,
        rule: CompiledRule,
        trigger: CompiledTrigger,
        source: RowSource,
        dialect: str,
        when: SweepTime,
        settings: Mapping[str, Any],
    ) -> None:
        self._rule = rule
        self._trigger = trigger
        self._source = source
        self._dialect = dialect
        self._when = when
        self._settings = settings
        budget = feel.Budget(steps=10**7, seconds=1.0, wall_seconds=10.0)
        self._context = feel.EvaluationContext(now=when.now, zone=when.zone, budget=budget)

    def sweep(self) -> Sweep | None:
        match self._trigger.tree:
            case t.Schedule():
                return self._made("true", {}, literal(""), lambda row: self._when.now.isoformat())
            case t.Absence() as absence:
                return self._absence(absence)
            case t.DateReached() as reached:
                return self._date(reached)
        raise ValueError(f"events start this trigger of {self._rule.name}, not the clock")

    # Absence

    def _absence(self, tree: t.Absence) -> Sweep | None:
        amount = self._amount()
        if amount is None or self._trigger.distance is None:
            return None
        dated = tree.dated_by or "created_at"
        is_date = self._related_type(tree, dated) == feel.DATE
        instant = self._ago(amount, self._trigger.distance.unit)
        latest: Any = instant.astimezone(self._when.zone).date() if is_date else instant
        where = f"({tree.where.text}) and " if tree.where else ""
        events = f"{tree.relation}[({tree.where.text})]" if tree.where else tree.relation
        newer = f"some e in {tree.relation}[{where}{dated} > latest_event] satisfies true"
        # Databases plan "if" well where they take the cost of "or" for that of looking at every event.
        text = f"if created_at < created_before then true else some e in {events} satisfies true"
        # The record itself must be that old: with days, created on the day of the limit at the latest.
        before = self._midnight(latest + timedelta(days=1)) if is_date else instant + timedelta(microseconds=1)
        bound = {"latest_event": latest, "created_before": before}
        last = self._sql(f"max({tree.relation}[{where}{dated} != null].{dated})", {})
        # "some" is never null, so that NOT of its SQL means what FEEL means, and the database sees an anti-join.
        silent = not_(self._condition_sql(newer, bound))
        return self._made(text, bound, last, lambda row: _text(row.spell), silent)

    def _related_type(self, tree: t.Absence, name: str) -> feel.FeelType:
        kind = self._scope({}).variables.get(tree.relation, feel.ANY)
        element = kind.element if isinstance(kind, feel.ListType) else kind
        found = element.get(name) if isinstance(element, feel.ContextType) else None
        return found if found is not None else feel.ANY

    def _ago(self, amount: int, unit: str) -> datetime:
        if unit in _CLOCK_UNITS:
            return self._when.now - amount * _CLOCK_UNITS[unit]
        local = self._when.now.astimezone(self._when.zone)
        day = add_period(local.date(), -amount, unit)
        return datetime.combine(day, local.time(), self._when.zone).astimezone(UTC)

    # Dates

    def _date(self, tree: t.DateReached) -> Sweep | None:
        days = self._days_due(tree)
        amount = 0 if tree.side == "today" else self._amount()
        if not days or amount is None:
            return None
        unit = self._trigger.distance.unit if self._trigger.distance else "days"
        signed = -amount if tree.side == "past" else amount
        # The dates whose distance from a day that is due is the one asked for.
        meant = {day: _inverse(day, signed, unit) for day in days}
        if tree.repeat == "once":
            return self._once(tree, meant)
        return self._anniversary(tree, meant)

    def _days_due(self, tree: t.DateReached) -> list[date]:
        """The local days whose time of day (``at``, else midnight) lies within the sweep."""
        at = time.fromisoformat(tree.at) if tree.at else time(0)
        since = max(self._when.since, self._when.now - MAX_CATCH_UP)
        day = since.astimezone(self._when.zone).date() - timedelta(days=1)
        found = []
        while day <= self._when.today:
            due = datetime.combine(day, at, self._when.zone)
            if since < due <= self._when.now:
                found.append(day)
            day += timedelta(days=1)
        return found

    def _once(self, tree: t.DateReached, meant: Mapping[date, list[date]]) -> Sweep | None:
        days = [day for group in meant.values() for day in group]
        if not days:
            return None
        first, last = min(days), max(days)
        value = self._sql(tree.field, {})
        if self._is_date(tree):
            text, bound = (
                f"{tree.field} >= first_day and {tree.field} <= last_day",
                {"first_day": first, "last_day": last},
            )
        else:
            text = f"{tree.field} >= first_day and {tree.field} < last_day"
            bound = {"first_day": self._midnight(first), "last_day": self._midnight(last + timedelta(days=1))}
        return self._made(text, bound, value, lambda row: _text(row.spell))

    def _anniversary(self, tree: t.DateReached, meant: Mapping[date, list[date]]) -> Sweep | None:
        field = tree.field if self._is_date(tree) else f"date({tree.field})"
        pairs = [(day, base) for day, bases in meant.items() for base in bases]
        if not pairs:
            return None
        return self._lunar(field, pairs) if tree.repeat == "lunar" else self._yearly(field, pairs)

    def _lunar(self, field: str, pairs: list[tuple[date, date]]) -> Sweep:
        occasions = {old: day for day, base in pairs for old in lunar_days(base)}
        kept = {"kept_days": sorted(occasions)}
        value = self._sql(field, {})
        if len(occasions) > MAX_LISTED:

            def spell(row: Any) -> str | None:
                found = occasions.get(row.spell)
                return None if found is None else str(found)

            return self._made(f"{field} != null", {}, value, spell)
        return self._made(f"list contains(kept_days, {field})", kept, value, lambda row: str(occasions[row.spell]))

    def _yearly(self, field: str, pairs: list[tuple[date, date]]) -> Sweep:
        occasions = {pair: day for day, base in pairs for pair in yearly_days(base)}
        kept = [Decimal(100 * month + day) for month, day in sorted(occasions)]
        return self._made(
            f"{field} <= last_day and list contains(kept_days, {field}.month * 100 + {field}.day)",
            {"last_day": max(base for _, base in pairs), "kept_days": kept},
            self._sql(field, {}),
            lambda row: str(occasions[(row.spell.month, row.spell.day)]),
        )

    def _is_date(self, tree: t.DateReached) -> bool:
        return self._scope({}).variables.get(tree.field) != feel.DATE_TIME

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self._when.zone).astimezone(UTC)

    # Parts

    def _amount(self) -> int | None:
        if self._trigger.distance is None:
            return None
        return self._trigger.distance.number({"settings": self._settings, "event": {}}, self._context)

    def _scope(self, bound: Mapping[str, Any]) -> feel.Scope:
        """The names of the rule's record, as its condition sees them, and the sweep's own."""
        base = self._rule.scope
        return base.extended({name: _type_of(value) for name, value in bound.items()})

    def _sql(self, text: str, bound: Mapping[str, Any]) -> Any:
        expression = feel.compile(text, self._scope(bound))
        return to_sql(expression, self._rows(bound), self._dialect, self._context)

    def _rows(self, bound: Mapping[str, Any]) -> WithVariables:
        return WithVariables(self._source, {"settings": self._settings, **bound}, row_name="record")

    def _condition_sql(self, text: str, bound: Mapping[str, Any]) -> Any:
        expression = feel.compile(text, self._scope(bound))
        return to_sql_condition(expression, self._rows(bound), self._dialect, self._context)

    def _made(
        self,
        text: str,
        bound: Mapping[str, Any],
        spell: Any,
        spell_of: Callable[[Any], str | None],
        *more: ColumnElement[bool],
    ) -> Sweep:
        identity = self._source.column("id")
        assert identity is not None  # noqa: S101
        due = and_(self._condition_sql(text, bound), *more, *self._population())
        query = select(identity.element.label("id"), spell.label("spell")).select_from(self._source.selectable)
        query = query.where(self._source.visible_rows())
        condition = self._condition()
        if condition is not None:
            query = query.where(condition)
        return Sweep(
            select=query.where(due),
            spell_of=spell_of,
            has_condition=condition is not None or self._rule.condition is None,
            trigger=self._trigger.index,
        )

    def _population(self) -> list[Any]:
        """Which records are meant; empty where only Python can tell, which it does when the rule runs."""
        if self._trigger.population is None:
            return []
        try:
            return [to_sql_condition(self._trigger.population, self._rows({}), self._dialect, self._context)]
        except SqlUnsupportedError:
            return []

    def _condition(self) -> Any:
        """The rule's condition in SQL; None where it has none, or one that only Python can decide."""
        if self._rule.condition is None:
            return None
        try:
            return to_sql_condition(self._rule.condition, self._rows({}), self._dialect, self._context)
        except SqlUnsupportedError:
            return None


def where_clause(
    find: FindRecords, source: RowSource, dialect: str, context: feel.EvaluationContext | None = None
) -> Any:
    """The condition of "for each x of form where …" over the form's source, for WHERE; true where there is none.

    Bare names mean the rule's values, ``x.field`` the record's.
    """
    if find.where is None:
        return source.visible_rows()
    rows = WithVariables(source, find.variables, row_name=find.name, hides_fields=True)
    return source.visible_rows() & to_sql_condition(find.where, rows, dialect, context)


def _inverse(day: date, amount: int, unit: str) -> list[date]:
    """The dates from which ``day`` lies ``amount`` units back: several, or none, where months differ in length."""
    near = add_period(day, amount, unit)
    return [
        other
        for other in (near + timedelta(days=offset) for offset in range(-3, 4))
        if add_period(other, -amount, unit) == day
    ]


def _type_of(value: Any) -> feel.FeelType:
    if isinstance(value, datetime):
        return feel.DATE_TIME
    if isinstance(value, list):
        return feel.ListType(feel.NUMBER if value and isinstance(value[0], Decimal) else feel.DATE)
    return feel.DATE


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


__all__ = ["Sweep", "SweepTime", "sweep", "where_clause"]
