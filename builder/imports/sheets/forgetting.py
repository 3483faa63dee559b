"""Imports grow old: the file that was brought, what was refused, and what could be undone are forgotten."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from builder.imports.sheets.runs import WORKING, change_run, find_run, forget_staged
from builder.storage.import_tables import import_problem, import_record, import_run
from builder.workspace.workspace import Workspace

# How long an import can be undone, and its refused lines be fetched.
KEPT = timedelta(days=30)


def forget_old_imports(workspace: Workspace) -> int:
    """How many imports were forgotten; what stays is who brought what, when, and the counts."""
    old = workspace.clock.now() - KEPT
    query = sa.select(import_run.c.id).where(import_run.c.blob != "", import_run.c.created_at < old)
    with workspace.database.read() as connection:
        ids = list(connection.execute(query.where(import_run.c.state.not_in(WORKING)).limit(50)).scalars())
        runs = [run for id in ids if (run := find_run(connection, id))]
    for run in runs:
        workspace.files.blobs.delete(run.blob)
        forget_staged(workspace, run)
        with workspace.database.write() as connection:
            for table in (import_problem, import_record):
                connection.execute(sa.delete(table).where(table.c.import_id == run.id))
            kept = {**run.inspected, "sheets": []}
            change_run(connection, run.id, blob="", shown={}, inspected=kept, state=_over(run.state))
    return len(runs)


def _over(state: str) -> str:
    """An import that was never taken in is over, too."""
    return "stopped" if state in {"uploaded", "checked"} else state
