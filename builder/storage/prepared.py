"""Statements compiled once and run on the driver's own cursor: for the few that every command of a busy server makes.

SQLAlchemy builds, keys and looks up a statement each time it is run, which costs several times what SQLite needs to
carry it out. A ``Prepared`` is an ordinary Core statement with named parameters, made when its module is loaded; values
go in and come out through the column types, as everywhere.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

# A statement, or a function that makes it for a dialect's name.
Statement = sa.Executable | Callable[[str], sa.Executable]


class Prepared:
    """One statement. Its parameters are its ``bindparam``s; an insert takes those of the ``columns`` named."""

    def __init__(self, statement: Statement, columns: Sequence[str] = ()) -> None:
        """Lists of values ("expanding" parameters) are not supported."""
        self._statement = statement
        self._columns = list(columns)
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were written. ``KeyError`` where a parameter is missing."""
        compiled = self._for(connection.dialect)
        cursor = self._execute(connection, compiled, compiled.bind(values))
        count: int = cursor.rowcount
        cursor.close()
        return count

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs the statement for each of ``rows``, in one call of the driver."""
        compiled = self._for(connection.dialect)
        if len(rows) == 1:
            self._execute(connection, compiled, compiled.bind(rows[0])).close()
        elif rows:
            self._execute(connection, compiled, compiled.bind_many(rows), many=True).close()

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows found (or returned by a write), as named tuples."""
        compiled = self._for(connection.dialect)
        cursor = self._execute(connection, compiled, compiled.bind(values))
        found = [compiled.row(values) for values in cursor.fetchall()]
        cursor.close()
        return found

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any | None:
        """The first row found, or None."""
        found = self.all(connection, values)
        return found[0] if found else None

    def _for(self, dialect: Dialect) -> _Compiled:
        known = self._compiled.get(dialect.name)
        if known is None:
            statement = self._statement(dialect.name) if callable(self._statement) else self._statement
            known = self._compiled[dialect.name] = _Compiled(statement, self._columns, dialect)
        return known

    def _execute(self, connection: Connection, compiled: _Compiled, bound: Any, *, many: bool = False) -> Any:
        """The cursor; the driver's errors come as SQLAlchemy's.

        ``RuntimeError`` outside of a transaction: a connection may outlive the one that it was handed out for.
        """
        if not connection.in_transaction():
            raise RuntimeError("the transaction that this connection was given for is over")
        cursor = connection.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
        try:
            if many:
                cursor.executemany(compiled.text, bound)
            else:
                cursor.execute(compiled.text, bound)
        except Exception as error:
            raise driver_error(connection, compiled.text, error) from error
        return cursor


def driver_error(connection: Connection, text: str, error: Exception) -> Exception:
    """What SQLAlchemy raises for an error of the driver; any other as it is. A broken connection is thrown away."""
    driver: Any = connection.dialect.dbapi
    if not isinstance(error, driver.Error):
        return error
    if connection.dialect.is_disconnect(error, connection.connection, None):
        connection.invalidate(error)
    made: Exception = sa.exc.DBAPIError.instance(text, None, error, driver.Error, dialect=connection.dialect)
    return made


class _Compiled:
    """A statement as one dialect runs it."""

    def __init__(self, statement: Any, columns: list[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns or None)
        self.text: str = compiled.string
        names = compiled.positiontup or list(compiled.binds)
        binds = [compiled.binds[name] for name in names]
        # Names by which the driver wants the parameters; None where it wants them in order.
        self._names = None if compiled.positiontup is not None else names
        # Values that the statement itself states.
        self._fixed = {bind.key: bind.value for bind in binds if not bind.required}
        self._take = _taker([bind.key for bind in binds])
        writers = [_writer(bind.type, dialect) for bind in binds]
        self._writers = [(place, write) for place, write in enumerate(writers) if write is not None]
        answered = list(getattr(statement, "exported_columns", ()))
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in answered]
        self._readers = [(place, read) for place, read in enumerate(readers) if read is not None]
        row: Any = namedtuple("Row", [column.key for column in answered])  # type: ignore[misc]
        self._make = row._make

    def bind(self, values: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        bound = list(self._take({**self._fixed, **values} if self._fixed else values))
        for place, write in self._writers:
            bound[place] = write(bound[place])
        return bound if self._names is None else dict(zip(self._names, bound, strict=True))

    def bind_many(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The parameters of several rows, worked out column by column, which is quicker than row by row."""
        given = [{**self._fixed, **values} for values in rows] if self._fixed else rows
        columns: list[Iterable[Any]] = list(zip(*map(self._take, given), strict=True))
        for place, write in self._writers:
            columns[place] = map(write, columns[place])
        bound = zip(*columns, strict=True)
        return list(bound) if self._names is None else [dict(zip(self._names, one, strict=True)) for one in bound]

    def row(self, found: Sequence[Any]) -> Any:
        """What the driver found, as values."""
        if not self._readers:
            return self._make(found)
        values = list(found)
        for place, read in self._readers:
            values[place] = read(values[place])
        return self._make(values)


def _writer(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a value one that the driver takes; SQLite's takes booleans as they are."""
    if isinstance(type_, sa.Boolean) and dialect.name == "sqlite":
        return None
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _taker(names: list[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """A function that gives the values of ``names``, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]
