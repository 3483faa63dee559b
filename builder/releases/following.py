"""Working off what follows a publish: by the runner's jobs a few seconds at a time, or at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from builder.jobs.ports import Job
from builder.releases.converting import conversion_of, convert_batch, count_rows, listed
from builder.releases.followups import FOLLOW, OPEN, Followup, follow_later, open_followups
from builder.releases.tables import index_of
from builder.runtime.host import Handler
from builder.storage.release_tables import followup
from builder.workspace import Work, Workspace
from builder.workspace.records import form_set
from engines.core import SYSTEM, InputError, Registry
from engines.form import create_index

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long one job works, well within the lease of its row.
SLICE_S = 5.0
# How long it is let be where another process builds the same index.
_BUSY_S = 5.0
# Records computed anew in one transaction: as many as take a fraction of the 200 ms a writer may hold the lock.
_FEWEST, _MOST, _SHORT_S = 25, 400, 0.1
_never = float("inf")


class Stopped(Exception):
    """The step was cancelled meanwhile, or is done by somebody else; rolls its portion back."""


class Elsewhere(Exception):
    """Another process is building the same index."""


def finish(workspace: Workspace, app: str | None = None, *, until: float = _never) -> list[Followup]:
    """Works off what is pending or was interrupted; the steps that failed, which an admin mends and runs again.

    Every step can be done twice: a process that was killed in the middle left "running" behind, and it goes on where
    its last portion was committed. ``until``: when to leave off, by ``time.monotonic``.
    """
    with workspace.database.read() as connection:
        waiting = open_followups(connection, app)
    failed = []
    for step in waiting:
        if time.monotonic() >= until:
            break
        reason = _work_off(workspace, step, until)
        if reason:
            failed.append(replace(step, state="failed", error=reason))
    return failed


def resume(workspace: Workspace) -> None:
    """Has the runner go on with what an earlier process left; what waits for it already keeps its place."""
    with workspace.database.read() as connection:
        apps = {step.app for step in open_followups(connection)}
    for app in sorted(apps):
        with workspace.work(SYSTEM, command="release.resume") as work:
            follow_later(work, app)


def register(handlers: Registry[Handler]) -> None:
    """Adds the handler of follow-ups."""
    handlers.register(FOLLOW, Handler(act=_go_on, outside=_slice))


def _slice(workspace: Workspace, job: Job) -> float:
    """Works for a few seconds; after how many more to go on."""
    try:
        finish(workspace, job.app, until=time.monotonic() + SLICE_S)
    except Elsewhere:
        return _BUSY_S
    return 0


def _go_on(work: Work, job: Job, wait_s: float) -> None:
    if open_followups(work.connection, job.app):
        follow_later(work, job.app, wait_s=wait_s)


def _work_off(workspace: Workspace, step: Followup, until: float) -> str:
    """Does a step, or a part of it; why it has failed, "" where it has not."""
    if not _mark(workspace, step, "running"):
        return ""
    try:
        if not _STEPS[step.step["do"]](workspace, step, until):
            return ""
    except Stopped:
        return ""
    except (DBAPIError, InputError) as error:
        # Usually a unique check over values that are there twice: told, not hidden, and everything else goes on.
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        _mark(workspace, step, "failed", reason)
        return reason
    _mark(workspace, step, "done")
    return ""


def _create_index(workspace: Workspace, step: Followup, _until: float) -> bool:
    with workspace.database.outside() as connection, _alone(connection, step.step["name"]):
        create_index(connection, index_of(step.step), concurrently=True)
    return True


@contextmanager
def _alone(connection: Connection, name: str) -> Iterator[None]:
    """Nobody else builds the index of that name; on SQLite the write lock sees to it.

    PostgreSQL waits for every older transaction of the database to end, without keeping anybody: that may take long.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    key = sa.func.hashtextextended(sa.func.concat(sa.func.current_schema(), ".", name), 0)
    if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one():
        raise Elsewhere(name)
    before = connection.execute(sa.text("SHOW lock_timeout")).scalar_one()
    connection.execute(sa.text("SET lock_timeout = '10min'"))
    try:
        yield
    finally:
        connection.execute(sa.select(sa.func.set_config("lock_timeout", before, False)))
        connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))


def _backfill(workspace: Workspace, step: Followup, until: float) -> bool:
    """Computes the stored formulas and figures of all records anew, in short transactions; resumes where it was."""
    form = step.step["form"]
    progress = {"after": None, "done": 0, "total": None, **(step.progress or {})}
    if progress["total"] is None:
        with workspace.read(SYSTEM) as work:
            if work.apps.find("form", form) is None:
                return True
            table = form_set(work)[form].table
            progress["total"] = work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    size = _FEWEST
    while (begun := time.monotonic()) < until:
        with workspace.work(SYSTEM, command="release.backfill") as work:
            if work.apps.find("form", form) is None:
                return True
            records = work.records_as(work.as_app(step.app), step.app)
            table = records.world.form(form).table
            after = UUID(progress["after"]) if progress["after"] else None
            batch = sa.select(table.c.id).order_by(table.c.id).limit(size)
            ids = list(work.connection.execute(batch.where(table.c.id > after) if after else batch).scalars())
            if not ids:
                return True
            work.emit(records.recompute(form, ids))
            progress |= {"after": str(ids[-1]), "done": progress["done"] + len(ids)}
            _note(work, step, progress)
        if time.monotonic() - begun < _SHORT_S:
            size = min(size * 2, _MOST)
        elif size > _FEWEST:
            size //= 2
    return False


def _convert(workspace: Workspace, step: Followup, until: float) -> bool:
    """Fills the new column of a field whose type changed; rows that do not convert are listed with the step."""
    progress = {"after": None, "refused": 0, "ids": [], "done": 0, "total": None, **(step.progress or {})}
    conversion, generation = None, -1
    if progress["total"] is None:
        # Counting a million rows takes a while: nobody who writes waits for it.
        with workspace.read(SYSTEM) as work:
            counted = conversion_of(work, step.app, step.step)
            progress["total"] = count_rows(work.connection, counted) if counted else 0
    while time.monotonic() < until:
        with workspace.work(SYSTEM, command="release.convert") as work:
            if work.generation != generation:
                # Finding the old column means compiling an old release: once for as long as the releases stay.
                conversion, generation = conversion_of(work, step.app, step.step), work.generation
            if conversion is None:
                return True
            after = UUID(progress["after"]) if progress["after"] else None
            found = convert_batch(work.connection, conversion, after)
            progress |= {
                "after": str(found.after) if found.after else None,
                "refused": progress["refused"] + len(found.refused),
                "ids": listed(progress["ids"], found.refused),
                "done": progress["done"] + found.seen,
            }
            _note(work, step, progress)
        if found.after is None:
            return True
    return False


_STEPS: Mapping[str, Callable[[Workspace, Followup, float], bool]] = {
    "index": _create_index,
    "convert": _convert,
    "backfill": _backfill,
}


def _note(work: Work, step: Followup, progress: Mapping[str, Any]) -> None:
    """Keeps how far a step has come, in the transaction of its portion; ``Stopped`` where it is not to go on."""
    running = sa.and_(followup.c.id == step.id, followup.c.state == "running")
    if work.connection.execute(sa.update(followup).where(running).values(progress=dict(progress))).rowcount != 1:
        raise Stopped


def _mark(workspace: Workspace, step: Followup, state: str, error: str = "") -> bool:
    """Whether the step was open and is now in ``state``."""
    finished = workspace.clock.base.now() if state in ("done", "failed") else None
    mine = sa.and_(followup.c.id == step.id, followup.c.state.in_(OPEN))
    with workspace.database.write() as connection:
        statement = sa.update(followup).where(mine).values(state=state, error=error, finished_at=finished)
        return connection.execute(statement).rowcount == 1
