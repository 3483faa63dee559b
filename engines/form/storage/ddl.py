"""Bringing the database to a form: tables and empty columns, never a rebuilt table, never a dropped one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.schema import CreateColumn, CreateTable

from engines.form.compiled import CompiledForm
from engines.form.storage.indexes import IndexSpec, create_index
from engines.form.storage.physical import TABLE, Path, PhysicalNames, wanted_column, wanted_table
from engines.form.storage.tables import StoredForm, StoredRows, physical_paths


def allocate_names(compiled: CompiledForm, physical: PhysicalNames) -> None:
    """Gives physical names to all that has none yet; what has a former name takes over that one's."""
    for path, storage, former in physical_paths(compiled):
        if physical.find(path, storage) is not None:
            continue
        for name in reversed(former):
            old = (*path[:-1], _qualified(name, path, compiled))
            if physical.find(old, storage) is not None:
                physical.rename(old, path)
                break
        else:
            physical.allocate(path, storage, wanted_table(path) if storage == TABLE else wanted_column(path[-1]))


def _qualified(name: str, path: Path, compiled: CompiledForm) -> str:
    return f"{compiled.app}.{name}" if len(path) == 1 and compiled.app and "." not in name else name


def ensure_tables(connection: Connection, forms: Iterable[StoredForm]) -> list[str]:
    """Creates what is missing of the forms' tables and columns, and names it; running it again does nothing."""
    inspector = inspect(connection)
    existing = set(inspector.get_table_names())
    done: list[str] = []
    for form in forms:
        for rows in form.all_rows():
            for table in (rows.table, rows.history):
                if table.name not in existing:
                    connection.execute(CreateTable(table))
                    done.append(table.name)
                else:
                    have = {column["name"] for column in inspector.get_columns(table.name)}
                    done += _add_columns(connection, table, have)
    return done


def _add_columns(connection: Connection, table: Table, have: set[str]) -> Iterator[str]:
    for column in table.columns:
        if column.name not in have:
            wanted = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN {wanted}'))
            yield f"{table.name}.{column.name}"


def ensure_references(connection: Connection, form: StoredForm, forms: Mapping[str, StoredForm]) -> None:
    """Foreign keys of the form's references, on PostgreSQL.

    SQLite takes foreign keys only with the table or column; there the references are kept by the one way in.
    """
    if connection.dialect.name != "postgresql":
        return
    for rows in form.all_rows():
        have = {key["name"] for key in inspect(connection).get_foreign_keys(rows.table.name)}
        for name, field in rows.fields.items():
            target = forms.get(field.target)
            key = f"k_{rows.table.name}_{rows.columns[name].name}"[:63] if name in rows.columns else ""
            if target is not None and key and key not in have:
                connection.execute(text(_foreign_key(rows, name, key, target)))


def _foreign_key(rows: StoredRows, name: str, key: str, target: StoredForm) -> str:
    """Added without looking at rows that are there: those written before were checked when they were written."""
    column = rows.columns[name].name
    return (
        f'ALTER TABLE "{rows.table.name}" ADD CONSTRAINT "{key}" FOREIGN KEY ("{column}") '
        f'REFERENCES "{target.table.name}" (id) NOT VALID'
    )


def ensure_indexes(connection: Connection, indexes: Iterable[IndexSpec]) -> None:
    """Creates the indexes that are missing."""
    for index in indexes:
        create_index(connection, index)
