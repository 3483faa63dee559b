"""Each built-in function has its paragraph, and each example the value that it states."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engines import feel
from engines.feel.builtins import BUILTINS
from engines.feel.reference import examples, functions_markdown
from tests.feel.test_language import text_of

CONTEXT = feel.EvaluationContext(now=datetime(2026, 3, 15, 2, 30, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"))
CASES = [(expression, value) for pairs in examples().values() for expression, value in pairs]
PAGE = Path(__file__).parents[2] / "docs" / "feel-functions.md"


@pytest.mark.parametrize(("expression", "value"), CASES)
def test_an_example_has_the_value_that_it_states(expression: str, value: str) -> None:
    assert text_of(feel.compile(expression).evaluate({}, CONTEXT).value) == value


def test_every_function_has_examples() -> None:
    assert examples().keys() == BUILTINS.keys()
    assert all(overload.doc for function in BUILTINS.values() for overload in function.overloads)


def test_the_page_of_functions_is_made_from_the_code() -> None:
    assert PAGE.read_text("utf-8") == functions_markdown(), (
        "run: python -m engines.feel.reference > docs/feel-functions.md"
    )


TEXTS = (
    "1", "-2.5", '"a"', "true", '@"2026-01-01"', '@"2026-01-01T10:00:00Z"', '@"10:00:00"', '@"P1M"', '@"P1D"', "null",
    "[1]", '["a", null]', "[[1], {}]", "{a: 1}", "{}", "[1..3]", "(< 5)", "function(x) x", "[]",
)  # fmt: skip
VALUES = [feel.compile(text).evaluate({}).value for text in TEXTS]
NAMES = "abcd"


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_a_function_survives_any_argument(name: str) -> None:
    """Nulls and values of the wrong type give null or a value, never an error."""
    scope = feel.Scope(dict.fromkeys(NAMES, feel.ANY))
    budget = feel.Budget(steps=10**9, size=10**9, seconds=60, wall_seconds=600)
    context = feel.EvaluationContext(now=CONTEXT.now, zone=CONTEXT.zone, budget=budget)
    for count, choices in (
        (0, [()]),
        (1, product(VALUES)),
        (2, product(VALUES, VALUES)),
        (3, _triples()),
        (4, _quads()),
    ):
        call = feel.compile(f"{name}({', '.join(NAMES[:count])})", scope, strict=False)
        for arguments in choices:
            call.evaluate(dict(zip(NAMES, arguments, strict=False)), context)


def _triples() -> Iterable[tuple[Any, ...]]:
    return product(VALUES, VALUES, VALUES[::3])


def _quads() -> Iterable[tuple[Any, ...]]:
    return product(VALUES[::4], VALUES[::3], VALUES[::4], VALUES[::5])
