"""Writing many rows at once: one statement per table, values converted by the columns' own types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table

_CHUNK = 5000


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts ``rows``, each in the order of ``columns``; COPY on PostgreSQL, ``executemany`` on SQLite."""
    if not rows:
        return
    converters = _converters(connection, table, columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, _converted(rows, converters))
        return
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
    cursor = connection.connection.cursor()
    try:
        for start in range(0, len(rows), _CHUNK):
            cursor.executemany(statement, list(_converted(rows[start : start + _CHUNK], converters)))
    finally:
        cursor.close()


def _converters(connection: Connection, table: Table, columns: Sequence[str]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The bind processors of the columns that need one, with their places."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(columns):
        kind = table.c[name].type
        processor = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if processor is not None:
            found.append((place, processor))
    return found


def _converted(
    rows: Iterable[Sequence[Any]], converters: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Iterable[list[Any]]:
    for row in rows:
        values = list(row)
        for place, convert in converters:
            if values[place] is not None:
                values[place] = convert(values[place])
        yield values


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
