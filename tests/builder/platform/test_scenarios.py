"""Scenarios of apps: played through the real product, and told with step and line where they fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builder.definitions import load_folder, source_of
from builder.scenarios import Outcome, run_scenarios
from engines.core import DefinitionError
from tests.builder.platform.apps import LIBRARY, library


def play(*steps: dict[str, Any]) -> Outcome:
    scenario = {"name": "t", "people": [{"name": "lin", "roles": ["librarian"]}], "steps": list(steps)}
    texts = {**library().texts(), "tests/t.test.json": json.dumps(scenario, indent=1)}
    (outcome,) = run_scenarios(source_of(texts))
    return outcome


def test_the_librarys_scenario_holds() -> None:
    texts = library().texts()
    texts["tests/late_book.test.json"] = load_folder(LIBRARY).files["test:late_book"].source.text
    assert list(run_scenarios(source_of(texts))) == [Outcome(name="late_book")]


BOOK = {"as": "lin", "create": "book", "values": {"title": "a", "copies": 2, "price": 3}, "keep": "a"}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"expect": "a", "values": {"value": 7}}, "expected 7, found 6.00"),
        ({"expect": "book", "count": 2}, "expected 2 records of book, found 1"),
        ({"expect": "b", "values": {}}, 'kept a record as "b"'),
        ({"as": "lin", "update": "a", "values": {"title": "b"}, "refused": "x"}, "expected to be refused"),
        ({"as": "lin", "update": "a", "values": {"title": None}}, "form.required"),
        ({"as": "ben", "delete": "a"}, 'nobody is called "ben"'),
        ({"as": "lin", "complete": "review"}, "not in the inbox"),
        ({"advance": "soon"}, "no duration"),
    ],
)
def test_a_step_that_does_not_hold_is_told(step: dict[str, Any], told: str) -> None:
    outcome = play(BOOK, step)
    assert (outcome.passed, outcome.step) == (False, 2)
    assert told in outcome.failure
    assert outcome.line > 10


def test_a_scenario_with_unclear_steps_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"scenario\.unclear_step"):
        play({"as": "lin"}, {"create": "book", "delete": "a"})
