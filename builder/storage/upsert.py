"""Insert or update, in one statement on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def upsert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes ``rows``, which all have the same columns; one with a known primary key replaces the columns it names."""
    if rows:
        connection.execute(_statement(connection.dialect.name, table, tuple(rows[0])), list(rows))


def upsert_of(table: sa.Table, columns: Sequence[str]) -> Callable[[str], sa.Insert]:
    """By the dialect's name: the statement that inserts ``columns``, or replaces those beside the primary key."""
    return lambda dialect: _statement(dialect, table, tuple(columns))


@lru_cache(maxsize=200)
def _statement(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> sa.Insert:
    """The statement for these columns; made once, as the system's tables are few."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
