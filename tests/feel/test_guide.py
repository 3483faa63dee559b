"""The guide to expressions: each example gives what stands after its arrow."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engines import feel
from tests.feel.test_language import text_of

PAGE = (Path(__file__).parents[2] / "docs" / "feel.md").read_text("utf-8")
EXAMPLES = [
    tuple(line.split(" → "))
    for block in re.findall(r"```feel\n(.*?)```", PAGE, re.DOTALL)
    for line in block.strip().splitlines()
]
LINE = feel.ContextType({"product": feel.STRING, "quantity": feel.NUMBER, "price": feel.NUMBER})
SCOPE = feel.Scope(
    {
        "amount": feel.NUMBER,
        "price": feel.NUMBER,
        "quantity": feel.NUMBER,
        "status": feel.STRING,
        "due": feel.DATE,
        "客户": feel.ContextType({"等级": feel.STRING}),
        "note": feel.STRING,
        "lines": feel.ListType(LINE),
    }
)


def record() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    values: dict[str, Any] = json.loads(found[1], parse_float=Decimal)
    return {**values, "due": date.fromisoformat(values["due"])}


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_an_example_gives_what_the_page_says(expression: str, expected: str) -> None:
    assert text_of(feel.compile(expression, SCOPE).evaluate(record()).value) == expected
