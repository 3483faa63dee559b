"""Changing or deleting many records at once: chosen, tried out, done in short commands, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.jobs import queue
from builder.storage.bulk_tables import bulk_record, bulk_run
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, StateConflict, new_id
from engines.form import ListQuery

STEP = "bulk.step"
WORKING = ("trying", "running", "undoing")
# Records of one run; a list with more is to be narrowed first.
MOST = 10_000
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRun:
    """One change of many records."""

    id: UUID
    app: str
    # Qualified.
    form: str
    person: UUID
    # "edit" or "delete"
    kind: str
    # Field to its new value, as the form takes it.
    given: Mapping[str, Any]
    silent: bool
    state: str
    done: int
    total: int
    counts: Mapping[str, int]
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_working(self) -> bool:
        """Whether something goes on by itself."""
        return self.state in WORKING


def find_run(connection: sa.Connection, id: UUID) -> BulkRun | None:
    """A run; None where there is none."""
    row = connection.execute(sa.select(bulk_run).where(bulk_run.c.id == id)).first()
    return None if row is None else BulkRun(**row._mapping)


def matching_ids(work: Work, form: str, query: ListQuery) -> list[UUID]:
    """The records of a list that may be seen, in its order; up to one more than a run takes."""
    found: list[UUID] = []
    query = replace(query, columns=(), limit=_PAGE, count=False, after=None)
    while len(found) <= MOST:
        page = work.records.page(form, query)
        found += [record.id for record in page.records]
        if page.next is None:
            break
        query = replace(query, after=page.next)
    return found[: MOST + 1]


def choose(work: Work, form: str, kind: str, ids: Sequence[UUID]) -> UUID:
    """The id of a new run over records; ``InputError`` "lists.none_chosen" or "lists.too_many_chosen"."""
    if work.principal.id is None or not work.records.may(form, kind):
        raise AccessDenied(kind, form)
    ids = list(dict.fromkeys(ids))
    if not ids or len(ids) > MOST:
        code = "lists.too_many_chosen" if ids else "lists.none_chosen"
        raise InputError([InputProblem(pointer="", code=code, params={"max": MOST})])
    id = new_id()
    values = {"app": form.partition(".")[0], "form": form, "person": work.principal.id, "kind": kind}
    stage = {"given": {}, "silent": False, "state": "chosen", "total": len(ids), "counts": {}}
    work.connection.execute(sa.insert(bulk_run).values(id=id, created_at=work.instant, **values, **stage))
    rows = [
        {"bulk_id": id, "place": place, "record_id": record, "result": "", "told": "", "version": 0}
        for place, record in enumerate(ids)
    ]
    work.connection.execute(sa.insert(bulk_record), rows)
    return id


def begin_trial(work: Work, run: BulkRun, given: Mapping[str, Any], silent: bool) -> None:
    """Starts trying it out: everything is done as it would be, counted, and taken back."""
    _require(work, run, ("chosen", "tried"))
    if run.kind == "edit" and not given:
        raise InputError([InputProblem(pointer="", code="lists.nothing_given")])
    _begin(work, run, "trying", given=dict(given), silent=silent)


def begin_run(work: Work, run: BulkRun) -> None:
    """Starts doing it, as it was tried out."""
    _require(work, run, ("tried",))
    told = {"bulk": str(run.id), "records": run.total}
    if run.kind == "delete":
        work.audit("bulk.delete", run.form, told)
    else:
        work.audit("bulk.edit", run.form, told)
    _begin(work, run, "running")


def begin_undo(work: Work, run: BulkRun) -> None:
    """Starts taking it back."""
    _require(work, run, ("done", "stopped", "failed"))
    work.audit("bulk.undo", run.form, {"bulk": str(run.id)})
    _begin(work, run, "undoing")


def stop(work: Work, run: BulkRun) -> None:
    """Ends what is going on after the portion at work; what is done stays until it is taken back."""
    _require(work, run, WORKING)
    after = "chosen" if run.state == "trying" else "stopped"
    change(work.connection, run.id, state=after, finished_at=work.instant)
    queue.cancel(work.connection, key_of(run.id))


def _require(work: Work, run: BulkRun, states: Sequence[str]) -> None:
    if run.person != work.principal.id or not work.records.may(run.form, run.kind):
        raise AccessDenied(run.kind, run.form)
    if run.state not in states:
        raise StateConflict("lists.gone_on")


def _begin(work: Work, run: BulkRun, state: str, **values: Any) -> None:
    if state != "undoing":
        items = sa.update(bulk_record).where(bulk_record.c.bulk_id == run.id)
        work.connection.execute(items.values(result="", told="", before=None, version=0))
        values["counts"] = {}
    change(work.connection, run.id, state=state, done=0, finished_at=None, **values)
    put_step(work, run)


def change(connection: sa.Connection, id: UUID, **values: Any) -> None:
    """Notes something of a run."""
    connection.execute(sa.update(bulk_run).where(bulk_run.c.id == id).values(**values))


def put_step(work: Work, run: BulkRun) -> None:
    """Leaves the next portion to be done."""
    now, payload = work.instant, {"bulk": str(run.id)}
    queue.put(work.connection, kind=STEP, due_at=now, now=now, payload=payload, app=run.app, key=key_of(run.id))


def key_of(id: UUID) -> str:
    """The key of a run's job: there is one at a time."""
    return f"{STEP}:{id}"


def items_of(connection: sa.Connection, id: UUID, start: int, limit: int) -> list[Any]:
    """Records of a run from a place on."""
    table = bulk_record.c
    query = sa.select(bulk_record).where(table.bulk_id == id, table.place >= start).order_by(table.place)
    return list(connection.execute(query.limit(limit)))


def refused_of(connection: sa.Connection, id: UUID, limit: int = 100) -> list[Any]:
    """The records of a run that were refused, or kept as they are when it was taken back."""
    table = bulk_record.c
    query = sa.select(bulk_record).where(table.bulk_id == id, table.result.in_(("refused", "kept")))
    return list(connection.execute(query.order_by(table.place).limit(limit)))
