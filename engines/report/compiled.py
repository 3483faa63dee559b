"""Checked definitions, ready to be asked: immutable, without a reader's data, cacheable by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines import feel
from engines.core.text import LocalizedText
from engines.report.definitions import (
    DashboardDefinition,
    DashboardFilter,
    DatasetDefinition,
    Dimension,
    Format,
    Grain,
    Marker,
    Measure,
    Tile,
)
from engines.report.expressions import RowNames
from engines.report.results import ValueType

VALUE_TYPES: Mapping[feel.FeelType, ValueType] = {
    feel.STRING: ValueType.TEXT,
    feel.NUMBER: ValueType.NUMBER,
    feel.BOOLEAN: ValueType.BOOLEAN,
    feel.DATE: ValueType.DATE,
    feel.DATE_TIME: ValueType.INSTANT,
    feel.TIME: ValueType.TIME,
    feel.DAYS_TIME: ValueType.DURATION,
    feel.IDENTIFIER: ValueType.ID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDimension:
    """A dimension with its checked expressions."""

    definition: Dimension
    expression: feel.Expression
    title: feel.Expression | None
    # Type of ``expression``, before it is brought to a calendar unit.
    type: ValueType
    # Labels of the values, where it is a choice.
    options: Mapping[str, LocalizedText] = field(default_factory=dict)
    # Colours of the values by name, as far as the choice states them.
    tones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMeasure:
    """A measure with its checked expressions."""

    definition: Measure
    # What is aggregated; None where rows are counted or the measure is a value over others.
    expression: feel.Expression | None = None
    conditions: tuple[feel.Expression, ...] = ()
    # Computed over other measures.
    value: feel.Expression | None = None
    type: ValueType = ValueType.NUMBER
    # Whether it reads the header of a dataset over sub-table rows, so that each header counts once.
    of_header: bool = False

    @property
    def name(self) -> str:
        """Its name in the dataset."""
        return self.definition.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDataset:
    """A dataset with its checked expressions."""

    definition: DatasetDefinition
    dimensions: Mapping[str, CompiledDimension]
    measures: Mapping[str, CompiledMeasure]
    conditions: tuple[feel.Expression, ...]
    # What expressions over one of its rows may name.
    rows: RowNames


@dataclass(frozen=True, slots=True, kw_only=True)
class TileDimension:
    """A dimension in a tile, with the calendar unit that holds there."""

    dimension: CompiledDimension
    grain: Grain | None

    @property
    def name(self) -> str:
        """Its name in the dataset."""
        return self.dimension.definition.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TileCondition:
    """A condition of a tile and the dashboard's filters that it reads."""

    expression: feel.Expression
    filters: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTile:
    """One question, checked: what to group by, what to compute, which rows."""

    tile: Tile
    dataset: CompiledDataset
    # Rows first, then those that run across a pivot.
    dimensions: tuple[TileDimension, ...]
    # The measures shown, in order.
    measures: tuple[CompiledMeasure, ...]
    # All aggregates needed for them.
    aggregates: tuple[CompiledMeasure, ...]
    # All values over measures, each after those that it reads.
    values: tuple[CompiledMeasure, ...]
    conditions: tuple[TileCondition, ...]
    # Filters of the dashboard that narrow a dimension of the dataset.
    bound: tuple[tuple[DashboardFilter, CompiledDimension], ...]
    # Filters of the dashboard by name.
    filters: Mapping[str, DashboardFilter]
    markers: tuple[tuple[Marker, feel.Expression], ...] = ()

    @property
    def time(self) -> TileDimension | None:
        """The first dimension with a calendar unit."""
        return next((d for d in self.dimensions if d.grain), None)

    @property
    def needs_totals(self) -> bool:
        """Whether values over all rows are shown or read."""
        reads = {path[0] for measure in self.values if measure.value for path in measure.value.reads}
        shares = any(c.type == "share" for c in self.tile.calculations)
        return self.tile.totals or "total" in reads or shares


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDashboard:
    """A dashboard with its checked tiles."""

    definition: DashboardDefinition
    tiles: Mapping[str, CompiledTile]
    # Default values of filters that have one.
    defaults: Mapping[str, feel.Expression]


def format_of(measure: Measure) -> Format:
    """How people read a measure: as stated, else whole numbers for counts."""
    if measure.format == Format() and measure.aggregate in ("count", "count_distinct"):
        return Format(scale=0)
    return measure.format
