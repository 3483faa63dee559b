"""Why a decision came out as it did, and what would have to change for another row or value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engines import rules
from engines.core import DefinitionSource
from engines.rules import explain_decision

TIER = {
    "name": "tier",
    "inputs": [{"name": "volume", "type": "number"}, {"name": "benchmark", "type": "boolean"}],
    "decisions": [
        {
            "name": "tier",
            "table": {
                "hit_policy": "FIRST",
                "inputs": [{"expression": "volume", "type": "number"}, {"expression": "benchmark", "type": "boolean"}],
                "outputs": [{"name": "tier", "type": "text"}],
                "rules": [
                    {"name": "s", "when": [">= 5000000", "-"], "then": ['"S"']},
                    {"name": "b", "when": ["[1000000..5000000)", "true"], "then": ['"S"']},
                    {"name": "a", "when": ["[1000000..5000000)", "-"], "then": ['"A"']},
                    {"name": "rest", "when": ["-", "-"], "then": ['"B"']},
                ],
            },
        }
    ],
}
# A table over another table and over a computed column.
PRICE = {
    "name": "price",
    "inputs": [
        {"name": "amount", "type": "number"},
        {"name": "pieces", "type": "number"},
        {"name": "level", "type": "text"},
    ],
    "decisions": [
        {
            "name": "loyal",
            "table": {
                "hit_policy": "UNIQUE",
                "inputs": [{"expression": "level", "type": "text"}],
                "outputs": [{"name": "loyal", "type": "boolean"}],
                "rules": [
                    {"name": "gold", "when": ['"gold"'], "then": ["true"]},
                    {"name": "other", "when": ['not("gold")'], "then": ["false"]},
                ],
            },
        },
        {
            "name": "price",
            "requires": ["loyal"],
            "table": {
                "hit_policy": "UNIQUE",
                "inputs": [{"expression": "amount / pieces", "type": "number"}, {"expression": "loyal"}],
                "outputs": [{"name": "price", "type": "text"}],
                "rules": [
                    {"name": "cheap", "when": ["< 10", "-"], "then": ['"cheap"']},
                    {"name": "fair", "when": [">= 10", "true"], "then": ['"fair"']},
                    {"name": "dear", "when": [">= 10", "false"], "then": ['"dear"']},
                ],
            },
        },
    ],
}
GRADE = {
    "name": "grade",
    "inputs": [{"name": "score", "type": "number"}],
    "decisions": [{"name": "grade", "expression": 'if score >= 80 then "A" else "B"'}],
}


def compiled(data: dict[str, Any]) -> Any:
    source = DefinitionSource(file=f"{data['name']}.decision.json", text=json.dumps(data))
    return rules.compile_decision(rules.load_decision(source).definition)


def needed(changes: Any) -> dict[str, Any]:
    return {change.path: change.needed for change in changes}


@pytest.mark.parametrize(
    ("volume", "benchmark", "value", "rows", "another"),
    [
        # Fewest inputs first, then the nearest value; a row hidden by an earlier one needs that to let it go.
        (4_000_000, False, "A", {"s": {"volume": 5_000_000}, "b": {"benchmark": True}, "rest": {"volume": 999_999}},
         ({"volume": 5_000_000}, "S")),
        (500_000, True, "B", {"s": {"volume": 5_000_000}, "b": {"volume": 1_000_000},
                              "a": {"volume": 1_000_000, "benchmark": False}}, ({"volume": 1_000_000}, "S")),
        (6_000_000, False, "S", {"b": {"volume": 4_999_999, "benchmark": True}, "a": {"volume": 4_999_999},
                                 "rest": {"volume": 999_999}}, ({"volume": 4_999_999}, "A")),
    ],
)  # fmt: skip
def test_each_row_that_did_not_match_names_the_smallest_change(
    volume: int, benchmark: bool, value: str, rows: dict[str, Any], another: tuple[Any, str]
) -> None:
    found = explain_decision(compiled(TIER), {"volume": Decimal(volume), "benchmark": benchmark})
    assert found.result.value == value
    (table,) = found.tables
    assert {row.name: needed(row.changes) for row in table.rows if not row.matched} == rows
    assert (needed(found.changes), found.instead) == another


def test_cells_say_what_they_ask_and_what_they_saw() -> None:
    found = explain_decision(compiled(TIER), {"volume": Decimal(4_000_000), "benchmark": False})
    row = found.tables[0].rows[1]
    assert [(cell.column, cell.text, cell.value, cell.holds) for cell in row.cells] == [
        ("volume", "[1000000..5000000)", 4_000_000, True),
        ("benchmark", "true", False, False),
    ]
    assert [row.matched for row in found.tables[0].rows] == [False, False, True, False]


def test_changes_are_of_inputs_also_through_computed_columns_and_other_tables() -> None:
    given = {"amount": Decimal(50), "pieces": Decimal(4), "level": "silver"}
    found = explain_decision(compiled(PRICE), given)
    assert found.result.value == "dear"
    rows = {row.name: needed(row.changes) for table in found.tables for row in table.rows}
    assert rows["fair"] == {"level": "gold"}
    assert rows["gold"] == {"level": "gold"}
    assert rows["cheap"] in ({"amount": 39}, {"pieces": 6})
    assert found.instead in ("cheap", "fair")


def test_a_decision_that_is_an_expression_names_what_would_give_another_value() -> None:
    found = explain_decision(compiled(GRADE), {"score": Decimal(72)})
    assert (found.result.value, needed(found.changes), found.instead) == ("B", {"score": 80}, "A")


def test_every_change_given_does_what_it_says() -> None:
    """For many inputs: the row named is the one that then gives the result."""
    decision = compiled(TIER)
    for volume in range(0, 7_000_000, 333_333):
        for benchmark in (True, False):
            given = {"volume": Decimal(volume), "benchmark": benchmark}
            for row in explain_decision(decision, given).tables[0].rows:
                assert row.matched or row.changes
                after = {**given, **needed(row.changes)}
                assert decision.decide(after, trace=True).matched == (row.name,)


def test_missing_inputs_are_null_and_may_be_what_has_to_change() -> None:
    found = explain_decision(compiled(TIER), {})
    assert found.result.value == "B"
    assert needed(found.tables[0].rows[0].changes) == {"volume": 5_000_000}


def test_looking_for_a_change_costs_no_more_than_its_budget() -> None:
    import time

    rows = [{"name": f"r{i}", "when": [f"[{i}..{i + 1})", f"[{i}..{i + 1})"], "then": [str(i)]} for i in range(200)]
    table = {
        "hit_policy": "FIRST",
        "inputs": [{"expression": "a + b"}, {"expression": "a * b"}],
        "outputs": [{"name": "x"}],
        "rules": rows,
    }
    data = {
        "name": "x",
        "inputs": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}],
        "decisions": [{"name": "x", "table": table}],
    }
    decision, begun = compiled(data), time.process_time()
    explain_decision(decision, {"a": Decimal(1), "b": Decimal(5000)})
    assert time.process_time() - begun < 10
