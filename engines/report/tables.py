"""Answers as plain tables of text: for table tiles, for pivots, and beside every chart for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engines.report.compiled import CompiledTile
from engines.report.definitions import Compare
from engines.report.formats import shown, text_of, word
from engines.report.results import Column, Role, Row, TileResult

_BESIDE = {
    Compare.PREVIOUS_PERIOD: {"zh": "上一期间", "en": "previous period"},
    Compare.PREVIOUS_YEAR: {"zh": "上年同期", "en": "previous year"},
    Compare.PREVIOUS_BUCKET: {"zh": "上期", "en": "before"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table as people read it."""

    headings: tuple[str, ...]
    # Whether each column holds numbers, to be set flush right.
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    # The line of totals; empty where there is none.
    totals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotLine:
    """One line of a pivot."""

    # One per row dimension; empty where rolled up.
    labels: tuple[str, ...]
    cells: tuple[str, ...]
    # How many row dimensions are kept: fewer than all for a subtotal, 0 for the grand total.
    depth: int
    # What to drill by for each cell: dimension to value; None for a cell without records.
    keys: tuple[Mapping[str, Any] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotTable:
    """A pivot as people read it."""

    # Labels of the row dimensions.
    corner: tuple[str, ...]
    # One per column of cells: what it stands for, from the outermost dimension to the measure.
    headings: tuple[tuple[str, ...], ...]
    lines: tuple[PivotLine, ...]


def heading(tile: CompiledTile, column: Column, locale: str) -> str:
    """The heading of a column; a compared value names what it is compared with."""
    label = column.label.get(locale)
    if column.role is not Role.PREVIOUS or tile.tile.compare is None:
        return label
    beside = _BESIDE[tile.tile.compare]["zh" if locale.startswith("zh") else "en"]
    return f"{label}（{beside}）" if locale.startswith("zh") else f"{label} ({beside})"


def table_of(tile: CompiledTile, result: TileResult, locale: str, zone: ZoneInfo | None = None) -> TextTable:
    """The answer as a table of text, in the language of ``locale``."""
    columns = result.visible
    return TextTable(
        headings=tuple(heading(tile, c, locale) for c in columns),
        numeric=tuple(c.role is not Role.DIMENSION and c.type in ("number", "duration") for c in columns),
        rows=tuple(tuple(shown(row, c, locale, zone) for c in columns) for row in result.rows),
        totals=_totals(columns, result.totals, locale, zone) if tile.dimensions else (),
    )


def _totals(columns: Sequence[Column], totals: Row | None, locale: str, zone: ZoneInfo | None) -> tuple[str, ...]:
    if totals is None:
        return ()
    cells = []
    for number, column in enumerate(columns):
        value = totals.get(column.name)
        if column.role is Role.DIMENSION:
            cells.append(word("total", locale) if number == 0 else "")
        else:
            cells.append("" if value is None else text_of(value, column, locale, zone))
    return tuple(cells)


def pivot_of(tile: CompiledTile, result: TileResult, locale: str, zone: ZoneInfo | None = None) -> PivotTable:
    """The answer with the tile's ``columns`` running across; subtotals follow what they sum up."""
    return _Pivot(tile, result, locale, zone).table()


class _Pivot:
    def __init__(self, tile: CompiledTile, result: TileResult, locale: str, zone: ZoneInfo | None) -> None:
        self._locale, self._zone = locale, zone
        self._down = [d.name for d in tile.dimensions[: len(tile.tile.dimensions)]]
        self._across = [d.name for d in tile.dimensions[len(tile.tile.dimensions) :]]
        self._values = [c for c in result.columns if c.role in (Role.MEASURE, Role.PREVIOUS)]
        self._by_name = {c.name: c for c in result.columns}
        self._tile, self._result = tile, result
        names = (*self._down, *self._across)
        self._groups: dict[frozenset[tuple[str, Any]], Row] = {}
        for kept, rows in [(names, result.rows), *((s.kept, s.rows) for s in result.subtotals)]:
            for row in rows:
                self._groups[frozenset((n, row[n]) for n in kept)] = row
        if result.totals is not None:
            self._groups[frozenset()] = result.totals

    def table(self) -> PivotTable:
        columns = self._keys(self._across)
        return PivotTable(
            corner=tuple(self._by_name[name].label.get(self._locale) for name in self._down),
            headings=tuple(
                (*(text for _, text in key), *self._rolled(self._across, key), heading(self._tile, value, self._locale))
                for key in map(self._texts, columns)
                for value in self._values
            ),
            lines=tuple(self._line(key, columns) for key in self._keys(self._down)),
        )

    def _keys(self, names: Sequence[str]) -> list[tuple[tuple[str, Any], ...]]:
        """The groups along one edge, each followed by the group that it is rolled up into, the total last."""
        if not names:
            return [()]
        cells = list(dict.fromkeys(tuple((n, row[n]) for n in names) for row in self._ordered(names)))
        if self._result.totals is None:
            return cells
        found: list[tuple[tuple[str, Any], ...]] = []
        for number, key in enumerate(cells):
            found.append(key)
            following = cells[number + 1] if number + 1 < len(cells) else ()
            found += [key[:depth] for depth in range(len(names) - 1, 0, -1) if following[:depth] != key[:depth]]
        return [*found, ()]

    def _ordered(self, names: Sequence[str]) -> Iterable[Row]:
        """Rows in the order in which this edge shows them: by themselves where they exist as a level, else as found."""
        for subtotal in self._result.subtotals:
            if subtotal.kept == tuple(names):
                return subtotal.rows
        return self._result.rows

    def _texts(self, key: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
        return [(name, self._label(name, value)) for name, value in key]

    def _label(self, name: str, value: Any) -> str:
        for row in self._result.rows:
            if row[name] == value:
                return shown(row, self._by_name[name], self._locale, self._zone)
        return shown({name: value}, self._by_name[name], self._locale, self._zone)

    def _rolled(self, names: Sequence[str], key: Sequence[Any]) -> list[str]:
        """Fills the places of dimensions that are rolled up: the word for a total, then nothing."""
        missing = len(names) - len(key)
        return [word("total", self._locale), *[""] * (missing - 1)] if missing else []

    def _line(self, key: tuple[tuple[str, Any], ...], columns: Sequence[tuple[tuple[str, Any], ...]]) -> PivotLine:
        cells: list[str] = []
        keys: list[Mapping[str, Any] | None] = []
        for across in columns:
            row = self._groups.get(frozenset((*key, *across)))
            for value in self._values:
                cells.append("" if row is None else shown(row, value, self._locale, self._zone))
                keys.append(None if row is None else dict((*key, *across)))
        labels = [*(text for _, text in self._texts(key)), *self._rolled(self._down, key)]
        return PivotLine(labels=tuple(labels), cells=tuple(cells), depth=len(key), keys=tuple(keys))
