"""A workspace with people, behind the real application."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.identity import ADMIN, create_person
from builder.releases import install as install_app
from builder.runtime.install import install as install_runtime
from builder.storage import open_database
from builder.storage.workspace_tables import workspace as workspace_table
from builder.ui import build
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.workspaces import sqlite_image

from . import gallery

__all__ = ["sqlite_image"]

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session", autouse=True)
def _bundles() -> None:
    build.build()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path / "files", runner="none", argon2_memory_kib=64
    )


@pytest.fixture(scope="session")
def empty_image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A file with an empty workspace, to be copied, and its set-up token: a hundred times faster than migrating."""
    file = tmp_path_factory.mktemp("web") / "empty.db"
    settings = Settings(database=f"sqlite:///{file}", argon2_memory_kib=64)
    database = open_database(settings.database)
    token = initialise(database, settings)
    database.close()
    assert token
    return file, token


@pytest.fixture
def setup_token(settings: Settings, empty_image: tuple[Path, str]) -> str:
    file, token = empty_image
    shutil.copy(file, settings.database.removeprefix("sqlite:///"))
    return token


@pytest.fixture
def workspace(settings: Settings, setup_token: str) -> Iterator[Workspace]:
    workspace = Workspace.open(settings)
    install_runtime(workspace)
    yield workspace
    workspace.close()


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """The workspace with the small app of these tests."""
    install_app(workspace, gallery.library(), SYSTEM)
    return workspace


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


def close_setup(workspace: Workspace) -> None:
    """Makes the workspace one that was set up."""
    with workspace.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(setup_hash=""))


@pytest.fixture
def admin(app: Flask, workspace: Workspace) -> FlaskClient:
    """Signed in as the administrator."""
    add_person(app, workspace, "ada", roles=(ADMIN,))
    close_setup(workspace)
    client = app.test_client()
    sign_in(client, "ada")
    return client


@pytest.fixture
def enter(app: Flask, library: Workspace) -> Callable[..., FlaskClient]:
    """Signs somebody in who has roles of the small app."""
    close_setup(library)

    def make(login: str, *roles: str) -> FlaskClient:
        add_person(app, library, login, roles=tuple(role if "." in role else f"library.{role}" for role in roles))
        client = app.test_client()
        sign_in(client, login)
        return client

    return make
