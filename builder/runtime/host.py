"""A workspace as job runners see it: claimed rows become commands, each in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from builder.jobs import queue
from builder.jobs.ports import Job
from engines.core import Registry
from engines.core.principal import SYSTEM

if TYPE_CHECKING:
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace


class TooLate(Exception):
    """The claimed row is not this runner's any more; rolls the empty command back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What a kind of job does."""

    # (work, job, what ``outside`` gave): acts in the transaction that also removes the row.
    act: Callable[[Work, Job, Any], None]
    # (workspace, job): what must be done outside of any transaction before, at least once.
    outside: Callable[[Workspace, Job], Any] | None = None
    # (work, job, error): what follows where the last attempt has failed; without it the admins are told.
    given_up: Callable[[Work, Job, Exception], None] | None = None


class WorkspaceHost:
    """The ``JobHost`` of a workspace."""

    def __init__(
        self,
        workspace: Workspace,
        handlers: Registry[Handler],
        follow: Callable[[Work], None] | None = None,
    ) -> None:
        """``follow`` is called in a command of its own whenever another set of releases has come into force."""
        self.workspace = workspace
        self._handlers = handlers
        self._follow = follow
        self._generation: int | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A short write transaction."""
        with self.workspace.database.write() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read connection."""
        with self.workspace.database.read() as connection:
            yield connection

    def now(self) -> datetime:
        """The instant by the workspace's clock."""
        return self.workspace.clock.now()

    def perform(self, job: Job) -> None:
        """Acts on a job in one transaction; passes over one that was cancelled or taken over meanwhile."""
        handler = self._handlers[job.kind]
        result = handler.outside(self.workspace, job) if handler.outside else None

        def act(work: Work) -> None:
            if not queue.hold(work.connection, job):
                raise TooLate
            handler.act(work, job, result)

        try:
            self.workspace.run(act, SYSTEM, command=f"job.{job.kind}")
        except TooLate:
            return

    def exhausted(self, job: Job, error: Exception) -> None:
        """Lets follow what its kind says; else tells the admins of the app, and the row stays with the error."""
        handler = self._handlers.get(job.kind)

        def tell(work: Work) -> None:
            if handler is not None and handler.given_up is not None:
                handler.given_up(work, job, error)
                return
            work.service("around").tell_admins(
                title={"zh": "后台任务无法执行", "en": "A background job cannot be carried out"},
                body={"": f"{job.kind}: {error}"},
                app=job.app,
                subject=None,
                key=f"job:{job.id}",
            )

        self.workspace.run(tell, SYSTEM, command=f"job.{job.kind}.exhausted")

    def catch_up(self) -> None:
        """Follows the workspace's clock; arms schedules anew where another set of releases has come into force."""
        with self.workspace.database.read() as connection:
            state = self.workspace.state(connection)
        self.workspace.clock.follow(state.zone, state.clock_offset)
        if state.generation != self._generation:
            if self._follow is not None:
                self.workspace.run(self._follow, SYSTEM, command="job.follow_release")
            self._generation = state.generation
