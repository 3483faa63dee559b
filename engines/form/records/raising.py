"""The events that writes raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from engines.core import Event, new_id
from engines.form.compiled import CompiledForm
from engines.form.records.world import World
from engines.form.storage.tables import StoredForm


def record_event(
    world: World,
    type: str,
    form: StoredForm,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    changed: tuple[str, ...],
    computed: bool = False,
) -> Event:
    """What happened to one record; ``before`` and ``after`` hold all its stored values."""
    payload = {"before": before, "after": after, "changed": changed, "computed": computed}
    return _raised(world, type, (form.name, after["id"]), payload, form.compiled)


def batch_event(
    world: World, type: str, form: StoredForm, ids: Sequence[UUID], changed: tuple[str, ...], computed: bool
) -> Event:
    """What happened to many records at once."""
    payload = {"form": form.name, "ids": ids, "changed": changed, "computed": computed}
    return _raised(world, type, None, payload, form.compiled)


def _raised(
    world: World, type: str, subject: tuple[str, UUID] | None, payload: Mapping[str, Any], form: CompiledForm
) -> Event:
    return Event(
        id=new_id(),
        type=type,
        at=world.now,
        app=form.app,
        release=world.release,
        actor=world.principal.id,
        subject=subject,
        payload=payload,
        correlation_id=world.command,
    )
