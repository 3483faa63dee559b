"""A workspace: one database with its people, apps and records, opened by a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from builder.storage import ConcurrentChange, Database, DatabaseUnreachable, migrate, open_database
from builder.storage.due import take_note
from builder.storage.prepared import Prepared
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace.catalogue import Apps, Catalogue
from builder.workspace.clock import WorkspaceClock
from builder.workspace.commands import AlreadyDone, record_command, refuse_repeated, scoped_key
from builder.workspace.settings import Settings
from builder.workspace.work import Work
from engines.core import AccessDenied, Clock, Principal, Registry, SystemClock, new_id

if TYPE_CHECKING:
    from builder.files.store import FileStore

Result = TypeVar("Result")
# Deadlocks and serialisation errors are retried this often, by ``Workspace.run``.
RETRIES = 3
# Made once: every transaction begins with it.
_STATE = Prepared(
    sa.select(
        workspace_table.c.generation,
        workspace_table.c.zone,
        workspace_table.c.locale,
        workspace_table.c.clock_offset,
        workspace_table.c.sandbox,
    )
)


class LookOnly(AccessDenied):
    """Whoever looks through somebody's eyes changes nothing."""

    code = "rights.look_reads"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceState:
    """The row that every transaction reads first."""

    # Moves with every publish, rollback and change of a setting.
    generation: int
    zone: str
    locale: str
    clock_offset: timedelta
    # Whether its admin may move the clock.
    sandbox: bool


class Workspace:
    """The way to everything that a database holds. Safe to share between threads."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.database = database
        self.clock = WorkspaceClock(base=clock)
        # Makers of what a Work offers ("rounds", "processes", "inbox" …), by name.
        self.services: Registry[Callable[[Work], Any]] = Registry("service")
        self._when_due: list[Callable[[], None]] = []
        self.catalogue = Catalogue()

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> Self:
        """The workspace behind ``settings.database``, with everything that a ``Work`` offers.

        ``DatabaseUnreachable`` says what to do where the database is not ready.
        """
        # The runtime stands on the workspace; only here, where a workspace is put together, is it the other way round.
        from builder.runtime.install import install

        database = open_database(
            settings.database, pool_size=settings.pool_size, lock_timeout_s=settings.lock_timeout_s
        )
        database.check()
        workspace = cls(settings, database, clock or SystemClock(zone_name=settings.zone))
        try:
            workspace._require_current()
        except DatabaseUnreachable:
            database.close()
            raise
        install(workspace)
        return workspace

    @contextmanager
    def work(self, principal: Principal, *, command: str, key: str | None = None, reason: str = "") -> Iterator[Work]:
        """A transaction in which ``principal`` acts; commits at the end of the block, an error rolls all of it back.

        ``command``: dotted name of what is done. ``key``: the caller's idempotency key; when a command of that name,
        person and key was committed before, ``AlreadyDone`` gives its result. ``ConcurrentChange`` where the database
        could not order two transactions: ``run`` retries those.
        """
        if principal.looks_only:
            raise LookOnly(command)
        stored_key = scoped_key(principal, command, key) if key else None
        with self.database.write() as connection:
            if stored_key:
                refuse_repeated(connection, stored_key)
            work = self._begin(connection, principal, command=command, reason=reason, read_only=False)
            yield work
            work.finish()
            self._record(work, stored_key)
            due = take_note(connection)
        work.committed()
        for wake in self._when_due if due else ():
            wake()

    @contextmanager
    def read(self, principal: Principal) -> Iterator[Work]:
        """A snapshot as ``principal`` may see it: takes no write lock, and nothing may change."""
        with self.database.read() as connection:
            yield self._begin(connection, principal, command="read", reason="", read_only=True)

    def run(
        self,
        action: Callable[[Work], Result],
        principal: Principal,
        *,
        command: str,
        key: str | None = None,
        reason: str = "",
    ) -> Result | Any:
        """What ``action`` returns, carried out in a ``work``; made again up to three times where transactions collided.

        With a ``key`` seen before, the recorded result (``work.result``) of the first call.
        """
        for attempt in range(RETRIES + 1):
            try:
                with self.work(principal, command=command, key=key, reason=reason) as work:
                    return action(work)
            except AlreadyDone as done:
                return done.result
            except ConcurrentChange:
                if attempt == RETRIES:
                    raise
        raise AssertionError("unreachable")

    def score_all(self, name: str, principal: Principal) -> int:
        """How many records got new values from a full run of the score model "app.model"; it is done on return."""
        from builder.runtime.rules.scoring import recalculate

        app, _, model = name.partition(".")
        return recalculate(self, app, model, principal)

    def when_due(self, wake: Callable[[], None]) -> None:
        """Calls ``wake`` after every commit here that may have left something to do at once, or moved the clock."""
        self._when_due.append(wake)

    @property
    def apps(self) -> Apps:
        """The apps in force at this moment, by name; within a ``Work`` ask the work, which sees one set throughout."""
        with self.database.read() as connection:
            return self.catalogue.at(connection, self.state(connection).generation).apps

    def apps_of(self, generation: int) -> Apps:
        """The apps of the set with this number, which was read a moment ago; those in force where it is gone."""
        current = self.catalogue.current
        return current.apps if current.generation == generation else self.apps

    def state(self, connection: Connection) -> WorkspaceState:
        """The workspace's row as this transaction sees it."""
        row: Any = _STATE.first(connection, {})
        return WorkspaceState(
            generation=row.generation,
            zone=row.zone,
            locale=row.locale,
            clock_offset=timedelta(microseconds=row.clock_offset),
            sandbox=row.sandbox,
        )

    @cached_property
    def files(self) -> FileStore:
        """Where the bytes of this workspace's files are."""
        from builder.files.store import FileStore

        with self.database.read() as connection:
            return FileStore.open(self.settings, connection.execute(sa.select(workspace_table.c.id)).scalar_one())

    def close(self) -> None:
        """Closes all connections."""
        self.database.close()

    def _begin(
        self, connection: Connection, principal: Principal, *, command: str, reason: str, read_only: bool
    ) -> Work:
        state = self.state(connection)
        self.clock.follow(state.zone, state.clock_offset)
        return Work(
            workspace=self,
            connection=connection,
            principal=principal,
            command_id=new_id(),
            command=command,
            reason=reason,
            instant=self.clock.now(),
            generation=state.generation,
            read_only=read_only,
        )

    def _record(self, work: Work, stored_key: str | None) -> None:
        try:
            record_command(
                work.connection,
                id=work.command_id,
                name=work.command,
                key=stored_key,
                principal=work.principal,
                reason=work.reason,
                generation=work.generation,
                at=work.instant,
                result=work.result,
            )
        except IntegrityError as error:
            # Only the key is unique beside the id: the same call is being made twice at this moment.
            raise ConcurrentChange from error

    def _require_current(self) -> None:
        with self.database.read() as connection:
            found = migrate.current(connection)
            if found is None:
                raise DatabaseUnreachable("the database holds no workspace yet; run `dougong init`")
            if found != migrate.newest():
                raise DatabaseUnreachable(
                    f"the database stands at revision {found}, this program needs {migrate.newest()}; "
                    "run `dougong db upgrade` (or update the program, where the database is newer)"
                )
            if connection.execute(sa.select(workspace_table.c.id)).first() is None:
                raise DatabaseUnreachable("the database holds no workspace yet; run `dougong init`")
