"""The tables behind a compiled form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, Executable, ForeignKey, MetaData, Table, bindparam

from engines.feel.sql import DriverStatement
from engines.feel.storage import CodePointText, Identifier
from engines.form.compiled import CompiledField, CompiledForm
from engines.form.storage.columns import column_type, history_columns, record_columns, row_columns
from engines.form.storage.indexes import IndexSpec
from engines.form.storage.physical import TABLE, Path, PhysicalNames
from engines.form.types import AttachmentType

# Sets of columns for which a statement is kept: beyond that, all are made anew.
_MOST_WRITINGS = 200


class Writing:
    """A statement that writes rows given by column name, kept as the driver runs it for each set of columns."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._kept: dict[tuple[str, ...], DriverStatement] = {}

    def run(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Writes one row."""
        self.many(connection, [row])

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes rows that all have the same columns."""
        if not rows:
            return
        key = (connection.dialect.name, *rows[0])
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_WRITINGS:
                self._kept.clear()
            found = self._kept[key] = DriverStatement(self._statement, connection.dialect, key[1:])
        if not connection.in_transaction():
            connection.begin()
        found.write_many(connection, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRows:
    """One table, that of its earlier row versions, and which column holds which field."""

    table: Table
    history: Table
    # Field name to column of ``table``; the history has columns of the same names.
    columns: Mapping[str, Column[Any]]
    # Field name to the column with its pinyin key.
    sort_keys: Mapping[str, Column[Any]]
    fields: Mapping[str, CompiledField]
    indexes: tuple[IndexSpec, ...]
    # Writes rows given by column name.
    insert: Writing
    # Writes columns of the row ``row_id``.
    update: Writing


class StoredForm:
    """A compiled form with its tables. Make it once per form hash: it costs, and holds prepared statements."""

    def __init__(self, compiled: CompiledForm, physical: PhysicalNames) -> None:
        """``physical`` must hold names for the form and all its fields (``apply`` gives them); else ``KeyError``."""
        self.compiled = compiled
        self._physical = physical
        self._metadata = MetaData()
        self.rows = self._build((compiled.name,), compiled.fields, None)
        self.children: dict[str, StoredRows] = {
            name: self._build((compiled.name, name), field.rows or {}, self.rows.table)
            for name, field in compiled.subtables.items()
        }

    @property
    def name(self) -> str:
        """Qualified name of the form."""
        return self.compiled.name

    @cached_property
    def searched(self) -> Mapping[str, None]:
        """The fields that search looks at, in their order: those marked so, and the title."""
        fields = self.compiled.fields
        texts = (name for name in self.rows.columns if fields[name].kind.textual)
        return dict.fromkeys(n for n in texts if fields[n].definition.search or n == self.compiled.title)

    @property
    def table(self) -> Table:
        """The table of the records."""
        return self.rows.table

    @cached_property
    def file_fields(self) -> tuple[tuple[str, CompiledField], ...]:
        """The fields that hold files, each with the name of its sub-table, "" for the record's own."""
        own = [("", field) for field in self.compiled.fields.values()]
        rows = [
            (name, column) for name, field in self.compiled.subtables.items() for column in (field.rows or {}).values()
        ]
        return tuple((table, field) for table, field in (*own, *rows) if isinstance(field.kind, AttachmentType))

    @property
    def history(self) -> Table:
        """The table of earlier versions of the records."""
        return self.rows.history

    def _name(self, path: Path, storage: str) -> str:
        found = self._physical.find(path, storage)
        if found is None:
            raise KeyError(f"no physical name for {'/'.join(path)} as {storage}; apply the form's plan first")
        return found

    def _build(self, path: Path, fields: Mapping[str, CompiledField], parent: Table | None) -> StoredRows:
        name = self._name(path, TABLE)
        stored = {n: f for n, f in fields.items() if f.column is not None}
        own = record_columns() if parent is None else row_columns()
        values = {n: self._column((*path, n), field) for n, field in stored.items()}
        keys: dict[str, Column[Any]] = {
            n: Column(f"s{values[n].name[1:]}", CodePointText()) for n, f in stored.items() if f.sort_key
        }
        if parent is not None:
            own[1] = Column("parent", Identifier(), ForeignKey(parent.c.id), nullable=False)
        table = Table(name, self._metadata, *own, *values.values(), *keys.values())
        indexes = tuple(self._index(table, values, keys, stored, parent is not None))
        past = [Column(c.name, c.type) for c in table.columns]
        history = Table(f"h{name[1:]}", self._metadata, *past, *history_columns())
        of = "id" if parent is None else "parent"
        past_index = IndexSpec(name=f"i_{history.name}_{of}"[:63], table=history.name, columns=(of,))
        return StoredRows(
            table=table,
            history=history,
            columns=values,
            sort_keys=keys,
            fields=fields,
            indexes=(*indexes, past_index),
            insert=Writing(table.insert()),
            update=Writing(table.update().where(table.c.id == bindparam("row_id", type_=table.c.id.type))),
        )

    def _column(self, path: Path, field: CompiledField) -> Column[Any]:
        assert field.column is not None  # noqa: S101  (callers pass stored fields only)
        return Column(self._name(path, field.column.signature), column_type(field.column))

    def _index(
        self,
        table: Table,
        values: Mapping[str, Column[Any]],
        keys: Mapping[str, Column[Any]],
        fields: Mapping[str, CompiledField],
        is_child: bool,
    ) -> Iterator[IndexSpec]:
        """Indexes that follow from the fields: references, unique fields, sort keys, a child's parent, owners."""

        def spec(name: str, *columns: str, unique: bool = False) -> IndexSpec:
            live = not is_child
            return IndexSpec(name=name[:63], table=table.name, columns=columns, unique=unique, live_only=live)

        if is_child:
            yield spec(f"i_{table.name}_parent", "parent", "position")
        else:
            yield spec(f"i_{table.name}_owner", "owner", "id")
        for name, field in fields.items():
            column = values[name].name
            if field.definition.unique:
                yield spec(f"u_{table.name}_{column}", column, unique=True)
            elif field.target:
                yield spec(f"i_{table.name}_{column}", column, "id")
            if name in keys and not is_child:
                yield spec(f"i_{table.name}_{keys[name].name}", keys[name].name, "id")

    def all_rows(self) -> Iterator[StoredRows]:
        """The records' rows, then those of each sub-table."""
        yield self.rows
        yield from self.children.values()

    @cached_property
    def hash(self) -> str:
        """The form's hash: stored forms are cached by it."""
        return self.compiled.hash


def physical_paths(compiled: CompiledForm) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """Everything of a form that needs a physical name: its path, what is stored, and former names of the last part."""
    yield (compiled.name,), TABLE, compiled.definition.formerly
    for name, field in compiled.fields.items():
        path: Path = (compiled.name, name)
        former = field.definition.formerly
        if field.column is not None:
            yield path, field.column.signature, former
        if field.rows is not None:
            yield path, TABLE, former
            for column, inner in field.rows.items():
                if inner.column is not None:
                    yield (*path, column), inner.column.signature, inner.definition.formerly
