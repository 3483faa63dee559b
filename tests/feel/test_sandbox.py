"""Hostile expressions end in little memory with an error that says which limit was met; how soon, is a benchmark."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from engines import feel
from engines.core import BudgetExceeded, DefinitionError


def doubling(first: str, step: str, count: int = 60, last: str = "") -> str:
    """A context each of whose entries is made from two of the one before."""
    entries = [f"a0: {first}", *(f"a{i + 1}: {step.format(f'a{i}')}" for i in range(count))]
    return f"{{{', '.join(entries)}, r: {last or f'a{count}'}}}.r"


def twins(first: str, step: str, last: str) -> str:
    """Two such chains, compared."""
    one = doubling(first, step, 40)
    both = one.removesuffix("}.r").rpartition(", r:")[0] + ", "
    return both + one[1:].replace("a", "b").rpartition(", r:")[0] + f", r: {last}}}.r"


LONG = "x" * 20_000
# Name, expression, and the limit that ends it; None where it has a value.
HOSTILE: list[tuple[str, str, str | None]] = [
    ("200,000 parentheses", "(" * 200_000 + "1" + ")" * 200_000, "feel.too_long"),
    ("30,000 parentheses", "(" * 30_000 + "1" + ")" * 30_000, "feel.too_deep"),
    ("3,000 terms", "+".join(["1"] * 3_000), "feel.too_many_parts"),
    ("1,000 terms", "+".join(["1"] * 1_000), None),
    ("1,000 conditions", " and ".join(["true"] * 1_000), None),
    ("300 else-ifs", "if true then 1 else " * 300 + "2", None),
    ("a path of 1,000", "a" + ".b" * 1_000, "feel.too_deep"),
    ("1,000 filters", "a" + "[1]" * 500, "feel.too_deep"),
    ("1,000 signs", "-" * 1_000 + "1", "feel.too_deep"),
    ("nested loops", "for x in [1] return " * 300 + "1", "feel.too_deep"),
    ("words alone", "for " * 10_000, "feel.too_many_parts"),
    ("open brackets", "f(a b c " * 8_000, "feel.too_deep"),
    ("a long range", "for x in 1..1000000000 return x", "range items"),
    ("a long search", "some x in 1..1000000000 satisfies x < 0", "range items"),
    ("a cube of loops", "count(for a in 1..1000, b in 1..1000, c in 1..1000 return a)", "seconds|steps"),
    ("doubled text", doubling('"xxxxxxxxxx"', "{0} + {0}"), "steps|characters"),
    ("doubled lists", doubling("[1]", "concatenate({0}, {0})"), "list items|steps|characters"),
    ("nested lists written", doubling("[1]", "[{0}, {0}]", last="string(a60)"), "steps|seconds|characters"),
    ("nested lists flattened", doubling("[1]", "[{0}, {0}]", last="flatten(a60)"), "steps|seconds"),
    ("nested lists compared", twins("[1]", "[{0}, {0}]", "a40 = b40"), "steps|seconds"),
    ("nested contexts compared", twins("{z: 1}", "{{x: {0}, y: {0}}}", "list contains([a40], b40)"), "steps|seconds"),
    ("a bad regular expression", f'matches("{LONG}", "(a+)+$")', None),
    ("a bad back-reference", f'matches("{LONG[:60]}", "^((x|xx)+)\\1?[^x]$")', "seconds"),
    ("a bad back-reference replaced", f'replace("{LONG[:60]}", "^((x|xx)+)\\1?[^x]$", "")', "seconds"),
    ("a regular expression of many groups", 'matches("a", "' + "(" * 400 + "a" + ")" * 400 + '")', None),
    ("rare characters", 'matches("a", "[\\\\P{Lu}-[\\\\p{IsGreek}\\\\W]]+", "i")', None),
    ("a long regular expression", f'matches("a", "{LONG}")', None),
    ("an exploding regular expression", 'matches("a", "((a{100}){100}){100}")', None),
    ("an exploding replacement", f'replace("{LONG}", "x", "{LONG}")', "characters|steps|seconds"),
    ("a function that calls itself", "{f: function(n) f(n + 1), r: f(1)}.r", "nested calls"),
    ("a function that applies itself", "(function(x) x(x))(function(x) x(x))", "nested calls"),
    ("a slow recursion", "{f: function(n) if n < 2 then 1 else f(n - 1) + f(n - 2), r: f(50)}.r", "steps|seconds"),
    ("a huge literal", "1e99999999", "feel.number_too_large"),
    ("a huge power", "9 ** 9 ** 9 ** 9", None),
    ("a huge number written", "for i in 1..50000 return string(1e6144)", "characters|steps|seconds"),
    ("a slow order", "sort(for i in 1..50000 return -i, function(a, b) a < b)", "steps|seconds"),
    ("many lists made", "for i in 1..2000 return partial", "characters|steps|seconds"),
]  # fmt: skip


def outcome(text: str) -> str | None:
    """The code or limit with which ``text`` ends; None for a value."""
    try:
        feel.compile(text, strict=False).evaluate({})
    except DefinitionError as error:
        return error.diagnostics[0].code
    except BudgetExceeded as error:
        return error.limit if error.expression == text else "an error without the expression"
    return None


@pytest.mark.parametrize(("text", "limit"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_expression_ends_with_its_limit(text: str, limit: str | None) -> None:
    found = outcome(text)
    assert found == limit if limit is None else found in limit.split("|")


@pytest.mark.parametrize("text", [case[1] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_expression_stays_small(text: str) -> None:
    tracemalloc.start()
    try:
        outcome(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64_000_000


def test_one_budget_serves_a_whole_command() -> None:
    context = feel.EvaluationContext(budget=feel.Budget(steps=2_000))
    loop = feel.compile("count(for i in 1..600 return i)")
    for _ in range(2):
        loop.evaluate({}, context)
    with pytest.raises(BudgetExceeded) as caught:
        loop.evaluate({}, context)
    assert (caught.value.limit, caught.value.expression) == ("steps", loop.text)


ESCAPES = [
    "().__class__", "x.__class__", '"".__class__.__mro__', "x.__dict__", "x.real", "x.append", "items.sort", "f.call",
    "f.__globals__", "d.isoformat", "d.__reduce__", "__import__", "rt", "v", "rt.budget", "type(1)", "open(\"a\")",
    "{__class__: 1}.__class__.__name__", "get value({}, \"__class__\")", "exec", "d.replace",
]  # fmt: skip


class Record:
    """An object whose attributes nobody may see."""

    secret = "s"


@pytest.mark.parametrize("text", ESCAPES)
def test_no_path_leads_to_python(text: str) -> None:
    import datetime

    variables: dict[str, Any] = {"x": 1, "items": [1], "f": len, "d": datetime.date(2026, 1, 1)}
    scope = feel.Scope(dict.fromkeys(variables, feel.ANY))
    try:
        value = feel.compile(text, scope, strict=False).evaluate(variables).value
    except DefinitionError:
        return
    assert value in (None, [None])


def test_a_value_that_feel_does_not_know_is_refused() -> None:
    scope = feel.Scope({"x": feel.ANY})
    for value in (1.5, Record(), b"bytes", 1j):
        with pytest.raises(TypeError):
            feel.compile("[x]", scope).evaluate({"x": value})
    assert feel.compile("x.secret", scope).evaluate({"x": {"secret": 1}}).value == 1


def test_text_of_an_expression_never_becomes_python() -> None:
    quotes = "\"a\\\"'''\\n\\\\ }{ %s {0}\""
    assert feel.compile(quotes).evaluate({}).value == "a\"'''\n\\ }{ %s {0}"
    odd = '{"a\'b\\"c": 1, "__class__": 2}'
    assert feel.compile(odd).evaluate({}).value == {"a'b\"c": 1, "__class__": 2}
