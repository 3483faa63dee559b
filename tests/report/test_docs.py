"""The examples of the reference pages are sound definitions that run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engines import report
from engines.core import DefinitionSource
from engines.report import CompiledDashboard
from tests.report.shop import context, fill, models

DOCS = Path(__file__).parents[2] / "docs"


def example(kind: str) -> DefinitionSource:
    found = re.search(r"```json\n(.*?)```", (DOCS / f"{kind}.md").read_text("utf-8"), re.DOTALL)
    assert found
    return DefinitionSource(file=f"example.{kind}.json", text=found[1])


def test_the_examples_run(database: Engine) -> None:
    dataset = report.load(example("dataset"))
    board = report.load(example("dashboard"))
    assert (dataset.diagnostics, board.diagnostics) == ((), ())
    assert dataset.definition is not None
    assert board.definition is not None
    known = report.PlainDefinitions(forms=models(), loaded={("dataset", "sales"): dataset.definition})
    assert report.validate(dataset.definition, known) == []
    assert report.validate(board.definition, known) == []
    compiled = report.compile(board.definition, known)
    assert isinstance(compiled, CompiledDashboard)
    with database.begin() as connection:
        fill(connection)
        parameters = report.parameters_of(compiled, {}, context())
        for tile in compiled.tiles.values():
            result = report.run(tile, connection, models()["sale"].rows(), context(**parameters))
            assert result.rows
            assert report.chart_options(tile, result, "zh")


WORDS = {
    "dataset": [("measure", "aggregate"), ("dimension", "grain")],
    "dashboard": [("tile", "type"), ("tile", "compare"), ("calculation", "type")],
}


@pytest.mark.parametrize("kind", ["dataset", "dashboard"])
def test_every_choice_of_the_schema_has_its_word_in_the_page(kind: str) -> None:
    text = (DOCS / f"{kind}.md").read_text("utf-8")
    parts = report.KINDS[kind].schema["$defs"]
    for part, name in WORDS[kind]:
        choices = parts[part]["properties"][name]
        choices = parts[choices["$ref"].rpartition("/")[2]] if "$ref" in choices else choices
        assert [word for word in choices["enum"] if word not in text] == []
