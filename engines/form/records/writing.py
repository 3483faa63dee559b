"""Writing rows: records, their sub-tables, and the versions that they replace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from engines.core import InputError, InputProblem, new_id
from engines.core.source import pointer_of
from engines.form.records.prepared import Match, chunks, run_by_ids
from engines.form.records.search import index_records
from engines.form.records.world import World
from engines.form.storage.bulk import insert_rows
from engines.form.storage.sort_keys import sort_key
from engines.form.storage.tables import StoredForm, StoredRows


def stored_values(rows: StoredRows, values: Mapping[str, Any]) -> dict[str, Any]:
    """Column name to value for the fields in ``values`` that have columns, with their sort keys."""
    found = {rows.columns[name].name: value for name, value in values.items() if name in rows.columns}
    for name, key in rows.sort_keys.items():
        if name in values:
            found[key.name] = sort_key(_text(values[name]))
    return found


def _text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else str(value)


def insert_record(world: World, form: StoredForm, system: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Inserts a new record with its sub-tables; ``InputError`` where a unique value is taken."""
    row = {**system, **stored_values(form.rows, values)}
    try:
        form.rows.insert.run(world.connection, row)
        for name, rows in form.children.items():
            insert_children(world, rows, [(system["id"], system["version"], values[name])])
    except IntegrityError as error:
        raise taken(form, error) from error


def taken(form: StoredForm, error: IntegrityError) -> InputError:
    """The input error that a broken unique index stands for; anything else is a bug and is raised as it is."""
    text = str(error.orig)
    for rows in form.all_rows():
        for name, column in rows.columns.items():
            if rows.fields[name].definition.unique and (
                f"{rows.table.name}.{column.name}" in text or f"u_{rows.table.name}_{column.name}" in text
            ):
                return InputError([InputProblem(pointer=pointer_of(name), code="form.not_unique")])
    raise error


def insert_children(world: World, rows: StoredRows, parents: Sequence[tuple[UUID, int, list[dict[str, Any]]]]) -> None:
    """Inserts new rows of a sub-table: (record id, version, rows); each row gets its ``id``."""
    fields = list(rows.columns)
    keys = list(rows.sort_keys.items())
    names = ["id", "parent", "position", "version", "valid_from", "command"]
    names += [rows.columns[name].name for name in fields] + [column.name for _, column in keys]
    made = []
    for parent, version, items in parents:
        for position, item in enumerate(items):
            item["id"] = new_id()
            row = [item["id"], parent, position, version, world.now, world.command]
            row += [item.get(name) for name in fields]
            row += [sort_key(item.get(name)) for name, _ in keys]
            made.append(row)
    insert_rows(world.connection, rows.table, names, made)


def keep_versions(world: World, rows: StoredRows, ids: Sequence[UUID], version: int | None, by: str = "id") -> None:
    """Copies rows as they are into the history, before they change. ``version`` None: each record's own stays."""

    def make(_world: World, match: Match) -> tuple[Executable, None]:
        table, history = rows.table, rows.history
        names = [column.name for column in table.columns]
        ended = table.c.version if version is None else bindparam("ended", type_=table.c.version.type)
        stamp = bindparam("now", type_=table.c.valid_from.type), ended, bindparam("by", type_=table.c.command.type)
        past = select(*table.columns, *stamp).where(match(table.c[by]))
        target = [*names, "valid_to", "ended_version", "ended_command"]
        return insert(history).from_select(target, past), None

    given = {"now": world.now, "by": world.command, **({} if version is None else {"ended": version})}
    key = ("keep", rows.table.name, by, version is None)
    for _ in run_by_ids(world, key, ids, make, given):
        pass


def update_record(
    world: World, form: StoredForm, before: Mapping[str, Any], system: Mapping[str, Any], changed: Mapping[str, Any]
) -> None:
    """Writes ``changed`` fields and ``system`` columns of one record, keeping the version before."""
    keep_versions(world, form.rows, [before["id"]], system.get("version", before["version"]))
    values = {**system, **stored_values(form.rows, changed), "valid_from": world.now, "command": world.command}
    try:
        form.rows.update.run(world.connection, {"row_id": before["id"], **values})
        for name, rows in form.children.items():
            if name in changed:
                version = system.get("version", before["version"])
                _change_children(world, rows, before["id"], version, before[name], changed[name])
    except IntegrityError as error:
        raise taken(form, error) from error


def update_many(world: World, form: StoredForm, changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Writes computed fields of many records, each given as it is with what changes; one statement a set of fields."""
    keep_versions(world, form.rows, [before["id"] for before, _ in changes], None)
    stamp = {"valid_from": world.now, "command": world.command}
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for before, changed in changes:
        values = {"row_id": before["id"], **stamp, **stored_values(form.rows, changed)}
        alike.setdefault(frozenset(values), []).append(values)
    for rows in alike.values():
        form.rows.update.many(world.connection, rows)


def _change_children(
    world: World,
    rows: StoredRows,
    parent: UUID,
    version: int,
    before: Sequence[Mapping[str, Any]],
    after: list[dict[str, Any]],
) -> None:
    """Brings a sub-table from one list of rows to another; rows keep their ids, and what changes keeps a version."""
    old = {row["id"]: (place, row) for place, row in enumerate(before)}
    staying = {row["id"] for row in after if "id" in row}
    gone = [key for key in old if key not in staying]
    moved = [
        (place, row)
        for place, row in enumerate(after)
        if "id" in row and (old[row["id"]][0] != place or _differs(rows, old[row["id"]][1], row))
    ]
    keep_versions(world, rows, [*gone, *(row["id"] for _, row in moved)], version)
    for part in chunks(gone):
        world.connection.execute(delete(rows.table).where(rows.table.c.id.in_(part)))
    _update_children(world, rows, version, moved)
    _add_children(world, rows, parent, version, [(place, row) for place, row in enumerate(after) if "id" not in row])


def _differs(rows: StoredRows, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(before.get(name) != after.get(name) for name in rows.columns)


def _update_children(world: World, rows: StoredRows, version: int, moved: Sequence[tuple[int, dict[str, Any]]]) -> None:
    if not moved:
        return
    stamp = {"version": version, "valid_from": world.now, "command": world.command}
    values = [{"row_id": row["id"], "position": place, **stamp, **stored_values(rows, row)} for place, row in moved]
    rows.update.many(world.connection, values)


def _add_children(
    world: World, rows: StoredRows, parent: UUID, version: int, added: Sequence[tuple[int, dict[str, Any]]]
) -> None:
    if not added:
        return
    stamp = {"parent": parent, "version": version, "valid_from": world.now, "command": world.command}
    empty: dict[str, Any] = dict.fromkeys(rows.columns)
    values = []
    for place, row in added:
        row["id"] = new_id()
        values.append({"id": row["id"], "position": place, **stamp, **stored_values(rows, {**empty, **row})})
    rows.insert.many(world.connection, values)


def refresh_keys(world: World, form: StoredForm, ids: Sequence[UUID]) -> None:
    """Brings sort keys and the search index of records up to what their fields say now. No version changes."""
    fields = list(dict.fromkeys((*form.rows.sort_keys, *form.searched)))
    if not fields:
        return
    table = form.table
    columns = [table.c.id, *(form.rows.columns[name] for name in fields)]
    for part in chunks(ids):
        rows = world.connection.execute(select(*columns).where(table.c.id.in_(part))).all()
        records = [{"id": row[0], **dict(zip(fields, row[1:], strict=True))} for row in rows]
        keys = [
            {"row_id": r["id"], **{column.name: sort_key(_text(r[n])) for n, column in form.rows.sort_keys.items()}}
            for r in records
        ]
        if keys and form.rows.sort_keys:
            form.rows.update.many(world.connection, keys)
        index_records(world, form, records)
