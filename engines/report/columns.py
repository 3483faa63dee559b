"""The columns of a tile's answer."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core.text import LocalizedText
from engines.report.compiled import CompiledTile, TileDimension, format_of
from engines.report.definitions import Format
from engines.report.results import Column, Role, ValueType

# Keys of the columns that a pareto tile adds: place from the top, share of the groups, running share of the total.
PARETO_RANK, PARETO_GROUPS, PARETO_SHARE = "pareto.rank", "pareto.groups", "pareto.share"
_PARETO_LABELS = {
    PARETO_RANK: {"zh": "名次", "en": "Rank"},
    PARETO_GROUPS: {"zh": "数量累计占比", "en": "Share of count"},
    PARETO_SHARE: {"zh": "累计占比", "en": "Cumulative share"},
}


def title_name(dimension: str) -> str:
    """Key of what people read in place of a dimension's value."""
    return f"{dimension}.title"


def previous_name(measure: str) -> str:
    """Key of a measure's value in the compared period."""
    return f"previous.{measure}"


def columns_of(tile: CompiledTile) -> tuple[Column, ...]:
    """The columns of the tile: dimensions with their titles, measures with the compared value, calculations."""
    return (*_dimension_columns(tile), *_measure_columns(tile), *_calculation_columns(tile))


def _dimension_columns(tile: CompiledTile) -> Iterator[Column]:
    for dimension in tile.dimensions:
        definition = dimension.dimension.definition
        yield Column(
            name=dimension.name,
            label=definition.label,
            role=Role.DIMENSION,
            type=ValueType.DATE if dimension.grain else dimension.dimension.type,
            grain=dimension.grain,
            options=dimension.dimension.options,
            tones=dimension.dimension.tones,
        )
        if dimension.dimension.title is not None:
            yield _title(dimension)


def _title(dimension: TileDimension) -> Column:
    label = dimension.dimension.definition.label
    return Column(name=title_name(dimension.name), label=label, role=Role.TITLE, type=ValueType.TEXT)


def _measure_columns(tile: CompiledTile) -> Iterator[Column]:
    for measure in tile.measures:
        label, shown = measure.definition.label, format_of(measure.definition)
        yield Column(name=measure.name, label=label, role=Role.MEASURE, type=measure.type, format=shown)
        if tile.tile.compare is not None:
            yield Column(
                name=previous_name(measure.name), label=label, role=Role.PREVIOUS, type=measure.type, format=shown
            )


def _calculation_columns(tile: CompiledTile) -> Iterator[Column]:
    formats = {m.name: format_of(m.definition) for m in tile.measures}
    for calculation in tile.tile.calculations:
        shown = calculation.format
        if shown == Format() and calculation.type in ("running", "moving_mean"):
            shown = formats.get(calculation.measure, shown)
        yield Column(
            name=calculation.name,
            label=LocalizedText.of(calculation.label),
            role=Role.CALCULATION,
            type=ValueType.NUMBER,
            format=shown,
        )


def pareto_columns() -> tuple[Column, ...]:
    """What a pareto tile adds to its rows."""
    return tuple(
        Column(
            name=name,
            label=LocalizedText.of(label),
            role=Role.CALCULATION,
            type=ValueType.NUMBER,
            format=Format(scale=0) if name == PARETO_RANK else Format(style="percent", scale=1),
        )
        for name, label in _PARETO_LABELS.items()
    )
