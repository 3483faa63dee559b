"""Reading datasets and dashboards: all problems at once, each with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines.core import DefinitionSource
from engines.report.definitions import Grain, TileType
from engines.report.loading import load_dashboard, load_dataset

DATASET: dict[str, Any] = {
    "name": "sales",
    "form": "sale",
    "label": {"en": "Sales"},
    "filter": ["amount > 0", 'status = "done"'],
    "dimensions": [{"name": "month", "expression": "day", "grain": "month", "label": {"en": "Month"}}],
    "measures": [{"name": "revenue", "aggregate": "sum", "expression": "amount", "label": {"en": "Revenue"}}],
}
DASHBOARD: dict[str, Any] = {
    "name": "cockpit",
    "label": {"en": "Cockpit"},
    "filters": [{"name": "region", "type": "choice", "label": {"en": "Region"}}],
    "tiles": [
        {
            "name": "revenue",
            "type": "bar",
            "label": {"en": "Revenue"},
            "dataset": "sales",
            "dimensions": ["month"],
            "measures": ["revenue"],
            "drill": {"view": "all"},
            "place": {"x": 0, "y": 0, "w": 6, "h": 4},
        }
    ],
}


def source(data: object, name: str = "x.dataset.json") -> DefinitionSource:
    return DefinitionSource(file=name, text=json.dumps(data, indent=1))


def test_a_dataset_is_read_with_the_places_of_its_parts() -> None:
    loaded = load_dataset(source(DATASET))
    assert loaded.ok
    assert loaded.definition is not None
    (dimension,) = loaded.definition.dimensions
    assert (dimension.expression, dimension.grain, dimension.pointer) == ("day", Grain.MONTH, "/dimensions/0")
    assert [c.pointer for c in loaded.definition.conditions] == ["/filter/0", "/filter/1"]


def test_a_dimension_without_expression_reads_the_field_of_its_name() -> None:
    loaded = load_dataset(source({**DATASET, "dimensions": [{"name": "region", "label": {}}]}))
    assert loaded.definition is not None
    assert loaded.definition.dimensions[0].expression == "region"


def test_a_dashboard_is_read() -> None:
    loaded = load_dashboard(source(DASHBOARD, "x.dashboard.json"))
    assert loaded.diagnostics == ()
    assert loaded.definition is not None
    (tile,) = loaded.definition.tiles
    assert (tile.type, tile.view, tile.drills, tile.fill) == (TileType.BAR, "all", True, True)
    assert loaded.definition.filters[0].dimension == "region"


@pytest.mark.parametrize(
    ("change", "code", "pointer", "hint"),
    [
        ({"mesures": []}, "definition.unknown_property", "/mesures", 'did you mean "measures"?'),
        ({"measures": [{"name": "a", "label": {}, "aggregate": "summ"}]}, "definition.not_one_of",
         "/measures/0/aggregate", 'did you mean "sum"?'),
        ({"name": "Sales"}, "definition.pattern", "/name", ""),
        ({"dimensions": [{"name": "d", "label": {}, "grain": "decade"}]}, "definition.not_one_of",
         "/dimensions/0/grain", ""),
        ({"measures": []}, "definition.invalid", "/measures", ""),
    ],
)  # fmt: skip
def test_a_broken_dataset_says_what_and_where(change: dict[str, Any], code: str, pointer: str, hint: str) -> None:
    loaded = load_dataset(source({**DATASET, **change}))
    assert loaded.definition is None
    assert (code, pointer, hint) in [(d.code, d.pointer, d.hint) for d in loaded.diagnostics]
    assert all(d.line > 0 for d in loaded.diagnostics)


def test_a_measure_is_an_aggregate_or_a_value_not_both() -> None:
    both = {"name": "a", "label": {}, "aggregate": "count", "value": "1"}
    assert load_dataset(source({**DATASET, "measures": [both]})).definition is None
    assert load_dataset(source({**DATASET, "measures": [{"name": "a", "label": {}}]})).definition is None


def test_all_problems_of_a_dashboard_are_told_at_once() -> None:
    tile = {**DASHBOARD["tiles"][0], "type": "pi", "limit": 0, "colour": "red"}
    loaded = load_dashboard(source({**DASHBOARD, "tiles": [tile]}, "x.dashboard.json"))
    assert {d.pointer for d in loaded.diagnostics} == {"/tiles/0/type", "/tiles/0/limit", "/tiles/0/colour"}
