"""ECharts options of an answer: data only, no functions, so that they travel as JSON under a strict content policy.

Every mark carries the number of its row in ``row`` (scatter: the last entry of its value), by which a click is drilled
down. How numbers are written stands in ``dougong.formats``, for the browser's own number formats. Colours and fonts are
the theme's affair: ``tone`` names the colour that a choice's option states, ``muted`` marks what is only compared with.
Chart numbers are binary floats, good for pixels; exact ones stand in the table beside the chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engines.report.calculations import ratio
from engines.report.columns import PARETO_SHARE, previous_name
from engines.report.compiled import CompiledTile
from engines.report.definitions import Format, TileType
from engines.report.formats import number_text, shown, text_of
from engines.report.results import Column, Role, TileResult
from engines.report.tables import heading, pivot_of, table_of

Options = dict[str, Any]
# From this many points on, a scatter is drawn in one go instead of as shapes of their own.
_LARGE = 2_000
# Up to so many bars of a pareto chart are named below it.
_NAMED = 12


def chart_options(
    tile: CompiledTile,
    result: TileResult,
    locale: str,
    zone: ZoneInfo | None = None,
    markers: Sequence[Decimal | None] = (),
) -> Options:
    """What the browser draws for ``result``.

    Charts give an ECharts option; "tile" gives ``figures``, "table" and "pivot" their texts. ``markers`` are the values
    of the tile's markers in order (see ``marker_values``).
    """
    context = _Chart(tile, result, locale, zone, markers)
    return {"dougong": context.meta(), **_BUILDERS[tile.tile.type](context)}


class _Chart:
    """What the builders below share."""

    def __init__(
        self,
        tile: CompiledTile,
        result: TileResult,
        locale: str,
        zone: ZoneInfo | None,
        markers: Sequence[Decimal | None],
    ) -> None:
        self.tile, self.result, self.locale, self.zone = tile, result, locale, zone
        self.markers = markers
        self.dimensions = result.with_role(Role.DIMENSION)
        self.measures = result.with_role(Role.MEASURE)
        self.calculations = result.with_role(Role.CALCULATION)

    def meta(self) -> Options:
        columns = [c for c in self.result.columns if c.role not in (Role.DIMENSION, Role.TITLE)]
        return {
            "type": str(self.tile.tile.type),
            "locale": self.locale,
            "formats": {heading(self.tile, c, self.locale): _format(c.format) for c in columns},
            "truncated": self.result.truncated,
            "drills": self.tile.tile.drills,
        }

    def text(self, row: Mapping[str, Any], column: Column) -> str:
        return shown(row, column, self.locale, self.zone)

    def heading(self, column: Column) -> str:
        return heading(self.tile, column, self.locale)

    def has_series(self) -> bool:
        """Whether there is more than one series to tell apart."""
        several = len(self.dimensions) > 1 or len(self.measures) > 1 or self.tile.tile.compare is not None
        return several or self.tile.tile.type in (TileType.PIE, TileType.PARETO) or bool(self.calculations)

    def value_axis(self) -> Options:
        """The axis of values; counts have no ticks between whole numbers."""
        whole = all(c.format.scale == 0 and c.format.style == "number" for c in self.measures)
        return {"type": "value", **({"minInterval": 1} if whole else {})}

    def base(self) -> Options:
        return {
            "aria": {"enabled": True, "label": {"description": self.tile.tile.label.get(self.locale)}},
            "animationDuration": 300,
            "tooltip": {"trigger": "axis", "confine": True},
            "legend": {"type": "scroll", "top": 0, "show": self.has_series()},
            "grid": {"left": 8, "right": 16, "top": 40 if self.has_series() else 16, "bottom": 8, "containLabel": True},
        }


def _cartesian(chart: _Chart) -> Options:
    """Bars, lines and areas: one axis of groups, one of values; the second dimension makes the series."""
    tile = chart.tile.tile
    kind = "bar" if tile.type is TileType.BAR else "line"
    categories, places = _categories(chart)
    series = [
        _shape(tile.type, {"name": name, "type": kind, "data": _spread(chart, column, rows, places)})
        | _dress(chart, column, rows)
        for name, column, rows in _series(chart)
    ]
    if tile.stacked:
        series = [{**s, "stack": "all"} for s in series]
    lines = _mark_lines(chart)
    if lines and series:
        series[0]["markLine"] = lines
    groups: Options = {"type": "category", "data": categories}
    values = chart.value_axis()
    horizontal = tile.horizontal and tile.type is TileType.BAR
    if horizontal:
        groups["inverse"] = True
    axes = {"xAxis": values, "yAxis": groups} if horizontal else {"xAxis": groups, "yAxis": values}
    return {**chart.base(), **axes, "series": series}


def _categories(chart: _Chart) -> tuple[list[str], dict[Any, int]]:
    """Texts along the axis of groups, and the place of each value there."""
    axis = chart.dimensions[0]
    places: dict[Any, int] = {}
    texts: list[str] = []
    for row in chart.result.rows:
        if row[axis.name] not in places:
            places[row[axis.name]] = len(texts)
            texts.append(chart.text(row, axis))
    return texts, places


def _series(chart: _Chart) -> list[tuple[str, Column, list[int]]]:
    """Name, value column and row numbers of each series: measures, split by the second dimension."""
    columns = [c for c in chart.result.columns if c.role in (Role.MEASURE, Role.PREVIOUS, Role.CALCULATION)]
    columns = [c for c in columns if c.format.style != "percent" or c.role is Role.MEASURE]
    everything = list(range(len(chart.result.rows)))
    if len(chart.dimensions) < 2:
        return [(chart.heading(c), c, everything) for c in columns]
    split = chart.dimensions[1]
    groups: dict[Any, list[int]] = {}
    for number in everything:
        groups.setdefault(chart.result.rows[number][split.name], []).append(number)
    several = len(columns) > 1
    found = []
    for rows in _in_option_order(chart, split, groups):
        name = chart.text(chart.result.rows[rows[0]], split)
        found += [(f"{name} · {chart.heading(c)}" if several else name, c, rows) for c in columns]
    return found


def _dress(chart: _Chart, column: Column, rows: Sequence[int]) -> Options:
    """The colour of a series that stands for an option, and whether it is only there to compare with."""
    if column.role is Role.PREVIOUS:
        return {"muted": True}
    if len(chart.dimensions) < 2 or not rows:
        return {}
    return _tone(chart.dimensions[1], chart.result.rows[rows[0]])


def _tone(column: Column, row: Mapping[str, Any]) -> Options:
    tone = column.tones.get(str(row[column.name]))
    return {"tone": tone} if tone else {}


def _in_option_order(chart: _Chart, column: Column, groups: Mapping[Any, list[int]]) -> list[list[int]]:
    places = {value: number for number, value in enumerate(column.options)}
    if not places:
        return list(groups.values())
    return [groups[value] for value in sorted(groups, key=lambda v: places.get(v, len(places)))]


def _spread(chart: _Chart, column: Column, rows: Sequence[int], places: Mapping[Any, int]) -> list[Any]:
    """The values of one series, one for each group along the axis, None where there is none."""
    axis = chart.dimensions[0].name
    data: list[Any] = [None] * len(places)
    for number in rows:
        row = chart.result.rows[number]
        data[places[row[axis]]] = {"value": _number(row[column.name]), "row": number}
    return data


def _shape(kind: TileType, series: Options) -> Options:
    if kind is TileType.AREA:
        return {**series, "areaStyle": {"opacity": 0.25}}
    if kind is TileType.BAR:
        return {**series, "barMaxWidth": 48}
    return series


def _pie(chart: _Chart) -> Options:
    dimension, measure = chart.dimensions[0], chart.measures[0]
    data = [
        {"name": chart.text(row, dimension), "value": _number(row[measure.name]), "row": number} | _tone(dimension, row)
        for number, row in enumerate(chart.result.rows)
    ]
    series = {
        "type": "pie",
        "name": chart.heading(measure),
        "radius": ["45%", "72%"],
        "data": data,
        "label": {"formatter": "{d}%"},
    }
    return {**chart.base(), "tooltip": {"trigger": "item", "confine": True}, "series": [series]}


def _scatter(chart: _Chart) -> Options:
    """Points [x, y, (size,) name, row]; the second dimension colours them."""
    x, y, *size = chart.measures
    point = chart.dimensions[0]
    groups: dict[str, list[list[Any]]] = {}
    tones: dict[str, Options] = {}
    for number, row in enumerate(chart.result.rows):
        if row[x.name] is None or row[y.name] is None:
            continue
        name = chart.text(row, chart.dimensions[1]) if len(chart.dimensions) > 1 else chart.heading(y)
        sizes = [_number(row[s.name]) for s in size]
        if len(chart.dimensions) > 1:
            tones[name] = _tone(chart.dimensions[1], row)
        groups.setdefault(name, []).append(
            [_number(row[x.name]), _number(row[y.name]), *sizes, chart.text(row, point), number]
        )
    many = len(chart.result.rows) > _LARGE
    series: list[Options] = [
        {
            "type": "scatter",
            "name": name,
            "data": data,
            "symbolSize": 5 if many else 9,
            **({"large": True, "largeThreshold": _LARGE} if many else {}),
            **tones.get(name, {}),
        }
        for name, data in _sorted_groups(chart, groups)
    ]
    lines = _mark_lines(chart)
    if lines and series:
        series[0]["markLine"] = lines
    options: Options = {
        **chart.base(),
        "tooltip": {"trigger": "item", "confine": True},
        "grid": {"left": 8, "right": 24, "top": 56, "bottom": 28, "containLabel": True},
        "xAxis": {"type": "value", "name": chart.heading(x), "nameLocation": "middle", "nameGap": 28, "scale": True},
        "yAxis": {"type": "value", "name": chart.heading(y), "nameTextStyle": {"align": "left"}, "scale": True},
        "series": series,
    }
    if size:
        options["visualMap"] = _sizes(chart, size[0])
    return options


def _sorted_groups(chart: _Chart, groups: Mapping[str, list[Any]]) -> list[tuple[str, list[Any]]]:
    """Series in the order of the colouring choice's options, else as found."""
    if len(chart.dimensions) < 2 or not chart.dimensions[1].options:
        return list(groups.items())
    labels = [label.get(chart.locale) for label in chart.dimensions[1].options.values()]
    order = {label: number for number, label in enumerate(labels)}
    return sorted(groups.items(), key=lambda item: order.get(item[0], len(order)))


def _sizes(chart: _Chart, column: Column) -> Options:
    values = [_number(row[column.name]) or 0 for row in chart.result.rows]
    low, high = min(values, default=0), max(values, default=0)
    shape = {"show": False, "dimension": 2, "min": low, "max": high or 1}
    return {**shape, "inRange": {"symbolSize": [6, 36]}}


def _mark_lines(chart: _Chart) -> Options | None:
    """Lines at the tile's markers."""
    data = []
    for (marker, _), value in zip(chart.tile.markers, chart.markers, strict=False):
        if value is not None:
            label = marker.label.get(chart.locale)
            data.append(
                {
                    f"{marker.axis}Axis": _number(value),
                    "name": label,
                    "label": {"formatter": label or "{c}", "position": "insideEndTop"},
                }
            )
    return {"silent": True, "symbol": "none", "lineStyle": {"type": "dashed"}, "data": data} if data else None


def _pareto(chart: _Chart) -> Options:
    """Bars of the groups from the largest, and the running share of the total."""
    dimension, measure = chart.dimensions[0], chart.measures[0]
    rows = chart.result.rows
    share = chart.result.column(PARETO_SHARE)
    values = [{"value": _number(row[measure.name]), "row": number} for number, row in enumerate(rows)]
    shares = [{"value": _number(row[share.name]), "row": number} for number, row in enumerate(rows)]
    return {
        **chart.base(),
        "xAxis": {
            "type": "category",
            "data": [chart.text(row, dimension) for row in rows],
            # So many names say nothing any more.
            "axisLabel": {"show": len(rows) <= _NAMED},
        },
        "yAxis": [chart.value_axis(), {"type": "value", "min": 0, "max": 1, "splitLine": {"show": False}}],
        "series": [
            {"type": "bar", "name": chart.heading(measure), "data": values, "large": len(rows) > _LARGE},
            {"type": "line", "name": chart.heading(share), "data": shares, "yAxisIndex": 1, "showSymbol": False},
        ],
        "summary": _pareto_summary(chart),
    }


def _pareto_summary(chart: _Chart) -> Options:
    summary = chart.result.pareto
    if summary is None:
        return {}
    percent = Format(style="percent", scale=1)
    return {
        "count": summary.count,
        "total": text_of(summary.total, chart.measures[0], chart.locale),
        "groups_for_80": summary.groups_for_80,
        "tops": [
            {
                "percent": top,
                "groups": groups,
                "share": "" if part is None else number_text(part, percent, chart.locale),
            }
            for top, groups, _, part in summary.tops
        ],
    }


def _figures(chart: _Chart) -> Options:
    """Large numbers, each with what it is compared with."""
    row = chart.result.rows[0] if chart.result.rows else {}
    return {"figures": [_figure(chart, row, column) for column in chart.measures]}


def _figure(chart: _Chart, row: Mapping[str, Any], column: Column) -> Options:
    value = row.get(column.name)
    figure: Options = {
        "name": column.name,
        "label": column.label.get(chart.locale),
        "text": "–" if value is None else text_of(value, column, chart.locale),
    }
    if chart.tile.tile.compare is None:
        return figure
    before = row.get(previous_name(column.name))
    if before is None:
        return figure
    figure["previous"] = text_of(before, column, chart.locale)
    beside = chart.result.column(previous_name(column.name))
    figure["beside"] = chart.heading(beside).removeprefix(figure["label"]).strip("（） ()")
    if isinstance(value, Decimal) and isinstance(before, Decimal):
        change = ratio(value - before, abs(before))
        figure["direction"] = (value > before) - (value < before)
        figure["change"] = "" if change is None else number_text(change, Format(style="percent", scale=1), chart.locale)
    return figure


def _table(chart: _Chart) -> Options:
    table = table_of(chart.tile, chart.result, chart.locale, chart.zone)
    return {
        "headings": list(table.headings),
        "numeric": list(table.numeric),
        "rows": [list(row) for row in table.rows],
        "totals": list(table.totals),
    }


def _pivot(chart: _Chart) -> Options:
    table = pivot_of(chart.tile, chart.result, chart.locale, chart.zone)
    return {
        "corner": list(table.corner),
        "headings": [list(h) for h in table.headings],
        "lines": [{"labels": list(x.labels), "cells": list(x.cells), "depth": x.depth} for x in table.lines],
    }


def _number(value: Any) -> float | None:
    """A number for drawing; durations in days, dates as days since 1970."""
    match value:
        case None:
            return None
        case timedelta():
            return value / timedelta(days=1)
        case date():
            return float((value - date(1970, 1, 1)).days)
    return float(value)


def _format(shape: Format) -> Options:
    return {"style": shape.style, "scale": shape.scale, "currency": shape.currency, "compact": shape.compact}


_BUILDERS: Mapping[TileType, Callable[[_Chart], Options]] = {
    TileType.TILE: _figures,
    TileType.BAR: _cartesian,
    TileType.LINE: _cartesian,
    TileType.AREA: _cartesian,
    TileType.PIE: _pie,
    TileType.SCATTER: _scatter,
    TileType.PARETO: _pareto,
    TileType.TABLE: _table,
    TileType.PIVOT: _pivot,
}
