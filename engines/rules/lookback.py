"""All dry spells of a stretch of time that would have fired an absence rule, found by one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    Date,
    Executable,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from engines import feel
from engines.feel import storage
from engines.feel.sql import to_sql, to_sql_condition
from engines.rules.compiled import CompiledRule, CompiledTrigger
from engines.rules.language import tree as t
from engines.rules.ports import RowSource, VersionSource
from engines.rules.sources import WithVariables

# Spells that began to be due before the stretch are looked at this far back: the condition may have come to hold later.
MAX_BEFORE: Final = timedelta(days=400)
_DAY: Final = storage.CalendarDate()


class NotInOneStatement(ValueError):
    """The absence is not one of whole days, or its parts have no SQL: each day has to be asked by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """A statement that finds dry spells, and how its rows are read."""

    # Rows have id, spell (day of the last event; null where there was none), fires_on and, over versions, following and
    # since (the instant from which the condition held; a spell may have several).
    select: Executable
    start: date
    end: date
    zone: ZoneInfo
    over_versions: bool

    def read(self, rows: Iterable[Any]) -> Iterator[tuple[UUID, date]]:
        """Records with the day on which the rule would have fired."""
        if not self.over_versions:
            yield from ((row.id, row.fires_on) for row in rows)
            return
        first: dict[tuple[UUID, date], date] = {}
        for id, fires_on, following, since in rows:
            on = fires_on if since is None else max(fires_on, since.astimezone(self.zone).date())
            if on <= self.end and (following is None or on < following):
                key = (id, fires_on)
                first[key] = min(on, first.get(key, on))
        yield from ((id, on) for (id, _), on in first.items() if on >= self.start)


def absences(
    rule: CompiledRule,
    trigger: CompiledTrigger,
    source: RowSource,
    dialect: str,
    start: date,
    end: date,
    settings: Mapping[str, Any],
    zone: ZoneInfo,
    versions: Sequence[VersionSource] | None = None,
) -> Lookback:
    """All dry spells that would have fired an absence rule from ``start`` to ``end``.

    With ``versions`` (all of them, in one source or several) the rule's condition is looked at as the records were: it
    fires on the first day of the spell on which the condition held; a record that has events from before it was created
    is taken as it first was. Without ``versions`` the condition is looked at as the records are now.
    ``NotInOneStatement`` for what has to be asked day by day.
    """
    return _Looker(rule, trigger, source, dialect, start, end, settings, zone).lookback(versions)


class _Looker:
    def __init__(
        self,
        rule: CompiledRule,
        trigger: CompiledTrigger,
        source: RowSource,
        dialect: str,
        start: date,
        end: date,
        settings: Mapping[str, Any],
        zone: ZoneInfo,
    ) -> None:
        self._rule, self._trigger = rule, trigger
        self._source, self._dialect = source, dialect
        self._start, self._end = start, end
        self._settings, self._zone = settings, zone
        self._end_instant = datetime.combine(end + timedelta(days=1), time(), zone).astimezone(UTC)
        budget = feel.Budget(steps=10**7, seconds=1.0, wall_seconds=10.0)
        self._context = feel.EvaluationContext(now=self._end_instant, zone=zone, budget=budget)

    def lookback(self, versions: Sequence[VersionSource] | None) -> Lookback:
        spells = self._spells(None if versions is not None else self._condition(self._source))
        query = self._now(spells) if versions is None else self._as_of(spells, versions)
        return Lookback(
            select=query,
            start=self._start,
            end=self._end,
            zone=self._zone,
            over_versions=versions is not None,
        )

    def _now(self, spells: CTE) -> Select[Any]:
        c = spells.c
        return select(c.id, c.spell, c.fires_on).where(c.fires_on >= literal(self._start, _DAY))

    def _as_of(self, spells: CTE, versions: Sequence[VersionSource]) -> Executable:
        """The spells with the versions of their record, valid while they lasted, that meet the condition."""
        return union_all(*(self._in_versions(spells, some) for some in versions))

    def _in_versions(self, spells: CTE, versions: VersionSource) -> Select[Any]:
        c, v, first_day = spells.c, versions.selectable.c, literal(self._start, _DAY)
        lasts = or_(c.fires_on >= first_day, c.following.is_(None), c.following > first_day)
        # Events may be older than their record, where both were imported: it is then taken as it first was.
        is_first = v.valid_from <= v.created_at
        condition = self._condition(versions)
        valid = [
            v.id == c.id,
            or_(is_first, v.valid_from < literal(self._end_instant, storage.Instant())),
            # A version that its own command replaced was never there for anybody to see.
            or_(v.valid_to.is_(None), and_(v.valid_to > v.valid_from, self._local_day(v.valid_to) >= c.fires_on)),
            versions.visible_rows(),
            *([] if condition is None else [condition]),
        ]
        since = case((is_first, null()), else_=v.valid_from)
        return (
            select(c.id, c.fires_on, c.following, type_coerce(since, storage.Instant()).label("since"))
            .join_from(spells, versions.selectable, and_(*valid))
            .where(c.fires_on >= literal(self._start - MAX_BEFORE, _DAY), lasts)
        )

    def _spells(self, condition: Any) -> CTE:
        """Spells that are due by the end: after each event the next of which comes too late, and after creation."""
        tree, days = self._trigger.tree, self._days()
        relation = self._source.relation(tree.relation) if isinstance(tree, t.Absence) else None
        identity, created = self._source.column("id"), self._source.column("created_at")
        if not isinstance(tree, t.Absence) or relation is None or identity is None or created is None:
            raise ValueError(f"{self._rule.name} has no absence to look back on")
        dated = self._dated(relation.source, tree.dated_by or "created_at")
        own = [self._source.visible_rows(), *([] if condition is None else [condition])]
        order = {"partition_by": identity.element, "order_by": dated}
        events = (
            select(
                identity.element.label("id"),
                created.element.label("created"),
                dated.label("dated"),
                func.lead(dated).over(**order).label("following"),
                func.row_number().over(**order).label("place"),
            )
            .select_from(self._source.selectable)
            .join(relation.selectable, and_(relation.on, *self._counted(relation)), isouter=True)
            .where(*own)
            .cte("events")
        )
        e = events.c
        after_event = self._due(e.id, e.dated, e.following, days).where(e.dated.is_not(None))
        # Before its first event a record is silent since its creation.
        no_event = self._due(e.id, self._local_day(e.created), e.dated, days, spell=null()).where(e.place == 1)
        return union_all(after_event, no_event).cte("spells")

    def _due(self, id: Any, since: Any, following: Any, days: int, spell: Any = None) -> Select[Any]:
        fires_on = _plus_days(since, days, self._dialect)
        silent = or_(following.is_(None), following > fires_on)
        within = fires_on <= literal(self._end, _DAY)
        shown = type_coerce(spell if spell is not None else since, _DAY).label("spell")
        return select(id, shown, fires_on.label("fires_on"), type_coerce(following, _DAY).label("following")).where(
            silent, within
        )

    def _counted(self, relation: Any) -> list[Any]:
        if self._trigger.where is None:
            return []
        rows = WithVariables(relation.source, {"settings": self._settings})
        return [to_sql_condition(self._trigger.where, rows, self._dialect, self._context)]

    def _dated(self, source: Any, name: str) -> Any:
        column = source.column(name)
        assert column is not None  # noqa: S101  (the rule was checked against the form)
        return self._local_day(column.element) if column.type == feel.DATE_TIME else column.element

    def _local_day(self, element: Any) -> Any:
        """The day of an instant in the workspace's zone."""
        expression = feel.compile("date(moment)", feel.Scope({"moment": feel.DATE_TIME}))
        try:
            return to_sql(expression, _Moment(element), self._dialect, self._context)
        except feel.SqlUnsupportedError as error:
            raise NotInOneStatement(str(error)) from error

    def _condition(self, source: RowSource) -> Any:
        if self._rule.condition is None:
            return None
        rows = WithVariables(source, {"settings": self._settings}, row_name="record")
        try:
            return to_sql_condition(self._rule.condition, rows, self._dialect, self._context)
        except feel.SqlUnsupportedError as error:
            raise NotInOneStatement(str(error)) from error

    def _days(self) -> int:
        distance = self._trigger.distance
        amount = distance.number({"settings": self._settings}, feel.EvaluationContext()) if distance else None
        if distance is None or amount is None or distance.unit not in ("days", "weeks"):
            raise NotInOneStatement("only absences of days or weeks are looked back on in one statement")
        return amount * (7 if distance.unit == "weeks" else 1)


class _Moment:
    """One instant as a row, for an expression about it."""

    def __init__(self, element: Any) -> None:
        self._element = element

    def column(self, name: str) -> Any:
        from engines.feel.sql import SqlColumn

        return SqlColumn(element=self._element, type=feel.DATE_TIME)

    def reference(self, name: str) -> None:
        return None

    def relation(self, name: str) -> None:
        return None

    def variable(self, name: str) -> object:
        return NotImplemented


def _plus_days(element: Any, days: int, dialect: str) -> Any:
    """A date column some days later."""
    if dialect == "sqlite":
        return type_coerce(func.date(type_coerce(element, Text()), f"+{days} days"), _DAY)
    return type_coerce(cast(type_coerce(element, Date()) + timedelta(days=days), Date()), _DAY)


__all__ = ["Lookback", "NotInOneStatement", "absences"]
