"""Jobs of rules: timers after events, schedules and sweeps, full runs of score models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.jobs import queue
from builder.jobs.ports import Job
from builder.runtime.host import Handler
from builder.runtime.rules.running import TIMER
from builder.runtime.rules.schedules import SCHEDULE, sync
from builder.runtime.rules.schedules import run as run_schedule
from builder.runtime.rules.scoring import BATCH, RUN, Prepared, from_payload, to_payload
from builder.runtime.rules.sweeping import FIRE, fire_portion
from engines.core import Registry
from engines.core.principal import SYSTEM

if TYPE_CHECKING:
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace


def register(handlers: Registry[Handler]) -> None:
    """Adds the handlers of rules."""
    handlers.register(TIMER, Handler(act=_due))
    handlers.register(SCHEDULE, Handler(act=run_schedule))
    handlers.register(FIRE, Handler(act=fire_portion))
    handlers.register(RUN, Handler(act=_begin_run, outside=_prepare))
    handlers.register(BATCH, Handler(act=_write_batch))


def follow_release(work: Work) -> None:
    """Brings schedules in line with the apps in force."""
    sync(work)


def _due(work: Work, job: Job, _: Any) -> None:
    """A time after an event has passed: the rule is looked at again."""
    payload = job.payload
    subject = (payload["form"], payload["record"]) if payload["form"] else None
    work.service("around").raise_event(
        "rule.due",
        app=job.app,
        subject=subject,
        name=payload["rule"],
        trigger=int(payload["trigger"]),
        payload=payload["payload"],
    )


def _prepare(workspace: Workspace, job: Job) -> Prepared:
    with workspace.read(SYSTEM) as work:
        prepared: Prepared = work.service("scoring").prepare(job.app, job.payload["model"], cause=job.payload["cause"])
    return prepared


def _begin_run(work: Work, job: Job, prepared: Prepared) -> None:
    """Puts the new cut points in force; one portion after the other is written, each when the one before is done."""
    run_id: UUID = work.service("scoring").begin_run(prepared)
    batches = list(prepared.batches())
    rows = [
        queue.row_of(
            kind=BATCH,
            due_at=work.instant,
            now=work.instant,
            app=job.app,
            key=_batch_key(run_id, number),
            payload={
                "run": run_id,
                "number": str(number),
                "last": number == len(batches),
                "records": to_payload(batch),
            },
        )
        for number, batch in enumerate(batches, 1)
    ]
    queue.park(work.connection, rows)
    queue.unpark(work.connection, _batch_key(run_id, 1))


def _batch_key(run_id: UUID, number: int) -> str:
    return f"{BATCH}:{run_id}:{number}"


def _write_batch(work: Work, job: Job, _: Any) -> None:
    payload = job.payload
    run_id = payload["run"]
    work.service("scoring").write_batch(run_id, from_payload(payload["records"]), last=payload["last"])
    queue.unpark(work.connection, _batch_key(run_id, int(payload["number"]) + 1))
