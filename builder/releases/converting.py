"""Values of a field whose type changed: the new column is filled from the old one, in short resumable batches.

The old column stays as it is, so that an older release still reads it. Earlier row versions are not converted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.definitions import AppDefinitions, CompiledApp
from builder.workspace import Work
from builder.workspace.physical_names import DatabasePhysicalNames
from builder.workspace.records import form_set
from builder.workspace.release_store import content_of, get_release
from engines.form import CompiledField, StoredForm
from engines.form.types.base import Refused

# Rows converted in one transaction.
BATCH = 500
# Ids of rows that do not convert, kept for the admin.
_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """From one column to another of the same table."""

    table: sa.Table
    before: sa.Column[Any]
    after: sa.Column[Any]
    convert: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What one batch did."""

    # Where the next batch begins; None where this was the last.
    after: UUID | None
    # Rows whose value the new type does not take.
    refused: tuple[UUID, ...]
    # Rows gone through.
    seen: int


def conversion_step(form: str, field: str, before_release: int) -> Mapping[str, Any]:
    """A follow-up that converts ``field`` ("price", or "lines.price" of a sub-table) from what a release stored."""
    return {"do": "convert", "form": form, "field": field, "before": before_release}


def conversion_of(work: Work, app: str, step: Mapping[str, Any]) -> Conversion | None:
    """The columns that a follow-up means, or None where the field or its old column is not there any more."""
    new = form_set(work).get(step["form"])
    old = _as_stored(work.connection, app, step["form"], step["before"])
    table, _, name = step["field"].rpartition(".")
    if new is None or old is None:
        return None
    target = (new.children.get(table) if table else new.rows) or None
    field = target.fields.get(name) if target else None
    if target is None or field is None or name not in target.columns:
        return None
    former = (name, *reversed(field.definition.formerly))
    source = old.children.get(table) if table else old.rows
    before = next((source.columns[n] for n in former if source and n in source.columns), None)
    if before is None or before.name == target.columns[name].name:
        return None
    column = sa.Column(before.name, before.type)
    return Conversion(table=target.table, before=column, after=target.columns[name], convert=_converter(field))


def convert_batch(connection: Connection, conversion: Conversion, after: UUID | None) -> Converted:
    """Converts those of the next rows behind the id ``after`` that hold an old value and no new one."""
    source = _source(conversion)
    id, new, old = (source.c[c.name] for c in (conversion.table.c.id, conversion.after, conversion.before))
    # By id alone: looking for rows that are left to convert could mean looking through all of them.
    query = sa.select(id, old, new).order_by(id).limit(BATCH)
    rows = connection.execute(query if after is None else query.where(id > after)).all()
    done, refused = [], []
    for row, value, known in rows:
        if value is None or known is not None:
            continue
        try:
            done.append({"row": row, "value": conversion.convert(value)})
        except Refused:
            refused.append(row)
    if done:
        update = sa.update(source).where(id == sa.bindparam("row"))
        connection.execute(update.values({conversion.after.name: sa.bindparam("value")}), done)
    more = len(rows) == BATCH
    return Converted(after=rows[-1].id if more else None, refused=tuple(refused), seen=len(rows))


def count_rows(connection: Connection, conversion: Conversion) -> int:
    """How many rows a conversion goes through."""
    return connection.execute(sa.select(sa.func.count()).select_from(_source(conversion))).scalar_one()


def _source(conversion: Conversion) -> sa.TableClause:
    """The table with both columns: the old one is no part of the new release's table."""
    columns = (conversion.table.c.id, conversion.after, conversion.before)
    return sa.table(conversion.table.name, *(sa.column(c.name, c.type) for c in columns))


def listed(refused: list[str], new: tuple[UUID, ...]) -> list[str]:
    """The first ids that do not convert."""
    return [*refused, *(str(id) for id in new)][:_LISTED]


def _as_stored(connection: Connection, app: str, form: str, release: int) -> StoredForm | None:
    """The form with its tables as a release had them."""
    definitions = AppDefinitions(content_of(connection, get_release(connection, app, release), checked=True))
    found = CompiledApp(definitions, release=release).forms.get(form.partition(".")[2])
    return StoredForm(found, DatabasePhysicalNames(connection)) if found else None


def _converter(field: CompiledField) -> Callable[[Any], Any]:
    """Takes the value as it is where the new type does, else as text."""

    def convert(value: Any) -> Any:
        try:
            return field.coerce(value)
        except Refused:
            return field.coerce(_text(value))

    return convert


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value.normalize(), "f")
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)
