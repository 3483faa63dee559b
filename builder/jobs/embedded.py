"""The embedded runner: threads of the server's own process, nothing to install."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog

from builder.jobs import queue
from builder.jobs.delivery import Delivery
from builder.jobs.lease import Holder, acquire, give_up, within_reach
from builder.jobs.loop import Duty, Loop
from builder.jobs.ports import Channel, Effect, Job, JobHost, Patience

log = structlog.get_logger(__name__)


def attempt(host: JobHost, job: Job, patience: Patience) -> None:
    """Performs a claimed job; a failure is noted on its row, the last one is handed to the host."""
    try:
        host.perform(job)
    except Exception as error:
        # An edge: whatever a handler raises must end on the row, where people see it.
        log.exception("jobs.failed", kind=job.kind, job=str(job.id), attempt=job.attempts)
        with host.begin() as connection:
            again = queue.fail(connection, job, error, patience)
        if not again:
            host.exhausted(job, error)


class EmbeddedRunner:
    """Executes due rows and delivers effects of one workspace while it has the runner's lease."""

    def __init__(
        self,
        host: JobHost,
        channels: Mapping[str, Channel],
        *,
        patience: Patience | None = None,
        workers: int = 2,
        leased: bool = True,
    ) -> None:
        """``leased=False`` lets several processes run side by side, as PostgreSQL allows."""
        self._host = host
        self._patience = patience or Patience()
        self._holder = Holder.here()
        self._leased = leased
        self._renew_at = 0.0
        self._has_lease = False
        self._delivery = Delivery(host, channels, self._patience)
        jobs: Duty[Job] = Duty(
            name="jobs", claim=self._claim, act=self._act, until_next=self._until_next, allowed=self._lease
        )
        effects: Duty[Effect] = Duty(
            name="outbox",
            claim=self._delivery.claim,
            act=self._delivery.deliver,
            until_next=self._delivery.until_next,
            allowed=lambda: self.has_lease,
        )
        self._jobs = Loop(jobs, workers=workers, poll_s=self._patience.poll_s)
        self._effects = Loop(effects, workers=workers, poll_s=self._patience.poll_s)

    def start(self) -> None:
        """Begins to work in the background."""
        self._jobs.start()
        self._effects.start()

    def stop(self) -> None:
        """Finishes what was claimed and gives the lease up."""
        self._jobs.stop()
        self._effects.stop()
        if self._has_lease:
            with self._host.begin() as connection:
                give_up(connection, self._holder)

    @property
    def has_lease(self) -> bool:
        """Whether it is the one that works on this workspace."""
        return self._has_lease or not self._leased

    def wake(self) -> None:
        """Rows or the workspace's clock may have changed."""
        self._jobs.wake()
        self._effects.wake()

    def _lease(self) -> bool:
        if not self._leased:
            return True
        if time.monotonic() >= self._renew_at:
            self._has_lease = self._within_reach() and self._acquire()
            self._renew_at = time.monotonic() + self._patience.runner_lease_s / 3
        return self._has_lease

    def _within_reach(self) -> bool:
        """Looks first: the processes that wait for their turn must not keep the writers of the others waiting."""
        with self._host.read() as connection:
            return within_reach(connection, self._holder)

    def _acquire(self) -> bool:
        with self._host.begin() as connection:
            return acquire(connection, self._holder, self._patience.runner_lease_s)

    def _claim(self, limit: int) -> list[Job]:
        with self._host.begin() as connection:
            return queue.claim(
                connection, now=self._host.now(), holder=self._holder.name, patience=self._patience, limit=limit
            )

    def _act(self, job: Job) -> None:
        attempt(self._host, job, self._patience)

    def _until_next(self) -> float | None:
        self._host.catch_up()
        with self._host.read() as connection:
            due = queue.next_due(connection)
        return None if due is None else (due - self._host.now()).total_seconds()
