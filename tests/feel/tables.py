"""A ``SqlSource`` over plain tables, with the same rows as plain Python: what the differential test compares."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, FromClause, MetaData, Table, insert

from engines import feel
from engines.feel import storage
from engines.feel.sql import SqlColumn, SqlJoin

META = MetaData()


def _columns(*more: Column[Any]) -> list[Column[Any]]:
    return [
        Column("id", storage.Identifier(), primary_key=True),
        Column("name", storage.CodePointText()),
        Column("code", storage.CodePointText(), nullable=False),
        Column("price", storage.ScaledDecimal(12, 2)),
        Column("weight", storage.ScaledDecimal(9, 4)),
        Column("size", storage.ScaledDecimal(6, 0), nullable=False),
        Column("open", storage.Flag()),
        Column("due", storage.CalendarDate()),
        Column("start", storage.CalendarDate()),
        Column("at", storage.TimeOfDay()),
        Column("seen", storage.Instant()),
        Column("tags", storage.Json()),
        *more,
    ]


GROUPS = Table("groups", META, *_columns())
ITEMS = Table("items", META, *_columns(Column("group_id", storage.Identifier())))
PARTS = Table(
    "parts", META, *_columns(Column("item_id", storage.Identifier()), Column("group_id", storage.Identifier()))
)

FIELDS: dict[str, feel.FeelType] = {
    "id": feel.IDENTIFIER,
    "name": feel.STRING,
    "code": feel.STRING,
    "price": feel.NUMBER,
    "weight": feel.NUMBER,
    "size": feel.NUMBER,
    "open": feel.BOOLEAN,
    "due": feel.DATE,
    "start": feel.DATE,
    "at": feel.TIME,
    "seen": feel.DATE_TIME,
    "tags": feel.ListType(feel.STRING),
}
GROUP = feel.ContextType(FIELDS, "group")
# All parts of the part's item: a list for each row of a list.
TWINS = feel.ListType(feel.ContextType(FIELDS, "twin"))
PART = feel.ContextType({**FIELDS, "group": GROUP, "twins": TWINS}, "part")
ME, OTHER = UUID(int=1), UUID(int=2)
VARIABLES: dict[str, Any] = {
    "me": {"id": ME, "name": "me"},
    "mine": [ME, OTHER],
    "limit": Decimal("10.5"),
    "words": ["a", "中", "zz"],
    "now": datetime(2026, 3, 15, 18, 30, tzinfo=UTC),
    "zone": "Asia/Shanghai",
}
SCOPE = feel.Scope(
    {
        **FIELDS,
        "group": GROUP,
        "parts": feel.ListType(PART),
        "me": feel.ContextType({"id": feel.IDENTIFIER, "name": feel.STRING}),
        "mine": feel.ListType(feel.IDENTIFIER),
        "limit": feel.NUMBER,
        "words": feel.ListType(feel.STRING),
    }
)


@dataclass(slots=True)
class TableSource:
    """The rows of one table."""

    table: FromClause
    references: Mapping[str, Table] = field(default_factory=dict)
    relations: Mapping[str, tuple[Table, Mapping[str, Table]]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=lambda: VARIABLES)

    def column(self, name: str) -> SqlColumn | None:
        key = f"{name}_id" if name in self.references else name
        if key not in self.table.c:
            return None
        element = self.table.c[key]
        kind = feel.IDENTIFIER if name in self.references else FIELDS[name]
        return SqlColumn(element=element, type=kind, nullable=name not in ("id", "code", "size"))

    def reference(self, name: str) -> SqlJoin | None:
        if name not in self.references:
            return None
        other = self.references[name].alias()
        return SqlJoin(
            source=TableSource(other, variables=self.variables),
            selectable=other,
            on=other.c.id == self.table.c[f"{name}_id"],
        )

    def relation(self, name: str) -> SqlJoin | None:
        if name == "twins" and "item_id" in self.table.c:
            other = PARTS.alias()
            return SqlJoin(
                source=TableSource(other, variables=self.variables),
                selectable=other,
                on=other.c.item_id == self.table.c.item_id,
            )
        if name not in self.relations:
            return None
        table, references = self.relations[name]
        other = table.alias()
        return SqlJoin(
            source=TableSource(other, references, variables=self.variables),
            selectable=other,
            on=other.c.item_id == self.table.c.id,
        )

    def variable(self, name: str) -> object:
        return self.variables.get(name, NotImplemented)


def source(variables: Mapping[str, Any] = VARIABLES) -> TableSource:
    """Items with their group and parts."""
    return TableSource(ITEMS, {"group": GROUPS}, {"parts": (PARTS, {"group": GROUPS})}, variables)


TEXTS = ["", "a", "A", "ab", "abc", "b", "中", "中文", "文", "😀", "z\uffee", "zz", "a%b", "A_b"]
DATES = [
    date(2026, 1, 31),
    date(2026, 3, 15),
    date(2026, 3, 16),
    date(2024, 2, 29),
    date(1999, 12, 31),
    date(2026, 12, 31),
]


SEEN = datetime(2026, 3, 15, 15, 59, 59, 999999, UTC)


def maybe(chance: random.Random, make: Callable[[], Any]) -> Any:
    return None if chance.random() < 0.2 else make()


def random_row(chance: random.Random, key: int) -> dict[str, Any]:
    """A row with nulls here and there, and values that collide."""
    return {
        "id": UUID(int=key),
        "name": maybe(chance, lambda: chance.choice(TEXTS)),
        "code": chance.choice(TEXTS),
        "price": maybe(chance, lambda: Decimal(chance.choice([-1250, 0, 1, 500, 1050, 99999, 100000000])).scaleb(-2)),
        "weight": maybe(chance, lambda: Decimal(chance.choice([-50000, 0, 1, 5, 12500, 105000])).scaleb(-4)),
        "size": Decimal(chance.choice([-3, 0, 1, 2, 5, 10, 999999])),
        "open": maybe(chance, lambda: chance.random() < 0.5),
        "due": maybe(chance, lambda: chance.choice(DATES)),
        "start": maybe(chance, lambda: chance.choice(DATES)),
        "at": maybe(chance, lambda: chance.choice([time(0), time(9, 30), time(23, 59, 59, 999999)])),
        "seen": maybe(
            chance,
            lambda: SEEN + timedelta(microseconds=chance.choice([0, 1, 10**10, -(10**14)])),
        ),
        "tags": maybe(chance, lambda: chance.sample(TEXTS[1:], chance.randrange(4))),
    }  # fmt: skip


def fill(connection: Connection, chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Makes and fills the tables; gives the items as FEEL sees them."""
    META.create_all(connection)
    groups = [random_row(chance, 1 + key) for key in range(5)]
    items = [random_row(chance, 100 + key) for key in range(count)]
    parts = [random_row(chance, 1000 + key) for key in range(count * 2)]
    group_of = {row["id"]: row for row in groups}
    for row in [*items, *parts]:
        row["group_id"] = maybe(chance, lambda: chance.choice(groups)["id"])
    for row in parts:
        row["item_id"] = chance.choice(items)["id"]
    for table, rows in ((GROUPS, groups), (ITEMS, items), (PARTS, parts)):
        connection.execute(insert(table), rows)
    for row in [*items, *parts]:
        row["group"] = group_of.get(row["group_id"])
    plain = [dict(part) for part in parts]
    for row in parts:
        row["twins"] = [part for part in plain if part["item_id"] == row["item_id"]]
    for row in items:
        row["parts"] = [part for part in parts if part["item_id"] == row["id"]]
    return items
