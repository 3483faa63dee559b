"""Two people edit one record: only fields that both changed are in conflict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, select, union_all

from engines.form.records.stamps import changed_since
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm, StoredRows
from engines.form.types import Refused

_MISSING: Any = object()


def merge_edits(
    world: World, form: StoredForm, current: Mapping[str, Any], values: Mapping[str, Any], base_version: int
) -> dict[str, Any]:
    """The values to write: what this edit changed against its base; ``StateConflict`` "record.changed" where a field of
    those has been changed by somebody else since, saying who, what and when.
    """
    base = version_values(world, form, current, base_version)
    if base is None:
        raise changed_since(current, sorted(values), sorted(values))
    mine = {name: value for name, value in values.items() if _kept(form, name, value) != _plain(base.get(name))}
    both = [
        name
        for name, value in mine.items()
        if _plain(current.get(name)) != _plain(base.get(name)) and _kept(form, name, value) != _plain(current.get(name))
    ]
    if both:
        raise changed_since(current, both, sorted(mine))
    return mine


def _kept(form: StoredForm, name: str, raw: Any) -> Any:
    """What was sent as it would be kept, to be compared with what is stored."""
    field = form.compiled.fields.get(name)
    if field is None or raw is None:
        return raw
    try:
        if field.rows is None:
            return field.coerce(raw)
        return [_row(field.rows, row) for row in field.coerce(raw)]
    except Refused:
        return _MISSING


def _row(columns: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {n: (columns[n].coerce(v) if v is not None and n in columns else v) for n, v in row.items()}
    return {name: str(value) if name == "id" else value for name, value in kept.items()}


def _plain(value: Any) -> Any:
    """Rows without what is computed cannot be told apart from those with; ids compare as text."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [{name: str(item) if name == "id" else item for name, item in row.items()} for row in value]
    return value


def version_values(world: World, form: StoredForm, current: Mapping[str, Any], version: int) -> dict[str, Any] | None:
    """Stored values of a record as its version ``version`` was when it ended; None where that is not known."""
    past = form.history.c
    columns = [past[column.name] for column in form.rows.columns.values()]
    system = [past.owner, past.department]
    query = select(*system, *columns).where(past.id == current["id"], past.version == version)
    row = world.connection.execute(query.order_by(past.valid_to.desc()).limit(1)).first()
    if row is None:
        return None
    values = dict(zip(("owner", "department", *form.rows.columns), row, strict=True))
    for name, rows in form.children.items():
        values[name] = _rows_at(world, rows, current, version)
    return values


def _rows_at(world: World, rows: StoredRows, current: Mapping[str, Any], version: int) -> list[dict[str, Any]]:
    """A sub-table's rows as they were at a version: written in it or before, and not ended by it or before."""
    names = ["id", *rows.columns]
    now, past = rows.table.c, rows.history.c
    columns = ["position", "id", *(column.name for column in rows.columns.values())]
    still = select(*(now[name] for name in columns)).where(now.parent == current["id"], now.version <= version)
    ended = and_(past.version <= version, past.ended_version > version)
    gone = select(*(past[name] for name in columns)).where(past.parent == current["id"], ended)
    found = world.connection.execute(union_all(still, gone)).all()
    return [dict(zip(names, row[1:], strict=True)) for row in sorted(found, key=lambda row: row[0])]
