"""Timeline entries that something wrote down, beside what is computed from histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.storage.runtime_tables import timeline_entry
from builder.storage.values import encode
from engines.core import new_id

if TYPE_CHECKING:
    from builder.workspace.work import Work


def write_entry(
    work: Work, form: str, record_id: UUID, *, kind: str, title: Mapping[str, str], data: Mapping[str, Any]
) -> UUID:
    """The id of a new entry on a record's timeline."""
    row = {
        "id": new_id(),
        "form": form,
        "record_id": record_id,
        "at": work.instant,
        "kind": kind,
        "actor": work.principal.id,
        "title": dict(title),
        "data": encode(dict(data)),
    }
    work.connection.execute(timeline_entry.insert(), row)
    return row["id"]  # type: ignore[return-value]
