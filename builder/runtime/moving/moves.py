"""The journalled job that moves what an admin has chosen, in short commands; a killed one goes on where it stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity.people import get_person, set_active
from builder.identity.rights import require_admin
from builder.jobs import queue
from builder.jobs.ports import Job
from builder.runtime.moving.parts import PARTS, RECORD_PART, move_portion
from builder.storage.people_tables import move as table
from builder.workspace.work import Work
from builder.workspace.workspace import Workspace
from engines.core import AccessDenied, InputError, InputProblem, new_id
from engines.core.principal import SYSTEM

JOB = "people.move"
# A part of the plan that needs no successor: the person can no longer sign in.
LEAVES = "leaves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move as admins see it."""

    id: UUID
    person: UUID
    to: UUID | None
    parts: tuple[str, ...]
    leaves: bool
    # By part: how many were moved and how many had to stay.
    done: Mapping[str, Mapping[str, Any]]
    state: str
    started_at: datetime
    started_by: UUID | None
    finished_at: datetime | None


def begin_move(
    work: Work, person_id: UUID, parts: Sequence[str], *, to: UUID | None = None, leaves: bool = False
) -> UUID:
    """The id of a new move, which a job carries out; for admins. ``leaves``: the person is shut out at once."""
    require_admin(work.principal, "people.move")
    who = get_person(work.connection, person_id)
    wanted = tuple(dict.fromkeys(parts))
    _check(work, who.id, wanted, to)
    if leaves:
        set_active(work, person_id, False)
    row = {
        "id": new_id(),
        "person": person_id,
        "successor": to,
        "plan": {"parts": list(wanted), LEAVES: leaves},
        "done": {},
        "state": "running" if wanted else "done",
        "started_at": work.instant,
        "started_by": work.principal.id,
        "finished_at": None if wanted else work.instant,
    }
    work.connection.execute(table.insert(), row)
    work.audit("people.move", str(person_id), {"to": str(to) if to else None, "parts": list(wanted), LEAVES: leaves})
    if wanted:
        _put_job(work, row["id"])  # type: ignore[arg-type]
    return row["id"]  # type: ignore[return-value]


def _check(work: Work, person_id: UUID, parts: Sequence[str], to: UUID | None) -> None:
    unknown = [p for p in parts if p not in PARTS and not _is_form(work, p)]
    if unknown:
        raise InputError([InputProblem(pointer="/parts", code="move.unknown_part", params={"found": unknown[0]})])
    if parts and (to is None or to == person_id):
        raise InputError([InputProblem(pointer="/to", code="move.no_successor")])
    if to is not None and not get_person(work.connection, to).active:
        raise InputError([InputProblem(pointer="/to", code="move.successor_left")])


def _is_form(work: Work, part: str) -> bool:
    app, _, form = part.removeprefix(RECORD_PART).partition(".")
    return part.startswith(RECORD_PART) and app in work.apps and form in work.apps[app].forms


def _put_job(work: Work, id: UUID) -> None:
    queue.put(
        work.connection, kind=JOB, due_at=work.instant, now=work.instant, payload={"move": str(id)}, key=f"{JOB}:{id}"
    )


def perform(work: Work, job: Job, _: Any) -> None:
    """One portion, and the job for the next where there is one."""
    if advance(work, UUID(job.payload["move"])):
        _put_job(work, UUID(job.payload["move"]))


def advance(work: Work, id: UUID) -> bool:
    """Moves one portion in this command; whether there is more to do."""
    row = work.connection.execute(sa.select(table).where(table.c.id == id).with_for_update()).one_or_none()
    if row is None or row.state == "done":
        return False
    done = {part: dict(what) for part, what in row.done.items()}
    part = next((p for p in row.plan["parts"] if not done.get(p, {}).get("over")), None)
    if part is not None:
        known = done.setdefault(part, {"count": 0, "left": 0, "after": ""})
        moved = move_portion(work, part, row.person, row.successor, known["after"])
        known["count"] += moved.count
        known["left"] += moved.left
        known["after"], known["over"] = moved.after or "", moved.after is None
    over = all(done.get(p, {}).get("over") for p in row.plan["parts"])
    values = {"done": done, **({"state": "done", "finished_at": work.instant} if over else {})}
    work.connection.execute(table.update().where(table.c.id == id).values(**values))
    if over:
        _tell(work, row, done)
    return not over


def _tell(work: Work, row: sa.Row[Any], done: Mapping[str, Mapping[str, Any]]) -> None:
    """The admin who began it, and whoever has more to do now."""
    work.audit("people.moved", str(row.person), {part: what["count"] for part, what in done.items()})
    name = get_person(work.connection, row.person).name
    people = [found for found in (row.started_by, row.successor) if found is not None]
    work.notifications.send(
        people,
        title={"zh": f"{name} 的工作已移交", "en": f"What {name} had was handed over"},
        kind="system",
        key=f"move:{row.id}",
    )


def carry_out(workspace: Workspace, id: UUID) -> None:
    """Carries a move out to its end, for whoever waits for it: the command line."""
    while workspace.run(lambda work: advance(work, id), SYSTEM, command=JOB):
        continue


def moves_of(work: Work, person_id: UUID, limit: int = 20) -> Sequence[Move]:
    """The moves of a person, newest first; for admins."""
    require_admin(work.principal, "people.move_see")
    query = sa.select(table).where(table.c.person == person_id).order_by(table.c.id.desc()).limit(limit)
    return [_move(row) for row in work.connection.execute(query)]


def get_move(work: Work, id: UUID) -> Move:
    """One move; for admins."""
    require_admin(work.principal, "people.move_see")
    row = work.connection.execute(sa.select(table).where(table.c.id == id)).one_or_none()
    if row is None:
        raise AccessDenied("people.move_see")
    return _move(row)


def _move(row: sa.Row[Any]) -> Move:
    return Move(
        id=row.id,
        person=row.person,
        to=row.successor,
        parts=tuple(row.plan["parts"]),
        leaves=bool(row.plan.get(LEAVES)),
        done=row.done,
        state=row.state,
        started_at=row.started_at,
        started_by=row.started_by,
        finished_at=row.finished_at,
    )
