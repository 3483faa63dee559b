"""A workspace with people, behind the real application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.identity import ADMIN, create_person
from builder.storage import open_database
from builder.ui import build
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session", autouse=True)
def _bundles() -> None:
    build.build()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path / "files", runner="none", argon2_memory_kib=64
    )


@pytest.fixture
def setup_token(settings: Settings) -> str:
    database = open_database(settings.database)
    token = initialise(database, settings)
    database.close()
    assert token
    return token


@pytest.fixture
def workspace(settings: Settings, setup_token: str) -> Iterator[Workspace]:
    workspace = Workspace.open(settings)
    yield workspace
    workspace.close()


@pytest.fixture
def app(workspace: Workspace) -> Flask:
    app = create_app(workspace)
    app.testing = False
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def csrf(client: FlaskClient, path: str = "/login") -> str:
    """The token that a page's forms carry."""
    page = client.get(path).get_data(as_text=True)
    found = re.search(r'name="csrf" content="([^"]+)"', page)
    assert found
    return found[1]


def add_person(app: Flask, workspace: Workspace, login: str, *, roles: tuple[str, ...] = (), name: str = "") -> None:
    """A person who can sign in with ``PASSWORD``."""
    from builder.identity import Identity

    hashed = Identity(workspace).passwords.hash(PASSWORD)
    with workspace.work(SYSTEM, command="test.person") as work:
        create_person(work, login=login, name=name or login.title(), password_hash=hashed, roles=roles, locale="en")


def sign_in(client: FlaskClient, login: str, password: str = PASSWORD) -> None:
    """Signs the client in."""
    token = csrf(client)
    answer = client.post("/login", data={"_csrf": token, "login": login, "password": password})
    assert answer.status_code == 302, answer.get_data(as_text=True)


@pytest.fixture
def admin(app: Flask, workspace: Workspace) -> FlaskClient:
    add_person(app, workspace, "ada", roles=(ADMIN,))
    client = app.test_client()
    with workspace.database.write() as connection:
        import sqlalchemy as sa

        from builder.storage.workspace_tables import workspace as table

        connection.execute(sa.update(table).values(setup_hash=""))
    sign_in(client, "ada")
    return client
