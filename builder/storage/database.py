"""Connections to one workspace's database, the same on SQLite and PostgreSQL: one way to write, one to read."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from builder.storage.errors import BadDatabaseUrl, DatabaseUnreachable, translated
from builder.storage.prepared import driver_error
from builder.storage.types import from_json, to_json
from builder.storage.writer_queue import WriterQueue

# Prepares each new driver connection of a SQLite database: functions and collations of the engines.
SqliteSetup = Callable[[Any], None]


class Database(Protocol):
    """What both databases offer."""

    url: URL
    dialect: str

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction of its own that commits at the end of the block; an error rolls it back."""
        ...

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot and refuses to write."""
        ...

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection on which each statement commits by itself: for indexes that PostgreSQL builds concurrently.

        On SQLite it is a ``write``.
        """
        ...

    def create(self) -> None:
        """Makes the file's folder or the schema, where it is missing."""

    def check(self) -> None:
        """``DatabaseUnreachable`` unless the database answers."""

    def close(self) -> None:
        """Closes all connections."""


def open_database(
    url: str, *, pool_size: int = 8, lock_timeout_s: float = 30, setup: SqliteSetup | None = None
) -> Database:
    """The database behind ``sqlite:///path`` or ``postgresql+psycopg://user@host/database?schema=name``.

    ``lock_timeout_s``: how long a writer waits for its turn (SQLite) or for a row lock (PostgreSQL).
    """
    parsed = sa.make_url(url)
    match parsed.drivername.split("+")[0]:
        case "sqlite":
            return SqliteDatabase(parsed, pool_size=pool_size, lock_timeout_s=lock_timeout_s, setup=setup)
        case "postgresql":
            return PostgresDatabase(parsed, pool_size=pool_size, lock_timeout_s=lock_timeout_s)
        case other:
            raise BadDatabaseUrl(f'no support for "{other}"; use sqlite:///path or postgresql+psycopg://…?schema=name')


class SqliteDatabase:
    """One file, one writer at a time: WAL, synchronous FULL; we open ``BEGIN IMMEDIATE`` so that DDL rolls back too."""

    dialect = "sqlite"

    def __init__(self, url: URL, *, pool_size: int, lock_timeout_s: float, setup: SqliteSetup | None) -> None:
        if not url.database or url.database == ":memory:":
            raise BadDatabaseUrl("a SQLite workspace needs a file: readers and the writer are separate connections")
        self.url = url
        self.path = Path(url.database).absolute()
        self._lock_timeout_s = lock_timeout_s
        self._setup = setup
        # Memory for pages, in KiB: the writer keeps those of the indexes that it touches all the time; a reader's are
        # worth nothing after the next write.
        cached = "PRAGMA cache_size=-65536"
        self._writer = self._engine(
            "BEGIN IMMEDIATE", ["PRAGMA wal_autocheckpoint=1000", cached], pool_size=1, writes=True
        )
        self._connection: Connection | None = None
        self._in_turn = False
        self._reader = self._engine("BEGIN", ["PRAGMA query_only=ON", "PRAGMA cache_size=-8192"], pool_size=pool_size)
        # Readers' connections between two uses, the last one used on top.
        self._idle: deque[Connection] = deque()
        # The line of writers.
        self.queue = WriterQueue(self.path.with_name(self.path.name + ".lock"), lock_timeout_s)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.queue.turn(), translated():
            connection = self._at_hand()
            self._in_turn = True
            try:
                with connection.begin():
                    yield connection
            finally:
                self._in_turn = False

    def _at_hand(self) -> Connection:
        """The one connection of all turns: getting it from a pool costs as much as a short command's statements."""
        connection = self._connection
        if connection is None or connection.closed or connection.invalidated:
            connection = self._connection = self._writer.connect()
        return connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with translated():
            connection = self._idle_or_new()
            try:
                with connection.begin():
                    yield connection
            finally:
                if not (connection.closed or connection.invalidated):
                    self._idle.append(connection)

    def _idle_or_new(self) -> Connection:
        """A connection to read on; a pool's own ways of handing them out cost more than what most readers ask."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._reader.connect()

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        with self.write() as connection:
            yield connection

    def create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        if not self.path.parent.is_dir():
            raise DatabaseUnreachable(f"the folder {self.path.parent} does not exist; `dougong init` makes it")
        _answer(self._reader, str(self.path))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        while self._idle:
            self._idle.pop().close()
        self._writer.dispose()
        self._reader.dispose()

    def _engine(self, begin: str, pragmas: list[str], *, pool_size: int, writes: bool = False) -> Engine:
        engine = sa.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0 if writes else pool_size,
            connect_args={"check_same_thread": False, "timeout": self._lock_timeout_s, "cached_statements": 512},
            query_cache_size=2000,
            # What people entered has no place in the messages of errors, which end in logs.
            hide_parameters=True,
            json_serializer=to_json,
            json_deserializer=from_json,
        )

        @sa.event.listens_for(engine, "connect")
        def _connect(driver: Any, _record: Any) -> None:
            # The driver must not open transactions by itself: it would miss DDL and begin deferred.
            driver.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                driver.execute(f"PRAGMA {pragma}")
            if self._setup is not None:
                self._setup(driver)
            for statement in pragmas:
                driver.execute(statement)

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # The writer's connection outlives its turns: whoever has kept it must not begin another transaction.
            if writes and not self._in_turn:
                raise RuntimeError("this write transaction is over: open another one")
            driver: Any = connection.connection.dbapi_connection
            try:
                driver.execute(begin)
            except sqlite3.Error as error:
                raise driver_error(connection, begin, error) from error

        return engine


class PostgresDatabase:
    """One schema, reached through ``search_path``: READ COMMITTED to write, one repeatable snapshot to read."""

    dialect = "postgresql"

    def __init__(self, url: URL, *, pool_size: int, lock_timeout_s: float) -> None:
        schema = url.query.get("schema", "public")
        self.schema = schema if isinstance(schema, str) else schema[0]
        if not self.schema.replace("_", "a").isalnum() or not self.schema.isascii():
            raise BadDatabaseUrl(f'the schema name "{self.schema}" may hold letters, digits and underscores only')
        self.url = url.difference_update_query(["schema"]).set(drivername="postgresql+psycopg")
        # Compiling a statement to machine code costs more than running it: ours are many and short.
        options = f"-csearch_path={self.schema} -clock_timeout={int(lock_timeout_s * 1000)} -cTimeZone=UTC -cjit=off"
        self._writer = sa.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            # A server that was restarted costs nobody a request.
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": 10, "application_name": "dougong"},
            query_cache_size=2000,
            hide_parameters=True,
            json_serializer=to_json,
        )
        self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        with translated(), self._writer.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def create(self) -> None:
        with self._writer.begin() as connection:
            connection.execute(sa.schema.CreateSchema(self.schema, if_not_exists=True))

    def check(self) -> None:
        _answer(self._writer, self.url.render_as_string(hide_password=True))

    def close(self) -> None:
        self._writer.dispose()


def _answer(engine: Engine, where: str) -> None:
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(1))
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnreachable(
            f"{where} does not answer: {reason}; check that it runs and that DOUGONG_DATABASE is right"
        ) from error
