"""The gallery app's tasks for tests of lists and views, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import load_folder
from builder.releases import install
from builder.runtime.install import install as install_runtime
from builder.web import create_app
from builder.workspace import Settings, Workspace
from engines.core import SYSTEM
from tests.builder.workspaces import workspace_url
from tests.databases import DATABASES

from .conftest import add_person, close_setup, sign_in

TASKS = "/a/gallery/f/task"
GALLERY = Path(__file__).parents[2] / "apps" / "gallery"


class Company:
    """The gallery app with tasks, on one of the databases."""

    def __init__(self, workspace: Workspace, app: Flask) -> None:
        self.workspace = workspace
        self.app = app
        self.clients: dict[str, FlaskClient] = {}

    def add(self, name: str, **values: Any) -> UUID:
        with self.workspace.work(SYSTEM, command="test.add") as work:
            return UUID(str(work.records.create("gallery.task", {"name": name, **values}).record.id))

    def get(self, id: UUID) -> dict[str, Any]:
        with self.workspace.read(SYSTEM) as work:
            record = work.records.get("gallery.task", id)
            assert record
            return {**record.values, "version": record.version}

    def clear(self) -> None:
        with self.workspace.work(SYSTEM, command="test.clear") as work:
            table = work.records.of("gallery.task").world.form("gallery.task").table
            for row in work.connection.execute(table.select().where(table.c.deleted_at.is_(None))).all():
                work.records.delete("gallery.task", row.id)

    def enter(self, login: str) -> FlaskClient:
        """Signed in as "kim" (keeper), "vic" (viewer) or "out" (no role)."""
        if login not in self.clients:
            self.clients[login] = self.app.test_client()
            sign_in(self.clients[login], login)
        return self.clients[login]


@pytest.fixture(scope="module", params=DATABASES)
def running(request: pytest.FixtureRequest, tmp_path_factory: Any, sqlite_image: Path) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("views")
    with workspace_url(request.param, folder, sqlite_image) as url:
        settings = Settings(database=url, files=folder / "files", runner="none", argon2_memory_kib=64)
        workspace = Workspace.open(settings)
        install_runtime(workspace)
        install(workspace, load_folder(GALLERY), SYSTEM)
        close_setup(workspace)
        app = create_app(workspace)
        app.testing = False
        for login, roles in (
            ("kim", ("gallery.keeper",)),
            ("vic", ("gallery.viewer",)),
            ("out", ("gallery.outsider",)),
        ):
            add_person(app, workspace, login, roles=roles)
        yield Company(workspace, app)
        workspace.close()


@pytest.fixture
def company(running: Company) -> Company:
    """The same without any task of the test before."""
    running.clear()
    return running


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(f"{TASKS}/{path}")
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))
