"""From a compiled tile to one SQL statement: rows, totals, subtotals and the compared period, each a part of it.

All parts stand in one statement, so that they see the same data also while others write. The rows of the records are
selected once per period with what groups and measures need; each part groups them for itself. Totals are computed from
records, never by adding cells, so distinct counts and means hold at every level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    case,
    cast,
    distinct,
    func,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect

from engines import feel
from engines.feel.storage import Duration
from engines.report.compiled import CompiledDimension, CompiledMeasure, CompiledTile, TileDimension
from engines.report.definitions import Aggregate, DashboardFilter, FilterType, TileType
from engines.report.grains import day_start
from engines.report.periods import DateRange
from engines.report.ports import RowSource
from engines.report.results import ValueType
from engines.report.rowsource import JoinedRows
from engines.report.sqlgrain import bucket

# The most groups that one part gives; a tile's own limit may be lower.
MAX_GROUPS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One grouping within the statement."""

    # Dimensions that are kept, by their place among the tile's dimensions.
    kept: tuple[int, ...]
    # Whether it covers the compared period.
    previous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryContext:
    """What a statement depends on besides the tile."""

    # "sqlite" or "postgresql".
    dialect: str
    # Zone in which instants count on their days.
    zone: ZoneInfo
    # Values of the dashboard's filters; None or missing where nothing is chosen.
    parameters: Mapping[str, Any]
    # Further values that conditions may read, by name.
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement and the parts that its rows belong to, by the number in column ``part``."""

    statement: Select[Any] | CompoundSelect[Any]
    parts: tuple[Part, ...]


def parts_of(tile: CompiledTile) -> tuple[Part, ...]:
    """The parts that a tile needs: its rows first, then subtotals, the total, and the same of the compared period."""
    everything = tuple(range(len(tile.dimensions)))
    kept = [everything]
    if tile.needs_totals and everything:
        if tile.tile.type is TileType.PIVOT and tile.tile.totals:
            kept += _subsets(len(tile.tile.dimensions), len(tile.dimensions))
        else:
            kept.append(())
    current = [Part(kept=k) for k in kept]
    before = [Part(kept=k, previous=True) for k in kept] if tile.tile.compare else []
    return (*current, *before)


def build(
    tile: CompiledTile, source: RowSource, context: QueryContext, previous: QueryContext | None, limit: int
) -> Query:
    """The statement of a tile over ``source``.

    ``previous`` is the context of the compared period, None where it has none. At most ``limit`` rows are given, the
    first ones by the tile's order where SQL can tell it.
    """
    parts = tuple(p for p in parts_of(tile) if not p.previous or previous is not None)
    current = row_select(tile, source, context)
    if parts == (Part(kept=tuple(range(len(tile.dimensions)))),):
        statement = _ordered(tile, grouped(tile, current.subquery("records"), parts[0], 0), limit, context.dialect)
        return Query(statement=statement, parts=parts)
    rows = current.cte("records")
    before = row_select(tile, source, previous).cte("records_before") if previous else rows
    selects = []
    for number, part in enumerate(parts):
        found = grouped(tile, before if part.previous else rows, part, number)
        if number == 0:
            found = select(_ordered(tile, found, limit, context.dialect).subquery("first_rows"))
        selects.append(found)
    return Query(statement=union_all(*selects), parts=parts)


def row_select(tile: CompiledTile, source: RowSource, context: QueryContext) -> Select[Any]:
    """The records that enter the tile, with the columns d<n>, t<n> (titles), m<n> (measures) and h (header id)."""
    each = tile.dataset.definition.each
    variables = {**context.variables, **{name: _bound_value(context.parameters.get(name)) for name in tile.filters}}
    rows = JoinedRows(source, each, variables, context.dialect)
    columns: list[ColumnElement[Any]] = []
    for number, dimension in enumerate(tile.dimensions):
        columns += _dimension_columns(rows, number, dimension, context)
    for number, measure in enumerate(tile.aggregates):
        columns.append(_input(rows, measure).label(f"m{number}"))
    if any(m.of_header for m in tile.aggregates):
        columns.append(rows.header_id().label("h"))
    conditions = list(row_conditions(tile, rows, context))
    return select(*columns).select_from(rows.from_clause).where(*conditions)


def _bound_value(value: Any) -> Any:
    """A filter's value as FEEL knows it: days become a range."""
    if isinstance(value, DateRange):
        # A comparison with a missing endpoint has no answer in FEEL, so an open side reaches to the last day there is.
        start, end = feel.from_python(value.start or date.min), feel.from_python(value.end or date.max)
        return feel.Range(start, True, end, True)
    return value


def row_conditions(tile: CompiledTile, rows: JoinedRows, context: QueryContext) -> Sequence[ColumnElement[bool]]:
    """What a record must meet to enter the tile: the dataset's conditions, the tile's, and the filters chosen."""
    found: list[ColumnElement[bool]] = [rows.visible_rows()]
    found += [rows.condition(c) for c in tile.dataset.conditions]
    read = {name for c in tile.conditions for path in c.expression.reads for name in path[:1]}
    for name, dimension in tile.dataset.dimensions.items():
        if name in read and name not in tile.dataset.rows.names:
            rows.name(name, dimension.expression)
    for condition in tile.conditions:
        if all(context.parameters.get(name) is not None for name in condition.filters):
            found.append(rows.condition(condition.expression))
    for item, dimension in tile.bound:
        value = context.parameters.get(item.name)
        if value is not None:
            found += _narrowed(rows.element(dimension.expression), item, dimension, value, context.zone)
    return found


def _dimension_columns(
    rows: JoinedRows, number: int, dimension: TileDimension, context: QueryContext
) -> list[ColumnElement[Any]]:
    compiled = dimension.dimension
    element = rows.element(compiled.expression)
    value = bucket(element, compiled.type, dimension.grain, context.zone, context.dialect)
    columns: list[ColumnElement[Any]] = [value.label(f"d{number}")]
    if compiled.title is not None:
        columns.append(rows.element(compiled.title).label(f"t{number}"))
    return columns


def _input(rows: JoinedRows, measure: CompiledMeasure) -> ColumnElement[Any]:
    """What enters the aggregate for one record; null where it does not enter."""
    value = rows.element(measure.expression) if measure.expression is not None else literal_column("1", Integer())
    conditions = [rows.condition(c) for c in measure.conditions]
    if not conditions:
        return value
    both = conditions[0]
    for condition in conditions[1:]:
        both = both & condition
    return type_coerce(case((both, value)), value.type)


def _narrowed(
    element: ColumnElement[Any], item: DashboardFilter, dimension: CompiledDimension, value: Any, zone: ZoneInfo
) -> list[ColumnElement[bool]]:
    if item.type is FilterType.DATE_RANGE:
        return _within(element, dimension.type, value, zone)
    if item.type is FilterType.MULTI_CHOICE:
        return [element.in_([_plain(v, dimension) for v in value])] if value else []
    return [element == _plain(value, dimension)]


def _plain(value: Any, dimension: CompiledDimension) -> Any:
    return UUID(str(value)) if dimension.type is ValueType.ID else value


def _within(
    element: ColumnElement[Any], kind: ValueType, period: DateRange, zone: ZoneInfo
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    instants = kind is ValueType.INSTANT
    if period.start is not None:
        found.append(element >= (_moment(period.start, zone) if instants else period.start))
    if period.end is not None:
        following = period.end + timedelta(days=1)
        found.append(element < _moment(following, zone) if instants else element <= period.end)
    return found


def _moment(day: Any, zone: ZoneInfo) -> datetime:
    return day_start(day, zone)


def grouped(tile: CompiledTile, rows: FromClause, part: Part, number: int) -> Select[Any]:
    """One part: columns part, d<n>, t<n> (null where not kept), a<n> (aggregates), n<n> (counts behind means)."""
    rows = _once_per_header(tile, rows, part)
    columns: list[ColumnElement[Any]] = [literal_column(str(number), Integer()).label("part")]
    keys: list[ColumnElement[Any]] = []
    for column in rows.c:
        if column.name[0] not in "dt":
            continue
        if int(column.name[1:]) in part.kept:
            keys.append(column)
            columns.append(column.label(column.name))
        else:
            columns.append(type_coerce(cast(null(), column.type), column.type).label(column.name))
    for index, measure in enumerate(tile.aggregates):
        columns += _aggregated(rows.c[f"m{index}"], measure, index)
    return select(*columns).select_from(rows).group_by(*keys)


def _aggregated(value: ColumnElement[Any], measure: CompiledMeasure, index: int) -> list[ColumnElement[Any]]:
    name = f"a{index}"
    match measure.definition.aggregate:
        case Aggregate.COUNT:
            return [func.count(value).label(name)]
        case Aggregate.COUNT_DISTINCT:
            return [func.count(distinct(value)).label(name)]
        case Aggregate.MIN:
            return [type_coerce(func.min(value), value.type).label(name)]
        case Aggregate.MAX:
            return [type_coerce(func.max(value), value.type).label(name)]
        case Aggregate.SUM:
            return [_sum(value).label(name)]
        case _:
            return [_sum(value).label(name), func.count(value).label(f"n{index}")]


def _sum(value: ColumnElement[Any]) -> ColumnElement[Any]:
    total: ColumnElement[Any] = func.sum(value)
    if isinstance(value.type, Duration):
        # PostgreSQL adds up 64-bit integers to a NUMERIC.
        total = cast(total, BigInteger())
    return type_coerce(total, value.type)


def _once_per_header(tile: CompiledTile, rows: FromClause, part: Part) -> FromClause:
    """``rows`` in which a header's value stands at one of its rows in each group, so that it is not counted again."""
    repeated = [n for n, m in enumerate(tile.aggregates) if m.of_header]
    if not repeated:
        return rows
    kept = [rows.c[f"d{n}"] for n in part.kept]
    numbered = select(
        *(c for c in rows.c),
        *(
            func.row_number().over(partition_by=[*kept, rows.c.h, rows.c[f"m{n}"].is_(None)]).label(f"r{n}")
            for n in repeated
        ),
    ).subquery()
    columns = []
    for column in rows.c:
        index = int(column.name[1:]) if column.name[0] == "m" else -1
        value: ColumnElement[Any] = numbered.c[column.name]
        if index in repeated:
            value = type_coerce(case((numbered.c[f"r{index}"] == literal_column("1"), value)), column.type)
        columns.append(value.label(column.name))
    return select(*columns).subquery()


def _ordered(tile: CompiledTile, part: Select[Any], limit: int, dialect: str) -> Select[Any]:
    """``part`` cut to its first rows. One row more tells that there are more."""
    if not tile.dimensions:
        return part
    aggregates = {m.name: i for i, m in enumerate(tile.aggregates) if m.definition.aggregate is not Aggregate.MEAN}
    names = {d.name: i for i, d in enumerate(tile.dimensions)}
    by_name = {column.name: column for column in part.selected_columns}
    order: list[ColumnElement[Any]] = []
    for sort in tile.tile.sort:
        if sort.by in aggregates:
            order.append(_direction(by_name[f"a{aggregates[sort.by]}"], sort.descending))
        elif sort.by in names:
            key = _text_order(by_name[f"d{names[sort.by]}"], tile.dimensions[names[sort.by]], dialect)
            order.append(_direction(key, sort.descending))
    for number, dimension in enumerate(tile.dimensions):
        order.append(_direction(_text_order(by_name[f"d{number}"], dimension, dialect), False))
    return part.order_by(*order).limit(limit + 1)


def _direction(column: ColumnElement[Any], descending: bool) -> ColumnElement[Any]:
    return column.desc().nulls_last() if descending else column.asc().nulls_last()


def _text_order(column: ColumnElement[Any], dimension: TileDimension, dialect: str) -> ColumnElement[Any]:
    """Texts sort by code point, also where an expression has lost the column's collation."""
    if dialect == "postgresql" and dimension.dimension.type is ValueType.TEXT:
        return column.collate("C")
    return column


def _subsets(rows: int, dimensions: int) -> list[tuple[int, ...]]:
    """The levels of a pivot besides its cells: rows and columns each rolled up from their last dimension."""
    prefixes = [tuple(range(n)) for n in range(rows, -1, -1)]
    across = [tuple(range(rows, n)) for n in range(dimensions, rows - 1, -1)]
    levels = [tuple(chain(p, a)) for p in prefixes for a in across]
    return levels[1:]


def sortable_in_sql(tile: CompiledTile) -> bool:
    """Whether the tile's order can be told before values over measures are computed."""
    known = {m.name for m in tile.aggregates if m.definition.aggregate is not Aggregate.MEAN}
    known |= {d.name for d in tile.dimensions}
    return all(sort.by in known for sort in tile.tile.sort)
