"""Reads dataset and dashboard files into definitions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from engines.core.diagnostics import Diagnostic
from engines.core.kinds import Loaded
from engines.core.schema import check_schema
from engines.core.source import DefinitionSource, load_json
from engines.core.text import LocalizedText
from engines.report.definitions import (
    Aggregate,
    Calculation,
    CalculationType,
    Compare,
    Condition,
    DashboardDefinition,
    DashboardFilter,
    DatasetDefinition,
    Dimension,
    DimensionUse,
    FilterOption,
    FilterType,
    Format,
    Grain,
    Marker,
    Measure,
    Sort,
    Tile,
    TilePlace,
    TileType,
)

Json = Mapping[str, Any]
Built = TypeVar("Built")

# Charts along time show empty units unless told otherwise.
_FILLED = frozenset({"line", "area", "bar"})


@cache
def schema(kind: str) -> Json:
    """The JSON Schema (2020-12) of ``kind``: "dataset" or "dashboard"."""
    text = resources.files("engines.report").joinpath("schema", f"{kind}.schema.json").read_text("utf-8")
    loaded: Json = json.loads(text)
    return loaded


def load_dataset(source: DefinitionSource) -> Loaded[DatasetDefinition]:
    """The dataset in ``source``, or why it is none: ``definition.*`` codes with places."""
    return _load(source, "dataset", _dataset)


def load_dashboard(source: DefinitionSource) -> Loaded[DashboardDefinition]:
    """The dashboard in ``source``, or why it is none: ``definition.*`` codes with places."""
    return _load(source, "dashboard", _dashboard)


def load(source: DefinitionSource) -> Loaded[DatasetDefinition] | Loaded[DashboardDefinition]:
    """The definition in ``source``; the end of its file name tells which kind it is."""
    return load_dashboard(source) if source.file.endswith(".dashboard.json") else load_dataset(source)


def _load(source: DefinitionSource, kind: str, build: Callable[[Json, DefinitionSource], Built]) -> Loaded[Built]:
    data, problems = load_json(source)
    found: list[Diagnostic] = list(problems)
    if data is not None:
        found += check_schema(data, schema(kind), source)
    # A repeated key leaves a usable value; anything else that is wrong does not.
    usable = data is not None and all(d.code == "definition.repeated_key" for d in found)
    return Loaded(definition=build(data, source) if usable else None, diagnostics=tuple(found))


def _dataset(data: Json, source: DefinitionSource) -> DatasetDefinition:
    return DatasetDefinition(
        name=data["name"],
        form=data["form"],
        label=LocalizedText.of(data["label"]),
        description=LocalizedText.of(data.get("description")),
        each=data.get("each", ""),
        conditions=_conditions(data, ""),
        dimensions=tuple(_dimension(d, p) for d, p in _items(data, "dimensions")),
        measures=tuple(_measure(m, p) for m, p in _items(data, "measures")),
        source=source,
    )


def _dimension(data: Json, pointer: str) -> Dimension:
    return Dimension(
        name=data["name"],
        label=LocalizedText.of(data["label"]),
        expression=data.get("expression", data["name"]),
        grain=_grain(data.get("grain")),
        title=data.get("title", ""),
        pointer=pointer,
    )


def _measure(data: Json, pointer: str) -> Measure:
    return Measure(
        name=data["name"],
        label=LocalizedText.of(data["label"]),
        description=LocalizedText.of(data.get("description")),
        aggregate=Aggregate(data["aggregate"]) if "aggregate" in data else None,
        expression=data.get("expression", ""),
        conditions=_conditions(data, pointer),
        value=data.get("value", ""),
        format=_format(data.get("format")),
        pointer=pointer,
    )


def _dashboard(data: Json, source: DefinitionSource) -> DashboardDefinition:
    return DashboardDefinition(
        name=data["name"],
        label=LocalizedText.of(data["label"]),
        description=LocalizedText.of(data.get("description")),
        roles=tuple(data["roles"]) if "roles" in data else None,
        filters=tuple(_filter(f, p) for f, p in _items(data, "filters")),
        tiles=tuple(_tile(t, p) for t, p in _items(data, "tiles")),
        source=source,
    )


def _filter(data: Json, pointer: str) -> DashboardFilter:
    options = data.get("options", ())
    choices = () if isinstance(options, str) else options
    return DashboardFilter(
        name=data["name"],
        type=FilterType(data["type"]),
        label=LocalizedText.of(data["label"]),
        default=data.get("default", ""),
        dimension=data.get("dimension", data["name"]),
        dataset=data.get("dataset", ""),
        options=tuple(FilterOption(name=o["name"], label=LocalizedText.of(o["label"])) for o in choices),
        option_list=options if isinstance(options, str) else "",
        pointer=pointer,
    )


def _tile(data: Json, pointer: str) -> Tile:
    drill = data.get("drill", True)
    return Tile(
        name=data["name"],
        type=TileType(data["type"]),
        label=LocalizedText.of(data["label"]),
        help=LocalizedText.of(data.get("help")),
        dataset=data["dataset"],
        dimensions=_uses(data, "dimensions", pointer),
        columns=_uses(data, "columns", pointer),
        measures=tuple(data["measures"]),
        conditions=_conditions(data, pointer),
        sort=tuple(_sort(s, p) for s, p in _items(data, "sort", pointer)),
        limit=data.get("limit"),
        totals=data.get("totals", False),
        compare=Compare(data["compare"]) if "compare" in data else None,
        calculations=tuple(_calculation(c, p) for c, p in _items(data, "calculations", pointer)),
        fill=data.get("fill", data["type"] in _FILLED),
        stacked=data.get("stacked", False),
        horizontal=data.get("horizontal", False),
        markers=tuple(_marker(m, p) for m, p in _items(data, "markers", pointer)),
        drills=drill is not False,
        view=drill.get("view", "") if isinstance(drill, Mapping) else "",
        place=TilePlace(**data["place"]) if "place" in data else None,
        pointer=pointer,
    )


def _sort(data: Json, pointer: str) -> Sort:
    return Sort(by=data["by"], descending=data.get("direction") == "desc", pointer=pointer)


def _calculation(data: Json, pointer: str) -> Calculation:
    kind = CalculationType(data["type"])
    shares = kind in (CalculationType.SHARE, CalculationType.CHANGE)
    return Calculation(
        name=data["name"],
        label=LocalizedText.of(data["label"]),
        type=kind,
        measure=data["measure"],
        reset=_grain(data.get("reset")),
        size=data.get("size", 3),
        format=_format(data.get("format") or ({"style": "percent", "scale": 1} if shares else None)),
        pointer=pointer,
    )


def _marker(data: Json, pointer: str) -> Marker:
    return Marker(axis=data["axis"], value=data["value"], label=LocalizedText.of(data.get("label")), pointer=pointer)


def _uses(data: Json, key: str, pointer: str) -> tuple[DimensionUse, ...]:
    items = data.get(key, ())
    return tuple(
        DimensionUse(name=use, pointer=f"{pointer}/{key}/{i}")
        if isinstance(use, str)
        else DimensionUse(name=use["name"], grain=_grain(use.get("grain")), pointer=f"{pointer}/{key}/{i}/name")
        for i, use in enumerate(items)
    )


def _format(data: Json | None) -> Format:
    return Format(**data) if data else Format()


def _grain(value: str | None) -> Grain | None:
    return Grain(value) if value else None


def _conditions(data: Json, parent: str) -> tuple[Condition, ...]:
    value: str | Sequence[str] = data.get("filter", ())
    if isinstance(value, str):
        return (Condition(text=value, pointer=f"{parent}/filter"),)
    return tuple(Condition(text=text, pointer=f"{parent}/filter/{i}") for i, text in enumerate(value))


def _items(data: Json, key: str, parent: str = "") -> Iterator[tuple[Json, str]]:
    for index, item in enumerate(data.get(key, ())):
        yield item, f"{parent}/{key}/{index}"
