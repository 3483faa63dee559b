"""Expressions evaluated together have the values that they have alone."""

from __future__ import annotations

import random

import pytest

from engines import feel
from engines.core import BudgetExceeded
from tests.feel import tables
from tests.feel.generate import Generator
from tests.feel.test_sql import CONTEXT


def test_a_batch_gives_what_each_expression_gives_alone() -> None:
    generator, chance = Generator(7), random.Random(7)
    expressions = [feel.compile(generator.expression(), tables.SCOPE) for _ in range(300)]
    batch = feel.Batch(expressions)
    for key in range(10):
        row = tables.random_row(chance, key) | {"parts": [], "group": None}
        variables = {**tables.VARIABLES, **row}
        alone = [expression.evaluate(variables, CONTEXT).value for expression in expressions]
        assert batch.values(variables, CONTEXT) == alone


@pytest.mark.parametrize("value", [None, 5, "5", True, [5], {"a": 5}])
def test_values_of_the_wrong_type_are_taken_as_they_are_alone(value: object) -> None:
    scope = feel.Scope({"n": feel.NUMBER, "t": feel.STRING})
    texts = ["n > 4", "n = null", '(t) = "5"', "t = null", "n + 1", "(n) = 5 and t != null", "n", "t"]
    expressions = [feel.compile(text, scope) for text in texts]
    variables = {"n": value, "t": value}
    alone = [expression.evaluate(variables).value for expression in expressions]
    assert feel.Batch(expressions).values(variables) == alone


def test_what_nobody_needs_is_not_looked_up() -> None:
    class Lazy(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            assert key != "owner"
            return super().get(key, default)

    scope = feel.Scope({"n": feel.NUMBER, "owner": feel.ContextType({"name": feel.STRING})})
    batch = feel.Batch([feel.compile(f'n > {limit} and owner.name = "a"', scope) for limit in (5, 6)])
    assert batch.values(Lazy(n=1)) == [False, False]


def test_an_exceeded_budget_names_the_expression() -> None:
    texts = ["1 + 1", "count(for i in 1..50000, j in 1..50000 return i)", "2 + 2", "for i in [1] return {a: i}"]
    expressions = [feel.compile(text) for text in texts]
    with pytest.raises(BudgetExceeded) as caught:
        feel.Batch(expressions).values({})
    assert caught.value.expression == texts[1]


def test_an_empty_batch_has_no_values() -> None:
    assert feel.Batch([]).values({}) == []
