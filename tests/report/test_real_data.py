"""Figures of real data sets equal those that were computed elsewhere, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, insert

from engines import report
from engines.feel.storage import CalendarDate, CodePointText, Flag, Identifier, Instant, ScaledDecimal
from engines.report import PlainDefinitions, PlainForm, ReportContext, TileResult
from tests.databases import DATABASES, database_engine
from tests.report import shared
from tests.report.shop import NOW, dashboard_of, named, source, tile_of

N = Decimal
UTC_ZONE = ZoneInfo("UTC")


@dataclass(kw_only=True)
class Asked:
    """A database with a data set in it, ready to be asked."""

    connection: Connection
    models: Mapping[str, PlainForm]
    datasets: Sequence[Mapping[str, Any]]

    def ask(self, type: str, measures: list[str], dimensions: list[Any], /, **extra: Any) -> TileResult:
        definitions = PlainDefinitions(forms=self.models)
        loaded = {}
        for data in self.datasets:
            found = report.load(source(data))
            assert found.definition is not None, [d.render() for d in found.diagnostics]
            loaded["dataset", data["name"]] = found.definition
        definitions.loaded = loaded
        board = report.load(source(dashboard_of([tile_of(type, measures, dimensions, **extra)], []), "dashboard"))
        assert board.definition is not None, [d.render() for d in board.diagnostics]
        compiled = report.compile(board.definition, definitions)
        assert isinstance(compiled, report.CompiledDashboard)
        tile = compiled.tiles["tile"]
        rows = self.models[tile.dataset.definition.form].rows()
        context = ReportContext(now=NOW, zone=UTC_ZONE, settings={})
        return report.run(tile, self.connection, rows, context)


def key(number: int, space: int = 0) -> UUID:
    return UUID(int=space << 64 | number)


@contextmanager
def loaded(database: str, content: Sequence[tuple[Table, list[dict[str, Any]]]]) -> Iterator[Connection]:
    with database_engine(database) as engine, engine.begin() as connection:
        for table, rows in content:
            table.create(connection)
            if rows:
                connection.execute(insert(table), rows)
        yield connection


def close(found: Decimal | None, wanted: float | None) -> bool:
    """Equal to 1e-9 of the wanted value, which was rounded to ten places."""
    if found is None or wanted is None:
        return found is wanted
    return abs(found - N(repr(wanted))) <= max(abs(N(repr(wanted))) * N("1e-9"), N("6e-11"))


# Invoice lines of a wholesaler


RETAIL = named(
    "sales",
    form="line",
    filter=["customer_id != null", 'not(starts with(invoice_no, "C"))', "quantity > 0", "unit_price > 0"],
    dimensions=[
        named("month", expression="day", grain="month"),
        named("quarter", expression="day", grain="quarter"),
        named("customer_id"),
        named("country"),
    ],
    measures=[
        named("revenue", aggregate="sum", expression="quantity * unit_price"),
        named("orders", aggregate="count_distinct", expression="invoice_no"),
        named("customers", aggregate="count_distinct", expression="customer_id"),
        named("aov", value="revenue / orders"),
        named("mom", value="(revenue - previous.revenue) / previous.revenue"),
        named("units", aggregate="sum", expression="quantity"),
    ],
)  # fmt: skip


@cache
def lines_by_order() -> list[tuple[Any, ...]]:
    """All invoice lines; an order counts on the day of its earliest valid line."""
    lines = list(shared.rows("online_retail/lines.csv.gz"))
    days: dict[str, str] = {}
    for line in lines:
        if line["customer_id"] and int(line["quantity"]) > 0 and N(line["unit_price"]) > 0:
            days[line["invoice_no"]] = min(days.get(line["invoice_no"], "9"), line["invoice_date"])
    return [
        (
            line["invoice_no"],
            date.fromisoformat(days.get(line["invoice_no"], line["invoice_date"])[:10]),
            N(line["quantity"]),
            N(line["unit_price"]),
            line["customer_id"] or None,
            line["country"],
        )
        for line in lines
    ]


# Half a million lines: the default run takes SQLite alone, the soak run both.
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def retail(request: pytest.FixtureRequest) -> Iterator[Asked]:
    shared.expected("online_retail")
    table = Table(
        "line",
        MetaData(),
        Column("invoice_no", CodePointText()),
        Column("day", CalendarDate()),
        Column("quantity", ScaledDecimal(12, 0)),
        Column("unit_price", ScaledDecimal(14, 3)),
        Column("customer_id", CodePointText()),
        Column("country", CodePointText()),
    )
    with loaded(request.param, [(table, [])]) as connection:
        shared.fill(connection, table, lines_by_order())
        yield Asked(connection=connection, models={"line": PlainForm(table=table)}, datasets=[RETAIL])


def thousandths(value: Any) -> Any:
    return value * 1000 if isinstance(value, Decimal) else value


def test_monthly_revenue_orders_and_what_derives_from_them(retail: Asked) -> None:
    calculations = [
        {"name": "ytd", "label": {}, "type": "running", "measure": "revenue", "reset": "year"},
        {"name": "ma3", "label": {}, "type": "moving_mean", "measure": "revenue", "size": 3},
    ]
    measures = ["revenue", "orders", "customers", "aov", "mom"]
    result = retail.ask("table", measures, ["month"], compare="previous_bucket", calculations=calculations)
    wanted = shared.expected("online_retail")["monthly"]
    assert len(result.rows) == len(wanted)
    for row, month in zip(result.rows, wanted, strict=True):
        assert f"{row['month']:%Y-%m}" == month["month"]
        assert thousandths(row["revenue"]) == month["revenue"]
        assert (row["orders"], row["customers"]) == (month["orders"], month["customers"])
        assert thousandths(row["ytd"]) == month["ytd"]
        assert close(thousandths(row["aov"]), month["aov"])
        assert close(row["mom"], month["mom"])
        assert close(thousandths(row["ma3"]), month["ma3"])


def test_totals(retail: Asked) -> None:
    (row,) = retail.ask("tile", ["revenue", "orders", "customers"], []).rows
    wanted = shared.expected("online_retail")["totals"]
    assert thousandths(row["revenue"]) == wanted["revenue"]
    assert (row["orders"], row["customers"]) == (wanted["orders"], wanted["customers"])


def test_concentration(retail: Asked) -> None:
    result = retail.ask("pareto", ["revenue"], ["customer_id"])
    wanted = shared.expected("online_retail")["pareto"]
    summary = result.pareto
    assert summary is not None
    assert summary.groups_for_80 == wanted["customers_for_80pct"]
    for percent, groups, total, share in summary.tops:
        top = wanted[f"top{percent}"]
        assert (groups, thousandths(total)) == (top["k"], top["revenue"])
        assert close(share, top["share"])
    assert all(close(a, b) for a, b in zip(summary.deciles, wanted["decile_shares"], strict=True))
    best = [[row["customer_id"], thousandths(row["revenue"])] for row in result.rows[:10]]
    assert best == wanted["top10_customers"]


def test_a_pivot_of_countries_and_quarters_with_every_subtotal(retail: Asked) -> None:
    measures = ["revenue", "orders", "customers", "aov"]
    result = retail.ask("pivot", measures, ["country"], columns=["quarter"], totals=True)
    wanted = shared.columns(shared.expected("online_retail")["pivot_country_quarter"])
    found: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for rows in (result.rows, *(s.rows for s in result.subtotals), (result.totals or {},)):
        for row in rows:
            found[row.get("country"), row.get("quarter")] = row
    assert len(found) == len(wanted)
    for cell in wanted:
        quarter = cell["q"] and date(int(cell["q"][:4]), int(cell["q"][6]) * 3 - 2, 1)
        row = found[cell["country"], quarter]
        assert thousandths(row["revenue"]) == cell["revenue"]
        assert (row["orders"], row["customers"]) == (cell["orders"], cell["customers"])
        assert close(thousandths(row["aov"]), cell["aov"])


# Invoices with lines: two grains in one report


INVOICES = named(
    "invoices",
    form="invoice",
    dimensions=[named("rep", expression="customer.rep")],
    measures=[
        named("invoice_total", aggregate="sum", expression="total"),
        named("invoices", aggregate="count"),
        named("customers", aggregate="count_distinct", expression="customer"),
        named("units", aggregate="sum", expression="sum(lines.quantity)"),
        named("line_total", aggregate="sum", expression="sum(for l in lines return l.price * l.quantity)"),
    ],
)
INVOICE_LINES = named(
    "lines",
    form="invoice",
    each="lines",
    dimensions=[named("rep", expression="customer.rep"), named("genre", expression="lines.genre")],
    measures=[
        named("line_total", aggregate="sum", expression="lines.price * lines.quantity"),
        named("units", aggregate="sum", expression="lines.quantity"),
        named("invoices", aggregate="count_distinct", expression="id"),
        named("customers", aggregate="count_distinct", expression="customer"),
        named("invoice_total", aggregate="sum", expression="total"),
    ],
)


@pytest.fixture(scope="module", params=DATABASES)
def music(request: pytest.FixtureRequest) -> Iterator[Asked]:
    shared.expected("chinook")
    meta = MetaData()
    customer = Table("customer", meta, Column("id", Identifier(), primary_key=True), Column("rep", ScaledDecimal(9, 0)))
    invoice = Table(
        "invoice",
        meta,
        Column("id", Identifier(), primary_key=True),
        Column("customer_id", Identifier()),
        Column("total", ScaledDecimal(12, 2)),
    )
    line = Table(
        "invoice_line",
        meta,
        Column("id", Identifier(), primary_key=True),
        Column("invoice_id", Identifier(), index=True),
        Column("genre", CodePointText()),
        Column("price", ScaledDecimal(12, 2)),
        Column("quantity", ScaledDecimal(9, 0)),
    )
    genres = {row["GenreId"]: row["Name"] for row in shared.rows("chinook/Genre.csv.gz")}
    tracks = {row["TrackId"]: genres[row["GenreId"]] for row in shared.rows("chinook/Track.csv.gz")}
    content = [
        (
            customer,
            [
                {"id": key(int(r["CustomerId"]), 1), "rep": N(r["SupportRepId"]).to_integral_value()}
                for r in shared.rows("chinook/Customer.csv.gz")
            ],
        ),
        (
            invoice,
            [
                {"id": key(int(r["InvoiceId"]), 2), "customer_id": key(int(r["CustomerId"]), 1), "total": N(r["Total"])}
                for r in shared.rows("chinook/Invoice.csv.gz")
            ],
        ),
        (
            line,
            [
                {
                    "id": key(int(r["InvoiceLineId"]), 3),
                    "invoice_id": key(int(r["InvoiceId"]), 2),
                    "genre": tracks[r["TrackId"]],
                    "price": N(r["UnitPrice"]),
                    "quantity": N(r["Quantity"]),
                }
                for r in shared.rows("chinook/InvoiceLine.csv.gz")
            ],
        ),
    ]
    customers = PlainForm(table=customer)
    lines = PlainForm(table=line)
    invoices = PlainForm(
        table=invoice,
        references={"customer": (customers, "customer_id")},
        relations={"lines": (lines, "invoice_id")},
    )
    with loaded(request.param, content) as connection:
        yield Asked(connection=connection, models={"invoice": invoices}, datasets=[INVOICES, INVOICE_LINES])


def cents(value: Decimal) -> Decimal:
    return value * 100


def test_one_report_of_two_grains_counts_every_invoice_once(music: Asked) -> None:
    measures = ["invoice_total", "invoices", "customers", "units", "line_total"]
    result = music.ask("table", measures, ["rep"], dataset="invoices")
    for row, wanted in zip(result.rows, shared.columns(shared.expected("chinook")["rep"]), strict=True):
        assert (row["rep"], row["invoices"], row["customers"], row["units"]) == (
            wanted["rep"],
            wanted["invoices"],
            wanted["customers"],
            wanted["units"],
        )
        assert (cents(row["invoice_total"]), cents(row["line_total"])) == (
            wanted["invoice_total"],
            wanted["line_total"],
        )


def test_lines_by_rep_do_not_repeat_the_totals_of_their_invoices(music: Asked) -> None:
    result = music.ask("table", ["invoice_total", "line_total", "units"], ["rep"], dataset="lines")
    for row, wanted in zip(result.rows, shared.columns(shared.expected("chinook")["rep"]), strict=True):
        assert cents(row["invoice_total"]) == wanted["invoice_total"]
        assert cents(row["line_total"]) == wanted["line_total"]
        assert row["units"] == wanted["units"]


def test_distinct_counts_by_genre_are_not_added_up(music: Asked) -> None:
    result = music.ask(
        "table", ["line_total", "units", "invoices", "customers"], ["genre"], dataset="lines", totals=True
    )
    wanted = {row["genre"]: row for row in shared.columns(shared.expected("chinook")["genre"])}
    assert len(wanted) == len(result.rows) + 1
    for row in (*result.rows, result.totals or {}):
        genre = wanted[row.get("genre")]
        assert cents(row["line_total"]) == genre["line_total"]
        assert all(row[n] == genre[n] for n in ("units", "invoices", "customers"))


# Subscribers who leave


SUBSCRIBERS = named(
    "subscribers",
    form="subscriber",
    dimensions=[
        named("contract"),
        named("payment"),
        named(
            "band",
            expression='if tenure <= 12 then "0-12" else if tenure <= 24 then "13-24" '
            'else if tenure <= 48 then "25-48" else "49-72"',
        ),
    ],
    measures=[
        named("customers", aggregate="count"),
        named("churned", aggregate="count", filter="left"),
        named("churn_rate", value="churned / customers"),
        named("lost", aggregate="sum", expression="charges", filter="left"),
        named("mean_charges", aggregate="mean", expression="charges"),
        named("mean_tenure", aggregate="mean", expression="tenure", filter="left"),
        named("ltv", value="mean_charges * mean_tenure"),
    ],
)


@pytest.fixture(scope="module", params=DATABASES)
def telco(request: pytest.FixtureRequest) -> Iterator[Asked]:
    shared.expected("telco_churn")
    table = Table(
        "subscriber",
        MetaData(),
        Column("id", Identifier(), primary_key=True),
        Column("contract", CodePointText()),
        Column("payment", CodePointText()),
        Column("tenure", ScaledDecimal(5, 0)),
        Column("charges", ScaledDecimal(9, 2)),
        Column("left", Flag()),
    )
    rows = [
        {
            "id": key(n),
            "contract": r["Contract"],
            "payment": r["PaymentMethod"],
            "tenure": N(r["tenure"]),
            "charges": N(r["MonthlyCharges"]),
            "left": r["Churn"] == "Yes",
        }
        for n, r in enumerate(shared.rows("telco_churn/telco_churn.csv.gz"))
    ]
    with loaded(request.param, [(table, rows)]) as connection:
        model = PlainForm(table=table)
        yield Asked(connection=connection, models={"subscriber": model}, datasets=[SUBSCRIBERS])


@pytest.mark.parametrize(
    ("dimension", "part"), [("contract", "by_contract"), ("band", "by_tenure_band"), ("payment", "by_payment")]
)
def test_rates_of_those_who_left(telco: Asked, dimension: str, part: str) -> None:
    measures = ["customers", "churned", "churn_rate", "lost", "ltv"]
    result = telco.ask("table", measures, [dimension], dataset="subscribers", totals=True)
    found = {row[dimension]: row for row in result.rows} | {None: result.totals or {}}
    for wanted in shared.columns(shared.expected("telco_churn")[part]):
        row = found[wanted["group"]]
        assert (row["customers"], row["churned"]) == (wanted["customers"], wanted["churned"])
        assert close(row["churn_rate"], wanted["churn_rate"])
        assert cents(row["lost"]) == wanted["monthly_cents_lost"]
        assert close(cents(row["ltv"]), wanted["ltv_cents"])


# Incidents and how long they took


INCIDENTS = named(
    "incidents",
    form="incident",
    dimensions=[named("priority"), named("resolved_month", expression="resolved_at", grain="month"),
                named("opened_month", expression="opened_at", grain="month"), named("team")],
    measures=[
        named("n", aggregate="count"),
        named("mean", aggregate="mean", expression="resolved_at - opened_at"),
    ],
)  # fmt: skip
INCIDENTS["measures"][1]["name"] = "took"


@pytest.fixture(scope="module", params=DATABASES)
def incidents(request: pytest.FixtureRequest) -> Iterator[Asked]:
    shared.expected("incident_log")
    table = Table(
        "incident",
        MetaData(),
        Column("id", Identifier(), primary_key=True),
        Column("priority", CodePointText()),
        Column("team", CodePointText()),
        Column("opened_at", Instant()),
        Column("resolved_at", Instant()),
        Column("in_time", Flag()),
        Column("reopened", ScaledDecimal(5, 0)),
    )
    rows = [
        {
            "id": key(n),
            "priority": r["priority"],
            "team": r["assignment_group"],
            "opened_at": moment(r["opened_at"]),
            "resolved_at": moment(r["resolved_at"]),
            "in_time": r["made_sla"] == "true",
            "reopened": N(r["reopen_count"] or 0),
        }
        for n, r in enumerate(shared.rows("incident_log/incidents.csv.gz"))
    ]
    with loaded(request.param, [(table, rows)]) as connection:
        model = PlainForm(table=table)
        yield Asked(connection=connection, models={"incident": model}, datasets=[INCIDENTS, SLA])


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text + "+00:00") if text else None


SLA = named(
    "sla",
    form="incident",
    dimensions=[named("priority"), named("team"), named("opened_month", expression="opened_at", grain="month")],
    measures=[
        named("n", aggregate="count"),
        named("made", aggregate="count", filter="in_time"),
        named("made_sla_rate", value="made / n"),
        named("again", aggregate="count", filter="reopened > 0"),
        named("reopen_rate", value="again / n"),
    ],
)


@pytest.mark.parametrize(("dimension", "part"), [("priority", "by_priority"), ("resolved_month", "by_resolved_month")])
def test_mean_times_to_resolve(incidents: Asked, dimension: str, part: str) -> None:
    result = incidents.ask(
        "table", ["n", "took"], [dimension], dataset="incidents", filter="resolved_at >= opened_at", totals=True
    )
    names = {row[dimension] if dimension == "priority" else f"{row[dimension]:%Y-%m}": row for row in result.rows}
    found = {**names, None: result.totals or {}}
    table = shared.expected("incident_log")[part]
    for wanted in shared.columns(table):
        row = found[wanted[table["columns"][0]]]
        assert row["n"] == wanted["n"]
        assert row["took"].total_seconds() == pytest.approx(wanted["mean_s"], rel=1e-9)


def test_shares_in_time(incidents: Asked) -> None:
    measures = ["n", "made", "made_sla_rate", "again", "reopen_rate"]
    result = incidents.ask("table", measures, ["priority"], dataset="sla", totals=True)
    found = {row["priority"]: row for row in result.rows} | {None: result.totals or {}}
    for wanted in shared.columns(shared.expected("incident_log")["sla"]):
        row = found[wanted["priority"]]
        assert (row["n"], row["made"]) == (wanted["n"], wanted["made"])
        assert row["again"] == wanted["reopened"]
        assert close(row["made_sla_rate"], wanted["made_sla_rate"])
        assert close(row["reopen_rate"], wanted["reopen_rate"])
