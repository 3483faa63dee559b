"""Personal data: what a record holds of somebody, and taking it away for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update

from engines.form.records.world import World
from engines.form.records.writing import refresh_keys
from engines.form.storage.tables import StoredForm, StoredRows


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalValue:
    """One value in a field that is marked as personal."""

    # Field name; "lines.name" for a column of a sub-table.
    field: str
    value: Any
    # Whether it stands in the record as it is now; else only in an earlier version.
    current: bool


def personal_values(world: World, form: StoredForm, id: UUID) -> list[PersonalValue]:
    """Every personal value of a record and of its earlier versions, each once."""
    found: dict[tuple[str, str], PersonalValue] = {}
    for rows, prefix, names in _marked(form):
        for table, current in ((rows.table, True), (rows.history, False)):
            for row in _values(world, rows, table, names, id, not prefix):
                for name, value in zip(names, row, strict=True):
                    key = (prefix + name, repr(value))
                    if value is not None and key not in found:
                        found[key] = PersonalValue(field=prefix + name, value=value, current=current)
    return list(found.values())


def erase_values(world: World, form: StoredForm, id: UUID) -> dict[str, int]:
    """Empties the personal fields of a record, in all its versions; gives the rows emptied by field.

    This is the one change that rewrites history: that a person was erased stands in the event and in the audit trail.
    """
    counts: dict[str, int] = {}
    for rows, prefix, names in _marked(form):
        for table in (rows.table, rows.history):
            for name in names:
                columns = {rows.columns[name].name: None}
                if name in rows.sort_keys:
                    columns[rows.sort_keys[name].name] = None
                column = table.c[rows.columns[name].name]
                query = update(table).where(_of(table, id, not prefix), column.is_not(None)).values(columns)
                counts[prefix + name] = counts.get(prefix + name, 0) + world.connection.execute(query).rowcount
    refresh_keys(world, form, [id])
    return {name: count for name, count in counts.items() if count}


def _marked(form: StoredForm) -> Iterator[tuple[StoredRows, str, list[str]]]:
    """The rows that hold personal fields, a prefix for their names, and the names."""
    for rows, prefix in ((form.rows, ""), *((rows, f"{name}.") for name, rows in form.children.items())):
        names = [name for name, field in rows.fields.items() if field.definition.personal and name in rows.columns]
        if names:
            yield rows, prefix, names


def _of(table: Table, id: UUID, is_record: bool) -> Any:
    return table.c["id" if is_record else "parent"] == id


def _values(world: World, rows: StoredRows, table: Table, names: list[str], id: UUID, is_record: bool) -> Any:
    columns = [table.c[rows.columns[name].name] for name in names]
    return world.connection.execute(select(*columns).where(_of(table, id, is_record)))
