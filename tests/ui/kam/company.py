"""The KAM app with its sample data and people: prepared once for all test processes, served from a copy."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from playwright.sync_api import Page

from builder.demo import create_people, load_demo, load_records, run_scores
from builder.identity import Identity, Passwords
from builder.identity.principals import principal_of
from builder.jobs.embedded import EmbeddedRunner
from builder.releases import load_folder, publish
from builder.storage import open_database
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import job
from builder.web.security import SESSION_COOKIE
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM, FixedClock, Principal
from engines.form import ListQuery
from tests.builder.runtime.test_embedded import until

APP = Path(__file__).parents[3] / "apps" / "kam_template"
# The Friday for which the sample data were written, 10:00 in Shanghai: no date is moved.
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A database to be copied, and the passwords of its people by login."""

    file: Path
    passwords: dict[str, str]


def settings_for(folder: Path, file: Path) -> Settings:
    """Settings of a served copy: passwords are hashed cheaply, the test starts its own runner."""
    return Settings(
        database=f"sqlite:///{file}", files=folder / "files", port=0, runner="none", argon2_memory_kib=64, threads=4
    )


def prepared(folder: Path) -> Image:
    """The image in ``folder``, made by the first process that asks; the others wait for it (about 3 s)."""
    file, passwords = folder / "kam.db", folder / "kam.json"
    with (folder / "kam.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not passwords.exists():
            made = _make(folder, file)
            passwords.write_text(json.dumps(made), "utf-8")
    return Image(file=file, passwords=json.loads(passwords.read_text("utf-8")))


def _make(folder: Path, file: Path) -> dict[str, str]:
    """What ``dougong demo`` does, on a clock that stands at ``NOW``."""
    settings = settings_for(folder, file)
    database = open_database(settings.database)
    initialise(database, settings, sandbox=True)
    database.close()
    workspace = Workspace.open(settings, clock=FixedClock(instant=NOW))
    publish(workspace, "kam", load_folder(APP), SYSTEM)
    demo = load_demo(APP)
    assert demo is not None
    people = create_people(workspace, "kam", demo, Passwords(settings.argon2_memory_kib))
    load_records(workspace, "kam", demo, lambda *_step: None)
    run_scores(workspace, "kam", demo)
    with workspace.database.write() as connection:
        connection.exec_driver_sql("PRAGMA optimize")
    workspace.close()
    return {one.login: one.password for one in people}


@dataclass(slots=True, kw_only=True)
class Company:
    """A served copy with its runner at work: what a test prepares and looks up beside the browser."""

    address: str
    workspace: Workspace
    runner: EmbeddedRunner
    passwords: dict[str, str]

    def sign_in(self, page: Page, login: str, target: str = "/") -> None:
        """Signs in on the sign-in page, and goes on to ``target``."""
        page.goto(f"{self.address}/login?next={target}")
        page.fill("#login", login)
        page.fill("#password", self.passwords[login])
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-ready] .shell")

    def enter(self, page: Page, login: str, target: str = "/") -> None:
        """Opens ``target`` as somebody who is signed in already."""
        token = Identity(self.workspace).sign_in(login, self.passwords[login])
        page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.address}])
        self.open(page, target)

    def open(self, page: Page, target: str) -> None:
        """Goes to a page of the app and waits until its scripts stand ready."""
        page.goto(f"{self.address}{target}")
        page.wait_for_selector("html[data-ready]")

    def who(self, login: str) -> Principal:
        """A person of the demo."""
        with self.workspace.database.read() as connection:
            id = connection.execute(sa.select(person.c.id).where(person.c.login == login)).scalar_one()
            found = principal_of(connection, id)
        assert found is not None
        return found

    def account(self, code: str) -> str:
        """The address of an account's page."""
        found = self.find("account", f'code = "{code}"')
        return f"/a/kam/f/account/{found}"

    def find(self, form: str, condition: str) -> UUID:
        """The id of the only record for which FEEL ``condition`` holds."""
        (found,) = self.all(form, condition)
        return UUID(str(found["id"]))

    def all(self, form: str, condition: str = "") -> list[dict[str, Any]]:
        """The values of the records of a form, with their ids."""
        with self.workspace.read(SYSTEM) as work:
            page = work.records.page(f"kam.{form}", ListQuery(filter=condition or None, limit=200))
            return [{"id": record.id, **record.values} for record in page.records]

    def see(self, form: str, id: UUID) -> dict[str, Any]:
        """The stored values of a record."""
        with self.workspace.read(SYSTEM) as work:
            found = work.records.get(f"kam.{form}", id)
            assert found is not None
            return dict(found.values)

    def change(self, form: str, id: UUID, *, computed: bool = False, **values: Any) -> None:
        """Changes a record, as the system where a test needs another state to begin with."""
        with self.workspace.work(SYSTEM, command="test.change") as work:
            work.records.update(f"kam.{form}", id, values, computed=computed)

    def create(self, login: str, form: str, **values: Any) -> UUID:
        """The id of a record that a person enters."""
        with self.workspace.work(self.who(login), command="test.create") as work:
            found: UUID = work.records.create(f"kam.{form}", values).record.id
            return found

    def advance(self, **by: float) -> None:
        """Moves the clock without the browser and lets everything happen that is due."""
        base = self.workspace.clock.base
        assert isinstance(base, FixedClock)
        base.advance(timedelta(**by))
        self.settle()

    def settle(self) -> None:
        """Waits until nothing is due."""
        self.runner.wake()
        until(lambda: not self._due())

    def _due(self) -> bool:
        with self.workspace.read(SYSTEM) as work:
            return any(due <= work.instant for due in work.connection.execute(sa.select(job.c.due_at)).scalars())


@contextmanager
def opened(image: Image, folder: Path) -> Iterator[tuple[Workspace, Settings]]:
    """A workspace over a copy of the image, its clock at ``NOW``."""
    settings = settings_for(folder, folder / "kam.db")
    (folder / "kam.db").write_bytes(image.file.read_bytes())
    workspace = Workspace.open(settings, clock=FixedClock(instant=NOW))
    try:
        yield workspace, settings
    finally:
        workspace.close()
