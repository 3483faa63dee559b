"""The small app's records in real tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, insert

from engines import feel
from engines.feel import storage
from tests.rules.apps import uid
from tests.rules.tables import Model, TableSource

META = MetaData()
SHELVES = Table(
    "shelves",
    META,
    Column("id", storage.Identifier(), primary_key=True),
    Column("name", storage.CodePointText()),
    Column("level", storage.CodePointText()),
    Column("load", storage.ScaledDecimal(12, 2)),
    Column("created_at", storage.Instant()),
)
BOXES = Table(
    "boxes",
    META,
    Column("id", storage.Identifier(), primary_key=True),
    Column("name", storage.CodePointText()),
    Column("kind", storage.CodePointText()),
    Column("state", storage.CodePointText()),
    Column("weight", storage.ScaledDecimal(12, 2)),
    Column("due", storage.CalendarDate()),
    Column("shelf_id", storage.Identifier()),
    Column("created_at", storage.Instant()),
)
MOVES = Table(
    "moves",
    META,
    Column("id", storage.Identifier(), primary_key=True),
    Column("box_id", storage.Identifier()),
    Column("day", storage.CalendarDate()),
    Column("kind", storage.CodePointText()),
    Column("amount", storage.ScaledDecimal(12, 2)),
    Column("created_at", storage.Instant()),
)
_BASE: Mapping[str, feel.FeelType] = {"id": feel.IDENTIFIER, "name": feel.STRING, "created_at": feel.DATE_TIME}
SHELF_MODEL = Model(table=SHELVES, types={**_BASE, "level": feel.STRING, "load": feel.NUMBER})
BOX_MODEL = Model(
    table=BOXES,
    types={**_BASE, "kind": feel.STRING, "state": feel.STRING, "weight": feel.NUMBER, "due": feel.DATE},
    references={"shelf": (SHELF_MODEL, "shelf_id")},
)
MOVE_MODEL = Model(
    table=MOVES,
    types={
        "id": feel.IDENTIFIER,
        "day": feel.DATE,
        "kind": feel.STRING,
        "amount": feel.NUMBER,
        "created_at": feel.DATE_TIME,
    },
)
BOX_MODEL.relations["moves"] = (MOVE_MODEL, "box_id")
SHELF_MODEL.relations["boxes"] = (BOX_MODEL, "shelf_id")
EARLY = datetime(2020, 1, 1, tzinfo=UTC)


def boxes() -> TableSource:
    """All boxes."""
    return TableSource(BOX_MODEL)


def box(name: str, **values: Any) -> dict[str, Any]:
    """A row of boxes, created long ago unless said otherwise."""
    empty = dict.fromkeys(("kind", "state", "weight", "due", "shelf_id"))
    return {**empty, "id": uid(name), "name": name, "created_at": EARLY, **values}


def move(name: str, of: str, day: date, kind: str = "out", amount: int = 1) -> dict[str, Any]:
    """A row of moves."""
    return {
        "id": uid(name),
        "box_id": uid(of),
        "day": day,
        "kind": kind,
        "amount": Decimal(amount),
        "created_at": EARLY,
    }


def fill(connection: Connection, rows: Sequence[Mapping[str, Any]], moves: Sequence[Mapping[str, Any]] = ()) -> None:
    """Makes the tables with these boxes and moves."""
    META.create_all(connection)
    if rows:
        connection.execute(insert(BOXES), list(rows))
    if moves:
        connection.execute(insert(MOVES), list(moves))
