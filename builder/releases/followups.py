"""What follows a publish outside its transaction: rows that are worked off, resumed at the next start if need be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from builder.releases.converting import conversion_of, convert_batch, listed
from builder.releases.tables import index_of
from builder.storage.release_tables import followup
from builder.workspace import Workspace
from engines.core import SYSTEM, InputError, new_id
from engines.form import create_index

# Records computed anew in one transaction: a fraction of the 200 ms a writer may hold the lock.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Followup:
    """One step and where it stands."""

    id: UUID
    app: str
    release: int
    # {"do": "index", …}
    step: Mapping[str, Any]
    # pending, running, done or failed
    state: str
    error: str
    # Where a resumable step stands.
    progress: Mapping[str, Any] | None


def add_followups(
    connection: Connection, *, app: str, release: int, steps: Iterable[Mapping[str, Any]], at: datetime
) -> None:
    """Notes steps to be worked off after the commit, in order."""
    rows = [
        {"id": new_id(), "app": app, "release": release, "position": position, "step": dict(step), "created_at": at}
        for position, step in enumerate(steps)
    ]
    if rows:
        connection.execute(sa.insert(followup), rows)


def followups_of(connection: Connection, app: str) -> list[Followup]:
    """All steps of an app's releases, newest release first."""
    query = sa.select(followup).where(followup.c.app == app).order_by(followup.c.release.desc(), followup.c.position)
    return [_followup(row) for row in connection.execute(query)]


def finish(workspace: Workspace) -> list[Followup]:
    """Works off what is pending or was interrupted; the steps that failed, which an admin mends and runs again.

    Every step can be done twice: a process that was killed in the middle left "running" behind, and it is done again.
    """
    with workspace.database.read() as connection:
        query = sa.select(followup).where(followup.c.state.in_(("pending", "running"))).order_by(followup.c.id)
        waiting = [_followup(row) for row in connection.execute(query)]
    return [failed for step in waiting if (failed := _work_off(workspace, step)) is not None]


def _work_off(workspace: Workspace, step: Followup) -> Followup | None:
    _mark(workspace, step, "running")
    try:
        _STEPS[step.step["do"]](workspace, step)
    except (DBAPIError, InputError) as error:
        # Usually a unique check over values that are there twice: told, not hidden, and everything else goes on.
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        _mark(workspace, step, "failed", reason)
        return replace(step, state="failed", error=reason)
    _mark(workspace, step, "done")
    return None


def _create_index(workspace: Workspace, step: Followup) -> None:
    with workspace.database.outside() as connection:
        create_index(connection, index_of(step.step), concurrently=True)


def _backfill(workspace: Workspace, step: Followup) -> None:
    """Computes the stored formulas and figures of all records anew, in short transactions; resumes where it was."""
    form = step.step["form"]
    after: UUID | None = UUID(step.progress["after"]) if step.progress else None
    while True:
        with workspace.work(SYSTEM, command="release.backfill") as work:
            if work.apps.find("form", form) is None:
                return
            records = work.records_as(work.as_app(step.app), step.app)
            table = records.world.form(form).table
            batch = sa.select(table.c.id).order_by(table.c.id).limit(_BATCH)
            ids = list(work.connection.execute(batch.where(table.c.id > after) if after else batch).scalars())
            if not ids:
                return
            work.emit(records.recompute(form, ids))
            after = ids[-1]
            progress = {"after": str(after)}
            work.connection.execute(sa.update(followup).where(followup.c.id == step.id).values(progress=progress))


def _convert(workspace: Workspace, step: Followup) -> None:
    """Fills the new column of a field whose type changed; rows that do not convert are listed with the step."""
    progress = dict(step.progress or {"after": None, "refused": 0, "ids": []})
    while True:
        with workspace.work(SYSTEM, command="release.convert") as work:
            conversion = conversion_of(work, step.app, step.step)
            if conversion is None:
                return
            after = UUID(progress["after"]) if progress["after"] else None
            found = convert_batch(work.connection, conversion, after)
            progress = {
                "after": str(found.after) if found.after else None,
                "refused": progress["refused"] + len(found.refused),
                "ids": listed(progress["ids"], found.refused),
            }
            work.connection.execute(sa.update(followup).where(followup.c.id == step.id).values(progress=progress))
        if found.after is None:
            return


_STEPS: Mapping[str, Callable[[Workspace, Followup], None]] = {
    "index": _create_index,
    "convert": _convert,
    "backfill": _backfill,
}


def _mark(workspace: Workspace, step: Followup, state: str, error: str = "") -> None:
    finished = workspace.clock.base.now() if state in ("done", "failed") else None
    with workspace.database.write() as connection:
        connection.execute(
            sa.update(followup).where(followup.c.id == step.id).values(state=state, error=error, finished_at=finished)
        )


def _followup(row: sa.Row[Any]) -> Followup:
    columns = ("id", "app", "release", "step", "state", "error", "progress")
    return Followup(**{column: getattr(row, column) for column in columns})
