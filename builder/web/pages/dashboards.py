"""Dashboards: tiles with their filters, the records behind a mark, the figures as files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request, url_for

from builder.reports import DashboardReader, drill_query
from builder.reports.drilling import KEY, NONE, text_of_key
from builder.web.context import _, reading, require_person, site
from engines import report
from engines.core import AccessDenied
from engines.report import CompiledTile, PivotTable, TextTable, TileResult
from engines.report.definitions import DashboardFilter, FilterType, TileType
from engines.report.periods import DateRange
from engines.report.presets import presets

blueprint = Blueprint("dashboards", __name__)
blueprint.before_request(require_person)

Pairs = list[tuple[str, str]]
# Rows of the table beside a chart; all of them are in the file.
_TABLE_ROWS = 200
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table, with the address of the records behind its row."""

    text: str
    href: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A filter as the page shows it."""

    item: DashboardFilter
    value: Any
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TileView:
    """A tile as the page shows it."""

    tile: CompiledTile
    # ECharts options or figures; None where the person may not see what it reads.
    options: Mapping[str, Any] | None = None
    headings: Sequence[Cell] = ()
    rows: Sequence[Sequence[Cell]] = ()
    totals: Sequence[Cell] = ()
    pivot: PivotTable | None = None
    # Addresses behind the cells of the pivot's lines; empty where there are no records.
    hrefs: Sequence[Sequence[str]] = ()
    # Rows that the table leaves out.
    more: int = 0
    failures: Sequence[str] = ()


@blueprint.get("/a/<app>/d/<dashboard>")
def page(app: str, dashboard: str) -> str:
    """The dashboard with the filters of its address."""
    here = site()
    with reading() as work:
        reader = DashboardReader(work, _app(work, app), dashboard)
        parameters = reader.parameters(request.args.to_dict(flat=False))
        controls = [_control(reader, item, parameters) for item in reader.dashboard.definition.filters]
        tiles = [tile_view(reader, tile, parameters, app) for tile in reader.dashboard.tiles.values()]
    pairs = report.given_by(reader.dashboard, parameters)
    return render_template(
        "pages/dashboard.html",
        app=app,
        dashboard=reader.dashboard.definition,
        controls=controls,
        tiles=tiles,
        query=urlencode(pairs),
        presets=_presets(reader, pairs, work.instant.astimezone(here.formats.zone).date()),
        as_of=here.formats.instant(work.instant),
        may_build=here.may_build(app),
        types=FilterType,
    )


@blueprint.get("/a/<app>/d/<dashboard>/<tile>.csv")
def csv(app: str, dashboard: str, tile: str) -> Response:
    """A tile's figures as CSV."""
    compiled, result = _asked(app, dashboard, tile)
    data = report.to_csv(compiled, result, site().locale, site().formats.zone)
    return _file(data, "text/csv; charset=utf-8", f"{tile}.csv")


@blueprint.get("/a/<app>/d/<dashboard>/<tile>.xlsx")
def xlsx(app: str, dashboard: str, tile: str) -> Response:
    """A tile's figures as a workbook."""
    compiled, result = _asked(app, dashboard, tile)
    buffer = io.BytesIO()
    report.to_xlsx(compiled, result, site().locale, buffer, site().formats.zone)
    return _file(buffer.getvalue(), _XLSX, f"{tile}.xlsx")


@blueprint.get("/a/<app>/d/<dashboard>/<tile>/why")
def why(app: str, dashboard: str, tile: str) -> str:
    """The statement behind a tile's figures; for those who may change the app, since it names tables."""
    if not site().may_build(app):
        abort(403)
    compiled, result = _asked(app, dashboard, tile)
    return render_template(
        "pages/dashboard_why.html", app=app, dashboard=dashboard, tile=compiled, result=result, query=_query()
    )


def _app(work: Any, name: str) -> Any:
    found = work.apps.get(name)
    if found is None:
        abort(404)
    return found


def _asked(app: str, dashboard: str, tile: str) -> tuple[CompiledTile, TileResult]:
    with reading() as work:
        reader = DashboardReader(work, _app(work, app), dashboard)
        compiled = reader.tile(tile)
        return compiled, reader.answer(compiled, reader.parameters(request.args.to_dict(flat=False)))


def _file(data: bytes, kind: str, name: str) -> Response:
    response = Response(data, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _query() -> str:
    return request.query_string.decode()


# Filters


def _control(reader: DashboardReader, item: DashboardFilter, parameters: Mapping[str, Any]) -> Control:
    chosen = item.type in (FilterType.CHOICE, FilterType.MULTI_CHOICE, FilterType.PERSON)
    value = parameters.get(item.name)
    if item.type is FilterType.PERSON and value is not None:
        value = str(value)
    return Control(item=item, value=value, choices=reader.choices(item, site().locale) if chosen else ())


def _presets(reader: DashboardReader, pairs: Pairs, today: Any) -> dict[str, list[tuple[str, str, bool]]]:
    """For each filter of days: label, address and whether it is chosen, of the usual periods."""
    found = {}
    for item in reader.dashboard.definition.filters:
        if item.type is FilterType.DATE_RANGE:
            found[item.name] = [
                (_preset_labels()[name], _with(pairs, item.name, period), _is_chosen(pairs, item.name, period))
                for name, period in presets(today).items()
            ]
    return found


def _preset_labels() -> dict[str, str]:
    return {
        "this_month": _("This month"),
        "last_month": _("Last month"),
        "this_quarter": _("This quarter"),
        "this_year": _("This year"),
        "last_year": _("Last year"),
        "last_12_months": _("Last 12 months"),
        "all": _("All time"),
    }


def _edges(name: str, period: DateRange) -> Pairs:
    start, end = (edge.isoformat() if edge else "" for edge in (period.start, period.end))
    return [(f"{name}.from", start), (f"{name}.to", end)]


def _with(pairs: Pairs, name: str, period: DateRange) -> str:
    edges = _edges(name, period)
    return "?" + urlencode([pair for pair in pairs if pair[0] not in dict(edges)] + edges)


def _is_chosen(pairs: Pairs, name: str, period: DateRange) -> bool:
    return set(_edges(name, period)) <= set(pairs)


# Tiles


def tile_view(
    reader: DashboardReader,
    tile: CompiledTile,
    parameters: Mapping[str, Any],
    app: str,
    conditions: Sequence[tuple[str, str]] | None = (),
) -> TileView:
    """A tile with its figures, as the person may see them.

    ``conditions``: further ones of the lists behind it; None: no list says the same, so nothing leads to one.
    """
    locale, zone = site().locale, site().formats.zone
    try:
        result = reader.answer(tile, parameters)
    except AccessDenied:
        return TileView(tile=tile)
    markers = report.marker_values(tile, result, reader.context(parameters))
    options = dict(report.chart_options(tile, result, locale, zone, markers))
    links = _Links(reader, tile, parameters, app, conditions)
    options["dougong"] = {**options["dougong"], **links.for_browser(result)}
    if tile.tile.type is TileType.PIVOT:
        pivot = report.pivot_of(tile, result, locale, zone)
        hrefs = [[links.of(key) if key is not None else "" for key in line.keys] for line in pivot.lines]
        return TileView(tile=tile, options=options, pivot=pivot, hrefs=hrefs, failures=sorted(result.failures.values()))
    table = report.table_of(tile, result, locale, zone)
    return TileView(
        tile=tile,
        options=options,
        headings=[Cell(text=t, numeric=n) for t, n in zip(table.headings, table.numeric, strict=True)],
        rows=list(_rows(table, result, links)),
        totals=[Cell(text=t, numeric=n) for t, n in zip(table.totals, table.numeric, strict=False)],
        more=max(len(table.rows) - _TABLE_ROWS, 0),
        failures=sorted(result.failures.values()),
    )


def _rows(table: TextTable, result: TileResult, links: _Links) -> Iterator[list[Cell]]:
    limit = result.rows if links.tile.tile.type is TileType.TABLE else result.rows[:_TABLE_ROWS]
    for texts, row in zip(table.rows, limit, strict=False):
        href = links.of(row)
        yield [
            Cell(text=text, numeric=numeric, href=href if number == 0 else "")
            for number, (text, numeric) in enumerate(zip(texts, table.numeric, strict=True))
        ]


class _Links:
    """Addresses of the records behind the marks of a tile."""

    def __init__(
        self,
        reader: DashboardReader,
        tile: CompiledTile,
        parameters: Mapping[str, Any],
        app: str,
        conditions: Sequence[tuple[str, str]] | None = (),
    ) -> None:
        self.tile = tile
        self._names = [d.name for d in tile.dimensions]
        form = tile.dataset.definition.form
        owner, _dot, own = form.rpartition(".")
        drills = tile.tile.drills and has_list() and conditions is not None
        pairs = [*drill_query(reader, tile, {}, parameters), *(conditions or ())]
        view = tile.tile.view or reader.widest_view(tile) or None
        address = url_for("records.list", app=owner or app, form=own, view=view) if drills else ""
        # ``view`` may have begun the query already.
        self.base = f"{address}{'&' if '?' in address else '?'}{urlencode(pairs)}" if address else ""

    def of(self, row: Mapping[str, Any]) -> str:
        """The address behind a row; empty where the tile leads nowhere."""
        return f"{self.base}&{urlencode(self._key(row))}" if self.base and self._names else self.base

    def for_browser(self, result: TileResult) -> dict[str, Any]:
        """What a chart needs to make the address of a mark: the common part, and the rest of each row."""
        if not self.base:
            return {}
        return {"drill": self.base, "keys": [urlencode(self._key(row)) for row in result.rows]}

    def _key(self, row: Mapping[str, Any]) -> Pairs:
        names: Iterable[str] = (name for name in self._names if name in row)
        return [(NONE + n, "1") if row[n] is None else (KEY + n, text_of_key(row[n])) for n in names]


def has_list() -> bool:
    """Whether the product shows lists of records."""
    from flask import current_app

    return "records.list" in current_app.view_functions
