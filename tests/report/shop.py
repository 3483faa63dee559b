"""A small shop: people buy, sales have lines. Neutral rows for the report engine's tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, MetaData, Table, insert

from engines import report
from engines.core import DefinitionSource, LocalizedText
from engines.feel.storage import CalendarDate, CodePointText, Flag, Identifier, Instant, ScaledDecimal
from engines.report import CompiledTile, PlainDefinitions, PlainForm, ReportContext

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2024, 7, 1, 4, tzinfo=UTC)
_META = MetaData()
BUYER = Table(
    "buyer",
    _META,
    Column("id", Identifier(), primary_key=True),
    Column("name", CodePointText()),
    Column("segment", CodePointText()),
    Column("credit", ScaledDecimal(18, 2)),
)
SALE = Table(
    "sale",
    _META,
    Column("id", Identifier(), primary_key=True),
    Column("buyer_id", Identifier()),
    Column("day", CalendarDate()),
    Column("at", Instant()),
    Column("status", CodePointText()),
    Column("amount", ScaledDecimal(18, 2)),
    Column("paid", Flag()),
)
LINE = Table(
    "line",
    _META,
    Column("id", Identifier(), primary_key=True),
    Column("sale_id", Identifier()),
    Column("product", CodePointText()),
    Column("quantity", ScaledDecimal(18, 3)),
    Column("price", ScaledDecimal(18, 2)),
)
SEGMENTS = {"small": LocalizedText.of({"en": "Small", "zh": "小"}), "big": LocalizedText.of({"en": "Big", "zh": "大"})}


def models() -> dict[str, PlainForm]:
    """The forms "buyer" and "sale" (with the sub-table "lines")."""
    buyer = PlainForm(table=BUYER, option_labels={("segment",): SEGMENTS})
    sale = PlainForm(
        table=SALE,
        references={"buyer": (buyer, "buyer_id")},
        relations={"lines": (PlainForm(table=LINE), "sale_id")},
        option_labels={("buyer", "segment"): SEGMENTS},
    )
    return {"buyer": buyer, "sale": sale}


def key(number: int) -> UUID:
    """A fixed id."""
    return UUID(int=number)


def fill(connection: Connection) -> None:
    """Makes the tables: three buyers, seven sales, six lines."""
    _META.create_all(connection)
    buyers = [("Ann", "big"), ("Bob", "small"), ("Cyd", "small")]
    connection.execute(
        insert(BUYER),
        [
            {"id": key(n), "name": name, "segment": segment, "credit": Decimal(n * 100)}
            for n, (name, segment) in enumerate(buyers, 1)
        ],
    )
    sales = [
        # buyer, day, status, amount
        (1, "2023-12-31", "done", "100.10"),
        (1, "2024-01-01", "done", "200.20"),
        (2, "2024-01-31", "done", "50.00"),
        (2, "2024-03-15", "done", "25.05"),
        (1, "2024-03-16", "open", "999.00"),
        (3, "2024-03-31", "done", "0.05"),
        (None, "2024-04-01", "done", "10.00"),
    ]
    connection.execute(
        insert(SALE),
        [
            {
                "id": key(100 + n),
                "buyer_id": key(buyer) if buyer else None,
                "day": date.fromisoformat(day),
                # 17:00 UTC is the next day in Shanghai.
                "at": datetime.fromisoformat(f"{day}T17:00:00+00:00"),
                "status": status,
                "amount": Decimal(amount),
                "paid": n % 2 == 0,
            }
            for n, (buyer, day, status, amount) in enumerate(sales)
        ],
    )
    lines = [
        (101, "pen", "2", "50.00"),
        (101, "ink", "1.5", "66.80"),
        (102, "pen", "1", "50"),
        (103, "pen", "0.501", "50"),
    ]
    connection.execute(
        insert(LINE),
        [
            {
                "id": key(1000 + n),
                "sale_id": key(sale),
                "product": product,
                "quantity": Decimal(quantity),
                "price": Decimal(price),
            }
            for n, (sale, product, quantity, price) in enumerate(lines)
        ],
    )


def named(name: str, **extra: Any) -> dict[str, Any]:
    """A part of a definition with a label."""
    return {"name": name, "label": {"en": name.capitalize(), "zh": name}, **extra}


SALES: Mapping[str, Any] = named(
    "sales",
    form="sale",
    filter='status = "done"',
    dimensions=[
        named("month", expression="day", grain="month"),
        named("day"),
        named("local_day", expression="at", grain="day"),
        named("buyer"),
        named("segment", expression="buyer.segment"),
        named("paid"),
    ],
    measures=[
        named("revenue", aggregate="sum", expression="amount", format={"style": "money", "currency": "CNY"}),
        named("sales", aggregate="count"),
        named("buyers", aggregate="count_distinct", expression="buyer"),
        named("average", aggregate="mean", expression="amount"),
        named("least", aggregate="min", expression="amount"),
        named("last", aggregate="max", expression="day"),
        named("small", aggregate="sum", expression="amount", filter="amount < 100"),
        named("units", aggregate="sum", expression="sum(lines.quantity)"),
        named("each", value="revenue / sales"),
        named("part", value="revenue / total.revenue", format={"style": "percent"}),
        named("growth", value="(revenue - previous.revenue) / previous.revenue", format={"style": "percent"}),
    ],
)
LINES: Mapping[str, Any] = named(
    "lines",
    form="sale",
    each="lines",
    dimensions=[
        named("product", expression="lines.product"),
        named("segment", expression="buyer.segment"),
        named("buyer"),
    ],
    measures=[
        named("quantity", aggregate="sum", expression="lines.quantity"),
        named("value", aggregate="sum", expression="lines.quantity * lines.price"),
        named("lines", aggregate="count"),
        named("sales", aggregate="count_distinct", expression="id"),
        named("headers", aggregate="sum", expression="amount"),
        named("header_mean", aggregate="mean", expression="amount"),
    ],
)
FILTERS = [
    named("period", type="date_range"),
    named("segment", type="choice"),
    named("buyer", type="person"),
    named("least_amount", type="number"),
]


def source(data: object, kind: str = "dataset") -> DefinitionSource:
    """A definition file."""
    return DefinitionSource(file=f"x.{kind}.json", text=json.dumps(data, indent=1))


def catalogue(*datasets: Mapping[str, Any]) -> PlainDefinitions:
    """The shop's definitions with ``datasets`` loaded."""
    found = PlainDefinitions(forms=models())
    loaded = {}
    for data in datasets:
        dataset = report.load(source(data))
        assert dataset.definition is not None, dataset.diagnostics
        loaded["dataset", data["name"]] = dataset.definition
    found.loaded = loaded
    return found


def dashboard_of(tiles: Iterable[Mapping[str, Any]], filters: Iterable[Mapping[str, Any]] = FILTERS) -> dict[str, Any]:
    """A dashboard with ``tiles``."""
    return named("board", filters=list(filters), tiles=list(tiles))


def tile_of(type: str, measures: Iterable[str], dimensions: Iterable[Any] = (), **extra: Any) -> dict[str, Any]:
    """A tile of a dashboard."""
    usual = {"dataset": "sales", "dimensions": list(dimensions), "measures": list(measures)}
    return {**named("tile", type=type), **usual, **extra}


def compiled(tile: Mapping[str, Any], *datasets: Mapping[str, Any]) -> CompiledTile:
    """The tile ready to run, in a dashboard with the usual filters."""
    loaded = report.load(source(dashboard_of([tile]), "dashboard"))
    assert loaded.definition is not None, [d.render() for d in loaded.diagnostics]
    board = report.compile(loaded.definition, catalogue(*(datasets or (SALES, LINES))))
    assert isinstance(board, report.CompiledDashboard)
    return board.tiles["tile"]


def context(**parameters: Any) -> ReportContext:
    """The usual context with chosen filters."""
    return ReportContext(now=NOW, zone=ZONE, parameters=parameters)
