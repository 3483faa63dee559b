"""Records under approval: only the process itself, and its people in the fields that a step opens, may change them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.storage.prepared import Prepared
from builder.storage.runtime_tables import process_instance
from engines.core import StateConflict


class RecordLocks:
    """The ``Locks`` port of one command: whatever writes records, by page, API, rule, import or in bulk, asks here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # The instance (the outermost caller's id) on whose behalf is being written; None for everybody else.
        self._within: UUID | None = None

    def check(self, form: str, record: UUID, fields: Collection[str]) -> None:
        """``StateConflict`` "record.under_approval" where a process other than the one that writes locks the record."""
        for row in _LOCKING.all(self._connection, {"p_form": form, "p_record": record}):
            if row.root_id != self._within:
                process = f"{row.app}.{row.process}"
                raise StateConflict(
                    "record.under_approval", record=str(record), process=process, instance=str(row.id),
                    fields=sorted(fields),
                )  # fmt: skip

    @contextmanager
    def within(self, root: UUID | None) -> Iterator[None]:
        """In the block, the instance ``root`` and those that it has called write."""
        before, self._within = self._within, root
        try:
            yield
        finally:
            self._within = before


_LOCKING = Prepared(
    sa.select(
        process_instance.c.id, process_instance.c.root_id, process_instance.c.app, process_instance.c.process
    ).where(
        process_instance.c.subject_form == sa.bindparam("p_form"),
        process_instance.c.subject_id == sa.bindparam("p_record"),
        process_instance.c.subject_version.is_not(None),
        process_instance.c.status == "running",
    )
)
