"""Values of the lines that stand across a chart."""

from __future__ import annotations

from decimal import Decimal

from engines.report.calculations import ratio
from engines.report.compiled import CompiledTile
from engines.report.results import TileResult
from engines.report.running import ReportContext


def marker_values(tile: CompiledTile, result: TileResult, context: ReportContext) -> tuple[Decimal | None, ...]:
    """The value of each of the tile's markers, in order; None where it has none.

    ``mean.<measure>`` is the mean of the measure over the rows given, rows without a value left out.
    """
    if not tile.markers:
        return ()
    variables = {"settings": dict(context.settings), "mean": {m.name: _mean(result, m.name) for m in tile.measures}}
    return tuple(expression.evaluate(variables, context.evaluation()).value for _, expression in tile.markers)


def _mean(result: TileResult, name: str) -> Decimal | None:
    values = [row[name] for row in result.rows if isinstance(row[name], Decimal)]
    return ratio(sum(values, Decimal(0)), len(values))
