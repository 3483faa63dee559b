"""Jobs of processes: timers that are due, services that are called outside of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.jobs import queue
from builder.jobs.delivery import Undeliverable
from builder.jobs.ports import Job
from builder.runtime.host import Handler
from builder.runtime.process.carrying import SERVICE, TIMER
from builder.runtime.process.services import Service, ServiceCall
from engines.core import ExternalError, InputError, Registry
from engines.process import events as happen

if TYPE_CHECKING:
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace


def register(handlers: Registry[Handler], services: Registry[Service]) -> None:
    """Adds the handlers of processes."""

    def outside(workspace: Workspace, job: Job) -> Any:
        """The answer as an event: a failure is one, too, and the graph says what follows from it."""
        token = int(job.payload["token"])
        service = services[job.payload["service"]]
        if service.outside is None:
            return happen.ServiceFailed(token=token, message="the service is not called from outside", retryable=False)
        try:
            return happen.ServiceDone(token=token, result=service.outside(workspace, call_of(job)))
        except Undeliverable as error:
            return happen.ServiceFailed(token=token, message=str(error), retryable=False)
        except (ExternalError, InputError) as error:
            return happen.ServiceFailed(token=token, message=str(error), retryable=isinstance(error, ExternalError))

    handlers.register(TIMER, Handler(act=_fire))
    handlers.register(SERVICE, Handler(act=_answer, outside=outside, given_up=_give_up))


def call_of(job: Job) -> ServiceCall:
    """The call that a job carries."""
    payload = job.payload
    subject = payload["subject"]
    return ServiceCall(
        app=job.app,
        instance_id=_instance(job),
        process=payload["process"],
        node=payload["node"],
        subject=(subject[0], subject[1]) if subject else None,
        input=payload["input"],
        key=payload["key"],
        attempt=int(payload["attempt"]),
    )


def _instance(job: Job) -> UUID:
    if job.instance_id is None:
        raise ValueError(f"the job {job.id} belongs to no process instance")
    return job.instance_id


def _fire(work: Work, job: Job, _: Any) -> None:
    work.service("processes").shell.fire_timer(_instance(job), int(job.payload["timer"]))


def _answer(work: Work, job: Job, event: Any) -> None:
    work.service("processes").shell.answer(_instance(job), event)


def _give_up(work: Work, job: Job, error: Exception) -> None:
    """A call that broke in a way nobody foresaw ends as an incident, too: that is where people look and mend."""
    shell = work.service("processes").shell
    shell.hold(_instance(job))
    message = f"{type(error).__name__}: {error}"
    if queue.forget(work.connection, job):
        token = int(job.payload["token"])
        shell.answer(_instance(job), happen.ServiceFailed(token=token, message=message, retryable=False))
