"""A host for runners: a database with the system tables, a clock that stands still, jobs that write a row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection

from builder.jobs import queue
from builder.jobs.ports import Job
from builder.storage import Database, open_database
from builder.storage.runtime_tables import metadata
from tests.databases import POSTGRES, require_postgres

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# Where the jobs of these tests leave their trace; no unique key, so that doing something twice shows.
done = sa.Table("done", sa.MetaData(), sa.Column("name", sa.Text), sa.Column("fence", sa.Integer))


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[Database]:
    """A database on disk (SQLite) or a schema of its own (PostgreSQL), with the tables of the runtime."""
    if kind == "postgresql":
        require_postgres()
    schema = f"test_{uuid4().hex[:16]}"
    url = f"sqlite:///{folder / 'workspace.sqlite'}" if kind == "sqlite" else f"{POSTGRES}?schema={schema}"
    database = open_database(url)
    database.create()
    with database.write() as connection:
        metadata.create_all(connection)
        done.create(connection)
    try:
        yield database
    finally:
        if kind != "sqlite":
            with database.write() as connection:
                connection.execute(sa.schema.DropSchema(schema, cascade=True))
        database.close()


class Host:
    """Performs jobs by writing their names down; "fail" fails, "slow" waits until ``proceed`` is set."""

    def __init__(self, database: Database, now: datetime = BEGIN) -> None:
        self.database = database
        self.instant = now
        self.proceed = threading.Event()
        self.begun = threading.Event()
        self.given_up: list[str] = []

    def begin(self) -> AbstractContextManager[Connection]:
        return self.database.write()

    def read(self) -> AbstractContextManager[Connection]:
        return self.database.read()

    def catch_up(self) -> None:
        """Nobody else moves this clock."""

    def now(self) -> datetime:
        return self.instant

    def perform(self, job: Job) -> None:
        if job.payload["name"] == "slow":
            self.begun.set()
            self.proceed.wait(30)
        with self.database.write() as connection:
            if queue.hold(connection, job):
                connection.execute(done.insert(), {"name": job.payload["name"], "fence": job.fence})
                if job.payload["name"] == "fail":
                    raise ValueError("this job cannot be done")

    def exhausted(self, job: Job, error: Exception) -> None:
        self.given_up.append(f"{job.kind}: {error}")

    def put(self, name: str, *, after_s: float = 0, key: str | None = None, **more: Any) -> None:
        due = self.instant + timedelta(seconds=after_s)
        with self.database.write() as connection:
            queue.put(connection, kind="note", due_at=due, now=self.instant, payload={"name": name}, key=key, **more)

    def done(self) -> list[str]:
        with self.database.read() as connection:
            return sorted(connection.execute(sa.select(done.c.name)).scalars())

    def waiting(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(queue.table).order_by(queue.table.c.due_at)).all())
