"""Asks a tile's question: runs its statement and makes typed rows of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engines import feel
from engines.report.calculations import calculate, ratio
from engines.report.columns import (
    PARETO_GROUPS,
    PARETO_RANK,
    PARETO_SHARE,
    columns_of,
    pareto_columns,
    previous_name,
    title_name,
)
from engines.report.compiled import CompiledMeasure, CompiledTile, TileDimension
from engines.report.dashboards import period_filters
from engines.report.datasets import PREVIOUS, TOTAL
from engines.report.definitions import Aggregate, CalculationType, TileType
from engines.report.grains import units
from engines.report.ordering import ordered
from engines.report.pareto import pareto_select, summary_of
from engines.report.periods import DateRange, aligned, compared
from engines.report.ports import RowSource
from engines.report.query import MAX_GROUPS, Part, Query, QueryContext, build, sortable_in_sql
from engines.report.results import Subtotal, TileResult

# Rows given where a tile states no limit.
DEFAULT_LIMITS: Mapping[TileType, int] = {
    TileType.TILE: 1,
    TileType.SCATTER: 20_000,
    TileType.TABLE: 10_000,
    TileType.PIVOT: 10_000,
}
_CHART_LIMIT = 2_000
# Empty calendar units added at most.
_MAX_FILL = 5_000

Values = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What an answer depends on besides tile and rows."""

    # The instant of the question, UTC.
    now: datetime
    # Zone in which days are counted.
    zone: ZoneInfo
    # Chosen values of the dashboard's filters: DateRange, text, list of texts, Decimal, bool; None for nothing chosen.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    # The app's settings.
    settings: Mapping[str, Any] = field(default_factory=dict)

    def evaluation(self) -> feel.EvaluationContext:
        """The context in which values over measures are evaluated."""
        return feel.EvaluationContext(now=self.now, zone=self.zone)


def run(tile: CompiledTile, connection: Connection, source: RowSource, context: ReportContext) -> TileResult:
    """The answer to ``tile`` over the rows that ``source`` gives.

    A sum of nothing is 0; minimum, maximum and mean of nothing are None. Rows come in the tile's order, calendar
    units in time's order, choices in the order of their options.
    """
    if tile.tile.type is TileType.PARETO:
        return _pareto(tile, connection, source, context)
    return _Run(tile, connection, source, context).result()


def _pareto(tile: CompiledTile, connection: Connection, source: RowSource, context: ReportContext) -> TileResult:
    limit = tile.tile.limit or _CHART_LIMIT
    statement = pareto_select(tile, source, _query_context(connection, context, context.parameters), limit)
    found = connection.execute(statement).mappings().all()
    dimension, measure = tile.dimensions[0].name, tile.measures[0].name
    summary = summary_of(found)
    rows: list[Values] = []
    for row in found:
        values = {dimension: row["d0"], measure: row["value"], PARETO_RANK: Decimal(row["rank"])}
        if "t0" in row:
            values[title_name(dimension)] = row["t0"]
        values[PARETO_GROUPS] = ratio(row["rank"], summary.count)
        values[PARETO_SHARE] = ratio(row["running"], summary.total)
        rows.append(values)
    return TileResult(
        columns=(*columns_of(tile), *pareto_columns()),
        rows=tuple(rows),
        totals={measure: summary.total},
        pareto=summary,
        truncated=len(rows) < summary.count,
        as_of=context.now,
        statement=statement,
        dialect=connection.dialect,
    )


def _query_context(connection: Connection, context: ReportContext, parameters: Mapping[str, Any]) -> QueryContext:
    return QueryContext(
        dialect=connection.dialect.name,
        zone=context.zone,
        parameters=parameters,
        variables={"settings": context.settings},
    )


class _Run:
    """One question."""

    def __init__(self, tile: CompiledTile, connection: Connection, source: RowSource, context: ReportContext) -> None:
        self._tile = tile
        self._connection = connection
        self._source = source
        self._context = context
        self._failures: dict[str, str] = {}
        self._evaluation = context.evaluation()
        self._period, self._before = self._periods()

    def result(self) -> TileResult:
        tile = self._tile
        limit = tile.tile.limit or DEFAULT_LIMITS.get(tile.tile.type, _CHART_LIMIT)
        query = self._query(limit if sortable_in_sql(tile) else MAX_GROUPS)
        parts = self._fetch(query)
        everything = tuple(range(len(tile.dimensions)))
        previous = {kept: rows for (kept, before), rows in parts.items() if before}
        current = {kept: rows for (kept, before), rows in parts.items() if not before}
        rows = list(current[everything].values())
        truncated = len(rows) > limit
        if not truncated:
            rows = self._filled(rows)
        total = self._total(current.get(()), previous.get(()))
        self._complete(rows, previous.get(everything), total)
        rows = self._arranged(rows, total, limit)
        return TileResult(
            columns=columns_of(tile),
            rows=tuple(rows),
            totals=total if tile.tile.totals or not tile.dimensions else None,
            subtotals=self._subtotals(current, previous, total),
            failures=self._failures,
            truncated=truncated,
            as_of=self._context.now,
            statement=query.statement,
            dialect=self._connection.dialect,
        )

    # The statement

    def _periods(self) -> tuple[DateRange | None, DateRange | None]:
        names = period_filters(self._tile)
        chosen = [self._context.parameters.get(name) for name in sorted(names)]
        period = next((p for p in chosen if isinstance(p, DateRange)), None)
        if period is None or self._tile.tile.compare is None:
            return period, None
        grain = self._tile.time.grain if self._tile.time else None
        return period, compared(period, self._tile.tile.compare, grain)

    def _query(self, limit: int) -> Query:
        current = self._asked(self._context.parameters)
        return build(self._tile, self._source, current, self._previous_context(), limit)

    def _asked(self, parameters: Mapping[str, Any]) -> QueryContext:
        return _query_context(self._connection, self._context, parameters)

    def _previous_context(self) -> QueryContext | None:
        compare = self._tile.tile.compare
        if compare is None:
            return None
        if self._period is None:
            # Without a chosen period all records are there already; only units can be compared.
            return self._asked(self._context.parameters) if self._tile.time else None
        if self._before is None:
            return None
        moved = {name: self._before for name in period_filters(self._tile)}
        return self._asked({**self._context.parameters, **moved})

    def _fetch(self, query: Query) -> dict[tuple[tuple[int, ...], bool], dict[Key, Values]]:
        found: dict[tuple[tuple[int, ...], bool], dict[Key, Values]] = {(p.kept, p.previous): {} for p in query.parts}
        for row in self._connection.execute(query.statement).mappings():
            part = query.parts[row["part"]]
            found[part.kept, part.previous][self._key(part, row)] = self._values(part, row)
        return found

    def _key(self, part: Part, row: Mapping[Any, Any]) -> Key:
        return tuple(row[f"d{n}"] for n in part.kept)

    def _values(self, part: Part, row: Mapping[Any, Any]) -> Values:
        values: Values = {}
        for number, dimension in enumerate(self._tile.dimensions):
            if number in part.kept:
                values[dimension.name] = row[f"d{number}"]
                if dimension.dimension.title is not None:
                    values[title_name(dimension.name)] = row[f"t{number}"]
        for number, measure in enumerate(self._tile.aggregates):
            values[measure.name] = _aggregate_value(measure, row[f"a{number}"], row.get(f"n{number}"))
        return values

    # Rows

    def _filled(self, rows: list[Values]) -> list[Values]:
        """``rows`` with the calendar units that have no records, where the tile shows them."""
        tile, time = self._tile, self._tile.time
        if not (tile.tile.fill and time and time.grain and tile.dimensions[0] is time and len(tile.dimensions) <= 2):
            return rows
        present = [row[time.name] for row in rows if row[time.name] is not None]
        first, last = self._span(present)
        if first is None or last is None:
            return rows
        others = tile.dimensions[1:]
        series = {tuple(row[d.name] for d in others): row for row in rows} or ({} if others else {(): {}})
        seen = {(row[time.name], *(row[d.name] for d in others)) for row in rows}
        for start in list(units(first, last, time.grain))[:_MAX_FILL]:
            rows += [self._empty(time, start, others, row) for key, row in series.items() if (start, *key) not in seen]
        return rows

    def _span(self, present: Sequence[date]) -> tuple[date | None, date | None]:
        """First and last day that the units cover: the period chosen, else what the records span."""
        start = self._period.start if self._period and self._period.start else min(present, default=None)
        end = self._period.end if self._period and self._period.end else max(present, default=None)
        return start, end

    def _empty(self, time: TileDimension, start: date, others: Sequence[TileDimension], like: Values) -> Values:
        kept = {name: like[name] for d in others for name in (d.name, title_name(d.name)) if name in like}
        return {time.name: start, **kept, **self._nothing()}

    def _complete(self, rows: Iterable[Values], before: Mapping[Key, Values] | None, total: Values | None) -> None:
        """Adds values over measures and the compared period to each row."""
        names = [d.name for d in self._tile.dimensions]
        for row in rows:
            earlier = None
            if before is not None:
                earlier = before.get(self._earlier_key(tuple(row[name] for name in names)))
            self._add_values(row, earlier, total)

    def _earlier_key(self, key: Key) -> Key:
        tile, time = self._tile, self._tile.time
        if time is None or time.grain is None or tile.tile.compare is None:
            return key
        place = tile.dimensions.index(time)
        start = key[place]
        if start is None:
            return key
        moved = aligned(self._period, self._before, tile.tile.compare, time.grain)(start)
        # A unit without a counterpart has no earlier row; no key holds this marker.
        return (*key[:place], moved if moved is not None else "", *key[place + 1 :])

    def _total(self, current: Mapping[Key, Values] | None, before: Mapping[Key, Values] | None) -> Values | None:
        if current is None:
            return None
        total = next(iter(current.values()), None) or self._nothing()
        if self._tile.dimensions:
            self._add_values(total, next(iter((before or {}).values()), None), total)
        return total

    def _nothing(self) -> Values:
        return {
            m.name: _aggregate_value(m, 0 if m.definition.aggregate in _COUNTS else None, 0)
            for m in self._tile.aggregates
        }

    def _add_values(self, row: Values, earlier: Values | None, total: Values | None) -> None:
        if earlier is not None:
            self._evaluate(earlier, {}, total)
        self._evaluate(row, earlier or {}, total if total is not None else row)
        if self._tile.tile.compare is not None:
            for measure in self._tile.measures:
                row[previous_name(measure.name)] = (earlier or {}).get(measure.name)

    def _evaluate(self, row: Values, earlier: Values, total: Values | None) -> None:
        if not self._tile.values:
            return
        names = {m.name: row.get(m.name) for m in self._tile.aggregates}
        for measure in self._tile.values:
            if measure.value is None or measure.name in row:
                continue
            nothing = {m.name: None for m in (*self._tile.aggregates, *self._tile.values)}
            variables = {**nothing, **names, TOTAL: {**nothing, **(total or {})}, PREVIOUS: {**nothing, **earlier}}
            evaluation = measure.value.evaluate(variables, self._evaluation)
            names[measure.name] = row[measure.name] = evaluation.value
            if evaluation.failures and measure.name not in self._failures:
                self._failures[measure.name] = str(evaluation.failures[0])

    # Order, calculations, levels

    def _arranged(self, rows: list[Values], total: Values | None, limit: int) -> list[Values]:
        tile = self._tile
        calculated = {c.name for c in tile.tile.calculations}
        by_calculation = any(s.by in calculated for s in tile.tile.sort)
        if by_calculation:
            rows = ordered(tile, rows, stated=False)
            self._calculate(rows, total)
        rows = ordered(tile, rows, stated=True)[:limit]
        if not by_calculation:
            self._calculate(rows, total)
        return rows

    def _calculate(self, rows: list[Values], total: Values | None) -> None:
        tile = self._tile
        names = [d.name for d in tile.dimensions[1:]]
        time = tile.time.name if tile.time else None
        for calculation in tile.tile.calculations:
            calculate(calculation, rows, total, lambda row: tuple(row[n] for n in names), time)
            if total is not None:
                total.setdefault(calculation.name, _calculated_total(calculation.type))

    def _subtotals(
        self,
        current: Mapping[tuple[int, ...], Mapping[Key, Values]],
        previous: Mapping[tuple[int, ...], Mapping[Key, Values]],
        total: Values | None,
    ) -> tuple[Subtotal, ...]:
        everything = tuple(range(len(self._tile.dimensions)))
        found = []
        for kept, groups in current.items():
            if kept in (everything, ()) or self._tile.tile.type is not TileType.PIVOT:
                continue
            rows = list(groups.values())
            for key, row in groups.items():
                self._add_values(row, previous.get(kept, {}).get(key), total)
            names = tuple(self._tile.dimensions[n].name for n in kept)
            found.append(Subtotal(kept=names, rows=tuple(ordered(self._tile, rows, stated=False))))
        return tuple(found)


_COUNTS = (Aggregate.COUNT, Aggregate.COUNT_DISTINCT)


def _aggregate_value(measure: CompiledMeasure, value: Any, count: int | None) -> Any:
    """An aggregate as people know it: counts as numbers, means exact, a sum of nothing 0."""
    match measure.definition.aggregate:
        case Aggregate.COUNT | Aggregate.COUNT_DISTINCT:
            return Decimal(value)
        case Aggregate.MEAN:
            return value / count if isinstance(value, timedelta) and count else ratio(value, count)
        case Aggregate.SUM if value is None:
            return timedelta(0) if measure.type == "duration" else Decimal(0)
    return value


def _calculated_total(kind: CalculationType) -> Decimal | None:
    return Decimal(1) if kind is CalculationType.SHARE else None
