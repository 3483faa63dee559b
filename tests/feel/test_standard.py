"""DMN 1.5 by tables: ``expression ==> value``, each a line of ``cases/standard``; ``!code`` is an error of the text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engines import feel
from engines.core import DefinitionError
from tests.feel.test_language import text_of

CONTEXT = feel.EvaluationContext(now=datetime(2026, 6, 30, 17, tzinfo=UTC), zone=ZoneInfo("UTC"))
TABLES = sorted((Path(__file__).parent / "cases" / "standard").glob("*.txt"))


def rows(table: Path) -> list[tuple[str, str]]:
    """The expressions of a table with what they should come to."""
    lines = table.read_text("utf-8").splitlines()
    return [(left, right) for left, _, right in (line.partition(" ==> ") for line in lines)]


def value_of(text: str) -> str:
    try:
        return text_of(feel.compile(text, strict=False).evaluate({}, CONTEXT).value)
    except DefinitionError as error:
        return f"!{error.diagnostics[0].code}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_expressions_have_the_values_that_the_standard_gives_them(table: Path) -> None:
    cases = rows(table)
    assert len(cases) > 20
    wrong = [(text, value_of(text), expected) for text, expected in cases if value_of(text) != expected]
    assert wrong == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_printing_gives_the_text_again_up_to_spacing(table: Path) -> None:
    for text, expected in rows(table):
        if not expected.startswith("!") and "/*" not in text and "//" not in text:
            printed = str(feel.compile(text, strict=False))
            assert "".join(printed.split()) == "".join(text.split())
            assert value_of(printed) == expected
