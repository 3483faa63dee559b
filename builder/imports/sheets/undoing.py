"""Taking an import back: what it made goes into the recycle bin, what it changed gets its earlier values again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.imports.sheets.runs import ImportRun
from builder.imports.sheets.writing import Written
from builder.storage.import_tables import import_record
from builder.workspace import Work
from engines.core import AccessDenied, InputError, StateConflict
from engines.form import CompiledField, Record


def undo_batch(work: Work, run: ImportRun, rows: Sequence[Any]) -> Written:
    """Takes records back that nobody has changed since; the others stay as they are and are counted as "kept"."""
    work.silent = True
    work.confirmed = True
    written = Written(counts={"undone": 0, "kept": 0})
    for row in rows:
        done = _undo(work, run.form, row)
        written.counts["undone" if done else "kept"] += 1
    ids = [row.record_id for row in rows]
    table = import_record.c
    work.connection.execute(sa.delete(import_record).where(table.import_id == run.id, table.record_id.in_(ids)))
    return written


def _undo(work: Work, form: str, row: Any) -> bool:
    record: Record | None = work.records.get(form, row.record_id)
    if record is None or record.version != row.version:
        return False
    try:
        with work.connection.begin_nested():
            if row.action == "created":
                work.records.delete(form, record.id)
            else:
                work.records.update(form, record.id, _before(work, form, record.id, row))
    except (AccessDenied, InputError, StateConflict):
        return False
    return True


def _before(work: Work, form: str, id: UUID, row: Any) -> dict[str, Any]:
    """The values that the import's change, and what followed from it, put others in the place of."""
    compiled = work.records.of(form).world.form(form).compiled
    now = work.records.get(form, id)
    found: dict[str, Any] = {}
    for version in work.records.history(form, id):
        if not row.base < version.version <= row.version or version.kind != "updated":
            continue
        for change in version.changes:
            name, _, key = change.field.partition("/")
            field = compiled.fields.get(name)
            if field is None or not field.entered:
                continue
            if not key:
                found[name] = change.before
                continue
            rows = found.setdefault(name, [dict(held) for held in (now.values[name] if now else ())])
            found[name] = _row_before(rows, UUID(key), change.before)
    for table in compiled.subtables:
        if table in found:
            found[table] = [_entered(held, compiled.fields[table].rows or {}) for held in found[table]]
    return found


def _row_before(rows: list[dict[str, Any]], key: UUID, before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Rows of a sub-table with one as it was: gone where it was not there, new where it is gone."""
    if before is None:
        return [held for held in rows if held.get("id") != key]
    if any(held.get("id") == key for held in rows):
        return [{"id": key, **before} if held.get("id") == key else held for held in rows]
    return [*rows, dict(before)]


def _entered(row: Mapping[str, Any], columns: Mapping[str, CompiledField]) -> dict[str, Any]:
    kept = {name: row.get(name) for name, column in columns.items() if column.entered}
    return {"id": row["id"], **kept} if row.get("id") else kept
