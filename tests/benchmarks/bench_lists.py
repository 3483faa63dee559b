"""A page of a list in the engine against the query that one would write by hand, on both databases.

Twenty orders of a view with a filter and an order, under a right with a row condition, with the titles of what they
point to: ours is the whole of ``records.page``, the reference one statement with the same conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from builder.identity import Identity
from engines.form import ListQuery
from tests.benchmarks.harness import Measurement, duration
from tests.benchmarks.trading import Trade, fill, trade
from tests.builder.workspaces import database_url
from tests.databases import DATABASES

FIRST = 100_000
TIMES = 10
OPEN = ListQuery(view="open", limit=20)


@contextmanager
def orders(kind: str) -> Iterator[Trade]:
    """A workspace with a hundred thousand orders."""
    with TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url, trade(url) as found:
        fill(found, FIRST)
        yield found


def multiply(found: Trade) -> None:
    """Makes ten orders of each, in the database."""
    table = found.form("trade.order").table
    own = "id", "f_number", "s_number"
    rest = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in own)
    dialect = found.workspace.database.dialect
    key = "randomblob(16)" if dialect == "sqlite" else "gen_random_uuid()"
    for n in range(1, TIMES):
        with found.workspace.database.write() as connection:
            numbers = f"f_number || '-{n}', s_number || '-{n}'"
            rows = f"SELECT {key}, {numbers}, {rest} FROM {table.name} WHERE f_number NOT LIKE '%-%'"
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} (id, f_number, s_number, {rest}) {rows}".replace("%", "%%")
            )
    with found.workspace.database.outside() as connection:
        connection.execute(sa.text("ANALYZE"))


def page(found: Trade, name: str) -> Measurement:
    """The first page of the open orders that the seller may see."""
    table = found.form("trade.order").table.c
    signed_in = Identity(found.workspace).authenticate_token(found.token)
    assert signed_in
    mine = sa.or_(table.owner == found.person, table.department == found.department)
    columns = [table.id, table.version, table.f_number, table.f_subject, table.f_due_on, table.f_total, table.f_city]
    hand = sa.select(*columns).where(table.deleted_at.is_(None), table.f_status == "open", mine)
    hand = hand.order_by(table.f_due_on.desc().nulls_last(), table.id.desc().nulls_last()).limit(21)
    if found.workspace.database.dialect == "sqlite":
        hand = hand.order_by(None).order_by(table.f_due_on.desc(), table.id.desc())

    with found.workspace.read(signed_in.principal) as work:

        def ours() -> None:
            assert len(work.records.page("trade.order", OPEN).records) == OPEN.limit

        def theirs() -> None:
            assert len(work.connection.execute(hand).all()) == OPEN.limit + 1

        return duration(name, ours, theirs, number=30)


def measure() -> Iterator[Measurement]:
    """A page of 100,000 and of 1,000,000 orders."""
    for kind in DATABASES:
        with orders(kind) as found:
            yield page(found, f"records.page_100k_{kind}/hand")
            multiply(found)
            yield page(found, f"records.page_1m_{kind}/hand")
