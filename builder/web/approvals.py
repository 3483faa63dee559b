"""What has changed on a record since its approval began: before and after, as an approver sees it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.runtime_tables import process_instance
from builder.web.catalogue import FormPlace
from builder.web.forms import Display
from builder.web.history import ChangeShown, change_shown
from builder.workspace import Work
from engines.form import FieldChange, Record


def changes_since_start(
    work: Work, instance_id: UUID | None, place: FormPlace, record: Record, fields: Collection[str], display: Display
) -> list[ChangeShown]:
    """The fields among ``fields`` that differ from when the instance began, where its process locks the record."""
    if instance_id is None:
        return []
    begun = sa.select(process_instance.c.subject_version).where(process_instance.c.id == instance_id)
    version = work.connection.execute(begun).scalar_one()
    if version is None or version == record.version:
        return []
    # As the app: whoever has the task sees what its layout names, whether they may see the record or not.
    versions = work.service("around").records(place.app.name).history(place.name, record.id)
    found: dict[str, FieldChange] = {}
    for change in (c for v in reversed(versions) if v.version > version for c in v.changes):
        before: Any = found[change.field].before if change.field in found else change.before
        found[change.field] = FieldChange(field=change.field, before=before, after=change.after)
    return [
        change_shown(place, change, display)
        for name, change in found.items()
        if name in fields and name in place.form.fields and change.before != change.after
    ]
