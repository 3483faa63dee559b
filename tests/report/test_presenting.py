"""Answers as charts, tables, files, and back to their records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import Connection, Engine, insert, select

from engines import feel, report
from engines.core import InputError
from engines.report import CompiledDashboard, CompiledTile, DateRange, TileResult
from engines.report.presets import presets
from tests.report.shop import (
    BUYER,
    LINES,
    SALE,
    SALES,
    ZONE,
    catalogue,
    compiled,
    context,
    dashboard_of,
    fill,
    key,
    models,
    named,
    source,
    tile_of,
)

D = date.fromisoformat


@pytest.fixture
def shop(database: Engine) -> Iterator[Connection]:
    with database.begin() as connection:
        fill(connection)
        yield connection


def ask(
    connection: Connection, type: str, measures: list[str], dimensions: Any = (), /, **extra: Any
) -> tuple[CompiledTile, TileResult]:
    chosen = extra.pop("chosen", {})
    tile = compiled(tile_of(type, measures, dimensions, **extra))
    return tile, report.run(tile, connection, models()["sale"].rows(), context(**chosen))


def chart(connection: Connection, *asked: Any, locale: str = "en", **extra: Any) -> dict[str, Any]:
    tile, result = ask(connection, *asked, **extra)
    options = report.chart_options(tile, result, locale, ZONE, report.marker_values(tile, result, context()))
    # Data only: what cannot travel as JSON fails here.
    found: dict[str, Any] = json.loads(json.dumps(options))
    return found


def test_bars_carry_their_rows_and_the_compared_values(shop: Connection) -> None:
    options = chart(shop, "bar", ["revenue"], ["month"], compare="previous_bucket")
    assert options["xAxis"]["data"] == ["2023-12", "2024-01", "2024-02", "2024-03", "2024-04"]
    now, before = options["series"]
    assert (now["name"], before["name"]) == ("Revenue", "Revenue (before)")
    assert now["data"][1] == {"value": 250.2, "row": 1}
    assert before["data"][0] == {"value": None, "row": 0}
    assert options["dougong"]["formats"]["Revenue"]["currency"] == "CNY"


def test_a_second_dimension_makes_series_in_the_order_of_its_options(shop: Connection) -> None:
    options = chart(shop, "area", ["sales"], ["month", "segment"], stacked=True, locale="zh")
    assert [s["name"] for s in options["series"]] == ["小", "大", "（空）"]
    assert all(s["stack"] == "all" and len(s["data"]) == 5 for s in options["series"])


def test_bars_lie_on_wish(shop: Connection) -> None:
    options = chart(shop, "bar", ["sales"], ["buyer"], horizontal=True)
    assert options["yAxis"]["data"] == ["Ann", "Bob", "Cyd", "(none)"]


def test_a_pie_begins_with_its_largest_part(shop: Connection) -> None:
    (series,) = chart(shop, "pie", ["revenue"], ["segment"])["series"]
    assert [d["name"] for d in series["data"]] == ["Big", "Small", "(none)"]


def test_a_scatter_places_every_record_with_lines_at_its_markers(shop: Connection) -> None:
    markers = [{"axis": "x", "value": "mean.sales", "label": {"en": "Mean"}}]
    options = chart(shop, "scatter", ["sales", "revenue"], ["buyer", "segment"], markers=markers)
    points = {point[2]: point for series in options["series"] for point in series["data"]}
    assert points["Ann"] == [2.0, 300.3, "Ann", 0]
    assert len(points) == 4
    assert options["series"][0]["markLine"]["data"][0]["xAxis"] == 1.5


def test_a_scatter_of_five_thousand_points_is_drawn_at_once(shop: Connection) -> None:
    shop.execute(insert(BUYER), [{"id": key(10_000 + n), "name": f"n{n}", "segment": "big"} for n in range(5000)])
    rows = [
        {
            "id": key(20_000 + n),
            "buyer_id": key(10_000 + n),
            "status": "done",
            "amount": Decimal(n),
            "day": D("2024-05-01"),
        }
        for n in range(5000)
    ]
    shop.execute(insert(SALE), rows)
    options = chart(shop, "scatter", ["sales", "revenue"], ["buyer", "segment"])
    assert sum(len(series["data"]) for series in options["series"]) == 5004
    assert all(series["large"] for series in options["series"])
    assert not options["dougong"]["truncated"]


def test_a_pareto_shows_the_running_share(shop: Connection) -> None:
    options = chart(shop, "pareto", ["revenue"], ["buyer"])
    bars, line = options["series"]
    assert [d["value"] for d in bars["data"]] == [300.3, 75.05, 10.0, 0.05]
    assert line["data"][-1]["value"] == 1.0
    assert options["summary"]["groups_for_80"] == 2
    assert options["summary"]["tops"][2] == {"percent": 20, "groups": 1, "share": "77.9%"}


def test_a_figure_tells_its_change(shop: Connection) -> None:
    period = DateRange(start=D("2024-01-01"), end=D("2024-03-31"))
    options = chart(
        shop, "tile", ["revenue"], compare="previous_period", filter="day in period", chosen={"period": period}
    )
    (figure,) = options["figures"]
    assert (figure["text"], figure["previous"], figure["change"], figure["direction"]) == (
        "¥275.30",
        "¥100.10",
        "175.0%",
        1,
    )


def test_a_table_reads_in_both_languages(shop: Connection) -> None:
    tile, result = ask(shop, "table", ["revenue", "sales"], ["segment"], totals=True)
    table = report.table_of(tile, result, "zh")
    assert table.headings == ("segment", "revenue", "sales")
    assert table.rows == (("小", "¥75.10", "3"), ("大", "¥300.30", "2"), ("（空）", "¥10.00", "1"))
    assert table.totals == ("合计", "¥385.40", "6")


def test_a_pivot_rolls_up_along_both_edges(shop: Connection) -> None:
    columns = [{"name": "day", "grain": "quarter"}]
    tile, result = ask(shop, "pivot", ["sales"], ["segment"], columns=columns, totals=True)
    pivot = report.pivot_of(tile, result, "en")
    assert pivot.corner == ("Segment",)
    assert [h[0] for h in pivot.headings] == ["2023-Q4", "2024-Q1", "2024-Q2", "Total"]
    assert [(line.labels, line.cells) for line in pivot.lines] == [
        (("Small",), ("", "3", "", "3")),
        (("Big",), ("1", "1", "", "2")),
        (("(none)",), ("", "", "1", "1")),
        (("Total",), ("1", "4", "1", "6")),
    ]


def test_a_csv_opens_in_a_spreadsheet_and_runs_nothing(shop: Connection) -> None:
    shop.execute(BUYER.update().where(BUYER.c.id == key(1)).values(name='=HYPERLINK("x")'))
    tile, result = ask(shop, "table", ["revenue", "sales"], ["buyer"], totals=True)
    data = report.to_csv(tile, result, "en")
    assert data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert lines[0] == ["Buyer", "Revenue", "Sales"]
    assert ['\'=HYPERLINK("x")', "300.30", "2"] in lines
    assert lines[-1] == ["Total", "385.40", "6"]


def test_a_workbook_holds_typed_cells_and_no_formula(shop: Connection) -> None:
    shop.execute(BUYER.update().where(BUYER.c.id == key(1)).values(name="=1+1"))
    tile, result = ask(shop, "table", ["revenue", "last"], ["buyer"])
    buffer = io.BytesIO()
    report.to_xlsx(tile, result, "en", buffer)
    sheet = load_workbook(buffer).active
    assert sheet is not None
    rows = {row[0].value: row for row in sheet.iter_rows()}
    assert rows["=1+1"][0].data_type == "s"
    assert rows["=1+1"][1].value == 300.3
    assert rows["=1+1"][2].is_date


DRILLS: list[tuple[str, list[str], list[Any], dict[str, Any], dict[str, Any]]] = [
    ("table", ["sales"], ["month"], {}, {}),
    ("table", ["sales"], ["segment"], {}, {}),
    ("table", ["sales"], ["buyer"], {}, {}),
    ("table", ["sales"], ["paid"], {}, {}),
    ("table", ["sales"], ["day"], {}, {}),
    ("table", ["sales"], [{"name": "local_day", "grain": "week"}], {}, {}),
    ("table", ["sales"], ["month", "segment"], {}, {}),
    ("table", ["sales"], ["month"], {"filter": ["day in period", "amount > least_amount"]},
     {"period": DateRange(start=D("2024-01-01")), "least_amount": Decimal("20.5")}),
    ("table", ["sales"], ["month"], {"filter": 'segment = "small"'}, {"buyer": key(2)}),
]  # fmt: skip


@pytest.mark.parametrize(("type", "measures", "dimensions", "extra", "chosen"), DRILLS)
def test_a_mark_leads_to_exactly_the_records_that_it_counts(
    shop: Connection,
    type: str,
    measures: list[str],
    dimensions: list[Any],
    extra: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    tile, result = ask(shop, type, measures, dimensions, chosen=chosen, **extra)
    assert result.rows
    names = [d.name for d in tile.dimensions]
    for row in result.rows:
        drill = report.drill(tile, {n: row[n] for n in names}, chosen, ZONE)
        assert drill.form == "sale"
        assert len(records(shop, drill.filter)) == row["sales"]


def test_a_mark_over_sub_table_rows_leads_to_their_headers(shop: Connection) -> None:
    tile, result = ask(shop, "table", ["sales"], ["product"], dataset="lines")
    for row in result.rows:
        drill = report.drill(tile, {"product": row["product"]}, {}, ZONE)
        assert len(records(shop, drill.filter)) == row["sales"]


def records(connection: Connection, condition: str) -> list[UUID]:
    """What a list of sales shows for a condition."""
    rows = models()["sale"].rows()
    expression = feel.compile(condition, feel.Scope(models()["sale"].names), expect=feel.BOOLEAN)
    element = feel.to_sql(expression, rows, connection.dialect.name)
    return list(connection.scalars(select(rows.selectable.c.id).where(element)))


def board(filters: list[dict[str, Any]]) -> CompiledDashboard:
    loaded = report.load(source(dashboard_of([tile_of("tile", ["revenue"])], filters), "dashboard"))
    assert loaded.definition is not None
    found = report.compile(loaded.definition, catalogue(SALES, LINES))
    assert isinstance(found, CompiledDashboard)
    return found


FILTERS = [
    named("day", type="date_range", default="[date(2024,1,1)..today()]"),
    named("segment", type="multi_choice"),
    named("buyer", type="person"),
    named("paid", type="boolean"),
]


def test_filters_begin_with_their_defaults() -> None:
    found = report.parameters_of(board(FILTERS), {}, context())
    assert found == {
        "day": DateRange(start=D("2024-01-01"), end=D("2024-07-01")),
        "segment": None,
        "buyer": None,
        "paid": None,
    }


def test_an_address_gives_filters_and_back() -> None:
    dashboard = board(FILTERS)
    given = {"day.from": ["2024-02-01"], "day.to": [""], "segment": ["small", "big"], "buyer": [str(key(1))]}
    found = report.parameters_of(dashboard, given, context())
    assert found == {
        "day": DateRange(start=D("2024-02-01")),
        "segment": ["small", "big"],
        "buyer": key(1),
        "paid": None,
    }
    pairs: dict[str, list[str]] = {}
    for name, value in report.given_by(dashboard, found):
        pairs.setdefault(name, []).append(value)
    assert report.parameters_of(dashboard, pairs, context()) == found


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError) as caught:
        report.parameters_of(board(FILTERS), {"day.from": ["soon"], "buyer": ["me"]}, context())
    assert [(p.pointer, p.code) for p in caught.value.problems] == [
        ("/day", "report.filter_value"),
        ("/buyer", "report.filter_value"),
    ]


def test_usual_periods_are_whole_units() -> None:
    found = presets(D("2024-02-10"))
    assert found["this_quarter"] == DateRange(start=D("2024-01-01"), end=D("2024-03-31"))
    assert found["last_12_months"] == DateRange(start=D("2023-03-01"), end=D("2024-02-29"))
    assert found["all"] == DateRange()
