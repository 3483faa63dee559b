"""Why somebody may do something with a record, or not: each entry of the form's rights, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from engines.form.compiled import CompiledPermission
from engines.form.records.source import own_source
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReasons:
    """What the rights of somebody come to on one record."""

    # Whether it is in the recycle bin.
    deleted: bool
    # Each entry that they hold, and whether its condition is true for the record.
    entries: tuple[tuple[CompiledPermission, bool], ...]

    def granting(self, operation: str) -> tuple[CompiledPermission, ...]:
        """The entries that open the record to an operation."""
        return tuple(entry for entry, holds in self.entries if holds and operation in entry.operations)


def reasons(world: World, form: StoredForm, id: UUID) -> RecordReasons | None:
    """What the rights of who acts come to on a record, seen or not; None where there is none."""
    source = own_source(world, form)
    entries = world.rights(form).entries
    table = source.selectable.c
    query = select(table.deleted_at, *(source.condition(entry) for entry in entries)).where(table.id == id)
    row = world.connection.execute(query).first()
    if row is None:
        return None
    found = tuple((entry, bool(holds)) for entry, holds in zip(entries, row[1:], strict=True))
    return RecordReasons(deleted=row[0] is not None, entries=found)
