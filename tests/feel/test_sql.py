"""SQL and Python give the same values for the same rows, on both databases."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, select

from engines import feel
from tests.feel import tables

CONTEXT = feel.EvaluationContext(
    now=tables.VARIABLES["now"],
    zone=ZoneInfo("Asia/Shanghai"),
    budget=feel.Budget(steps=10**9, size=10**12, seconds=60, wall_seconds=600),
)


@pytest.fixture(scope="module")
def rows(engine: Engine) -> Any:
    """A connection on filled tables, and the rows."""
    with engine.connect() as connection:
        yield connection, tables.fill(connection, random.Random(7), 60)
        connection.rollback()


def in_python(expression: feel.Expression, items: list[dict[str, Any]]) -> list[Any]:
    return [feel.to_python(expression.evaluate({**tables.VARIABLES, **item}, CONTEXT).value) for item in items]


def in_sql(expression: feel.Expression, connection: Connection) -> list[Any]:
    element = feel.to_sql(expression, tables.source(), connection.dialect.name, CONTEXT)
    query = select(element.label("value")).select_from(tables.ITEMS).order_by(tables.ITEMS.c.id)
    with connection.begin_nested():
        return [normal(value, expression.type) for (value,) in connection.execute(query)]


def normal(value: Any, kind: feel.FeelType) -> Any:
    """SQLite has no booleans of its own where an expression is typed loosely."""
    return bool(value) if kind == feel.BOOLEAN and value is not None else value


CASES = [
    "price > 5", "price = 10.5", "price != 10.5", "price = weight", "price != weight", "price > 10.499",
    "price <= limit", "not(price > 5)", "price > 5 and weight > 0", "price > 5 or weight > 0",
    "price = null", "price != null", "price between 0 and 11", "price in (0, 5, 10.5)", "size in (0, null, [5..10])",
    "price in [0..11)", "size in > 2",
    "price in [weight..size]", "price in (null..11]",
    "name = \"a\"", "name != \"a\"", "name < \"b\"", "name in (\"a\", \"中\")",
    "list contains(words, name)", "list contains(tags, \"a\")", "count(tags)",
    "not(open) = null", "not(open) != open", "12.345 < price", "12.345 >= price", "price = 12.345", "12.345 != price",
    "not(price > 12.345)", "open", "open = true", "not(open)",
    "if open then price else weight", "if price > 5 then \"big\" else if price > 0 then \"small\" else null",
    "floor(price)", "ceiling(weight, 1)", "round up(weight, 2)", "round down(weight, 1)", "round half up(price, 1)",
    "round half down(weight, 3)", "decimal(weight, 3)", "decimal(price / size, 2)", "round half up(price / weight, 3)",
    "floor(size / 3)", "ceiling(-size / 7, 2)", "decimal(price * size / 100, 2)", "decimal(1 / size, 6)",
    "decimal(mean(parts.size), 2)", "round half up(mean(parts.price), 4)", "decimal(sum(parts.size) / count(parts), 3)",
    "decimal(price / 0, 2)", "price + weight", "price - size * 2", "price * weight", "price * size * size", "-price",
    "abs(price)",
    "string length(name)", "name + code", "contains(name, code)", "starts with(name, \"a\")", "ends with(name, \"b\")",
    "string(size)", "string(name)", "code + string(-size)",
    "starts with(code, \"\")", "ends with(code, \"\")", "substring(code, 2)", "substring(code, -1)",
    "substring(code, 1, 1)",
    "due < today()", "due = start", "due + duration(\"P1M\")", "due - duration(\"P3D\")", "due + duration(\"PT36H\")",
    "start - due", "(start - due).days", "due.year", "due.month * 100 + due.day", "due.weekday", "day of year(due)",
    "week of year(due)", "date(seen)", "seen < now()", "seen > now() - duration(\"P1D\")", "now() - seen",
    "seen.hour", "seen.day", "date(seen) = today()", "at > @\"09:00:00\"",
    "group = null", "group = me", "group.id = me.id", "list contains(mine, group)", "group.name", "group.price > price",
    "group.name = name", "count(parts)", "count(parts[price > 5])", "sum(parts.price)", "sum(parts[price > 0].size)",
    "max(parts.due)", "min(parts.price)",
    "some p in parts satisfies p.price > price",
    "every p in parts satisfies p.size > 0", "every p in parts satisfies p.price > 0",
    "sum(for p in parts return p.size * p.weight)", "list contains(parts.code, \"a\")",
    "count(distinct values(parts.code))", "count(flatten(parts.twins))", "sum(flatten(parts[price > 5].twins).size)",
    "count(distinct values(flatten(parts[price > 5].twins).code))", "count(flatten(parts))",
    "count(distinct values(parts.name))", "count(parts[group = me])", "count(parts[group.name = \"a\"])",
    "some p in parts satisfies p.group.code = code", "count(parts[item.due < today()]) > 1",
    "price + 1 > weight * 2 and (name = \"a\" or not(open)) and count(parts) < 3",
]  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_sql_gives_what_python_gives(rows: Any, text: str) -> None:
    connection, items = rows
    expression = feel.compile(text, tables.SCOPE)
    found = in_sql(expression, connection)
    assert found == in_python(expression, items)


@pytest.mark.parametrize("text", [text for text in CASES if feel.compile(text, tables.SCOPE).type == feel.BOOLEAN])
def test_a_condition_takes_the_rows_for_which_it_is_true(rows: Any, text: str) -> None:
    connection, items = rows
    expression = feel.compile(text, tables.SCOPE)
    condition = feel.to_sql_condition(expression, tables.source(), connection.dialect.name, CONTEXT)
    query = select(tables.ITEMS.c.id).where(condition).order_by(tables.ITEMS.c.id)
    wanted = [item["id"] for item, value in zip(items, in_python(expression, items), strict=True) if value is True]
    assert list(connection.execute(query).scalars()) == wanted


# Who else may ask, and when.
OTHERS: list[dict[str, Any]] = [
    {},
    {"me": {"id": tables.OTHER, "name": "中"}, "mine": [tables.OTHER], "words": ["b", "abc"], "limit": Decimal(0)},
    {"mine": [UUID(int=key) for key in (1, 3, 4)], "words": ["a", "b", "", "zz", "中文"]},
    {"mine": [UUID(int=key) for key in (2, 4, 5, 6)], "words": ["A", "ab", "abc"], "now": tables.VARIABLES["now"]},
    {"me": None, "mine": [], "words": []},
    {"me": {"id": None, "name": None}, "mine": None, "words": ["a", None], "limit": None},
    {"now": datetime(2024, 2, 29, 3, tzinfo=UTC), "words": "a", "mine": [tables.ME, None]},
]
VARYING = [
    "group = me", "group != me", "list contains(mine, group)", "not(list contains(mine, group))", "group in mine",
    "list contains(words, name)", "name in words", "name = me.name", "name < me.name or me.name = null",
    "price > limit", "due < today()", "due >= today() - duration(\"P20D\")", "seen < now()", "date(seen) = today()",
    "due + duration(\"P1M\") > today()", "count(mine) > 2", "list contains(mine, group) and group = me",
    "some p in parts satisfies list contains(mine, p.group)", "count(parts[group = me]) > 0", "name = words[1]",
    "group.id = me.id and due < today()", "if me = null then price > 0 else list contains(mine, group)",
    "contains(name, me.name)", "starts with(name, me.name)", "name + words[1] = \"aa\"",
]  # fmt: skip


@pytest.mark.parametrize("text", VARYING)
def test_a_statement_with_parameters_serves_other_askers_or_says_that_it_does_not(rows: Any, text: str) -> None:
    connection, items = rows
    dialect = connection.dialect.name
    expression = feel.compile(text, tables.SCOPE)
    served = 0
    for first in OTHERS:
        noted = feel.parameters_for(dialect)
        asked = {**tables.VARIABLES, **first}
        try:
            condition = feel.to_sql_condition(expression, tables.source(asked), dialect, context_of(asked), noted)
        except feel.SqlUnsupportedError:
            continue
        query = select(tables.ITEMS.c.id).where(condition).order_by(tables.ITEMS.c.id)
        for second in OTHERS:
            asked = {**tables.VARIABLES, **second}
            given = noted.values(asked, context_of(asked))
            if given is None:
                assert first is not second
                continue
            served += first is not second
            found = list(connection.execute(query, given).scalars())
            truth = [feel.to_python(expression.evaluate({**asked, **item}, context_of(asked)).value) for item in items]
            assert found == [item["id"] for item, value in zip(items, truth, strict=True) if value is True]
    assert served


@pytest.mark.parametrize("text", ["contains(name, me.name)", "not(contains(me.name, name))", "abs(limit) > price"])
def test_a_value_that_is_null_makes_a_function_null_and_refuses_nothing(rows: Any, text: str) -> None:
    connection, _ = rows
    nobody = {**tables.VARIABLES, "me": None, "limit": None}
    source = tables.source(nobody)
    condition = feel.to_sql_condition(
        feel.compile(text, tables.SCOPE), source, connection.dialect.name, context_of(nobody)
    )
    assert list(connection.execute(select(tables.ITEMS.c.id).where(condition)).scalars()) == []


def context_of(variables: dict[str, Any]) -> feel.EvaluationContext:
    return feel.EvaluationContext(now=variables["now"], zone=CONTEXT.zone, budget=CONTEXT.budget)


def test_items_of_a_list_are_bound_in_few_widths() -> None:
    expression = feel.compile("list contains(mine, group)", tables.SCOPE)
    noted = feel.parameters_for("sqlite")
    feel.to_sql_condition(expression, tables.source({"mine": [tables.ME] * 5}), "sqlite", CONTEXT, noted)
    counts = {n: noted.values({"mine": [UUID(int=key) for key in range(n)]}, CONTEXT) for n in range(10)}
    assert [n for n, given in counts.items() if given is not None] == [5, 6, 7, 8]
    assert set(counts[6].values()) == {UUID(int=key) for key in range(6)}


REFUSED = [
    ("price / 3 > 1", "price / 3", "division"),
    ("upper case(name) = \"A\"", "upper case(name)", "upper case"),
    ("matches(name, \"a\")", "matches(name, \"a\")", "matches"),
    ("parts[1].price > 1", "parts[1]", "filter"),
    ("count(parts.twins) > 1", "count(parts.twins)", "a list"),
    ("mean(parts.price) > 1", "mean(parts.price)", "mean"),
    ("string(price) = \"1\"", "string(price)", "string"),
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("text", "found", "reason"), REFUSED)
def test_what_sql_cannot_say_exactly_is_refused_with_the_reason(
    dialect: str, text: str, found: str, reason: str
) -> None:
    expression = feel.compile(text, tables.SCOPE)
    with pytest.raises(feel.SqlUnsupportedError) as caught:
        feel.to_sql(expression, tables.source(), dialect, CONTEXT)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.found) == ("feel.sql_unsupported", found)
    assert reason in problem.params["reason"]
