"""The library, an app with nothing of customers in it: form, rule, process, decision and report in one story."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity import create_person
from builder.jobs.embedded import EmbeddedRunner
from builder.releases import load_folder, publish
from builder.reports import DashboardReader
from builder.runtime.install import host, install
from builder.scenarios import run_scenarios
from builder.storage.runtime_tables import job
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, Principal, PrincipalKind
from tests.builder.runtime.test_embedded import QUICK, until
from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["sqlite_image", "workspace"]
APP = Path(__file__).parent / "library"


def test_its_own_scenarios_hold() -> None:
    assert [outcome.failure for outcome in run_scenarios(load_folder(APP))] == [""]


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    install(workspace)
    publish(workspace, "library", load_folder(APP), SYSTEM)
    return workspace


@pytest.fixture
def runner(library: Workspace) -> Iterator[EmbeddedRunner]:
    runner = EmbeddedRunner(host(library), {}, patience=QUICK)
    runner.start()
    yield runner
    runner.stop()


def someone(workspace: Workspace, login: str, role: str) -> Principal:
    """A person with one role of the library."""
    roles = frozenset({f"library.{role}"})
    with workspace.work(SYSTEM, command="test.person") as work:
        id = create_person(work, login=login, name=login, email=f"{login}@example.com", roles=roles)
    return Principal(kind=PrincipalKind.PERSON, id=id, roles=roles)


def fines(workspace: Workspace, principal: Principal) -> dict[str, Decimal]:
    """Fines by subject, as a person reads them."""
    with workspace.read(principal) as work:
        reader = DashboardReader(work, work.apps["library"], "fines")
        return {row["subject"]: row["fine"] for row in reader.answer(reader.tile("subjects"), {}).rows}


def test_a_lost_book_is_noticed_a_week_late_paid_for_and_counted(library: Workspace, runner: EmbeddedRunner) -> None:
    lin, wu, other = (
        someone(library, "lin", "librarian"),
        someone(library, "wu", "reader"),
        someone(library, "other", "reader"),
    )
    with library.work(lin, command="test") as work:
        book = work.records.create("library.book", {"title": "Cells", "subject": "science", "price": Decimal(40)})
        values = {"number": "L1", "book": book.record.id, "reader": wu.id}
        loan: UUID = work.records.create("library.loan", values).record.id
    with library.read(lin) as work:
        assert work.records.get("library.loan", loan).values["due_on"] == date(2026, 3, 31)

    # Seven days past the day it was due, at nine, and not a minute before.
    library.clock.base.advance(timedelta(days=34, hours=22, minutes=59))  # type: ignore[attr-defined]
    runner.wake()
    until(lambda: not runner_busy(library))
    assert tasks(library, lin) == []
    library.clock.base.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    runner.wake()
    until(lambda: len(tasks(library, lin)) == 1)

    (task,) = tasks(library, lin)
    with pytest.raises(AccessDenied), library.work(wu, command="task.complete") as work:
        work.service("processes").complete(task, "lost")
    with library.work(lin, command="task.complete") as work:
        work.service("processes").complete(task, "lost")
    with library.read(wu) as work:
        seen = work.records.get("library.loan", loan).values
        assert (seen["returned"], seen["fine"]) == (True, Decimal(45))
    assert [fines(library, who) for who in (lin, wu, other)] == [{"science": 45}, {"science": 45}, {}]


def tasks(workspace: Workspace, principal: Principal) -> list[UUID]:
    """A person's open tasks."""
    with workspace.read(principal) as work:
        return [item.id for item in work.service("inbox").page().items]


def runner_busy(workspace: Workspace) -> bool:
    """Whether something due still waits."""
    with workspace.database.read() as connection:
        return any(due <= workspace.clock.now() for due in connection.execute(sa.select(job.c.due_at)).scalars())
