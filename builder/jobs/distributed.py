"""The distributed runner: any number of worker processes on PostgreSQL, woken through Procrastinate.

A wake-up carries a row's id and nothing else; it is deferred for immediate run when a sweeper finds the row due. A row
stays the truth, claimed with its own lease and fence: a wake-up that comes twice, late or never changes nothing.
Procrastinate stands in a schema of its own, installed once per database.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.engine import URL

from builder.jobs import outbox, queue
from builder.jobs.delivery import Delivery
from builder.jobs.embedded import attempt
from builder.jobs.lease import Holder
from builder.jobs.loop import Duty, Loop
from builder.jobs.ports import Channel, JobHost, Patience

log = structlog.get_logger(__name__)
SCHEMA = "procrastinate"
TASK = "dougong.wake"
# Any number, the same in all processes: who installs Procrastinate's tables keeps the others waiting.
INSTALL_LOCK = 7_310_245_118
# Wake-ups that one look of the sweeper defers at most: each goes on with what else is due.
WAKES = 20
# Rows that one wake-up does at most, so that jobs and effects take turns.
IN_A_ROW = 50
# Seconds before a worker that lost its database tries again.
RETRY_S = 1.0
UNAVAILABLE = (procrastinate.exceptions.ConnectorException, psycopg.Error, OSError)
Wake = tuple[str, UUID]


class DistributedRunner:
    """One worker process of one workspace; run as many as there is work for."""

    def __init__(
        self,
        host: JobHost,
        channels: Mapping[str, Channel],
        *,
        url: URL,
        workspace: str,
        patience: Patience | None = None,
        workers: int = 4,
    ) -> None:
        """``workspace`` names the queue: workers of several workspaces share one database without mixing."""
        self._host = host
        self._patience = patience or Patience()
        self._holder = Holder.here()
        self._delivery = Delivery(host, channels, self._patience)
        self._queue = f"dougong:{workspace}"
        self._workers = workers
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        # One listens, the others fetch wake-ups and note that they are done.
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(min_size=1, max_size=3, **self._options())
        )
        self._app.task(name=TASK, queue=self._queue)(self._act)
        self._sync = procrastinate.SyncPsycopgConnector(min_size=1, max_size=1, **self._options())
        # An app of its own that does not know the task: a known one defers through the connections of its own app,
        # which belong to the event loop of the other thread.
        self._deferring = procrastinate.App(connector=self._sync)
        self._sweeper: Loop[Wake] = Loop(
            Duty(name="sweeper", claim=self._due, act=self._defer, until_next=self._until_next),
            workers=1,
            poll_s=self._patience.poll_s,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="procrastinate", daemon=True)

    def start(self) -> None:
        """Installs what is missing and begins to work in the background."""
        install(self._conninfo, self._options())
        self._sync.open()
        self._thread.start()
        self._sweeper.start()

    def stop(self) -> None:
        """Finishes what is being done and returns."""
        self._sweeper.stop()
        self._stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_serving)
        self._thread.join()
        self._sync.close()

    def wake(self) -> None:
        """Rows or the workspace's clock may have changed."""
        self._sweeper.wake()

    def _options(self) -> dict[str, object]:
        kwargs = {"options": f"-csearch_path={SCHEMA}", "application_name": self._queue}
        return {"conninfo": self._conninfo, "kwargs": kwargs}

    # -- the sweeper: due rows become wake-ups

    def _until_next(self) -> float | None:
        self._host.catch_up()
        with self._host.read() as connection:
            due = queue.next_due(connection)
        waits = [self._delivery.until_next(), None if due is None else (due - self._host.now()).total_seconds()]
        known = [wait for wait in waits if wait is not None]
        return min(known) if known else None

    def _due(self, limit: int) -> Sequence[Wake]:
        with self._host.begin() as connection:
            jobs = queue.due(connection, now=self._host.now(), limit=WAKES)
            effects = outbox.due(connection, limit=WAKES)
        fresh = [("job", own) for own in jobs] + [("effect", own) for own in effects]
        for wake in fresh:
            self._defer(wake)
        # Everything is deferred already; the loop sleeps until the next look.
        return []

    def _defer(self, wake: Wake) -> None:
        kind, own = wake
        deferrer = self._deferring.configure_task(
            TASK, queue=self._queue, queueing_lock=f"{self._queue}:{own}", allow_unknown=True
        )
        try:
            deferrer.defer(kind=kind, row=str(own))
        except AlreadyEnqueued:
            # Somebody else's sweeper, or an earlier look of this one, was faster.
            return

    # -- the worker: wake-ups become claims

    def _act(self, kind: str, row: str) -> None:
        """Does the row, and then what else is due: a wake-up costs more than a row, and comes one at a time."""
        do = self._effect if kind == "effect" else self._job
        do(UUID(row))
        for _ in range(IN_A_ROW):
            if self._stopping or not do(None):
                return

    def _effect(self, only: UUID | None) -> bool:
        """Whether an effect was due: this one, or any."""
        with self._host.begin() as connection:
            effects = outbox.claim(connection, self._patience, 1, only=only)
        for effect in effects:
            self._delivery.deliver(effect)
        return bool(effects)

    def _job(self, only: UUID | None) -> bool:
        """Whether a job was due: this one, or any."""
        now, holder = self._host.now(), self._holder.name
        with self._host.begin() as connection:
            jobs = queue.claim(connection, now=now, holder=holder, patience=self._patience, limit=1, only=only)
        for job in jobs:
            attempt(self._host, job, self._patience)
        return bool(jobs)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._keep_serving())

    async def _keep_serving(self) -> None:
        """Serves until told to stop; a database that is away or restarts is waited for."""
        self._serving = asyncio.current_task()
        try:
            while not self._stopping:
                await self._serve_until_failure()
        except asyncio.CancelledError:
            log.info("jobs.worker_stopped", queue=self._queue)

    async def _serve_until_failure(self) -> None:
        try:
            await self._serve()
        except UNAVAILABLE as error:
            log.warning("jobs.database_unavailable", duty="worker", error=str(error))
        except Exception:
            # The last edge of the thread: without it the process would go on and do nothing.
            log.exception("jobs.unexpected", duty="worker")
        await asyncio.sleep(RETRY_S)

    async def _serve(self) -> None:
        try:
            await self._app.open_async()
            await self._drop_stalled()
            if self._stopping:
                return
            await self._app.run_worker_async(
                queues=[self._queue],
                name=self._holder.name,
                concurrency=self._workers,
                delete_jobs="always",
                install_signal_handlers=False,
                fetch_job_polling_interval=1.0,
            )
        finally:
            # Also after a failed opening: the connector would take the broken pool for an open one.
            await self._app.close_async()

    def _end_serving(self) -> None:
        if self._serving is not None:
            self._serving.cancel()

    async def _drop_stalled(self) -> None:
        """Wake-ups of workers that died: their rows are due again by themselves, so nothing else need be kept."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(queue=self._queue):
            await manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=True)


def install(conninfo: str, options: dict[str, object]) -> None:
    """Makes Procrastinate's schema and tables where they are missing; safe when several processes do it at once."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
        found = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.procrastinate_jobs",)).fetchone()
        if found is not None and found[0] is not None:
            return
        with psycopg.connect(conninfo, autocommit=True) as other:
            other.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connector = procrastinate.SyncPsycopgConnector(**options)
        connector.open()
        try:
            procrastinate.App(connector=connector).schema_manager.apply_schema()
        finally:
            connector.close()
