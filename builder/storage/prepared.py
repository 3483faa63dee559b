"""Statements compiled once and run on the driver's own cursor: for the few that every command of a busy server makes.

A ``Prepared`` is an ordinary Core statement with named parameters, made when its module is loaded; values go in and
come out through the column types, as everywhere.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from engines.feel.sql.driver import DriverStatement, driver_error

__all__ = ["Prepared", "driver_error"]

# A statement, or a function that makes it for a dialect's name.
Statement = sa.Executable | Callable[[str], sa.Executable]


class Prepared:
    """One statement. Its parameters are its ``bindparam``s; an insert takes those of the ``columns`` named."""

    def __init__(self, statement: Statement, columns: Sequence[str] = ()) -> None:
        """Lists of values ("expanding" parameters) are not supported."""
        self._statement = statement
        self._columns = list(columns)
        # By the dialect's name: the statement, and what makes a row of what comes back.
        self._compiled: dict[str, tuple[DriverStatement, Callable[[Sequence[Any]], Any]]] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were written. ``KeyError`` where a parameter is missing."""
        return self._for(connection.dialect)[0].write(connection, values)

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs the statement for each of ``rows``, in one call of the driver."""
        self._for(connection.dialect)[0].write_many(connection, rows)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows found (or returned by a write), as named tuples."""
        statement, make = self._for(connection.dialect)
        return [make(row) for row in statement.rows(connection, values)]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any | None:
        """The first row found, or None."""
        found = self.all(connection, values)
        return found[0] if found else None

    def _for(self, dialect: Dialect) -> tuple[DriverStatement, Callable[[Sequence[Any]], Any]]:
        known = self._compiled.get(dialect.name)
        if known is None:
            statement = self._statement(dialect.name) if callable(self._statement) else self._statement
            made = DriverStatement(statement, dialect, self._columns)
            row: Any = namedtuple("Row", made.names)  # type: ignore[misc]
            known = self._compiled[dialect.name] = made, row._make
        return known
