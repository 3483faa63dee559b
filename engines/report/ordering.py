"""Puts rows in order: as the tile states, then by its dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from engines.report.compiled import CompiledTile, TileDimension
from engines.report.definitions import TileType

Row = TypeVar("Row", bound=Mapping[str, Any])


def ordered(tile: CompiledTile, rows: Sequence[Row], *, stated: bool) -> list[Row]:
    """``rows`` in the tile's own order, or (``stated`` False) by dimensions alone; missing values come last.

    Choices stand in the order of their options, texts by code point, a pie's parts from the largest.
    """
    result = list(rows)
    by_name = {d.name: d for d in tile.dimensions}
    # Rows of a subtotal hold only the dimensions that are kept.
    for dimension in reversed(tile.dimensions):
        _sort(result, _dimension_key(dimension), descending=False)
    if not stated:
        return result
    if tile.tile.type is TileType.PIE and not tile.tile.sort:
        name = tile.measures[0].name
        _sort(result, lambda row: row[name], descending=True)
    for sort in reversed(tile.tile.sort):
        key = _dimension_key(by_name[sort.by]) if sort.by in by_name else _value_key(sort.by)
        _sort(result, key, descending=sort.descending)
    return result


def _sort(rows: list[Row], key: Callable[[Row], Any], *, descending: bool) -> None:
    """Sorts in place, stable, with missing values last whatever the direction."""
    rows.sort(key=lambda row: _present(key(row), descending), reverse=descending)


def _present(value: Any, descending: bool) -> tuple[bool, Any]:
    missing = value is None
    return (not missing if descending else missing, 0 if missing else value)


def _value_key(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: row[name]


def _dimension_key(dimension: TileDimension) -> Callable[[Mapping[str, Any]], Any]:
    name, options = dimension.name, dimension.dimension.options
    if not options:
        return lambda row: row.get(name)
    places = {value: number for number, value in enumerate(options)}

    def key(row: Mapping[str, Any]) -> Any:
        value = row.get(name)
        return None if value is None else (places.get(value, len(places)), value)

    return key
