"""Writes of rules, processes and score models: with the app's rights, and remembering what set which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime.recipients import identity
from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import value_origin
from builder.storage.upsert import upsert_of
from builder.storage.values import encode
from engines.core import InputError, InputProblem
from engines.core.source import pointer_of

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.form import RecordChange, Records

_REMEMBER = Prepared(upsert_of(value_origin, value_origin.c.keys()), value_origin.c.keys())
WRITABLE = frozenset({"write", "required"})


class RecordWriter:
    """Writes records as one app. Every write raises its events and keeps its origin for "why"."""

    def __init__(self, around: Around, records: Records, app: str) -> None:
        self._around = around
        self._records = records
        self._app = app

    def create(self, form: str, values: Mapping[str, Any], *, source: Mapping[str, Any]) -> dict[str, Any]:
        """The new record's values with its ``id``."""
        change = self._records.create(form, self._plain(form, values))
        self._around.work.emit(change.events)
        remember(self._around, form, change.record.id, list(values), source)
        return change.record.to_dict()

    def update(
        self,
        form: str,
        record_id: UUID,
        values: Mapping[str, Any],
        *,
        source: Mapping[str, Any],
        computed: bool = False,
    ) -> dict[str, Any]:
        """The record's values; ``computed`` ones leave the version that people edit against."""
        change = self._records.update(form, record_id, self._plain(form, values), computed=computed)
        self._around.work.emit(change.events)
        if change.changed:
            # All of them: those that came out the same stand on the same grounds as those that changed.
            remember(self._around, form, record_id, list(values), source)
        return change.record.to_dict()

    def delete(self, form: str, record_id: UUID) -> RecordChange:
        """Moves a record to the recycle bin."""
        change = self._records.delete(form, record_id)
        self._around.work.emit(change.events)
        return change

    def save_step(self, row: sa.Row[Any], values: Mapping[str, Any], base_version: int | None) -> None:
        """Saves the form of a user task. A step opens its own fields, whatever else the person may change."""
        access = {entry["name"]: entry for entry in row.details["fields"]}
        opened = {name for name, entry in access.items() if entry["access"] in WRITABLE}
        refused = sorted(set(values) - opened)
        if refused:
            problems = [InputProblem(pointer=pointer_of(name), code="form.read_only") for name in refused]
            raise InputError(problems)
        closed = access.keys() - opened
        change = self._records.update(
            row.subject_form, row.subject_id, dict(values), base_version=base_version, closed=closed
        )
        self._around.work.emit(change.events)
        if change.changed:
            source = {"kind": "task", "name": row.node, "task": str(row.id), "instance": str(row.instance_id)}
            remember(self._around, row.subject_form, row.subject_id, change.changed, source)

    def _plain(self, form: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the form takes them: a record, a person or a department is its id."""
        fields = self._records.world.form(form).compiled.fields
        plain: dict[str, Any] = {}
        for name, value in values.items():
            field = fields.get(name)
            if field is not None and field.rows is not None:
                plain[name] = [_row(item) for item in value or []]
            elif isinstance(value, (list, tuple)):
                plain[name] = [_id_or_value(item) for item in value]
            else:
                plain[name] = _id_or_value(value)
        return plain


def _row(item: Any) -> Any:
    return {k: _id_or_value(v) if k != "id" else v for k, v in item.items()} if isinstance(item, Mapping) else item


def _id_or_value(value: Any) -> Any:
    return identity(value) if isinstance(value, Mapping) and identity(value) else value


def remember(around: Around, form: str, record_id: UUID, fields: Sequence[str], source: Mapping[str, Any]) -> None:
    """Keeps what set fields of a record: ``source`` has ``kind``, ``name`` and whatever explains it."""
    if fields:
        _REMEMBER.run(around.work.connection, origin_row(around, form, record_id, fields, source))


def origin_row(
    around: Around, form: str, record_id: UUID, fields: Sequence[str], source: Mapping[str, Any]
) -> dict[str, Any]:
    """The row that says so; one for each record and source."""
    app = form.split(".", 1)[0]
    return {
        "form": form,
        "record_id": record_id,
        "source": f"{source['kind']}:{source['name']}"[:200],
        "fields": sorted(fields),
        "at": around.work.instant,
        "release": around.work.apps[app].release if app in around.work.apps else 0,
        "actor": around.work.principal.id,
        "detail": encode(dict(source)),
    }
