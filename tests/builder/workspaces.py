"""Whole workspaces for tests, on both databases: import ``workspace`` and ``sqlite_image`` in a ``conftest.py``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from builder.storage import Database, open_database
from builder.workspace import Settings, Workspace, initialise
from engines.core import FixedClock
from tests.builder.postgres_image import make_quickly
from tests.databases import DATABASES, POSTGRES, require_postgres

# A Tuesday, 10:00 in Shanghai.
START = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database that is empty, gone after the block."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / f'{uuid4().hex}.db'}"
        return
    require_postgres()
    schema = f"test_{uuid4().hex[:16]}"
    try:
        yield f"{POSTGRES}?schema={schema}"
    finally:
        engine = sa.create_engine(POSTGRES)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        engine.dispose()


def make_workspace(url: str) -> None:
    """Puts an empty sandbox workspace into an empty database."""
    database = open_database(url)
    initialise(database, Settings(database=url), sandbox=True)
    database.close()


@contextmanager
def workspace_url(kind: str, folder: Path, sqlite_image: Path) -> Iterator[str]:
    """The URL of a database that holds an empty workspace, gone after the block."""
    if kind == "sqlite":
        target = folder / f"{uuid4().hex}.db"
        shutil.copy(sqlite_image, target)
        yield f"sqlite:///{target}"
        return
    with database_url(kind, folder) as url:
        database = open_database(url)
        make_quickly(database)
        database.close()
        yield url


def settings_for(url: str, folder: Path, **given: Any) -> Settings:
    """Settings of a test's workspace."""
    return Settings(
        database=url, files=folder / "files", runner="none", lock_timeout_s=10, argon2_memory_kib=64, **given
    )


def fixed_clock() -> FixedClock:
    """A clock that stands at ``START``."""
    return FixedClock(instant=START)


@contextmanager
def open_workspace(url: str, folder: Path, **given: Any) -> Iterator[Workspace]:
    """A workspace over ``url``, made where the database is empty, closed after the block."""
    make_workspace(url)
    settings = settings_for(url, folder, **given)
    workspace = Workspace.open(settings, clock=fixed_clock())
    try:
        yield workspace
    finally:
        workspace.close()


@pytest.fixture(scope="session")
def sqlite_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with an empty workspace, to be copied: a hundred times faster than migrating."""
    folder = tmp_path_factory.mktemp("image")
    make_workspace(f"sqlite:///{folder / 'image.db'}")
    return folder / "image.db"


@pytest.fixture(params=DATABASES)
def workspace(request: pytest.FixtureRequest, tmp_path: Path, sqlite_image: Path) -> Iterator[Workspace]:
    """A new workspace, once on SQLite and once on PostgreSQL; its clock stands at ``START``."""
    with workspace_url(request.param, tmp_path, sqlite_image) as url:
        opened = Workspace.open(settings_for(url, tmp_path), clock=fixed_clock())
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, once on SQLite and once on PostgreSQL."""
    with database_url(request.param, tmp_path) as url:
        database = open_database(url, lock_timeout_s=5)
        database.create()
        yield database
        database.close()
