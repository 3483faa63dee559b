"""Computed values after a write: figures over other records, and the formulas that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from engines.core import Event, StateConflict
from engines.form.compiled import Mode
from engines.form.pipeline import FormInput, FormResult, run
from engines.form.records.loading import load_references, load_stored
from engines.form.records.maintain import figures, maintained_fields, touched_by
from engines.form.records.raising import batch_event, record_event
from engines.form.records.world import World
from engines.form.records.writing import update_many, update_record
from engines.form.storage.tables import StoredForm

# Up to so many computed changes raise an event each; more are told as one.
_TOLD_SINGLY = 20
_MAX_DEPTH = 8


def maintain(world: World, form: StoredForm, records: Sequence[Mapping[str, Any]], depth: int = 0) -> list[Event]:
    """Brings the figures of other records up to date that count the given ones."""
    events: list[Event] = []
    for target, ids in touched_by(world, form.name, records).items():
        events += compute_again(world, world.form(target), sorted(ids), depth + 1)
    return events


def compute_again(world: World, form: StoredForm, ids: Sequence[UUID], depth: int) -> list[Event]:
    """New figures, then the formulas of the same record that read them; told as changes that were computed."""
    if depth > _MAX_DEPTH:
        raise StateConflict("record.figures_too_deep", form=form.name)
    stored = load_stored(world, form, ids, lock=True)
    wanted = figures(world, form, ids) if maintained_fields(form) else {}
    changes = []
    for id, before in stored.items():
        changed = _computed_changes(form, before, _computed_values(world, form, before, wanted.get(id, {})))
        if changed:
            changes.append((before, changed))
    if len(stored) <= _TOLD_SINGLY:
        return [event for before, changed in changes for event in _write_computed(world, form, before, changed, depth)]
    return _write_all_computed(world, form, changes, depth) if changes else []


def write_values(
    world: World, form: StoredForm, stored: Mapping[UUID, Mapping[str, Any]], values: Mapping[UUID, Mapping[str, Any]]
) -> list[Event]:
    """What the system computed outside, put into stored records, with the formulas that follow; one event for all."""
    changes = []
    for id, before in stored.items():
        wanted = {name: _coerced(form, name, value) for name, value in values[id].items()}
        changed = _computed_changes(form, before, _computed_values(world, form, before, wanted))
        if changed:
            changes.append((before, changed))
    return _write_all_computed(world, form, changes, 0) if changes else []


def _coerced(form: StoredForm, name: str, value: Any) -> Any:
    """A value as the field keeps it: numbers rounded as it says."""
    return None if value is None else form.compiled.fields[name].coerce(value)


def _computed_values(
    world: World, form: StoredForm, before: Mapping[str, Any], wanted: Mapping[str, Any]
) -> FormResult:
    """The record with new figures, its formulas computed from them; checks do not apply to the system's values."""
    if not form.compiled.formula_order or all(
        f.mode is Mode.MAINTAINED for f in form.compiled.fields.values() if f.formula is not None
    ):
        return FormResult(values={**_values(form, before), **wanted}, problems=())
    current = {**before, **wanted}
    given = FormInput(
        values={},
        current=current,
        context=world.context,
        references=load_references(world, form, {}, current),
        around=world.around,
    )
    return run(form.compiled, given)


def _write_computed(
    world: World, form: StoredForm, before: Mapping[str, Any], changed: Mapping[str, Any], depth: int
) -> list[Event]:
    update_record(world, form, before, {}, changed)
    after = {**before, **changed}
    return [
        record_event(world, "record.updated", form, before, after, tuple(changed), True),
        *maintain(world, form, [before, after], depth),
    ]


def _write_all_computed(
    world: World, form: StoredForm, changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], depth: int
) -> list[Event]:
    """As ``_write_computed`` for many records, told as one event."""
    update_many(world, form, changes)
    ids = [before["id"] for before, _ in changes]
    names = tuple(sorted({name for _, changed in changes for name in changed}))
    touched = [record for before, changed in changes for record in (before, {**before, **changed})]
    return [
        batch_event(world, "records.batch_updated", form, ids, names, True),
        *maintain(world, form, touched, depth),
    ]


def _values(form: StoredForm, stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stored.get(name) for name in form.compiled.fields}


def _computed_changes(form: StoredForm, before: Mapping[str, Any], result: FormResult) -> dict[str, Any]:
    """What the new values of computed fields change in the stored record."""
    return {
        name: value
        for name, value in result.values.items()
        if value != before.get(name) and is_kept(form, name) and name in form.compiled.fields
    }


def is_kept(form: StoredForm, name: str) -> bool:
    """Whether a field's value stands in the form's tables."""
    return name in form.rows.columns or name in form.children or name in ("owner", "department")
