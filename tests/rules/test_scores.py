"""Score models: one statement for all, cut points, one record like in the full run, on both databases."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, Table, insert

from engines import feel
from engines.core import DefinitionError, DefinitionSource
from engines.feel import storage
from engines.rules import (
    CompiledScores,
    ScoreRun,
    compile_scores,
    cuts_from_json,
    cuts_to_json,
    score_all,
    score_one,
    score_values,
)
from engines.rules.scores.load import load_scores
from tests.missing import missing
from tests.rules.apps import App, context, uid
from tests.rules.store import box, boxes, fill, move
from tests.rules.tables import Model, TableSource

DAY = date(2026, 1, 1)
MODEL = {
    "name": "rank",
    "form": "box",
    "parameters": [
        {"name": "start", "value": 'date("2026-01-01")'},
        {"name": "later", "value": 'start + duration("P1D")'},
    ],
    "population": "count(moves) > 0",
    "measures": [
        {
            "name": "volume",
            "value": "sum(moves[day >= start].amount)",
            "method": "ntile",
            "buckets": 3,
            "tie_break": "name",
        },
        {"name": "share", "value": "sum(moves.amount)", "method": "percent_rank"},
        {"name": "place", "value": "sum(moves.amount)", "method": "rank", "buckets": 3, "better": "lower"},
        {"name": "high", "value": "sum(moves.amount)", "method": "mean"},
        {"name": "late", "value": "count(moves[day >= later])"},
    ],
    "decisions": [{"name": "size", "decision": "size", "inputs": {"volume": "volume.score", "kind": "kind"}}],
    "writes": [
        {"field": "weight", "value": "volume.value"},
        {"field": "state", "value": "size.name"},
        {"field": "kind", "value": 'if high.score = 1 then "high" else null'},
    ],
}


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection
        connection.rollback()


def compiled(data: Mapping[str, Any] = MODEL) -> CompiledScores:
    loaded = load_scores(DefinitionSource(file="rank.scores.json", text=json.dumps(data)))
    assert loaded.definition is not None, [d.render() for d in loaded.diagnostics]
    return compile_scores(loaded.definition, App())


def run_all(connection: Connection, model: CompiledScores, source: Any) -> ScoreRun:
    parameters = model.parameter_values({}, context())
    plan = score_all(model, source, connection.dialect.name, parameters, context())
    return plan.read(connection.execute(plan.select))


def fill_boxes(connection: Connection) -> None:
    amounts = {"a": 5, "b": 1, "c": 5, "d": 3, "e": 9, "f": 1, "g": 4}
    rows = [box(name, kind="x") for name in (*amounts, "h")]
    moves = [move(f"m{name}", name, DAY, amount=amount) for name, amount in amounts.items()]
    fill(connection, rows, moves)


def scores(run: ScoreRun, measure: str) -> dict[str, Any]:
    names = {uid(name): name for name in "abcdefgh"}
    return {names[r.id]: r.measures[measure].score if r.measures is not None else "outside" for r in run.records}


def test_each_method_scores_the_population(connection: Connection) -> None:
    fill_boxes(connection)
    run = run_all(connection, compiled(), boxes())
    assert scores(run, "volume") == {"b": 1, "f": 1, "d": 1, "g": 2, "a": 2, "c": 3, "e": 3, "h": "outside"}
    assert scores(run, "high") == {"b": 0, "f": 0, "d": 0, "g": 1, "a": 1, "c": 1, "e": 1, "h": "outside"}
    place = scores(run, "place")
    assert place == {"e": 1, "a": 1, "c": 1, "g": 2, "d": 2, "b": 3, "f": 3, "h": "outside"}
    share = scores(run, "share")
    assert share["b"] == share["f"] == 0
    assert share["e"] == 1
    assert share["a"] * 6 == 4
    assert scores(run, "late")["a"] is None


def test_one_record_scores_as_in_the_full_run(connection: Connection) -> None:
    fill_boxes(connection)
    model = compiled()
    run = run_all(connection, model, boxes())
    cuts = {name: cuts_from_json(json.loads(json.dumps(cuts_to_json(c)))) for name, c in run.cuts.items()}
    parameters = model.parameter_values({}, context())
    ids = [record.id for record in run.records]
    query = score_values(model, boxes(), connection.dialect.name, parameters, context(), ids)
    again = {one.id: one for one in (score_one(model, cuts, row) for row in connection.execute(query))}
    for record in run.records:
        assert again[record.id].measures == record.measures
        assert again[record.id].fields == record.fields


def test_a_changed_record_moves_against_frozen_cut_points(connection: Connection) -> None:
    fill_boxes(connection)
    model = compiled()
    cuts = run_all(connection, model, boxes()).cuts
    from tests.rules.store import MOVES

    connection.execute(insert(MOVES), [move("new", "b", DAY + timedelta(days=1), amount=100)])
    parameters = model.parameter_values({}, context())
    query = score_values(model, boxes(), connection.dialect.name, parameters, context(), [uid("b")])
    (row,) = connection.execute(query)
    measures = score_one(model, cuts, row).measures
    assert measures is not None
    assert {name: m.score for name, m in measures.items()} == {
        "volume": 3, "share": 1, "place": 1, "high": 1, "late": None,
    }  # fmt: skip
    assert measures["late"].value == 1


def test_writes_use_scores_decisions_and_fields(connection: Connection) -> None:
    fill_boxes(connection)
    model = compiled()
    run = run_all(connection, model, boxes())
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def decide(name: str, inputs: Mapping[str, Any]) -> Any:
        asked.append((name, inputs))
        return {"name": f"{inputs['kind']}{inputs['volume']}"}

    parameters = model.parameter_values({}, context())
    written = {r.id: model.values_to_write(r.measures, r.fields, parameters, context(), decide) for r in run.records}
    assert written[uid("e")] == {"weight": Decimal(9), "state": "x3", "kind": "high"}
    assert written[uid("b")] == {"weight": Decimal(1), "state": "x1", "kind": None}
    assert written[uid("h")] == {"weight": None, "state": None, "kind": None}
    assert len(asked) == 7


ALONE: Mapping[str, Any] = {"decisions": [], "writes": []}


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"form": "bax"}, "rules.unknown_form", "/form"),
        ({"population": "weight"}, "rules.wrong_type", "/population"),
        ({"writes": [{"field": "wait", "value": "1"}]}, "rules.unknown_field", "/writes/0/field"),
        (
            {"decisions": [{"name": "x", "decision": "sise", "inputs": {}}], "writes": []},
            "rules.unknown_decision",
            "/decisions/0/decision",
        ),
        ({**ALONE, "measures": [{"name": "v", "value": "wait"}]}, "feel.unknown_name", "/measures/0/value"),
        (
            {**ALONE, "measures": [{"name": "v", "value": "kind", "method": "mean"}]},
            "rules.wrong_type",
            "/measures/0/value",
        ),
    ],
)
def test_mistakes_are_found_with_their_place(change: Mapping[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        compiled({**MODEL, **change})
    first = caught.value.diagnostics[0]
    assert (first.code, first.pointer) == (code, pointer)
    assert first.line == 1


# Real data

DATA = Path(__file__).parents[3] / "shared" / "data"
CUSTOMERS = MetaData()
BUYERS = Table(
    "buyers",
    CUSTOMERS,
    Column("id", storage.Identifier(), primary_key=True),
    Column("code", storage.CodePointText()),
)
SALES = Table(
    "sales",
    CUSTOMERS,
    Column("id", storage.Identifier(), primary_key=True),
    Column("buyer_id", storage.Identifier(), index=True),
    Column("day", storage.CalendarDate()),
    Column("amount", storage.ScaledDecimal(15, 3)),
)
BUYER_MODEL = Model(table=BUYERS, types={"id": feel.IDENTIFIER, "code": feel.STRING})
SALE_MODEL = Model(table=SALES, types={"id": feel.IDENTIFIER, "day": feel.DATE, "amount": feel.NUMBER})
BUYER_MODEL.relations["sales"] = (SALE_MODEL, "buyer_id")
RFM = {
    "name": "rfm",
    "form": "buyer",
    "parameters": [{"name": "as_of", "value": "settings.as_of"}],
    "population": "count(sales) > 0",
    "measures": [
        measure
        for suffix in ("ntile", "rank", "mean")
        for how in ({"method": suffix, "buckets": 5, "tie_break": "code"},)
        for measure in (
            {"name": f"r_{suffix}", "value": "(as_of - max(sales.day)).days", "better": "lower", **how},
            {"name": f"f_{suffix}", "value": "count(sales)", **how},
            {"name": f"m_{suffix}", "value": "sum(sales.amount)", **how},
        )
    ],
}


class Shop:
    """The definitions of the buyers' app."""

    def get(self, kind: str, name: str) -> Any:
        return None

    def names(self, kind: str) -> list[str]:
        return ["buyer"]

    def settings(self) -> Mapping[str, feel.FeelType]:
        return {"as_of": feel.DATE}

    def shape(self, form: str) -> Any:
        from tests.rules.tables import Shape

        return Shape(BUYER_MODEL)


@cache
def sales_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Buyers and their orders."""
    orders: dict[tuple[str, str], list[Any]] = {}
    with gzip.open(DATA / "online_retail" / "lines.csv.gz", "rt", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            quantity, price = int(line["quantity"]), Decimal(line["unit_price"])
            if line["customer_id"] and not line["invoice_no"].startswith("C") and quantity > 0 and price > 0:
                order = orders.setdefault((line["customer_id"], line["invoice_no"]), [line["invoice_date"], Decimal(0)])
                order[0] = min(order[0], line["invoice_date"])
                order[1] += quantity * price
    buyers = [{"id": uid(code), "code": code} for code in sorted({code for code, _ in orders})]
    sales = [
        {"id": uid(number + code), "buyer_id": uid(code), "day": date.fromisoformat(day[:10]), "amount": amount}
        for (code, number), (day, amount) in orders.items()
    ]
    return buyers, sales


def load_sales(connection: Connection) -> None:
    CUSTOMERS.create_all(connection)
    buyers, sales = sales_rows()
    connection.execute(insert(BUYERS), buyers)
    connection.execute(insert(SALES), sales)


def test_scores_of_real_sales_equal_the_published_ones(connection: Connection) -> None:
    if not DATA.exists():
        missing(f"the open data sets are missing, so scores of real sales were not checked: {DATA}")
    expected = json.loads((DATA / "expected" / "online_retail.json").read_text("utf-8"))
    load_sales(connection)
    loaded = load_scores(DefinitionSource(file="rfm.scores.json", text=json.dumps(RFM)))
    assert loaded.definition is not None
    model = compile_scores(loaded.definition, Shop())
    settings = {"as_of": date.fromisoformat(expected["as_of"][:10])}
    parameters = model.parameter_values(settings, context())
    plan = score_all(model, TableSource(BUYER_MODEL), connection.dialect.name, parameters, context())
    run = plan.read(connection.execute(plan.select))
    with gzip.open(DATA / "expected" / "online_retail_rfm.csv.gz", "rt", encoding="utf-8") as file:
        rows = {uid(row["customer_id"]): row for row in csv.DictReader(file)}
    assert len(rows) == len(run.records)
    for record in run.records:
        assert record.measures is not None
        row = rows[record.id]
        found = {name: measured.score for name, measured in record.measures.items()}
        assert record.measures["r_ntile"].value == int(row["R"])
        assert record.measures["m_ntile"].value * 1000 == int(row["M"])
        assert {k: int(v) for k, v in found.items() if not k.endswith("mean")} == {
            k: int(row[k]) for k in row if k.endswith(("ntile", "rank"))
        }
        assert "".join(str(found[f"{letter}_mean"]) for letter in "rfm") == row["mean8"]
