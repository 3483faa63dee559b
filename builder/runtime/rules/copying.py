"""Records made after the model of another: fields that both forms have, sub-tables, records that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from engines.core import InputError, InputProblem

if TYPE_CHECKING:
    from engines.form import CompiledField, CompiledForm, Records

Fields = Mapping[str, "CompiledField"]
# Records of one relation that are made anew within a command.
MOST = 2_000


def copied_values(records: Records, model_form: str, model_id: UUID, form: str) -> dict[str, Any]:
    """What a new record of ``form`` begins with; ``InputError`` where the model may not be seen."""
    model = records.get(model_form, model_id)
    if model is None:
        raise InputError([InputProblem(pointer="", code="rules.no_template", params={"form": model_form})])
    compiled = _compiled(records, form)
    return _copied(_compiled(records, model_form).fields, compiled.fields, model.values)


def belonging(
    records: Records, model_form: str, model_id: UUID, relation: str, form: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """For each record of the model's relation: form, reference field and values of the one to be made for the copy."""
    theirs, ours = (_compiled(records, name).relations[relation] for name in (model_form, form))
    source = records.source(theirs.form)
    back = source.column(theirs.field)
    if back is None:
        return
    own = source.selectable.c.id
    query = sa.select(own).where(back.element == model_id, source.visible_rows()).order_by(own).limit(MOST + 1)
    ids = list(records.world.connection.execute(query).scalars())
    if len(ids) > MOST:
        raise InputError([InputProblem(pointer="", code="rules.too_many_records", params={"limit": MOST})])
    fields, wanted = _compiled(records, theirs.form).fields, _compiled(records, ours.form).fields
    for found in records.get_many(theirs.form, ids):
        yield ours.form, ours.field, _copied(fields, wanted, found.values)


def _compiled(records: Records, form: str) -> CompiledForm:
    compiled: CompiledForm = records.world.form(form).compiled
    return compiled


def _copied(model: Fields, wanted: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the fields of the same name and type that may be entered and need not be unique."""
    found: dict[str, Any] = {}
    for name, field in wanted.items():
        other = model.get(name)
        if other is None or not _alike(field, other) or values.get(name) is None:
            continue
        if field.rows is not None and other.rows is not None:
            found[name] = [_copied(other.rows, field.rows, row) for row in values[name]]
        else:
            found[name] = values[name]
    return found


def _alike(field: CompiledField, other: CompiledField) -> bool:
    same = (field.definition.type, field.target, field.list_target)
    if same != (other.definition.type, other.target, other.list_target):
        return False
    return field.rows is not None or (field.entered and not field.definition.unique)
