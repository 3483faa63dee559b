"""Indexes of record tables, as data until they are created."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """One index."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    # Whether it leaves deleted records out.
    live_only: bool = False

    def sql(self, dialect: str, *, concurrently: bool = False) -> str:
        """The statement that creates it where it is missing; ``concurrently`` (PostgreSQL) lets writers go on.

        Nulls sort lowest on both databases: SQLite does so by itself, PostgreSQL is told.
        """
        low = " NULLS FIRST" if dialect == "postgresql" and not self.unique else ""
        columns = ", ".join(f'"{column}"{low}' for column in self.columns)
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        how = " CONCURRENTLY" if concurrently and dialect == "postgresql" else ""
        where = " WHERE deleted_at IS NULL" if self.live_only else ""
        return f'CREATE {kind}{how} IF NOT EXISTS "{self.name}" ON "{self.table}" ({columns}){where}'


def create_index(connection: Connection, index: IndexSpec, *, concurrently: bool = False) -> None:
    """Creates an index; ``concurrently`` needs a connection outside a transaction.

    PostgreSQL leaves a broken index behind where it was interrupted, or where values are there twice: it makes room.
    """
    name = connection.dialect.name
    if not concurrently or name != "postgresql":
        connection.execute(text(index.sql(name)))
        return
    _drop_broken(connection, index)
    try:
        connection.execute(text(index.sql(name, concurrently=True)))
    except DBAPIError:
        _drop_broken(connection, index)
        raise


def _drop_broken(connection: Connection, index: IndexSpec) -> None:
    query = text(
        "SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE c.relname = :name AND c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid"
    )
    if connection.execute(query, {"name": index.name}).first() is not None:
        connection.execute(text(f'DROP INDEX CONCURRENTLY IF EXISTS "{index.name}"'))
