"""A statement compiled once and run on the driver's own cursor.

SQLAlchemy builds, keys and looks up a statement each time that it is run, which costs several times what a database
beside us needs to carry it out. Values go in and come out through the column types, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

# Rows from which on their parameters are worked out column by column, which then is quicker than row by row.
FEW = 30


class DriverStatement:
    """A statement as one dialect runs it."""

    def __init__(self, statement: Any, dialect: Dialect, columns: Sequence[str] = ()) -> None:
        """``columns``: those that an insert or an update is given values for, besides what it states itself."""
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self.text: str = compiled.string
        # Whether it runs as it is: lists of values ("expanding" parameters) change the text each time.
        self.fits = not (compiled.post_compile_params or compiled.literal_execute_params)
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
        # Names of the columns that come back.
        self.names = tuple(column.key for column in answered)
        self._types = [column.type.dialect_impl(dialect) for column in answered]
        # What makes values of what comes back, by place; known once the driver has told its own types.
        self._readers: list[tuple[int, Callable[[Any], Any]]] | None = None

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows found, or returned by a write; none where it returns none. ``KeyError``: a parameter is missing."""
        cursor = self._execute(connection, self.bind(values))
        description = cursor.description
        found: list[Sequence[Any]] = [] if description is None else cursor.fetchall()
        cursor.close()
        if not found:
            return found
        readers = self._readers
        if readers is None:
            readers = self._readers = self._made_readers(connection.dialect, [column[1] for column in description])
        if not readers:
            return found
        rows = list(map(list, found))
        for row in rows:
            for place, read in readers:
                row[place] = read(row[place])
        return rows  # type: ignore[return-value]

    def write(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were written. ``KeyError`` where a parameter is missing."""
        cursor = self._execute(connection, self.bind(values))
        count: int = cursor.rowcount
        cursor.close()
        return count

    def write_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs the statement for each of ``rows``, in one call of the driver."""
        if len(rows) == 1:
            self._execute(connection, self.bind(rows[0])).close()
        elif rows:
            self._execute(connection, self._bind_many(rows), many=True).close()

    def bind(self, values: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        bound = list(self._take({**self._fixed, **values} if self._fixed else values))
        for place, write in self._writers:
            # Every type of ours writes a missing value as NULL.
            if bound[place] is not None:
                bound[place] = write(bound[place])
        return bound if self._names is None else dict(zip(self._names, bound, strict=True))

    def _bind_many(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The parameters of several rows, worked out column by column where they are many."""
        if len(rows) < FEW:
            return [self.bind(values) for values in rows]
        given = [{**self._fixed, **values} for values in rows] if self._fixed else rows
        columns: list[Iterable[Any]] = list(zip(*map(self._take, given), strict=True))
        for place, write in self._writers:
            columns[place] = map(write, columns[place])
        bound = zip(*columns, strict=True)
        return list(bound) if self._names is None else [dict(zip(self._names, one, strict=True)) for one in bound]

    def _made_readers(self, dialect: Dialect, codes: Sequence[Any]) -> list[tuple[int, Callable[[Any], Any]]]:
        """What makes values of columns whose types the driver calls by ``codes``."""
        if len(codes) != len(self._types):
            raise RuntimeError(f"{len(codes)} columns came back, {len(self._types)} are known: {self.text}")
        made = [kind.result_processor(dialect, code) for kind, code in zip(self._types, codes, strict=True)]
        return [(place, read) for place, read in enumerate(made) if read is not None]

    def _execute(self, connection: Connection, bound: Any, *, many: bool = False) -> Any:
        """The cursor; the driver's errors come as SQLAlchemy's.

        ``RuntimeError`` outside of a transaction: a connection may outlive the one that it was handed out for.
        """
        if not connection.in_transaction():
            raise RuntimeError("the transaction that this connection was given for is over")
        cursor = connection.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
        try:
            if many:
                cursor.executemany(self.text, bound)
            else:
                cursor.execute(self.text, bound)
        except Exception as error:
            raise driver_error(connection, self.text, error) from error
        return cursor


def driver_error(connection: Connection, text: str, error: Exception) -> Exception:
    """What SQLAlchemy raises for an error of the driver; any other as it is. A broken connection is thrown away."""
    driver: Any = connection.dialect.dbapi
    if not isinstance(error, driver.Error):
        return error
    if connection.dialect.is_disconnect(error, connection.connection, None):
        connection.invalidate(error)
    made: Exception = DBAPIError.instance(text, None, error, driver.Error, dialect=connection.dialect)
    return made


def _writer(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a value one that the driver takes; SQLite's takes booleans as they are."""
    if isinstance(type_, Boolean) and dialect.name == "sqlite":
        return None
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _taker(names: list[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """A function that gives the values of ``names``, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]
