"""Who, when and which version: the system columns of a write, and the conflict between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from engines.core import PrincipalKind, StateConflict
from engines.form.records.world import World


def new_system_values(world: World, id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """The system columns of a new record: it belongs to who makes it, unless the values say otherwise."""
    who = world.principal
    person = who.id if who.kind is PrincipalKind.PERSON else None
    return {
        "id": id,
        "version": 1,
        "created_at": world.now,
        "created_by": person,
        "updated_at": world.now,
        "updated_by": person,
        "owner": values.get("owner") or person,
        "department": values.get("department") or who.department,
        "deleted_at": None,
        "valid_from": world.now,
        "command": world.command,
    }


def changed_since(current: Mapping[str, Any], fields: Sequence[str], mine: Sequence[str] = ()) -> StateConflict:
    """The conflict that says who changed what, and when; ``mine``: all fields that the refused edit would change."""
    return StateConflict(
        "record.changed",
        version=current["version"],
        by=current["updated_by"],
        at=current["updated_at"],
        fields=list(fields),
        mine=list(mine),
    )
