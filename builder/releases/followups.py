"""What follows a publish outside its transaction: rows that are worked off, resumed at the next start if need be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.identity import require_builder
from builder.jobs import queue
from builder.storage.release_tables import followup
from builder.workspace import Work
from engines.core import StateConflict, new_id

# The job that works off the steps of one app.
FOLLOW = "release.follow"
OPEN = ("pending", "running")
# Steps that may be stopped on the way; an index is one statement, which runs to its end.
PORTIONED = frozenset({"convert", "backfill"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Followup:
    """One step and where it stands."""

    id: UUID
    app: str
    release: int
    # {"do": "index", …}
    step: Mapping[str, Any]
    # pending, running, done, failed or cancelled
    state: str
    error: str
    # Where a resumable step stands: "done" of "total" rows, "after" which id, how many were refused.
    progress: Mapping[str, Any] | None

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where it is not counted."""
        total = (self.progress or {}).get("total")
        return min(1.0, self.progress["done"] / total) if self.progress and total else None

    @property
    def may_be_cancelled(self) -> bool:
        """Whether it can still be stopped."""
        return self.state == "pending" or (self.state == "running" and self.step["do"] in PORTIONED)


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


def open_followups(connection: Connection, app: str | None = None) -> list[Followup]:
    """What is pending or was interrupted, of one app or of all, in the order in which it is to be done."""
    query = sa.select(followup).where(followup.c.state.in_(OPEN)).order_by(followup.c.id)
    return [_followup(row) for row in connection.execute(query if app is None else query.where(followup.c.app == app))]


def follow_later(work: Work, app: str, *, wait_s: float = 0) -> None:
    """Has the runner work off what is open of an app."""
    due = work.instant if not wait_s else work.instant + timedelta(seconds=wait_s)
    queue.put(work.connection, kind=FOLLOW, due_at=due, now=work.instant, payload={}, app=app, key=f"{FOLLOW}:{app}")


def cancel_followup(work: Work, app: str, id: UUID) -> None:
    """Stops a step where it stands: what it has done stays, and it can be resumed. For builders of the app.

    ``StateConflict`` where it is over, or one statement that is being carried out.
    """
    found = _require(work, app, id)
    if not found.may_be_cancelled:
        raise StateConflict("release.followup_state", state=found.state)
    _move(work, found, OPEN, "cancelled")
    work.audit("release.followup_cancelled", app, {"release": found.release})


def resume_followup(work: Work, app: str, id: UUID) -> None:
    """Goes on with a step that was cancelled or has failed, where it stood. For builders of the app."""
    found = _require(work, app, id)
    _move(work, found, ("cancelled", "failed"), "pending")
    work.audit("release.followup_resumed", app, {"release": found.release})
    follow_later(work, app)


def _require(work: Work, app: str, id: UUID) -> Followup:
    require_builder(work.principal, app, "release.publish")
    query = sa.select(followup).where(followup.c.id == id, followup.c.app == app)
    row = work.connection.execute(query).one_or_none()
    if row is None:
        raise KeyError(id)
    return _followup(row)


def _move(work: Work, found: Followup, before: tuple[str, ...], after: str) -> None:
    mine = sa.and_(followup.c.id == found.id, followup.c.state.in_(before))
    values = {"state": after, "error": "", "finished_at": work.instant if after == "cancelled" else None}
    if work.connection.execute(sa.update(followup).where(mine).values(**values)).rowcount != 1:
        raise StateConflict("release.followup_state", state=found.state)


def _followup(row: sa.Row[Any]) -> Followup:
    columns = ("id", "app", "release", "step", "state", "error", "progress")
    return Followup(**{column: getattr(row, column) for column in columns})
