"""The browser's FEEL and the server's, held to one table of cases."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builder.ui import build
from engines import feel
from tests.feel.test_language import text_of
from tests.feel.test_standard import CONTEXT, TABLES, rows
from tests.missing import missing

ROOT = Path(__file__).parents[2]
TABLE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "cases" / "browser.json").read_text("utf-8"), parse_float=Decimal
)
VARIABLES: dict[str, Any] = TABLE["variables"]
CASES: list[dict[str, str]] = TABLE["cases"]
SCRIPT = """
import { evaluate } from "feelin";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { variables, cases } = JSON.parse(text);
const answers = cases
  .map((one) => { try { return evaluate(one.expression, variables); } catch (error) { return `! ${error.message}`; } })
  .map((one) => one?.value === undefined ? one : one.value);
console.log(JSON.stringify(answers.map((one) => one === undefined ? null : one)));
"""


def type_of(value: Any) -> feel.FeelType:
    match value:
        case bool():
            return feel.BOOLEAN
        case int() | Decimal():
            return feel.NUMBER
        case str():
            return feel.STRING
        case list():
            return feel.ListType(type_of(value[0]))
        case dict():
            return feel.ContextType({name: type_of(item) for name, item in value.items()})
    return feel.ANY


SCOPE = feel.Scope({name: type_of(value) for name, value in VARIABLES.items()})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["expression"])
def test_the_server_gives_the_value_of_the_table_and_says_who_may_evaluate(case: dict[str, str]) -> None:
    expression = feel.compile(case["expression"], SCOPE, strict=False)
    assert text_of(expression.evaluate(VARIABLES).value) == case["expected"]
    assert feel.runs_in_browser(expression) is (case["browser"] == "same")


def comparable(value: Any) -> Any:
    """Numbers to 15 digits, temporal values as their text: what the browser shows."""
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return float(f"{value:.15g}")
        case list():
            return [comparable(item) for item in value]
        case dict():
            return {key: comparable(item) for key, item in value.items()}
        case str():
            return value
    return text_of(value)


def in_browser(expressions: list[str]) -> list[Any]:
    """What the browser's FEEL makes of expressions over the variables."""
    modules = ROOT / "builder" / "ui" / "node_modules"
    if not (modules / "feelin").exists():
        missing("builder/ui/node_modules is missing (make setup), so the browser's FEEL was not checked")
    node, _ = build.tools()
    sent = json.dumps({"variables": VARIABLES, "cases": [{"expression": e} for e in expressions]}, default=float)
    run = [*node, "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(run, input=sent, cwd=modules.parent, capture_output=True, text=True, check=True, timeout=60)
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_the_browser_gives_the_same_where_the_table_says_so() -> None:
    alike = [case["expression"] for case in CASES if case["browser"] == "same"]
    mine = [feel.compile(text, SCOPE, strict=False).evaluate(VARIABLES).value for text in alike]
    found = dict(zip(alike, map(comparable, in_browser(alike)), strict=True))
    assert found == dict(zip(alike, map(comparable, mine), strict=True))


def test_the_browser_gives_the_same_for_all_of_the_standard_that_is_left_to_it() -> None:
    texts = [text for table in TABLES for text, expected in rows(table) if not expected.startswith("!")]
    alike = [text for text in texts if feel.runs_in_browser(feel.compile(text, SCOPE, strict=False))]
    assert len(alike) > 250
    mine = [feel.compile(text, SCOPE, strict=False).evaluate(VARIABLES, CONTEXT).value for text in alike]
    found = dict(zip(alike, map(comparable, in_browser(alike)), strict=True))
    assert found == dict(zip(alike, map(comparable, mine), strict=True))
