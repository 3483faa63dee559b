"""What is written in ``*.dataset.json`` and ``*.dashboard.json``, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from engines.core.source import DefinitionSource
from engines.core.text import LocalizedText


class Grain(StrEnum):
    """A calendar unit; its value stands for the first day of the unit. Weeks start on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Aggregate(StrEnum):
    """How the values of a group become one. Missing values are left out."""

    SUM = "sum"
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    MIN = "min"
    MAX = "max"
    MEAN = "mean"


class TileType(StrEnum):
    """How the answer of a tile is shown."""

    TILE = "tile"
    BAR = "bar"
    LINE = "line"
    AREA = "area"
    PIE = "pie"
    SCATTER = "scatter"
    TABLE = "table"
    PIVOT = "pivot"
    PARETO = "pareto"


class Compare(StrEnum):
    """What a value is put beside."""

    PREVIOUS_PERIOD = "previous_period"
    PREVIOUS_YEAR = "previous_year"
    PREVIOUS_BUCKET = "previous_bucket"


class CalculationType(StrEnum):
    """A column computed along the rows of a result."""

    RUNNING = "running"
    MOVING_MEAN = "moving_mean"
    SHARE = "share"
    CHANGE = "change"
    RANK = "rank"


class FilterType(StrEnum):
    """What a reader of a dashboard chooses."""

    DATE_RANGE = "date_range"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    PERSON = "person"
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How people read a number."""

    # "number", "money", "percent" (a fraction shown times 100) or "days".
    style: str = "number"
    # Digits shown after the point; None for as many as the value has, at most two.
    scale: int | None = None
    # ISO 4217 code, for money.
    currency: str = ""
    # Large values shortened: 万 and 亿, or K, M and B.
    compact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One FEEL condition as written."""

    text: str
    # RFC 6901 pointer of the text in its file.
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """Something rows can be grouped by."""

    name: str
    label: LocalizedText
    # FEEL over a record.
    expression: str
    grain: Grain | None = None
    # FEEL over a record: what people read in place of the value; empty for the value itself.
    title: str = ""
    # RFC 6901 pointer of the dimension in its file.
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something computed for a group: an aggregate over records, or a value over other measures."""

    name: str
    label: LocalizedText
    description: LocalizedText
    aggregate: Aggregate | None = None
    # FEEL over a record; empty counts rows.
    expression: str = ""
    # FEEL conditions over a record, all of which must be true for a row to enter.
    conditions: tuple[Condition, ...] = ()
    # FEEL over measures; empty for an aggregate.
    value: str = ""
    format: Format = field(default_factory=Format)
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDefinition:
    """What can be counted about the records of one form."""

    name: str
    form: str
    label: LocalizedText
    description: LocalizedText
    # Sub-table whose rows are the rows of the dataset; empty for the records themselves.
    each: str
    conditions: tuple[Condition, ...]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    source: DefinitionSource

    def dimension(self, name: str) -> Dimension | None:
        """The dimension of that name."""
        return next((d for d in self.dimensions if d.name == name), None)

    def measure(self, name: str) -> Measure | None:
        """The measure of that name."""
        return next((m for m in self.measures if m.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionUse:
    """A dimension as a tile uses it."""

    name: str
    # Calendar unit in place of the dataset's.
    grain: Grain | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One key of a row order."""

    by: str
    descending: bool = False
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """A column computed along the rows."""

    name: str
    label: LocalizedText
    type: CalculationType
    measure: str
    reset: Grain | None = None
    size: int = 0
    format: Format = field(default_factory=Format)
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A line across a chart."""

    axis: str
    value: str
    label: LocalizedText
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePlace:
    """Where a tile stands on the grid of 12 columns."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One question to a dataset and how its answer is shown."""

    name: str
    type: TileType
    label: LocalizedText
    help: LocalizedText
    dataset: str
    dimensions: tuple[DimensionUse, ...]
    # Dimensions that run across a pivot.
    columns: tuple[DimensionUse, ...]
    measures: tuple[str, ...]
    conditions: tuple[Condition, ...]
    sort: tuple[Sort, ...]
    limit: int | None
    totals: bool
    compare: Compare | None
    calculations: tuple[Calculation, ...]
    fill: bool
    stacked: bool
    horizontal: bool
    markers: tuple[Marker, ...]
    # Whether a mark leads to its records, and the view they are shown in (empty for the form's first).
    drills: bool
    view: str
    place: TilePlace | None
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOption:
    """A choice that a filter states itself."""

    name: str
    label: LocalizedText


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardFilter:
    """Something that readers choose on a dashboard."""

    name: str
    type: FilterType
    label: LocalizedText
    # FEEL; empty for no default.
    default: str = ""
    # Dimension that it narrows in every dataset that has it.
    dimension: str
    # Dataset whose dimension offers the choices.
    dataset: str = ""
    options: tuple[FilterOption, ...] = ()
    # Name of an option list; empty for none.
    option_list: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardDefinition:
    """A page of tiles with filters that they share."""

    name: str
    label: LocalizedText
    description: LocalizedText
    # Roles that may open the page; None for everybody who may use the app.
    roles: tuple[str, ...] | None
    filters: tuple[DashboardFilter, ...]
    tiles: tuple[Tile, ...]
    source: DefinitionSource

    def tile(self, name: str) -> Tile | None:
        """The tile of that name."""
        return next((t for t in self.tiles if t.name == name), None)
