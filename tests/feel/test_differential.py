"""Random expressions have the same value in Python and in SQL, row by row, on both databases."""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from engines import feel
from tests.feel import tables
from tests.feel.generate import Generator
from tests.feel.test_sql import CONTEXT, in_python, normal

BATCH = 25
Compiled = tuple[feel.Expression, Any]


def translated(text: str, dialect: str, told: Counter[str]) -> Compiled | None:
    """The expression with its SQL; None where the SQL backend refuses it, with the reason counted."""
    expression = feel.compile(text, tables.SCOPE)
    try:
        return expression, feel.to_sql(expression, tables.source(), dialect, CONTEXT)
    except feel.SqlUnsupportedError as error:
        told[f"refused: {error.diagnostics[0].params['reason']}"] += 1
        return None


def answers(connection: Connection, batch: list[Compiled], told: Counter[str]) -> list[list[Any] | None]:
    """The values of each expression over all rows; None where the database refused to go on inexactly."""
    columns = [element.label(f"c{index}") for index, (_, element) in enumerate(batch)]
    try:
        with connection.begin_nested():
            found = connection.execute(select(*columns).select_from(tables.ITEMS).order_by(tables.ITEMS.c.id)).all()
    except DBAPIError as error:
        if len(batch) == 1:
            if "overflow" not in str(error.orig):
                raise
            told["overflow told by the database"] += 1
            return [None]
        middle = len(batch) // 2
        return [*answers(connection, batch[:middle], told), *answers(connection, batch[middle:], told)]
    return [[normal(row[place], batch[place][0].type) for row in found] for place in range(len(batch))]


def compare(connection: Connection, count: int, seed: int, items: list[dict[str, Any]]) -> Counter[str]:
    """Compares ``count`` expressions; gives what happened to them."""
    generator, told = Generator(seed), Counter[str]()
    dialect = connection.dialect.name
    texts = [generator.expression() for _ in range(count)]
    for start in range(0, count, BATCH):
        made = [translated(text, dialect, told) for text in texts[start : start + BATCH]]
        batch = [one for one in made if one is not None]
        for (expression, _), found in zip(batch, answers(connection, batch, told), strict=True):
            if found is not None:
                assert found == in_python(expression, items), f"seed {seed}: {expression.text}"
                told["same"] += 1
    return told


@pytest.fixture
def rows(engine: Engine) -> Any:
    """A connection on filled tables, and the rows."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Compiling hundreds of small queries to machine code takes ten times as long as running them.
            connection.exec_driver_sql("SET LOCAL jit = off")
        yield connection, tables.fill(connection, random.Random(11), 25)
        connection.rollback()


def seed_of_run() -> int:
    return int(os.environ.get("DOUGONG_SEED") or secrets.randbelow(10**9))


def test_a_thousand_random_expressions_agree(rows: Any) -> None:
    connection, items = rows
    seed = seed_of_run()
    told = compare(connection, 1_000, seed, items)
    print(f"seed {seed}: {dict(told)}")
    assert told["same"] > 850


@pytest.mark.soak
@pytest.mark.timeout(3_000)
def test_ten_thousand_random_expressions_agree(rows: Any) -> None:
    connection, items = rows
    for part in range(10):
        seed = seed_of_run() + part
        told = compare(connection, 1_000, seed, items)
        print(f"seed {seed}: {dict(told)}")
        assert told["same"] > 850
