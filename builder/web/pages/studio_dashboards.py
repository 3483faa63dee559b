"""The dashboard designer: tiles on a grid, dragged and sized, with the draft's own figures in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from builder.releases import Draft
from builder.reports import DashboardReader
from builder.web.catalogue import app_or_404
from builder.web.context import reading, site
from builder.web.pages.dashboards import TileView, tile_view
from builder.web.studio import dashboard_designer as designer
from builder.web.studio.acting import answered, perform
from builder.web.studio.drafting import DraftView, problems_of, shown, view
from engines import report
from engines.core import DefinitionError
from engines.report.definitions import Compare, TileType

Frame = Callable[[DraftView, str], dict[str, Any]]


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the designer to the studio."""

    @blueprint.get("/<app>/dashboard/<dashboard>")
    def dashboard(app: str, dashboard: str) -> str:
        """The designer."""
        found = view(app)
        return render_template("studio/dashboard.html", **frame(found, "overview"), **context(found, dashboard))

    @blueprint.post("/<app>/dashboard/<dashboard>/act")
    def dashboard_act(app: str, dashboard: str) -> Response:
        """One action in the designer: add, places, set, remove."""
        before = view(app)
        key = f"dashboard:{dashboard}"
        before.data(key)
        outcome = perform(app, lambda draft: act(draft, before, key, request.form.get("sel", "")))
        found = view(app)
        around = frame(found, "overview")
        if request.form.get("action") == "places" and outcome.status == 200:
            # The page shows the tiles where they were put already.
            response = make_response(render_template("studio/draft_bar.html", **around))
            response.headers["HX-Reswap"] = "none"
            return response
        told = context(found, dashboard, selected=outcome.selected)
        return answered("studio/dashboard_parts.html", outcome, {**around, **told})


def act(draft: Draft, found: DraftView, key: str, selected: str) -> str:
    """Carries out what the request asks; gives the tile that is selected afterwards."""
    given = request.form
    match given.get("action"):
        case "add":
            kind, dataset = given.get("type", ""), given.get("dataset", "")
            if kind not in list(TileType) or f"dataset:{dataset}" not in found.documents:
                abort(400)
            return designer.add_tile(draft, found, key, kind, dataset, given.get("label", "").strip() or kind)
        case "places":
            designer.place_tiles(draft, key, _places(given.get("places", "")))
            return selected
        case "set":
            designer.set_tile(draft, key, selected, _wanted(found.data(key), selected))
            return selected
        case "remove":
            designer.remove_tile(draft, key, given["tile"])
            return ""
    abort(400)


def _places(text: str) -> list[Mapping[str, Any]]:
    try:
        places = json.loads(text)
    except ValueError:
        abort(400)
    sides = ("x", "y", "w", "h")
    if not isinstance(places, list) or not all(
        isinstance(p, dict) and isinstance(p.get("name"), str) and all(isinstance(p.get(s), int) for s in sides)
        for p in places
    ):
        abort(400)
    return places


def _wanted(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The properties that the panel's form states; absent ones are taken away."""
    given = request.form
    tile = next((t for t in designer.tiles_of(data) if t["name"] == name), None)
    if tile is None:
        abort(404)
    label = tile.get("label")
    texts = {**(label if isinstance(label, dict) else {}), "zh": given.get("zh", ""), "en": given.get("en", "")}
    limit = given.get("limit", "").strip()
    if limit and not limit.isdigit():
        abort(400)
    wanted: dict[str, Any] = {
        "label": texts,
        "type": given.get("type", tile["type"]),
        "dataset": given.get("dataset", tile["dataset"]),
        "dimensions": _reordered(tile.get("dimensions", []), given.getlist("dimensions")),
        "measures": _reordered(tile["measures"], given.getlist("measures")),
        "compare": given.get("compare") or None,
        "filter": given.get("filter", "").strip() or None,
        "limit": int(limit) if limit else None,
        "totals": True if given.get("totals") else None,
    }
    if isinstance(tile.get("filter"), list):
        # Several conditions are edited as text; the panel leaves them.
        wanted.pop("filter")
    return wanted


def _reordered(before: list[Any], chosen: list[str]) -> list[Any]:
    """What was chosen, in the order it had; what is new last."""
    names = [item if isinstance(item, str) else item["name"] for item in before]
    kept = [item for item, name in zip(before, names, strict=True) if name in chosen]
    return [*kept, *(name for name in chosen if name not in names)]


def context(found: DraftView, name: str, *, selected: str | None = None) -> dict[str, Any]:
    """What the designer's template shows."""
    key = f"dashboard:{name}"
    data = found.data(key)
    selected = request.args.get("sel", "") if selected is None else selected
    datasets = {
        k.partition(":")[2]: document.data for k, document in found.documents.items() if k.startswith("dataset:")
    }
    views = _views(found, name)
    return {
        "dashboard": name,
        "dashboard_label": site().text(data.get("label")) or name,
        "boxes": [_box(tile, views, selected) for tile in designer.tiles_of(data)],
        "selected": selected,
        "tile": next((t for t in designer.tiles_of(data) if t["name"] == selected), None),
        "datasets": {k: site().text(d.get("label")) or k for k, d in datasets.items()},
        "parts": datasets,
        "types": [str(t) for t in TileType],
        "compares": [str(c) for c in Compare],
        "problems": [shown(item) for item in problems_of(found.definitions(), key)],
        "problem": "",
        "clash": None,
    }


def _box(tile: Mapping[str, Any], views: Mapping[str, TileView], selected: str) -> dict[str, Any]:
    place = tile.get("place") or {"x": 0, "y": 0, "w": 6, "h": 4}
    name = tile["name"]
    label = site().text(tile.get("label")) or name
    return {"name": name, "label": label, "place": place, "view": views.get(name), "selected": name == selected}


def _views(found: DraftView, name: str) -> dict[str, TileView]:
    """The tiles with the draft's figures, as the person who builds may see them; none where it does not compile."""
    definitions = found.definitions()
    definition = definitions.get("dashboard", name)
    if definition is None:
        return {}
    try:
        compiled = report.compile(definition, definitions)
    except DefinitionError:
        # What is wrong stands in the list of problems beside the grid.
        return {}
    if not isinstance(compiled, report.CompiledDashboard):
        return {}
    with reading() as work:
        reader = DashboardReader(work, app_or_404(found.app), name, draft=compiled)
        parameters = reader.parameters({})
        return {t: tile_view(reader, tile, parameters, found.app) for t, tile in compiled.tiles.items()}
