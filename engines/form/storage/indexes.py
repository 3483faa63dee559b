"""Indexes of record tables, as data until they are created."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


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
    """Creates an index; ``concurrently`` needs a connection outside a transaction."""
    connection.execute(text(index.sql(connection.dialect.name, concurrently=concurrently)))
