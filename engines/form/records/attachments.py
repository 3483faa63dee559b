"""Attachments of records: only files that who acts may use, told as the file store knows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engines.core import InputProblem
from engines.core.ports import StoredFile
from engines.form.compiled import CompiledField
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm
from engines.form.types import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A list of files in the values of a record."""

    # Where it stands: the record's values, or those of a row.
    values: dict[str, Any]
    field: CompiledField
    # "photo" or "lines.photo"
    path: str
    pointer: str

    @property
    def files(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.values[self.field.name]
        return found


def check_files(
    world: World, form: StoredForm, id: UUID | None, values: dict[str, Any], current: Mapping[str, Any] | None
) -> list[InputProblem]:
    """What is wrong with the attachments of ``values``; the good ones then say what the file store knows.

    ``id``: the record's, None for a new one. What the record holds already (``current``) stays as it is.
    """
    if world.files is None or not form.file_fields:
        return []
    known = {file["id"]: file for held in _held(form, current or {}) for file in held.files}
    lists = list(_held(form, values))
    new = {UUID(file["id"]) for held in lists for file in held.files if file["id"] not in known}
    found = world.files.find(form.name, id, new) if new else {}
    return [problem for held in lists for problem in _settle(held, known, found)]


def attach_files(
    world: World, form: StoredForm, id: UUID, values: dict[str, Any], current: Mapping[str, Any] | None
) -> None:
    """Binds the new files of checked ``values`` to the record, in its transaction."""
    if world.files is None or not form.file_fields:
        return
    known = {file["id"] for held in _held(form, current or {}) for file in held.files}
    for held in list(_held(form, values)):
        new = [UUID(file["id"]) for file in held.files if file["id"] not in known]
        bound = world.files.attach(form.name, id, held.path, new) if new else {}
        held.values[held.field.name] = [_told(bound.get(UUID(file["id"])), file) for file in held.files]


def erase_files(world: World, form: StoredForm, id: UUID, emptied: Collection[str]) -> None:
    """Takes away the files of the fields that were ``emptied`` for good, in all versions."""
    paths = {f"{table}.{field.name}" if table else field.name for table, field in form.file_fields}
    if world.files is not None and paths.intersection(emptied):
        world.files.erase(form.name, id, paths.intersection(emptied))


def _held(form: StoredForm, values: Mapping[str, Any]) -> Iterator[_Held]:
    for table, field in form.file_fields:
        places = [("", values)] if not table else [(f"/{n}", r) for n, r in enumerate(values.get(table) or ())]
        for place, row in places:
            if row.get(field.name):
                path = f"{table}.{field.name}" if table else field.name
                pointer = f"/{table}{place}/{field.name}" if table else f"/{field.name}"
                yield _Held(values=row, field=field, path=path, pointer=pointer)  # type: ignore[arg-type]


def _settle(
    held: _Held, known: Mapping[str, dict[str, Any]], found: Mapping[UUID, StoredFile]
) -> Iterator[InputProblem]:
    """Puts what the store knows in place of what was sent, and judges that."""
    told = []
    for file in held.files:
        stored = found.get(UUID(file["id"]))
        if file["id"] in known:
            told.append(known[file["id"]])
        elif stored is None:
            yield InputProblem(pointer=held.pointer, code="form.unknown_file", params={"name": file["name"]})
        else:
            told.append(_told(stored, file))
    try:
        held.values[held.field.name] = held.field.coerce(told) if told else None
    except Refused as refused:
        yield InputProblem(pointer=held.pointer, code=refused.code, params=refused.params)


def _told(stored: StoredFile | None, sent: dict[str, Any]) -> dict[str, Any]:
    if stored is None:
        return sent
    return {"id": str(stored.id), "name": stored.name, "size": stored.size, "type": stored.type}
