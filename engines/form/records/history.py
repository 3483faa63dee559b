"""The versions of a record, and what each one changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from engines.form.records.reading import SelectedFields, readable_columns
from engines.form.records.record import FieldChange, RecordVersion
from engines.form.records.source import source_of
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm, StoredRows

_STAMPS = ("version", "valid_from", "command", "updated_by", "deleted_at", "owner", "department")


def read_history(world: World, form: StoredForm, id: UUID) -> list[RecordVersion]:
    """All versions, newest first; only the fields that who acts may read in the record as it is now."""
    source = source_of(world, form)
    selected = SelectedFields(source)
    query = select(*selected.columns()).where(source.selectable.c.id == id, source.allowed("see"))
    row = world.connection.execute(query).first()
    if row is None:
        return []
    seen = selected.reader.record(row)
    names = [name for name in form.rows.columns if name in seen.values and name not in seen.masked]
    versions = _versions(world, form, id, names)
    changes = {
        name: _row_changes(world, form.children[name], name, id, readable_columns(world, form, name, id))
        for name in selected.reader.tables
        if name in seen.values
    }
    found = [_version(before, after, names) for before, after in zip([None, *versions], versions, strict=False)]
    whole = [_with_rows(version, changes) for version in found]
    return [version for version in reversed(whole) if version.changes or version.kind != "updated"]


def _versions(world: World, form: StoredForm, id: UUID, names: Sequence[str]) -> list[dict[str, Any]]:
    """Stored values of every version, oldest first."""
    keys = (*_STAMPS, *names)

    def of(columns: Any) -> Select[Any]:
        stamps = [columns[name] for name in _STAMPS]
        return select(*stamps, *(columns[form.rows.columns[name].name] for name in names)).where(columns.id == id)

    past = form.history.c
    earlier = world.connection.execute(of(past).order_by(past.version, past.valid_from, past.valid_to))
    rows = [*earlier, *world.connection.execute(of(form.table.c))]
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _version(before: Mapping[str, Any] | None, after: Mapping[str, Any], names: Sequence[str]) -> RecordVersion:
    compared = (*names, "owner", "department")
    old = before or {}
    changes = [
        FieldChange(field=name, before=old.get(name), after=after[name])
        for name in compared
        if old.get(name) != after[name]
    ]
    return RecordVersion(
        version=after["version"],
        at=after["valid_from"],
        by=after["updated_by"] if before is None or before["version"] != after["version"] else None,
        command=after["command"],
        kind=_kind(before, after),
        changes=tuple(changes),
    )


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None:
        return "created"
    if before["deleted_at"] != after["deleted_at"]:
        return "deleted" if after["deleted_at"] else "restored"
    return "updated" if before["version"] != after["version"] else "computed"


def _row_changes(
    world: World, rows: StoredRows, name: str, id: UUID, shown: Sequence[str]
) -> dict[int, list[FieldChange]]:
    """What happened to the columns ``shown`` of a sub-table's rows, by the record's version that did it."""
    now, past = rows.table.c, rows.history.c
    names = [name for name in rows.columns if name in shown]
    columns = ["id", "version", *(rows.columns[name].name for name in names)]
    live = world.connection.execute(select(*(now[c] for c in columns)).where(now.parent == id)).all()
    ended = world.connection.execute(
        select(past.ended_version, *(past[c] for c in columns)).where(past.parent == id).order_by(past.version)
    ).all()
    chains: dict[UUID, list[tuple[int, dict[str, Any] | None]]] = {}
    for row in ended:
        chain = chains.setdefault(row[1], [])
        chain += [(row[2], dict(zip(names, row[3:], strict=True))), (row[0], None)]
    for row in live:
        chains.setdefault(row[0], []).append((row[1], dict(zip(names, row[2:], strict=True))))
    found: dict[int, list[FieldChange]] = {}
    for key, chain in chains.items():
        for version, before, after in _steps(chain):
            found.setdefault(version, []).append(FieldChange(field=f"{name}/{key}", before=before, after=after))
    return found


def _steps(
    chain: Sequence[tuple[int, dict[str, Any] | None]],
) -> list[tuple[int, dict[str, Any] | None, dict[str, Any] | None]]:
    """Changes of one row: its end and its next beginning in the same version are one change."""
    by_version: dict[int, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {}
    last: dict[str, Any] | None = None
    for version, values in chain:
        first = by_version[version][0] if version in by_version else last
        by_version[version] = (first, values)
        last = values
    return [(version, before, after) for version, (before, after) in by_version.items() if before != after]


def _with_rows(version: RecordVersion, changes: Mapping[str, Mapping[int, list[FieldChange]]]) -> RecordVersion:
    if version.kind == "computed":
        return version
    rows = [change for table in changes.values() for change in table.get(version.version, [])]
    return RecordVersion(
        version=version.version,
        at=version.at,
        by=version.by,
        command=version.command,
        kind=version.kind,
        changes=(*version.changes, *rows),
    )
