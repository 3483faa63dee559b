"""Forms: validation against ``jsonschema``, records against the SQL that one would write by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import jsonschema
from sqlalchemy import Connection, text

from engines import form
from engines.core import new_id
from engines.form.storage.bulk import insert_rows
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.sort_keys import sort_key
from tests.benchmarks.harness import Measurement, duration, rate
from tests.databases import sqlite_engine
from tests.form.shop import ANNA, MANAGER, NOW, Shop, compiled, context

ROWS = 100_000
ALL = ["see", "create", "edit", "delete", "import"]
PLAIN: dict[str, Any] = {
    "name": "thing",
    "title": "name",
    "fields": [
        {"name": "name", "type": "text", "required": True, "max_length": 80, "search": True},
        {"name": "mail", "type": "text", "pattern": "[^@]+@[^@]+"},
        {"name": "kind", "type": "choice", "options": [{"name": "a"}, {"name": "b"}, {"name": "c"}]},
        {"name": "amount", "type": "money", "min": 0, "max": 1_000_000},
        {"name": "day", "type": "date"},
        {"name": "done", "type": "boolean"},
        {
            "name": "lines",
            "type": "subtable",
            "fields": [
                {"name": "what", "type": "text", "required": True, "max_length": 40},
                {"name": "quantity", "type": "number", "scale": 0, "min": 1},
            ],
        },
    ],
    "views": [{"name": "b", "columns": ["name", "amount"], "filter": 'kind = "b"', "sort": [{"field": "amount"}]}],
    "permissions": [{"role": "manager", "operations": ALL}],
}
VALUES = {
    "name": "A thing",
    "mail": "a@b.cn",
    "kind": "b",
    "amount": 12.5,
    "day": "2026-03-31",
    "done": True,
    "lines": [{"what": f"line {n}", "quantity": n + 1} for n in range(5)],
}


def validation() -> Measurement:
    """The whole pipeline on one record against ``jsonschema`` with the schema compiled from the same form."""
    item = compiled(PLAIN)["shop.thing"]
    # Dates are checked by both.
    validator = jsonschema.Draft202012Validator(item.json_schema, format_checker=jsonschema.FormatChecker())
    given = form.FormInput(values=VALUES, context=context())
    assert form.run(item, given).ok
    assert validator.is_valid(VALUES)
    return rate(
        "form.validate/jsonschema", lambda: form.run(item, given), lambda: validator.is_valid(VALUES), number=50
    )


@contextmanager
def filled() -> Iterator[tuple[Shop, Connection]]:
    """A hundred thousand things in SQLite."""
    with sqlite_engine() as engine, engine.begin() as connection:
        shop = Shop(connection, PLAIN)
        rows = shop.forms["shop.thing"].rows
        names = ["name", "mail", "kind", "amount", "day", "done"]
        columns = [*SYSTEM_COLUMNS, *(rows.columns[name].name for name in names), rows.sort_keys["name"].name]
        system = [1, NOW, ANNA, NOW, ANNA, ANNA, None, None, NOW, None]
        items = []
        for n in range(ROWS):
            name = f"Thing {n * 7919 % ROWS}"
            values = [name, "a@b.cn", "abc"[n % 3], n % 1000, date(2026, 1, 1 + n % 28), n % 2 == 0]
            items.append([new_id(), *system, *values, sort_key(name)])
        insert_rows(connection, rows.table, columns, items)
        connection.execute(text("ANALYZE"))
        yield shop, connection


def page(shop: Shop, connection: Connection) -> Measurement:
    """A filtered and sorted page of twenty among a hundred thousand."""
    query = form.ListQuery(view="b")
    table = shop.forms["shop.thing"].table.name
    hand = text(
        f"SELECT id, version, f_name, f_amount FROM {table} WHERE deleted_at IS NULL AND f_kind = 'b' "
        "ORDER BY f_amount, id LIMIT 21"
    )
    ours = lambda: shop.records(MANAGER).page("shop.thing", query)  # noqa: E731
    return duration("records.page/hand", ours, lambda: connection.execute(hand).all(), number=20)


def get(shop: Shop, connection: Connection) -> Measurement:
    """One record by its id, under rights, with its rows."""
    key: UUID = shop.records(MANAGER).page("shop.thing", form.ListQuery()).records[0].id
    table = shop.forms["shop.thing"].table.name
    hand = text(f"SELECT * FROM {table} WHERE id = :id")
    ours = lambda: shop.records(MANAGER).get("shop.thing", key)  # noqa: E731
    return duration("records.get/hand", ours, lambda: connection.execute(hand, {"id": key.bytes}).one(), number=50)


def create(shop: Shop, connection: Connection) -> Measurement:
    """Rights, checks, formulas, search index and event of one record against a bare INSERT of the same columns."""
    numbers = count()
    table = shop.forms["shop.thing"].table
    values = {name: value for name, value in VALUES.items() if name != "lines"}
    columns = {f"f_{name}": value for name, value in {**values, "amount": 12, "day": date(2026, 3, 31)}.items()}
    stamp = {"version": 1, "created_at": NOW, "updated_at": NOW, "valid_from": NOW}

    def ours() -> None:
        shop.records(MANAGER).create("shop.thing", {**values, "name": f"New {next(numbers)}"})

    def bare() -> None:
        connection.execute(table.insert(), {"id": new_id(), **stamp, **columns})

    return duration("records.insert/hand", ours, bare, number=50)


def measure() -> Iterator[Measurement]:
    """Everything of this part."""
    yield validation()
    with filled() as (shop, connection):
        yield page(shop, connection)
        yield get(shop, connection)
        yield create(shop, connection)
