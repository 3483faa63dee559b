"""Decision tables as a whole: gaps, overlaps, conflicts, masked and unreachable rows, each with a counter-example."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import pytest

from engines.core import DefinitionSource, Severity
from engines.rules import compile_decision, load_decision, validate_decision
from engines.rules.decisions.analysis import Finding, findings_of
from engines.rules.decisions.graph import CompiledDecisions

# Kinds of columns: FEEL type, and the pieces that a column is cut into, as cells.
NUMBERS = [("< 10", "[10..20)", "[20..35]", "> 35"), ("<= 0", "> 0"), ("< -1.5", "[-1.5..1.5]", "(1.5..7]", "> 7")]
DATES = [('< date("2026-01-01")', '[date("2026-01-01")..date("2026-06-30")]', '> date("2026-06-30")')]
MOMENTS = [
    ('< @"2026-01-01T00:00:00Z"', '[@"2026-01-01T00:00:00Z"..@"2026-02-01T00:00:00Z"]', '> @"2026-02-01T00:00:00Z"')
]
TIMES = [('< @"09:00:00"', '[@"09:00:00"..@"17:30:00")', '>= @"17:30:00"')]
SPANS = [('< duration("P3D")', '[duration("P3D")..duration("P30D")]', '> duration("P30D")')]
TEXTS = [('"red"', '"green", "blue"', '"white"')]
FLAGS = [("true", "false")]


@dataclass
class Axis:
    """A column: its type, its pieces, the values it may have."""

    type: str
    pieces: tuple[str, ...]
    values: list[str] | None = None


def axes(random_: random.Random) -> list[Axis]:
    made = []
    for _ in range(random_.randint(1, 4)):
        kind = random_.choice(["number", "number", "date", "text", "boolean", "datetime", "time", "duration"])
        pool = {
            "number": NUMBERS,
            "date": DATES,
            "text": TEXTS,
            "boolean": FLAGS,
            "datetime": MOMENTS,
            "time": TIMES,
            "duration": SPANS,
        }[kind]
        values = ["red", "green", "blue", "white"] if kind == "text" else None
        made.append(Axis(kind, random_.choice(pool), values))
    return made


def partition(random_: random.Random, columns: list[Axis]) -> list[list[str]]:
    """Rows that cover every combination exactly once: a box is split by a column that it does not test yet."""
    boxes = [["-"] * len(columns)]
    for _ in range(random_.randint(1, 5)):
        box = random_.choice(boxes)
        free = [i for i, cell in enumerate(box) if cell == "-"]
        if free:
            column = random_.choice(free)
            boxes.remove(box)
            boxes += [[*box[:column], piece, *box[column + 1 :]] for piece in columns[column].pieces]
    random_.shuffle(boxes)
    return boxes


def decision(columns: list[Axis], rows: list[list[str]], policy: str = "UNIQUE", **more: Any) -> dict[str, Any]:
    names = [f"c{i}" for i in range(len(columns))]
    inputs = [
        {"expression": name, "type": axis.type} | ({"values": axis.values} if axis.values else {})
        for name, axis in zip(names, columns, strict=True)
    ]
    table = {
        "hit_policy": policy,
        "inputs": inputs,
        "outputs": [{"name": "o", "type": "number"} | more],
        "rules": [{"when": row, "then": [str(i)]} for i, row in enumerate(rows)],
    }
    given = [{"name": name, "type": axis.type} for name, axis in zip(names, columns, strict=True)]
    return {"name": "d", "inputs": given, "decisions": [{"name": "d", "table": table}]}


def compiled(data: dict[str, Any]) -> CompiledDecisions:
    loaded = load_decision(DefinitionSource(file="d.decision.json", text=json.dumps(data)))
    assert loaded.definition is not None, [d.render() for d in loaded.diagnostics]
    return compile_decision(loaded.definition)


def kinds(data: dict[str, Any]) -> set[Finding]:
    table = compiled(data).table("d")
    assert table is not None
    return {finding.kind for finding in findings_of(table)}


@pytest.mark.parametrize("seed", range(100))
def test_sound_tables_raise_no_alarm(seed: int) -> None:
    random_ = random.Random(seed)
    columns = axes(random_)
    rows = partition(random_, columns)
    for policy in ("UNIQUE", "FIRST", "ANY"):
        assert kinds(decision(columns, rows, policy)) == set()


def seeded(random_: random.Random, defect: Finding) -> dict[str, Any]:
    """A sound table with one defect put in."""
    while True:
        columns = axes(random_)
        rows = partition(random_, columns)
        if len(rows) > 2:
            break
    row = random_.choice(rows)
    tested = random_.choice([i for i, cell in enumerate(row) if cell != "-"])
    if defect is Finding.GAP:
        rows.remove(row)
        return decision(columns, rows)
    if defect in (Finding.OVERLAP, Finding.CONFLICT):
        row[tested] = "-"
        return decision(columns, rows, "UNIQUE" if defect is Finding.OVERLAP else "ANY")
    if defect is Finding.MASKED:
        narrower = list(row)
        free = [i for i, cell in enumerate(row) if cell == "-"]
        for i in free[:1]:
            narrower[i] = columns[i].pieces[0]
        return decision(columns, [*rows, narrower], "FIRST")
    impossible = list(row)
    impossible[tested] = {
        "number": "(5..5)",
        "date": '(date("2026-01-01")..date("2026-01-01"))',
        "datetime": '(@"2026-01-01T00:00:00Z"..@"2026-01-01T00:00:00Z")',
        "time": '(@"09:00:00"..@"09:00:00")',
        "duration": '(@"P1D"..@"P1D")',
        "text": '"purple"',
        "boolean": "not(true, false)",
    }[columns[tested].type]
    return decision(columns, [*rows, impossible])


@pytest.mark.parametrize("defect", [k for k in Finding if k is not Finding.TOO_LARGE])
def test_seeded_defects_are_found(defect: Finding) -> None:
    random_ = random.Random(str(defect))
    found = sum(defect in kinds(seeded(random_, defect)) for _ in range(40))
    assert found >= 38


def examples(data: dict[str, Any], kind: Finding) -> list[dict[str, Any]]:
    table = compiled(data).table("d")
    assert table is not None
    return [dict(finding.example) for finding in findings_of(table) if finding.kind is kind]


def test_counter_examples_are_true() -> None:
    """The engine itself gives no result for a gap, and several rows for an overlap."""
    for seed in range(40):
        random_ = random.Random(seed)
        for defect in (Finding.GAP, Finding.OVERLAP):
            data = seeded(random_, defect)
            model = compiled(data)
            for example in examples(data, defect):
                result = model.decide(example, trace=True)
                matched = len(result.trace[-1].matched)
                assert matched == 0 if defect is Finding.GAP else matched >= 2


NUMBER = Axis("number", ())


def test_limits_that_miss_a_point_are_a_gap() -> None:
    data = decision([NUMBER], [["< 5"], ["> 5"]])
    (example,) = examples(data, Finding.GAP)
    assert example == {"c0": 5}


def test_default_output_leaves_no_gap() -> None:
    assert kinds(decision([NUMBER], [["< 5"]], default="0")) == set()


def test_rows_that_only_a_run_can_decide_raise_no_alarm() -> None:
    data = decision([NUMBER, NUMBER], [["< c1", "-"], [">= c1", "-"], ["> 5", "-"]])
    assert kinds(data) == set()


def test_columns_over_the_same_expression_are_looked_at_together() -> None:
    data = decision([NUMBER, NUMBER], [["< 5", "-"], [">= 5", "< 9"], ["-", ">= 9"]])
    table = data["decisions"][0]["table"]
    table["inputs"][1]["expression"] = "c0"
    assert kinds(data) == set()


def test_outputs_of_another_table_are_all_that_can_come() -> None:
    first = {
        "name": "size",
        "table": {
            "inputs": [{"expression": "w", "type": "number"}],
            "outputs": [{"name": "size", "type": "text"}],
            "rules": [{"when": ["< 5"], "then": ['"small"']}, {"when": [">= 5"], "then": ['"large"']}],
        },
    }
    second = {
        "name": "d",
        "requires": ["size"],
        "table": {
            "inputs": [{"expression": "size", "type": "text"}],
            "outputs": [{"name": "o"}],
            "rules": [{"when": ['"small"'], "then": ["1"]}, {"when": ['"large"'], "then": ["2"]}],
        },
    }
    data = {"name": "d", "inputs": [{"name": "w", "type": "number"}], "decisions": [first, second]}
    loaded = load_decision(DefinitionSource(file="d.decision.json", text=json.dumps(data)))
    assert loaded.definition is not None
    assert validate_decision(loaded.definition, None) == []  # type: ignore[arg-type]
    second["table"]["rules"].pop()  # type: ignore[index]
    loaded = load_decision(DefinitionSource(file="d.decision.json", text=json.dumps(data)))
    assert loaded.definition is not None
    (gap,) = validate_decision(loaded.definition, None)  # type: ignore[arg-type]
    assert (gap.code, gap.severity, gap.found) == ("rules.table_gap", Severity.WARNING, "size = large")


def findings(data: dict[str, Any]) -> list[tuple[str, str]]:
    loaded = load_decision(DefinitionSource(file="d.decision.json", text=json.dumps(data)))
    assert loaded.definition is not None
    return [(problem.code, problem.found) for problem in validate_decision(loaded.definition, None)]  # type: ignore[arg-type]


def test_values_that_a_type_allows_are_all_that_can_come() -> None:
    data = decision([Axis("colour", ())], [['"red"'], ['"green"']])
    data["types"] = [{"name": "colour", "type": "text", "allowed": '"red", "green", "blue"'}]
    assert findings(data) == [("rules.table_gap", "c0 = blue")]
    data["types"][0]["allowed"] = '"red", "green"'
    assert findings(data) == []


def test_the_limits_of_what_is_allowed_are_looked_at() -> None:
    data = decision([NUMBER], [["[0..50)"], ["[50..99.5]"]])
    data["decisions"][0]["table"]["inputs"][0]["allowed"] = "[0..100]"
    assert findings(data) == [("rules.table_gap", "c0 = 99.75")]
    data["decisions"][0]["table"]["rules"][1]["when"] = ["[50..100]"]
    assert findings(data) == []


def test_one_of_several_outputs_of_another_table_bounds_a_column() -> None:
    size = {"name": "size", "type": "text"}
    first = {
        "name": "box",
        "table": {
            "inputs": [{"expression": "w", "type": "number"}],
            "outputs": [size, {"name": "price", "type": "number"}],
            "rules": [{"when": ["< 5"], "then": ['"small"', "1"]}, {"when": [">= 5"], "then": ['"large"', "2"]}],
        },
    }
    second = {
        "name": "d",
        "requires": ["box"],
        "table": {
            "inputs": [{"expression": "box.size", "type": "text"}, {"expression": "box.price", "type": "number"}],
            "outputs": [{"name": "o"}],
            "rules": [{"when": ['"small"', "1, 2"], "then": ["1"]}, {"when": ['"large"', "2"], "then": ["2"]}],
        },
    }
    data = {"name": "d", "inputs": [{"name": "w", "type": "number"}], "decisions": [first, second]}
    assert findings(data) == [("rules.table_gap", "box.size = large, box.price = 1")]
    second["table"]["rules"][1]["when"] = ['"large"', "-"]  # type: ignore[index]
    assert findings(data) == []


def test_finding_stands_at_its_row() -> None:
    text = json.dumps(decision([NUMBER], [["< 5"], [">= 5"], ["> 9"]]), indent=1)
    loaded = load_decision(DefinitionSource(file="d.decision.json", text=text))
    assert loaded.definition is not None
    (overlap,) = validate_decision(loaded.definition, None)  # type: ignore[arg-type]
    assert (overlap.code, overlap.severity) == ("rules.table_overlap", Severity.ERROR)
    assert overlap.pointer == "/decisions/0/table/rules/1"
    assert (overlap.params["rows"], overlap.params["example"]) == ("2, 3", "c0 = 10")
    assert overlap.params["values"] == {"c0": 10}
    assert overlap.line > 1
