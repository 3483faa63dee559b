"""What is wrong with datasets and dashboards: one line a diagnostic, with its place and hint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engines import report
from engines.core import DefinitionError, MessageCatalogue
from engines.report import DashboardDefinition, DatasetDefinition
from tests.report.shop import LINES, SALES, catalogue, dashboard_of, named, source, tile_of


def dataset(**change: Any) -> DatasetDefinition:
    loaded = report.load(source({**SALES, **change}))
    assert isinstance(loaded.definition, DatasetDefinition), [d.render() for d in loaded.diagnostics]
    return loaded.definition


def board(tiles: list[dict[str, Any]], **change: Any) -> DashboardDefinition:
    filters = [named("period", type="date_range")]
    loaded = report.load(source({**dashboard_of(tiles, filters), **change}, "dashboard"))
    assert isinstance(loaded.definition, DashboardDefinition), [d.render() for d in loaded.diagnostics]
    return loaded.definition


def dimension(**extra: Any) -> dict[str, Any]:
    return {"dimensions": [named("d", **extra)], "measures": [named("n", aggregate="count")]}


def measure(*extra: dict[str, Any]) -> dict[str, Any]:
    return {"dimensions": [], "measures": [{"label": {}, **e} for e in extra]}


DATASETS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"form": "sael"}, "report.unknown_form", "/form", 'did you mean "sale"?'),
    ({"each": "line"}, "report.unknown_subtable", "/each", 'did you mean "lines"?'),
    (dimension(expression="amuont"), "feel.unknown_name", "/dimensions/0/expression", 'did you mean "amount"?'),
    (dimension(expression="amount", grain="month"), "report.grain_needs_date", "/dimensions/0/grain", ""),
    (dimension(expression="lines.price"), "report.not_a_group", "/dimensions/0/expression", "group by a single value"),
    (dimension(expression='matches(status, "d.*")'), "feel.sql_unsupported", "/dimensions/0/expression", ""),
    ({"filter": "amount"}, "feel.unexpected_type", "/filter", ""),
    ({"filter": ["paid", "amount >"]}, "feel.syntax", "/filter/1", ""),
    (measure({"name": "a", "aggregate": "sum", "expression": "status"}), "report.aggregate_type",
     "/measures/0/expression", ""),
    (measure({"name": "a", "aggregate": "sum"}), "report.aggregate_needs_expression", "/measures/0", ""),
    (measure({"name": "a", "value": "b"}, {"name": "b", "value": "a + 1"}), "report.circular_measure",
     "/measures/0/value", ""),
    (measure({"name": "a", "aggregate": "count"}, {"name": "a", "aggregate": "count"}), "report.repeated_name",
     "/measures/1/name", "choose another name"),
    (measure({"name": "total", "aggregate": "count"}), "report.reserved_name", "/measures/0/name",
     "choose another name"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "pointer", "hint"), DATASETS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_dataset_tells_its_problem(change: dict[str, Any], code: str, pointer: str, hint: str) -> None:
    found = report.validate(dataset(**change), catalogue())
    assert (code, pointer, hint) in [(d.code, d.pointer, d.hint) for d in found], [d.render() for d in found]
    assert all(d.line and d.file == "x.dataset.json" for d in found)


DASHBOARDS: list[tuple[dict[str, Any], str, str]] = [
    (tile_of("tile", ["revenue"], dataset="sale"), "report.unknown_dataset", "/tiles/0/dataset"),
    (tile_of("tile", ["revenu"]), "report.unknown_measure", "/tiles/0/measures/0"),
    (tile_of("bar", ["revenue"], ["mnth"]), "report.unknown_dimension", "/tiles/0/dimensions/0"),
    (tile_of("table", ["revenue"], [{"name": "paid", "grain": "day"}]), "report.grain_needs_date",
     "/tiles/0/dimensions/0/name"),
    (tile_of("bar", ["revenue"]), "report.needs_dimensions", "/tiles/0"),
    (tile_of("bar", ["revenue"], ["month"], columns=["day"]), "report.needs_dimensions", "/tiles/0/columns"),
    (tile_of("scatter", ["revenue"], ["buyer"]), "report.needs_measures", "/tiles/0"),
    (tile_of("pareto", ["each"], ["buyer"]), "report.pareto_needs_sum", "/tiles/0/measures/0"),
    (tile_of("table", ["revenue"], ["month"], sort=[{"by": "sales"}]), "report.unknown_column", "/tiles/0/sort/0/by"),
    (tile_of("tile", ["revenue"], filter="amuont > 1"), "feel.unknown_name", "/tiles/0/filter"),
    (tile_of("tile", ["revenue"], drill={"view": "al"}), "report.unknown_view", "/tiles/0/drill/view"),
    (tile_of("tile", ["revenue"], compare="previous_period"), "report.compare_needs_period", "/tiles/0/compare"),
    (tile_of("table", ["revenue"], ["buyer"], compare="previous_bucket"), "report.compare_needs_time",
     "/tiles/0/compare"),
    (tile_of("table", ["revenue"], ["month"], calculations=[named("c", type="change", measure="revenue")]),
     "report.change_needs_compare", "/tiles/0/calculations/0"),
    (tile_of("table", ["revenue"], ["month"], calculations=[named("c", type="share", measure="sales")]),
     "report.unknown_measure", "/tiles/0/calculations/0/measure"),
    (tile_of("table", ["revenue"], ["buyer"],
             calculations=[named("c", type="running", measure="revenue", reset="year")]),
     "report.reset_needs_time", "/tiles/0/calculations/0/reset"),
    (tile_of("table", ["revenue"], ["month"], calculations=[named("month", type="rank", measure="revenue")]),
     "report.repeated_name", "/tiles/0/calculations/0/name"),
]  # fmt: skip


@pytest.mark.parametrize(("tile", "code", "pointer"), DASHBOARDS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_tile_tells_its_problem(tile: dict[str, Any], code: str, pointer: str) -> None:
    found = report.validate(board([tile]), catalogue(SALES, LINES))
    assert (code, pointer) in [(d.code, d.pointer) for d in found], [d.render() for d in found]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"roles": ["boss"]}, "report.unknown_role", "/roles/0"),
        ({"filters": [named("kind", type="choice")]}, "report.filter_without_options", "/filters/0"),
        ({"filters": [named("day", type="number")]}, "report.filter_type", "/filters/0/dimension"),
        ({"filters": [named("p", type="date_range")]}, "report.filter_without_effect", "/filters/0"),
        ({"filters": [named("p", type="date_range", default="5")]}, "feel.unexpected_type", "/filters/0/default"),
        ({"filters": [named("p", type="number"), named("p", type="number")]}, "report.repeated_name",
         "/filters/1/name"),
    ],
)  # fmt: skip
def test_a_dashboard_tells_its_problem(change: dict[str, Any], code: str, pointer: str) -> None:
    found = report.validate(board([tile_of("tile", ["revenue"])], **change), catalogue(SALES))
    assert (code, pointer) in [(d.code, d.pointer) for d in found], [d.render() for d in found]


def test_tiles_that_lie_on_each_other_are_a_warning() -> None:
    place = {"x": 0, "y": 0, "w": 6, "h": 2}
    tiles = [
        {**tile_of("tile", ["revenue"]), "name": "a", "place": place},
        {**tile_of("tile", ["revenue"]), "name": "b", "place": {**place, "x": 5}},
    ]
    found = [d for d in report.validate(board(tiles, filters=[]), catalogue(SALES))]
    assert [(d.code, d.severity, d.pointer) for d in found] == [("report.places_overlap", "warning", "/tiles/1/place")]


def test_a_broken_definition_does_not_compile() -> None:
    with pytest.raises(DefinitionError, match=r"report\.unknown_measure"):
        report.compile(board([tile_of("tile", ["revenu"])]), catalogue(SALES))
    with pytest.raises(DefinitionError, match=r"report\.unknown_form"):
        report.compile(dataset(form="x"), catalogue())


def test_every_code_has_a_sentence_in_both_languages() -> None:
    texts = MessageCatalogue(["engines.report"])
    codes = {code for _, code, *_ in (*DATASETS, *DASHBOARDS) if code.startswith("report.")}
    assert codes <= texts.codes("en")
    assert texts.codes("en") == texts.codes("zh")


def test_a_tile_being_designed_is_checked_over_a_dataset_that_was_checked_before() -> None:
    known = replace(dataset(), source=replace(dataset().source, checked=True))
    compiled = report.compile(known, catalogue())
    assert isinstance(compiled, report.CompiledDataset)
    tile = board([tile_of("bar", ["revenue"], ["month"], filter='matches(status, "d.*")')]).tiles[0]
    with pytest.raises(DefinitionError) as refused:
        report.compile_tile(tile, compiled)
    assert [d.code for d in refused.value.diagnostics] == ["feel.sql_unsupported"]
