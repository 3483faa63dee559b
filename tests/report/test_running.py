"""Questions and their answers, the same on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from engines.report import DateRange, TileResult, run
from engines.report.calculations import ratio
from tests.report.shop import BUYER, SALE, compiled, context, fill, key, models, tile_of

N = Decimal
D = date.fromisoformat


@pytest.fixture
def shop(database: Engine) -> Iterator[Connection]:
    with database.begin() as connection:
        fill(connection)
        yield connection


def ask(connection: Connection, type: str, measures: list[str], dimensions: Any = (), /, **extra: Any) -> TileResult:
    chosen = extra.pop("chosen", {})
    tile = compiled(tile_of(type, measures, dimensions, **extra))
    return run(tile, connection, models()["sale"].rows(), context(**chosen))


def table(result: TileResult, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in result.rows]


def test_a_number_covers_all_rows_that_meet_the_dataset(shop: Connection) -> None:
    (row,) = ask(shop, "tile", ["revenue", "sales", "buyers", "average"]).rows
    assert row["revenue"] == N("385.40")
    assert (row["sales"], row["buyers"]) == (N(6), N(3))
    assert row["average"] == ratio(N("385.40"), 6)


def test_months_are_filled_where_nothing_happened(shop: Connection) -> None:
    result = ask(shop, "bar", ["revenue", "sales", "least", "each"], ["month"])
    assert table(result, "month", "revenue", "sales", "least", "each") == [
        (D("2023-12-01"), N("100.10"), N(1), N("100.10"), N("100.10")),
        (D("2024-01-01"), N("250.20"), N(2), N("50.00"), N("125.10")),
        (D("2024-02-01"), N(0), N(0), None, None),
        (D("2024-03-01"), N("25.10"), N(2), N("0.05"), N("12.55")),
        (D("2024-04-01"), N("10.00"), N(1), N("10.00"), N("10.00")),
    ]


def test_a_period_bounds_the_units_that_are_filled(shop: Connection) -> None:
    period = DateRange(start=D("2024-02-01"), end=D("2024-04-30"))
    result = ask(shop, "line", ["sales"], ["month"], filter="day in period", chosen={"period": period})
    assert [row["month"].month for row in result.rows] == [2, 3, 4]


def test_an_instant_counts_on_its_local_day(shop: Connection) -> None:
    result = ask(shop, "table", ["sales"], ["local_day"], limit=2)
    assert table(result, "local_day") == [(D("2024-01-01"),), (D("2024-01-02"),)]
    assert result.truncated


def test_choices_stand_in_the_order_of_their_options_and_missing_ones_last(shop: Connection) -> None:
    result = ask(shop, "table", ["revenue"], ["segment"])
    assert table(result, "segment", "revenue") == [("small", N("75.10")), ("big", N("300.30")), (None, N("10.00"))]


def test_a_reference_is_grouped_by_id_and_read_by_name(shop: Connection) -> None:
    result = ask(shop, "table", ["revenue"], ["buyer"], sort=[{"by": "revenue", "direction": "desc"}], limit=2)
    assert table(result, "buyer", "buyer.title", "revenue") == [
        (key(1), "Ann", N("300.30")),
        (key(2), "Bob", N("75.05")),
    ]
    assert result.truncated


def test_a_measure_has_conditions_of_its_own(shop: Connection) -> None:
    assert table(ask(shop, "table", ["small"], ["segment"]), "small") == [(N("75.10"),), (N(0),), (N("10.00"),)]


def test_a_sub_table_never_doubles_its_header(shop: Connection) -> None:
    (row,) = ask(shop, "tile", ["revenue", "units"]).rows
    assert (row["revenue"], row["units"]) == (N("385.40"), N("5.001"))


def test_rows_of_a_sub_table_count_each_header_once_in_each_group(shop: Connection) -> None:
    measures = ["quantity", "value", "lines", "sales", "headers", "header_mean"]
    result = ask(shop, "table", measures, ["product"], dataset="lines", totals=True)
    assert table(result, "product", *measures) == [
        ("ink", N("1.5"), N("100.2"), N(1), N(1), N("200.20"), N("200.20")),
        ("pen", N("3.501"), N("175.05"), N(3), N(3), N("275.25"), N("91.75")),
    ]
    assert result.totals is not None
    assert [result.totals[m] for m in ("quantity", "lines", "sales", "headers")] == [
        N("5.001"),
        N(4),
        N(3),
        N("275.25"),
    ]


def test_totals_are_computed_from_records_not_from_cells(shop: Connection) -> None:
    result = ask(shop, "table", ["revenue", "buyers", "average", "part"], ["month"], totals=True)
    assert result.totals is not None
    assert result.totals["buyers"] == N(3)
    assert result.totals["average"] == ratio(N("385.40"), 6)
    assert result.totals["part"] == N(1)
    assert sum(row["part"] for row in result.rows) == pytest.approx(N(1), abs=N("1e-25"))


def test_the_whole_is_known_also_when_rows_are_left_out(shop: Connection) -> None:
    result = ask(shop, "table", ["revenue", "part"], ["buyer"], sort=[{"by": "revenue", "direction": "desc"}], limit=1)
    assert result.rows[0]["part"] == ratio(N("300.30"), N("385.40"))


def test_rows_are_ordered_by_values_that_sql_does_not_know(shop: Connection) -> None:
    result = ask(shop, "table", ["each"], ["buyer"], sort=[{"by": "each", "direction": "desc"}], limit=2)
    assert table(result, "buyer.title", "each") == [("Ann", N("150.15")), ("Bob", N("37.525"))]


def test_months_are_compared_with_the_month_before(shop: Connection) -> None:
    result = ask(shop, "bar", ["revenue", "growth"], ["month"], compare="previous_bucket")
    assert [row["previous.revenue"] for row in result.rows] == [None, N("100.10"), N("250.20"), None, N("25.10")]
    assert result.rows[1]["growth"] == ratio(N("150.10"), N("100.10"))


def test_months_are_compared_with_the_year_before(shop: Connection) -> None:
    period = DateRange(start=D("2024-11-01"), end=D("2025-01-31"))
    result = ask(
        shop, "bar", ["revenue"], ["month"], compare="previous_year", filter="day in period", chosen={"period": period}
    )
    assert table(result, "revenue", "previous.revenue") == [(N(0), None), (N(0), N("100.10")), (N(0), N("250.20"))]


def test_a_number_is_compared_with_the_period_before(shop: Connection) -> None:
    period = DateRange(start=D("2024-01-01"), end=D("2024-03-31"))
    (row,) = ask(
        shop, "tile", ["revenue"], compare="previous_period", filter="day in period", chosen={"period": period}
    ).rows
    assert (row["revenue"], row["previous.revenue"]) == (N("275.30"), N("100.10"))


def test_conditions_that_read_a_filter_without_a_value_are_left_out(shop: Connection) -> None:
    conditions = ["amount >= least_amount", "day in period"]
    (row,) = ask(shop, "tile", ["sales"], filter=conditions).rows
    assert row["sales"] == N(6)
    (row,) = ask(shop, "tile", ["sales"], filter=conditions, chosen={"least_amount": N(50)}).rows
    assert row["sales"] == N(3)


def test_filters_narrow_dimensions_of_their_name(shop: Connection) -> None:
    (row,) = ask(shop, "tile", ["sales"], chosen={"segment": "small"}).rows
    assert row["sales"] == N(3)
    (row,) = ask(shop, "tile", ["sales"], chosen={"buyer": key(1)}).rows
    assert row["sales"] == N(2)


def test_a_condition_may_name_a_dimension(shop: Connection) -> None:
    (row,) = ask(shop, "tile", ["sales"], filter='segment = "big"').rows
    assert row["sales"] == N(2)


def test_calculations_run_along_the_rows(shop: Connection) -> None:
    calculations = [
        {"name": "ytd", "label": {}, "type": "running", "measure": "revenue", "reset": "year"},
        {"name": "rank", "label": {}, "type": "rank", "measure": "revenue"},
    ]
    result = ask(shop, "table", ["revenue"], ["month"], calculations=calculations)
    assert table(result, "ytd", "rank") == [
        (N("100.10"), N(2)),
        (N("250.20"), N(1)),
        (N("275.30"), N(3)),
        (N("285.30"), N(4)),
    ]


def test_a_pivot_has_every_subtotal(shop: Connection) -> None:
    result = ask(shop, "pivot", ["buyers"], ["segment"], columns=[{"name": "day", "grain": "quarter"}], totals=True)
    levels = {s.kept: [tuple(row[n] for n in (*s.kept, "buyers")) for row in s.rows] for s in result.subtotals}
    assert levels["segment",] == [("small", N(2)), ("big", N(1)), (None, N(0))]
    assert levels["day",] == [(D("2023-10-01"), N(1)), (D("2024-01-01"), N(3)), (D("2024-04-01"), N(0))]
    assert result.totals is not None
    assert result.totals["buyers"] == N(3)


def test_concentration_tells_what_the_best_give(shop: Connection) -> None:
    result = ask(shop, "pareto", ["revenue"], ["buyer"])
    assert table(result, "buyer.title", "revenue", "pareto.rank") == [
        ("Ann", N("300.30"), N(1)),
        ("Bob", N("75.05"), N(2)),
        (None, N("10.00"), N(3)),
        ("Cyd", N("0.05"), N(4)),
    ]
    assert result.pareto is not None
    assert (result.pareto.count, result.pareto.total, result.pareto.groups_for_80) == (4, N("385.40"), 2)
    assert result.pareto.tops[2][:3] == (20, 1, N("300.30"))


def test_only_rows_that_the_reader_may_see_are_counted(shop: Connection) -> None:
    tile = compiled(tile_of("table", ["revenue", "buyers"], ["segment"], totals=True))
    mine = models()["sale"].rows(SALE.c.buyer_id == key(2))
    result = run(tile, shop, mine, context())
    assert table(result, "segment", "revenue") == [("small", N("75.05"))]
    assert result.totals is not None
    assert (result.totals["revenue"], result.totals["buyers"]) == (N("75.05"), N(1))
    nobody = run(tile, shop, models()["sale"].rows(SALE.c.id.is_(None)), context())
    assert nobody.rows == ()


def test_nothing_at_all_sums_to_zero(shop: Connection) -> None:
    shop.execute(SALE.delete())
    shop.execute(BUYER.delete())
    (row,) = ask(shop, "tile", ["revenue", "sales", "average", "last"]).rows
    assert (row["revenue"], row["sales"], row["average"], row["last"]) == (N(0), N(0), None, None)
    assert ask(shop, "bar", ["revenue"], ["month"]).rows == ()
    result = ask(shop, "pareto", ["revenue"], ["buyer"])
    assert result.rows == ()
    assert result.pareto is not None
    assert result.pareto.count == 0


def test_the_statement_is_told(shop: Connection) -> None:
    result = ask(shop, "tile", ["revenue"], chosen={"segment": "small"})
    assert "SELECT" in result.sql
    assert "small" in result.parameters.values()
