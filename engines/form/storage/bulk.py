"""Writing many rows at once: one statement per table, values converted column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from engines.feel.storage import Identifier, ScaledDecimal

_CHUNK = 20_000


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts ``rows``, each in the order of ``columns``; COPY on PostgreSQL, ``executemany`` on SQLite."""
    for start in range(0, len(rows), _CHUNK):
        part = _converted(connection, table, columns, rows[start : start + _CHUNK])
        if connection.dialect.name == "postgresql":
            _copy(connection, table, columns, part)
        else:
            _execute(connection, table, columns, part)


def _converted(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Iterable[tuple[Any, ...]]:
    """The rows as the driver takes them."""
    values = list(zip(*rows, strict=True))
    for place, name in enumerate(columns):
        convert = _converter(connection, table, name)
        if convert is not None:
            values[place] = _column(convert, values[place])
    return zip(*values, strict=True)


def _column(convert: Callable[[Any], Any], values: Sequence[Any]) -> tuple[Any, ...]:
    first = values[0]
    if all(value is first for value in values):
        return (None if first is None else convert(first),) * len(values)
    return tuple(None if value is None else convert(value) for value in values)


def _converter(connection: Connection, table: Table, name: str) -> Callable[[Any], Any] | None:
    """What makes a value one of the driver's; ids and decimals, of which there are most, the short way."""
    kind = table.c[name].type
    sqlite = connection.dialect.name == "sqlite"
    if isinstance(kind, Identifier):
        return (lambda value: value.int.to_bytes(16)) if sqlite else None
    if isinstance(kind, ScaledDecimal) and sqlite:
        return kind.to_scaled
    processor: Callable[[Any], Any] | None = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return processor


def _execute(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
    cursor: Any = connection.connection.cursor()
    try:
        cursor.executemany(statement, rows)
    finally:
        cursor.close()


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
