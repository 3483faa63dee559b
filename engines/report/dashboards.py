"""Checks and compiles dashboards: one walk gives all problems and, where there is none, the compiled dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from engines import feel
from engines.core.diagnostics import Diagnostic, Severity
from engines.core.errors import DefinitionError
from engines.report.compiled import (
    CompiledDashboard,
    CompiledDataset,
    CompiledDimension,
    CompiledMeasure,
    CompiledTile,
    TileCondition,
    TileDimension,
)
from engines.report.datasets import compile_dataset, reads
from engines.report.definitions import (
    Aggregate,
    CalculationType,
    Compare,
    DashboardDefinition,
    DashboardFilter,
    DimensionUse,
    FilterType,
    Marker,
    Tile,
    TileType,
)
from engines.report.expressions import Problems, RowNames
from engines.report.ports import ReportDefinitions
from engines.report.results import ValueType

# Type of tile -> (fewest dimensions, most dimensions, fewest measures, most measures).
SHAPES: Mapping[TileType, tuple[int, int, int, int]] = {
    TileType.TILE: (0, 0, 1, 4),
    TileType.BAR: (1, 2, 1, 6),
    TileType.LINE: (1, 2, 1, 6),
    TileType.AREA: (1, 2, 1, 6),
    TileType.PIE: (1, 1, 1, 1),
    TileType.SCATTER: (1, 2, 2, 3),
    TileType.TABLE: (0, 6, 1, 12),
    TileType.PIVOT: (1, 4, 1, 6),
    TileType.PARETO: (1, 1, 1, 1),
}
_FILTER_TYPES: Mapping[FilterType, feel.FeelType] = {
    FilterType.DATE_RANGE: feel.RangeType(feel.DATE),
    FilterType.CHOICE: feel.STRING,
    FilterType.MULTI_CHOICE: feel.ListType(feel.STRING),
    FilterType.PERSON: feel.IDENTIFIER,
    FilterType.TEXT: feel.STRING,
    FilterType.NUMBER: feel.NUMBER,
    FilterType.BOOLEAN: feel.BOOLEAN,
}
# Aggregates whose values over groups add up to the whole.
_ADDED = frozenset({Aggregate.SUM, Aggregate.COUNT})
_NARROWS: Mapping[FilterType, frozenset[ValueType]] = {
    FilterType.DATE_RANGE: frozenset({ValueType.DATE, ValueType.INSTANT}),
    FilterType.CHOICE: frozenset({ValueType.TEXT, ValueType.ID}),
    FilterType.MULTI_CHOICE: frozenset({ValueType.TEXT, ValueType.ID}),
    FilterType.PERSON: frozenset({ValueType.ID}),
    FilterType.TEXT: frozenset({ValueType.TEXT}),
    FilterType.NUMBER: frozenset({ValueType.NUMBER}),
    FilterType.BOOLEAN: frozenset({ValueType.BOOLEAN}),
}


def validate_dashboard(definition: DashboardDefinition, definitions: ReportDefinitions) -> list[Diagnostic]:
    """All problems of a dashboard. Problems of its datasets are theirs. Codes ``report.*`` and ``feel.*``."""
    return _Analysis(definition, definitions).run()[1]


def compile_dashboard(definition: DashboardDefinition, definitions: ReportDefinitions) -> CompiledDashboard:
    """The dashboard ready to be asked; ``DefinitionError`` with everything that is wrong with it or its datasets."""
    compiled, problems = _Analysis(definition, definitions).run()
    if any(d.severity is Severity.ERROR for d in problems):
        raise DefinitionError(problems)
    return compiled


def compile_tile(
    tile: Tile,
    dataset: CompiledDataset,
    filters: Sequence[DashboardFilter] = (),
    settings: Mapping[str, feel.FeelType] | None = None,
) -> CompiledTile:
    """One tile over a compiled dataset, as the designer's preview needs it; ``DefinitionError``."""
    problems = Problems(source=dataset.definition.source)
    compiled = _TileAnalysis(tile, dataset, filters, settings or {}, problems).run()
    if compiled is None or any(d.severity is Severity.ERROR for d in problems.found):
        raise DefinitionError(problems.found)
    return compiled


class _Analysis:
    """One walk over a dashboard."""

    def __init__(self, definition: DashboardDefinition, definitions: ReportDefinitions) -> None:
        self._definition = definition
        self._definitions = definitions
        self._problems = Problems(source=definition.source, checked=definition.source.checked)
        self._datasets: dict[str, CompiledDataset | None] = {}

    def run(self) -> tuple[CompiledDashboard, list[Diagnostic]]:
        definition = self._definition
        self._check_names(definition.tiles)
        self._check_names(definition.filters)
        self._check_roles()
        self._check_places()
        tiles = [self._tile(tile) for tile in definition.tiles]
        compiled = CompiledDashboard(
            definition=definition,
            tiles={t.tile.name: t for t in tiles if t is not None},
            defaults=self._defaults(),
        )
        self._check_filters(compiled)
        return compiled, self._problems.found

    def _check_names(self, items: Iterable[Tile] | Iterable[DashboardFilter]) -> None:
        seen: set[str] = set()
        for item in items:
            if item.name in seen:
                pointer = f"{item.pointer}/name"
                self._problems.add("report.repeated_name", pointer, found=item.name, hint="choose another name")
            seen.add(item.name)

    def _check_roles(self) -> None:
        known = self._definitions.names("role")
        for index, role in enumerate(self._definition.roles or ()):
            if self._definitions.get("role", role) is None:
                self._problems.unknown("role", role, known, f"/roles/{index}")

    def _check_places(self) -> None:
        for first, second in combinations((t for t in self._definition.tiles if t.place), 2):
            a, b = first.place, second.place
            if a and b and a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h:
                pointer = f"{second.pointer}/place"
                hint = "move one of them"
                self._problems.add(
                    "report.places_overlap", pointer, found=first.name, hint=hint, severity=Severity.WARNING
                )

    def _dataset(self, name: str, pointer: str) -> CompiledDataset | None:
        if name in self._datasets:
            return self._datasets[name]
        definition = self._definitions.get("dataset", name)
        compiled = None
        if definition is None:
            self._problems.unknown("dataset", name, self._definitions.names("dataset"), pointer)
        else:
            try:
                compiled = compile_dataset(definition, self._definitions)
            except DefinitionError as error:
                # They stand in the dataset's own file; here they only keep the tile from compiling.
                self._problems.found += [d for d in error.diagnostics if d not in self._problems.found]
        self._datasets[name] = compiled
        return compiled

    def _tile(self, tile: Tile) -> CompiledTile | None:
        dataset = self._dataset(tile.dataset, f"{tile.pointer}/dataset")
        if dataset is None:
            return None
        if tile.view:
            shape = self._definitions.shape(dataset.definition.form)
            views = shape.views() if shape else ()
            if tile.view not in views:
                self._problems.unknown("view", tile.view, views, f"{tile.pointer}/drill/view")
        settings = self._definitions.settings()
        return _TileAnalysis(tile, dataset, self._definition.filters, settings, self._problems).run()

    def _defaults(self) -> Mapping[str, feel.Expression]:
        names = {"settings": feel.ContextType(dict(self._definitions.settings()))}
        compiled = {
            f.name: self._problems.compile(f.default, names, f"{f.pointer}/default", _FILTER_TYPES[f.type])
            for f in self._definition.filters
            if f.default
        }
        return {name: expression for name, expression in compiled.items() if expression is not None}

    def _check_filters(self, compiled: CompiledDashboard) -> None:
        used = {name for tile in compiled.tiles.values() for c in tile.conditions for name in c.filters}
        used |= {f.name for tile in compiled.tiles.values() for f, _ in tile.bound}
        offered = {name for tile in compiled.tiles.values() for name in tile.dataset.dimensions}
        for item in self._definition.filters:
            choices = item.type in (FilterType.CHOICE, FilterType.MULTI_CHOICE, FilterType.PERSON)
            if choices and not item.options and not item.option_list and item.dimension not in offered:
                hint = 'add "options" or "dimension"'
                self._problems.add("report.filter_without_options", item.pointer, found=item.name, hint=hint)
            if item.name not in used and compiled.tiles:
                self._problems.add(
                    "report.filter_without_effect", item.pointer, found=item.name, severity=Severity.WARNING
                )


class _TileAnalysis:
    """One walk over a tile."""

    def __init__(
        self,
        tile: Tile,
        dataset: CompiledDataset,
        filters: Sequence[DashboardFilter],
        settings: Mapping[str, feel.FeelType],
        problems: Problems,
    ) -> None:
        self._tile = tile
        self._dataset = dataset
        self._filters = {f.name: f for f in filters}
        self._settings = settings
        self._problems = problems

    def run(self) -> CompiledTile | None:
        tile = self._tile
        rows = [self._dimension(use) for use in tile.dimensions]
        across = [self._dimension(use) for use in tile.columns]
        measures = [self._measure(name, index) for index, name in enumerate(tile.measures)]
        self._check_shape()
        if None in rows or None in across or None in measures:
            return None
        shown = tuple(m for m in measures if m is not None)
        needed = self._needed(shown)
        conditions = self._conditions()
        compiled = CompiledTile(
            tile=tile,
            dataset=self._dataset,
            dimensions=tuple(d for d in (*rows, *across) if d is not None),
            measures=shown,
            aggregates=tuple(m for m in needed if m.value is None),
            values=tuple(m for m in needed if m.value is not None),
            conditions=conditions,
            bound=self._bound({name for c in conditions for name in c.filters}),
            filters=self._filters,
            markers=self._markers(shown),
        )
        self._check_columns(compiled)
        self._check_compare(compiled)
        if tile.type is TileType.PARETO and shown[0].definition.aggregate not in _ADDED:
            self._problems.add("report.pareto_needs_sum", f"{tile.pointer}/measures/0", found=shown[0].name)
        return compiled

    def _dimension(self, use: DimensionUse) -> TileDimension | None:
        dimension = self._dataset.dimensions.get(use.name)
        if dimension is None:
            self._problems.unknown("dimension", use.name, list(self._dataset.dimensions), use.pointer)
            return None
        if use.grain and dimension.type not in (ValueType.DATE, ValueType.INSTANT):
            self._problems.add("report.grain_needs_date", use.pointer, found=str(dimension.type))
            return None
        return TileDimension(dimension=dimension, grain=use.grain or dimension.definition.grain)

    def _measure(self, name: str, index: int) -> CompiledMeasure | None:
        measure = self._dataset.measures.get(name)
        if measure is None:
            pointer = f"{self._tile.pointer}/measures/{index}"
            self._problems.unknown("measure", name, list(self._dataset.measures), pointer)
        return measure

    def _needed(self, shown: Iterable[CompiledMeasure]) -> tuple[CompiledMeasure, ...]:
        """The measures shown and all that they read, in the dataset's order (readers after what they read)."""
        names: set[str] = set()
        waiting = [m.name for m in shown]
        while waiting:
            name = waiting.pop()
            if name not in names and name in self._dataset.measures:
                names.add(name)
                waiting += reads(self._dataset.measures[name])
        return tuple(m for name, m in self._dataset.measures.items() if name in names)

    def _check_shape(self) -> None:
        tile = self._tile
        fewest, most, fewest_measures, most_measures = SHAPES[tile.type]
        count = len(tile.dimensions) + len(tile.columns)
        if not fewest <= count <= most:
            expected = _span(fewest, most, "dimension")
            self._problems.add("report.needs_dimensions", tile.pointer, found=tile.type, expected=expected)
        if tile.columns and tile.type is not TileType.PIVOT:
            self._problems.add(
                "report.needs_dimensions", f"{tile.pointer}/columns", found=tile.type, expected="no columns"
            )
        if not fewest_measures <= len(tile.measures) <= most_measures:
            expected = _span(fewest_measures, most_measures, "measure")
            self._problems.add("report.needs_measures", tile.pointer, found=tile.type, expected=expected)

    def _conditions(self) -> tuple[TileCondition, ...]:
        # A name of the record hides a dimension of the same name, and both hide a filter.
        dimensions = {n: d.expression.type for n, d in self._dataset.dimensions.items()}
        rows = self._dataset.rows
        known = {**dimensions, **rows.names}
        offered = {n: _FILTER_TYPES[f.type] for n, f in self._filters.items() if n not in known}
        seen = RowNames(names={**offered, **known}, variables=rows.variables | offered.keys())
        compiled = self._problems.conditions(self._tile.conditions, seen)
        return tuple(
            TileCondition(expression=c, filters=frozenset(path[0] for path in c.reads) & offered.keys())
            for c in compiled
        )

    def _bound(self, read: set[str]) -> tuple[tuple[DashboardFilter, CompiledDimension], ...]:
        found = []
        for item in self._filters.values():
            dimension = self._dataset.dimensions.get(item.dimension)
            if dimension is None or item.name in read:
                continue
            if dimension.type not in _NARROWS[item.type]:
                self._problems.add(
                    "report.filter_type",
                    f"{item.pointer}/dimension",
                    found=str(item.type),
                    expected=str(dimension.type),
                )
            found.append((item, dimension))
        return tuple(found)

    def _markers(self, shown: Iterable[CompiledMeasure]) -> tuple[tuple[Marker, feel.Expression], ...]:
        names = {
            "settings": feel.ContextType(dict(self._settings)),
            "mean": feel.ContextType({m.name: feel.NUMBER for m in shown}),
        }
        compiled = (
            (m, self._problems.compile(m.value, names, f"{m.pointer}/value", feel.NUMBER)) for m in self._tile.markers
        )
        return tuple((marker, expression) for marker, expression in compiled if expression is not None)

    def _check_columns(self, compiled: CompiledTile) -> None:
        tile = self._tile
        known = [d.name for d in compiled.dimensions] + [m.name for m in compiled.measures]
        for calculation in tile.calculations:
            if calculation.measure not in tile.measures:
                pointer = f"{calculation.pointer}/measure"
                self._problems.unknown("measure", calculation.measure, tile.measures, pointer)
            if calculation.name in known:
                self._problems.add("report.repeated_name", f"{calculation.pointer}/name", found=calculation.name)
            if calculation.type is CalculationType.CHANGE and tile.compare is None:
                self._problems.add("report.change_needs_compare", calculation.pointer, hint='add "compare"')
            if calculation.reset and compiled.time is None:
                self._problems.add("report.reset_needs_time", f"{calculation.pointer}/reset")
            known.append(calculation.name)
        for sort in tile.sort:
            if sort.by not in known:
                self._problems.unknown("column", sort.by, known, f"{sort.pointer}/by")

    def _check_compare(self, compiled: CompiledTile) -> None:
        pointer = f"{self._tile.pointer}/compare"
        match self._tile.compare:
            case Compare.PREVIOUS_PERIOD if not period_filters(compiled):
                self._problems.add("report.compare_needs_period", pointer, hint="add a filter of type date_range")
            case Compare.PREVIOUS_BUCKET if compiled.time is None:
                self._problems.add("report.compare_needs_time", pointer, hint='add a dimension with "grain"')
            case Compare.PREVIOUS_YEAR if compiled.time is None and not period_filters(compiled):
                self._problems.add("report.compare_needs_period", pointer, hint="add a filter of type date_range")


def period_filters(compiled: CompiledTile) -> frozenset[str]:
    """Names of the filters of type date_range that narrow the tile."""
    read = {name for condition in compiled.conditions for name in condition.filters}
    read |= {item.name for item, _ in compiled.bound}
    return frozenset(n for n in read if compiled.filters[n].type is FilterType.DATE_RANGE)


def _span(fewest: int, most: int, what: str) -> str:
    count = str(fewest) if fewest == most else f"{fewest} to {most}"
    return f"{count} {what}{'' if count == '1' else 's'}"
