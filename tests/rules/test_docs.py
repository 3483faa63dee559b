"""The README and the reference pages: every example runs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from engines.core import DefinitionSource, check_schema
from engines.rules import compile_decision, load_decision
from engines.rules.definitions import decision_schema
from engines.rules.scores.load import load_scores, scores_schema

ROOT = Path(__file__).parents[2]


def test_readme_examples_run() -> None:
    text = (ROOT / "engines" / "rules" / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {"now": datetime(2026, 1, 1, tzinfo=UTC), "order": UUID(int=1)}
    seen: list[Any] = []
    for block in blocks:
        exec(block, {**names, "print": seen.append} if block is blocks[0] else names)  # noqa: S102
        names |= {"rules": __import__("engines.rules", fromlist=["rules"]), "DefinitionSource": DefinitionSource}
    (action,) = seen
    assert (type(action).__name__, action.tags) == ("Tag", ("big",))


def example(page: str) -> str:
    """The first JSON of a reference page."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_example_of_the_decision_page_decides_as_its_test_says() -> None:
    source = DefinitionSource(file="discount.decision.json", text=example("decision.md"))
    loaded = load_decision(source)
    assert loaded.ok, [d.render() for d in loaded.diagnostics]
    compiled = compile_decision(loaded.definition)
    assert [check.passed for check in compiled.check_examples()] == [True]


def test_example_of_the_scores_page_is_valid() -> None:
    loaded = load_scores(DefinitionSource(file="value.scores.json", text=example("scores.md")))
    assert loaded.ok, [d.render() for d in loaded.diagnostics]


@pytest.mark.parametrize(("page", "schema"), [("decision.md", decision_schema()), ("scores.md", scores_schema())])
def test_every_property_has_its_place_in_the_reference(page: str, schema: Any) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    common = {"name", "label", "description", "formerly", "namespace", "imports", "annotations", "version"}
    missing = [name for name in schema["properties"] if name not in common and name not in text]
    assert missing == []


def test_an_example_that_fails_is_told_with_both_values() -> None:
    data = json.loads(example("decision.md"))
    data["tests"][0]["expect"] = "7"
    loaded = load_decision(DefinitionSource(file="discount.decision.json", text=json.dumps(data)))
    (check,) = compile_decision(loaded.definition).check_examples()
    assert (check.passed, check.expected, check.found) == (False, 7, 200)
    assert check_schema(data, decision_schema(), DefinitionSource(file="", text=json.dumps(data))) == []
