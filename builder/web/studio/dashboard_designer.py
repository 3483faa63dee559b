"""What the dashboard designer does to the draft: tiles added, changed, placed and removed, one property at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.definitions import MISSING, join_path
from builder.releases import Draft
from builder.web.studio.drafting import DraftView
from engines.core import InputError, InputProblem
from engines.report.dashboards import SHAPES
from engines.report.definitions import TileType

COLUMNS = 12
# Usual width and height of a new tile.
_SIZES = {TileType.TILE: (3, 2)}
_USUAL_SIZE = (6, 4)


def tiles_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tiles of a dashboard's data."""
    return list(data.get("tiles") or [])


def add_tile(draft: Draft, found: DraftView, key: str, type: str, dataset: str, label: str) -> str:
    """The name of a new tile below all others, with as many dimensions and measures as its type needs."""
    kind = TileType(type)
    source = found.data(f"dataset:{dataset}")
    fewest, _most, measures, _ = SHAPES[kind]
    tiles = tiles_of(found.data(key))
    taken = {tile["name"] for tile in tiles}
    name = next(n for n in (f"tile_{i}" for i in range(1, 10_000)) if n not in taken)
    tile = {
        "name": name,
        "type": str(kind),
        "label": {"zh": label, "en": label},
        "dataset": dataset,
        "dimensions": _names(source, "dimensions", fewest, kind),
        "measures": _names(source, "measures", measures, kind),
        "place": _free_place(tiles, *_SIZES.get(kind, _USUAL_SIZE)),
    }
    draft.edit(join_path(key, "tiles", name), tile)
    return name


def place_tiles(draft: Draft, key: str, places: Sequence[Mapping[str, Any]]) -> None:
    """Puts tiles where they were dragged; ``places``: name, x, y, w, h."""
    for given in places:
        place = {side: int(given[side]) for side in ("x", "y", "w", "h")}
        path = join_path(key, "tiles", str(given["name"]))
        before = draft.value(path)
        if before is MISSING:
            raise InputError([InputProblem(pointer="/tiles", code="release.no_such_place", params={"path": path})])
        if before.get("place") != place:
            draft.edit(f"{path}/place", place)


def set_tile(draft: Draft, key: str, name: str, wanted: Mapping[str, Any]) -> None:
    """Gives a tile the properties ``wanted``; None takes one away. What is as it was is no edit."""
    path = join_path(key, "tiles", name)
    before = draft.value(path)
    if before is MISSING:
        raise InputError([InputProblem(pointer="/tiles", code="release.no_such_place", params={"path": path})])
    for prop, value in wanted.items():
        if value is None and prop in before:
            draft.remove(f"{path}/{prop}")
        elif value is not None and before.get(prop) != value:
            draft.edit(f"{path}/{prop}", value)


def remove_tile(draft: Draft, key: str, name: str) -> None:
    """Takes a tile off the dashboard."""
    draft.remove(join_path(key, "tiles", name))


def _names(source: Mapping[str, Any], part: str, count: int, kind: TileType) -> list[str]:
    """The first ``count`` names of a part; what can be added up first for a pareto tile."""
    items = list(source.get(part) or [])
    if kind is TileType.PARETO and part == "measures":
        items = [item for item in items if item.get("aggregate") in ("sum", "count")] or items
    return [item["name"] for item in items[:count]]


def _free_place(tiles: Sequence[Mapping[str, Any]], width: int, height: int) -> dict[str, int]:
    places = [tile["place"] for tile in tiles if "place" in tile]
    return {"x": 0, "y": max((p["y"] + p["h"] for p in places), default=0), "w": width, "h": height}
