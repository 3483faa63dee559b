"""Taking away what nobody needs: uploads that no record took, interrupted ones, erased files."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from builder.files.registry import DOOMED, RECEIVING, STAGED, thumbnail_key
from builder.storage.file_tables import file as table
from builder.workspace.workspace import Workspace

# How long an upload waits for the form that it was made for.
PATIENCE = timedelta(hours=48)
_AT_ONCE = 500


def sweep(workspace: Workspace) -> int:
    """How many files were taken away; called by housekeeping."""
    limit = workspace.clock.base.now() - PATIENCE
    waiting = sa.and_(table.c.state.in_((RECEIVING, STAGED)), table.c.created_at < limit)
    with workspace.database.read() as connection:
        overdue = connection.execute(sa.select(table.c.id).where(waiting).limit(_AT_ONCE)).scalars().all()
        doomed = connection.execute(sa.select(table.c.id).where(table.c.state == DOOMED).limit(1)).first()
    if overdue:
        with workspace.database.write() as connection:
            # Asked again: one may have been attached a moment ago.
            connection.execute(sa.update(table).where(table.c.id.in_(overdue), waiting).values(state=DOOMED))
    return sweep_doomed(workspace) if overdue or doomed else 0


def sweep_doomed(workspace: Workspace) -> int:
    """Takes away the bytes, then the rows, of files that are marked; what is interrupted is done the next time.

    Bytes that another file shares stay.
    """
    other = table.alias()
    shared = sa.exists().where(other.c.blob == table.c.blob, other.c.state != DOOMED)
    query = sa.select(table.c.id, table.c.blob, shared.label("shared")).where(table.c.state == DOOMED)
    with workspace.database.read() as connection:
        rows = connection.execute(query.limit(_AT_ONCE)).all()
    for row in rows:
        if not row.shared:
            workspace.files.blobs.delete(row.blob)
            workspace.files.blobs.delete(thumbnail_key(row.blob))
    if rows:
        with workspace.database.write() as connection:
            connection.execute(sa.delete(table).where(table.c.id.in_([row.id for row in rows])))
    return len(rows)
