"""Moving the clock of a sandbox workspace: all its processes see the new time at their next transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from builder.identity.rights import require_admin
from builder.storage.due import note_due
from builder.storage.workspace_tables import workspace as workspace_table
from engines.core import StateConflict

if TYPE_CHECKING:
    from builder.workspace.work import Work

_MICROSECOND = timedelta(microseconds=1)


def advance_clock(work: Work, by: timedelta) -> datetime:
    """The workspace's new instant; only admins of a sandbox, and only forward: ``StateConflict`` otherwise."""
    require_admin(work.principal, "clock.move")
    state = work.workspace.state(work.connection)
    if not state.sandbox:
        raise StateConflict("clock.no_sandbox")
    if by <= timedelta(0):
        raise StateConflict("clock.backwards")
    offset = state.clock_offset + by
    work.connection.execute(sa.update(workspace_table).values(clock_offset=offset // _MICROSECOND))
    note_due(work.connection)
    work.audit("clock.moved", detail={"by": str(by)})
    return work.instant + by
