"""From compiled forms to tables: names given once, tables and empty columns at once, the rest as follow-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.definitions import CompiledApp
from builder.releases.converting import conversion_step
from builder.workspace.physical_names import DatabasePhysicalNames
from engines import form as form_engine
from engines.form import CompiledForm, IndexSpec, StoredForm, create_index, form_indexes


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """What a publish did to the tables."""

    changes: tuple[form_engine.Change, ...]
    # Left for after the commit, because the tables hold rows.
    followups: tuple[Mapping[str, Any], ...]


def plan_tables(
    connection: Connection, old: CompiledApp | None, new: CompiledApp, others: Mapping[str, CompiledApp]
) -> form_engine.Plan:
    """What going from ``old`` to ``new`` means for the data; changes nothing."""
    return _plan(connection, old, new, others, DatabasePhysicalNames(connection))


def apply_tables(
    connection: Connection,
    old: CompiledApp | None,
    new: CompiledApp,
    others: Mapping[str, CompiledApp],
    names: DatabasePhysicalNames,
) -> TableChanges:
    """Brings the database to the forms of ``new``; nothing is rebuilt or dropped, and doing it again does nothing."""
    existing = set(sa.inspect(connection).get_table_names())
    plan = _plan(connection, old, new, others, names)
    stored = form_engine.apply(connection, plan, indexes=False)
    own = [stored[form.name] for form in new.forms.values()]
    own_names = {form.name for form in own}
    retyped = [c for c in plan.changes if c.code == "type_changed" and c.form in own_names and old is not None]
    followups = [
        *_index(connection, own, existing),
        *(conversion_step(c.form, c.field, old.release if old else 0) for c in retyped),
        *(_backfill(form, field) for form, field in plan.backfills),
    ]
    return TableChanges(changes=plan.changes, followups=tuple(followups))


def index_of(step: Mapping[str, Any]) -> IndexSpec:
    """The index that a follow-up describes."""
    return IndexSpec(
        name=step["name"],
        table=step["table"],
        columns=tuple(step["columns"]),
        unique=step["unique"],
        live_only=step["live_only"],
    )


def _plan(
    connection: Connection,
    old: CompiledApp | None,
    new: CompiledApp,
    others: Mapping[str, CompiledApp],
    names: DatabasePhysicalNames,
) -> form_engine.Plan:
    """The forms of other apps take part unchanged, because references point to them."""
    around = {form.name: form for app in others.values() for form in app.forms.values()}
    return form_engine.plan({**around, **_forms(old)}, {**around, **_forms(new)}, names, connection)


def _forms(app: CompiledApp | None) -> dict[str, CompiledForm]:
    return {form.name: form for form in app.forms.values()} if app else {}


def _index(connection: Connection, forms: Iterable[StoredForm], existing: set[str]) -> list[Mapping[str, Any]]:
    """Creates the indexes of empty tables; those of tables with rows are given back as follow-ups."""
    waiting: list[Mapping[str, Any]] = []
    inspector = sa.inspect(connection)
    for form in forms:
        tables = [table for rows in form.all_rows() for table in (rows.table, rows.history)]
        have = {str(i["name"]) for t in tables if t.name in existing for i in inspector.get_indexes(t.name)}
        empty = form.table.name not in existing or _is_empty(connection, form.table)
        for index in form_indexes(form):
            if index.name in have:
                continue
            if empty:
                create_index(connection, index)
            else:
                waiting.append(index_step(index))
    return waiting


def index_step(index: IndexSpec) -> Mapping[str, Any]:
    """The follow-up that creates an index."""
    return {
        "do": "index",
        "name": index.name,
        "table": index.table,
        "columns": list(index.columns),
        "unique": index.unique,
        "live_only": index.live_only,
    }


def _backfill(form: str, field: str) -> Mapping[str, Any]:
    return {"do": "backfill", "form": form, "field": field}


def _is_empty(connection: Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None
