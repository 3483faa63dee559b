"""Both databases through one fixture: ``from tests.databases import database`` in a ``conftest.py``.

SQLite runs in memory. PostgreSQL gets a schema of its own, dropped at the end; ``DOUGONG_TEST_POSTGRES`` names the
server. A missing server is a loud skip, with ``CI=true`` a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from tests.missing import missing

POSTGRES = os.environ.get("DOUGONG_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
DATABASES = ("sqlite", "postgresql")


@contextmanager
def sqlite_engine(url: str = "sqlite://") -> Iterator[Engine]:
    """An engine on SQLite, in memory unless told otherwise; transactions begin IMMEDIATE and hold DDL too."""
    arguments: dict[str, Any] = {"poolclass": StaticPool} if url == "sqlite://" else {}
    engine = create_engine(url, connect_args={"check_same_thread": False, "isolation_level": None}, **arguments)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def postgres_engine() -> Iterator[Engine]:
    """An engine on PostgreSQL whose search path is a new schema, dropped at the end."""
    require_postgres()
    schema = f"test_{uuid4().hex[:16]}"
    engine = create_engine(POSTGRES, connect_args={"options": f"-csearch_path={schema}"})
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        yield engine
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


def require_postgres() -> None:
    """Ends the test where PostgreSQL cannot be reached: a loud skip, with ``CI=true`` a failure."""
    problem = postgres_problem()
    if problem:
        missing(
            f"PostgreSQL does not answer ({problem}); start it on port 5432, or name one in DOUGONG_TEST_POSTGRES, "
            "for example postgresql+psycopg://user@host/database"
        )


@cache
def postgres_problem() -> str:
    """Why PostgreSQL cannot be reached; empty where it can."""
    engine = create_engine(POSTGRES, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return ""
    except OperationalError as error:
        return str(error.orig).split("\n")[0]
    finally:
        engine.dispose()


@contextmanager
def database_engine(name: str) -> Iterator[Engine]:
    """An empty database of one of ``DATABASES``."""
    with sqlite_engine() if name == "sqlite" else postgres_engine() as engine:
        yield engine


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database, once on SQLite and once on PostgreSQL."""
    with database_engine(request.param) as engine:
        yield engine
