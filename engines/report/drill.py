"""From a mark back to its records: the FEEL condition of the list that stands behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engines import feel
from engines.feel.nodes import Name
from engines.feel.parser import walk
from engines.report.compiled import CompiledDimension, CompiledTile, TileDimension
from engines.report.definitions import DashboardFilter, FilterType, Grain
from engines.report.grains import day_start, step
from engines.report.periods import DateRange
from engines.report.results import ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A list of records."""

    # The form whose records are listed.
    form: str
    # Its view; empty for the form's first.
    view: str
    # FEEL over a record.
    filter: str


def drill(tile: CompiledTile, row: Mapping[str, Any], parameters: Mapping[str, Any], zone: ZoneInfo) -> Drill:
    """The records behind ``row`` of the tile's answer: exactly those that were counted, for the same filters.

    ``row`` maps dimensions to values; dimensions that it does not hold (of a subtotal or a total) are not narrowed.
    Settings stay in the text, so they must be in scope of the list.
    """
    conditions = [*_conditions(tile, parameters), *_bound(tile, parameters, zone), *_marks(tile, row, zone)]
    text = " and ".join(f"({c})" for c in conditions)
    each = tile.dataset.definition.each
    if each and text:
        text = f"some {each} in {each} satisfies ({text})"
    return Drill(form=tile.dataset.definition.form, view=tile.tile.view, filter=text)


def literal(value: Any) -> str:
    """A FEEL expression that means ``value``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal() | int():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case datetime():
            return f'date and time("{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z")'
        case date():
            return f'date("{value.isoformat()}")'
        case time():
            return f'time("{value.isoformat()}")'
        case timedelta():
            return f'duration("{_iso(value)}")'
        case DateRange():
            return _range(value)
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
    return '"' + str(value).translate(_ESCAPES) + '"'


_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def _iso(value: timedelta) -> str:
    microseconds = value // timedelta(microseconds=1)
    sign, rest = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    return f"{sign}PT{Decimal(rest).scaleb(-6):f}S"


def _range(value: DateRange) -> str:
    start = literal(value.start) if value.start else 'date("0001-01-01")'
    end = literal(value.end) if value.end else 'date("9999-12-31")'
    return f"[{start}..{end}]"


def _conditions(tile: CompiledTile, parameters: Mapping[str, Any]) -> Iterator[str]:
    """The conditions of dataset and tile, with the values of filters and the meaning of dimensions written in."""
    for condition in tile.dataset.definition.conditions:
        yield condition.text
    dimensions = {
        name: f"({d.definition.expression})"
        for name, d in tile.dataset.dimensions.items()
        if name not in tile.dataset.rows.names
    }
    values = {name: literal(parameters.get(name)) for name in tile.filters if name not in tile.dataset.rows.names}
    for compiled in tile.conditions:
        if all(parameters.get(name) is not None for name in compiled.filters):
            yield _written(compiled.expression, {**values, **dimensions})


def _written(expression: feel.Expression, meanings: Mapping[str, str]) -> str:
    """The text of ``expression`` with names replaced by what they mean."""
    text = expression.text
    names = [node for node in walk(expression.tree) if isinstance(node, Name) and node.name in meanings]
    for node in sorted(names, key=lambda n: n.span.start, reverse=True):
        text = text[: node.span.start] + meanings[node.name] + text[node.span.end :]
    return text


def _bound(tile: CompiledTile, parameters: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    for item, dimension in tile.bound:
        value = parameters.get(item.name)
        if value is not None:
            yield from _chosen(item, dimension, value, zone)


def _chosen(item: DashboardFilter, dimension: CompiledDimension, value: Any, zone: ZoneInfo) -> Iterator[str]:
    text = _subject(dimension)
    if item.type is FilterType.DATE_RANGE:
        if value.start is not None:
            yield f"{text} >= {_edge(value.start, dimension.type, zone)}"
        if value.end is not None:
            yield f"{text} < {_edge(value.end + timedelta(days=1), dimension.type, zone)}"
    elif item.type is not FilterType.MULTI_CHOICE:
        yield _equals(dimension, value)
    elif value:
        yield " or ".join(_equals(dimension, each) for each in value)


def _marks(tile: CompiledTile, row: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    for dimension in tile.dimensions:
        if dimension.name in row:
            yield _mark(dimension, row[dimension.name], zone)


def _mark(dimension: TileDimension, value: Any, zone: ZoneInfo) -> str:
    compiled, grain = dimension.dimension, dimension.grain
    if grain is None or value is None or (grain is Grain.DAY and compiled.type is ValueType.DATE):
        return _equals(compiled, value)
    text = _subject(compiled)
    start, end = (_edge(day, compiled.type, zone) for day in (value, step(value, grain)))
    return f"{text} >= {start} and {text} < {end}"


def _edge(day: date, kind: ValueType, zone: ZoneInfo) -> str:
    return literal(day_start(day, zone) if kind is ValueType.INSTANT else day)


def _equals(dimension: CompiledDimension, value: Any) -> str:
    text = _subject(dimension)
    if value is not None and dimension.type is ValueType.ID:
        return f"{text} = identifier({literal(str(value))})"
    return f"{text} = {literal(value)}"


def _subject(dimension: CompiledDimension) -> str:
    return f"({dimension.expression.text})"
