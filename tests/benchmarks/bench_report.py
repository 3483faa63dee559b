"""Reports beside the statement that a person would write, and a workbook beside the library that writes it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import xlsxwriter
from sqlalchemy import Column, Connection, MetaData, Table, text

from engines import report
from engines.feel.storage import CalendarDate, CodePointText, Identifier, ScaledDecimal
from engines.report import CompiledDashboard, CompiledTile, PlainDefinitions, PlainForm, ReportContext
from tests.benchmarks.harness import Measurement, duration
from tests.databases import database_engine
from tests.report.shared import fill
from tests.report.shop import dashboard_of, key, named, source, tile_of

ROWS, BUYERS, REPEATS = 300_000, 3_000, 5
CONTEXT = ReportContext(now=datetime(2026, 1, 1, tzinfo=UTC), zone=ZoneInfo("UTC"))
BUYER = Table("buyer", MetaData(), Column("id", Identifier(), primary_key=True), Column("segment", CodePointText()))
SALE = Table(
    "sale",
    BUYER.metadata,
    Column("id", Identifier(), primary_key=True),
    Column("buyer_id", Identifier()),
    Column("day", CalendarDate()),
    Column("status", CodePointText()),
    Column("amount", ScaledDecimal(18, 2)),
)
DATASET = named(
    "sales",
    form="sale",
    filter='status = "done"',
    dimensions=[named("month", expression="day", grain="month"), named("segment", expression="buyer.segment")],
    measures=[named("revenue", aggregate="sum", expression="amount"), named("sales", aggregate="count")],
)
HAND = {
    "sqlite": "SELECT substr(s.day, 1, 7), b.segment, sum(s.amount), count(*) FROM sale s LEFT JOIN buyer b ON "
    "b.id = s.buyer_id WHERE s.status = 'done' GROUP BY 1, 2 ORDER BY 1, 2",
    "postgresql": "SELECT date_trunc('month', s.day::timestamp)::date, b.segment, sum(s.amount), count(*) FROM sale s "
    "LEFT JOIN buyer b ON b.id = s.buyer_id WHERE s.status = 'done' GROUP BY 1, 2 ORDER BY 1, 2",
}


def measure() -> Iterator[Measurement]:
    """``report.sql/hand`` on both databases, ``report.xlsx/xlsxwriter``."""
    for database in ("sqlite", "postgresql"):
        with database_engine(database) as engine, engine.begin() as connection:
            yield _sql(connection)
    yield _xlsx()


def _sql(connection: Connection) -> Measurement:
    BUYER.metadata.create_all(connection)
    fill(connection, BUYER, [(key(n), f"s{n % 7}") for n in range(BUYERS)])
    fill(connection, SALE, _sales())
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))
    tile, forms = _tile()
    rows = forms["sale"]
    hand = text(HAND[connection.dialect.name])

    def ours() -> int:
        return len(report.run(tile, connection, rows.rows(), CONTEXT).rows)

    def reference() -> int:
        return len(connection.execute(hand).all())

    if ours() != reference():
        raise AssertionError("both must give the same groups")
    name = "report.sql/hand" + ("" if connection.dialect.name == "sqlite" else ".postgresql")
    return duration(name, ours, reference, repeats=REPEATS)


def _sales() -> Iterable[tuple[object, ...]]:
    start = date(2023, 1, 1)
    for n in range(ROWS):
        status = "open" if n % 10 == 0 else "done"
        yield key(n), key(n * 7919 % BUYERS), start + timedelta(days=n % 1000), status, Decimal(n % 100_000).scaleb(-2)


def _tile() -> tuple[CompiledTile, dict[str, PlainForm]]:
    buyer = PlainForm(table=BUYER)
    forms = {"sale": PlainForm(table=SALE, references={"buyer": (buyer, "buyer_id")})}
    dataset = report.load(source(DATASET)).definition
    board = dashboard_of([tile_of("table", ["revenue", "sales"], ["month", "segment"])], [])
    loaded = report.load(source(board, "dashboard")).definition
    if dataset is None or loaded is None:
        raise AssertionError("the definitions of the benchmark are broken")
    definitions = PlainDefinitions(forms=forms, loaded={("dataset", "sales"): dataset})
    compiled = report.compile(loaded, definitions)
    if not isinstance(compiled, CompiledDashboard):
        raise AssertionError("a dashboard compiles to a dashboard")
    return compiled.tiles["tile"], forms


def _xlsx() -> Measurement:
    tile, _forms = _tile()
    months = [(date(2000 + n // 12, n % 12 + 1, 1), f"s{n % 7}", Decimal(n), Decimal(n)) for n in range(12 * 500)]
    result = report.TileResult(
        columns=report.columns_of(tile),
        rows=tuple({"month": m, "segment": s, "revenue": r, "sales": c} for m, s, r, c in months),
        totals=None,
        as_of=CONTEXT.now,
    )

    def ours() -> None:
        report.to_xlsx(tile, result, "en", io.BytesIO())

    def reference() -> None:
        with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
            sheet, shape = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
            for number, (month, segment, revenue, sales) in enumerate(months):
                sheet.write_string(number, 0, f"{month:%Y-%m}")
                sheet.write_string(number, 1, segment)
                sheet.write_number(number, 2, float(revenue), shape)
                sheet.write_number(number, 3, float(sales), shape)

    return duration("report.xlsx/xlsxwriter", ours, reference, repeats=REPEATS)
