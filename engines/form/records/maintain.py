"""Keeping figures over other records right: after a write, of exactly the records that it touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from engines.form.compiled import CompiledField, Mode
from engines.form.records.prepared import Match, run_by_ids
from engines.form.records.source import FormSource, source_of
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm
from engines.form.types import Refused

Touched = Mapping[str, set[UUID]]


def touched_by(world: World, form: str, values: Iterable[Mapping[str, Any] | None]) -> Touched:
    """Records of other forms whose figures may move, by form, when records with ``values`` come, go or change."""
    found: dict[str, set[UUID]] = defaultdict(set)
    dependents = world.forms.dependents.get(form, ())
    for record in values if dependents else ():
        for dependent in dependents:
            key = record.get(dependent.reference) if record else None
            if key is not None:
                found[dependent.form].add(key)
    return found


def maintained_fields(form: StoredForm) -> list[CompiledField]:
    """The fields of a form that hold figures over other records."""
    return [field for field in form.compiled.fields.values() if field.mode is Mode.MAINTAINED]


def figures(world: World, form: StoredForm, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The maintained values of records as they should be now, by id; computed by the database in one query a chunk."""
    fields = maintained_fields(form)

    def make(world: World, match: Match) -> tuple[Select[Any], None]:
        source = source_of(world, form, limited=False)
        columns = [_figure(source, field) for field in fields]
        return select(source.selectable.c.id, *columns).where(match(source.selectable.c.id)), None

    found = {}
    for _, rows in run_by_ids(world, ("figures", form.name), sorted(ids), make):
        for row in rows:
            found[row[0]] = {field.name: fitted(field, value) for field, value in zip(fields, row[1:], strict=True)}
    return found


def _figure(source: FormSource, field: CompiledField) -> Any:
    assert field.formula is not None  # noqa: S101  (maintained fields have formulas)
    return source.sql(field.formula)


def fitted(field: CompiledField, value: Any) -> Any:
    """A computed value as the field keeps it: rounded to its scale, nothing where it does not fit; sums start at 0."""
    if value is None and field.definition.config.get("aggregate") in ("sum", "count"):
        value = 0
    try:
        return None if value is None else field.coerce(value)
    except Refused:
        return None
