"""What follows a publish: left to the runner, told as it goes, stopped, resumed, taken up again after a kill."""

from __future__ import annotations

import time
from types import SimpleNamespace
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.jobs.embedded import EmbeddedRunner
from builder.jobs.ports import Patience
from builder.releases import (
    Followup,
    cancel_followup,
    converting,
    finish,
    following,
    followups_of,
    install,
    open_draft,
    publish,
    resume_followup,
)
from builder.releases.followups import FOLLOW
from builder.runtime.install import host
from builder.storage.release_tables import followup
from builder.storage.runtime_tables import job
from builder.workspace import Workspace
from engines.core import AccessDenied, StateConflict
from engines.form import ListQuery
from tests.builder.platform.apps import ADMIN, BUILDS, BUILDS_LIBRARY, LIBRARIAN, library

NUMBER = {"name": "isbn", "type": "number", "scale": 1, "label": {"en": "Number"}}
BOOKS = 7
INDEX = "u_r_library_book_f_title"
QUICK = Patience(lease_s=2, runner_lease_s=1, poll_s=0.02)


@pytest.fixture
def published(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Books whose text has just become a number; nothing is converted yet, and portions are of two."""
    monkeypatch.setattr(converting, "BATCH", 2)
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        for number in range(BOOKS):
            work.records.create("library.book", {"title": f"t{number}", "isbn": str(number)})
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/isbn", NUMBER)
    publish(workspace, "library", None, BUILDS, later=True)
    return workspace


def step(workspace: Workspace) -> Followup:
    with workspace.read(ADMIN) as work:
        (found,) = [f for f in followups_of(work.connection, "library") if f.step["do"] == "convert"]
        return found


def converted(workspace: Workspace) -> int:
    with workspace.read(LIBRARIAN) as work:
        return sum(r["isbn"] is not None for r in work.records.page("library.book", ListQuery(limit=50)).records)


def slice_of(workspace: Workspace, portions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works as a job does that is allowed so many portions."""
    ticks = iter(range(1000))
    with monkeypatch.context() as patch:
        patch.setattr(following, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
        # One look for the step itself, and one for each portion.
        finish(workspace, "library", until=portions + 1)


def test_publishing_leaves_it_to_the_runner_which_does_it(published: Workspace) -> None:
    assert (step(published).state, converted(published)) == ("pending", 0)
    with published.database.read() as connection:
        assert connection.execute(sa.select(job.c.app).where(job.c.kind == FOLLOW)).scalars().all() == ["library"]
    runner = EmbeddedRunner(host(published), {}, patience=QUICK)
    runner.start()
    try:
        deadline = time.monotonic() + 30
        while step(published).state != "done" and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        runner.stop()
    assert (step(published).state, step(published).share, converted(published)) == ("done", 1.0, BOOKS)


def test_it_tells_how_far_it_is_and_goes_on_where_it_was_killed(
    published: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    slice_of(published, 2, monkeypatch)
    found = step(published)
    # "running" is also what a process leaves behind that was killed between two portions.
    assert (found.state, found.progress and found.progress["done"], found.share) == ("running", 4, 4 / BOOKS)
    assert converted(published) == 4
    following.resume(published)
    assert finish(published) == []
    assert (step(published).state, converted(published)) == ("done", BOOKS)


def test_it_is_stopped_where_it_stands_and_resumed(published: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    slice_of(published, 1, monkeypatch)
    with published.work(BUILDS, command="test") as work:
        cancel_followup(work, "library", step(published).id)
    assert finish(published) == []
    assert (step(published).state, converted(published)) == ("cancelled", 2)
    with published.work(BUILDS, command="test") as work, pytest.raises(StateConflict):
        cancel_followup(work, "library", step(published).id)
    with published.work(BUILDS, command="test") as work:
        resume_followup(work, "library", step(published).id)
    assert finish(published) == []
    assert (step(published).state, converted(published)) == ("done", BOOKS)


def test_a_portion_under_way_is_undone_when_it_is_stopped(
    published: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = step(published).id
    note = following._note

    def cancelled_meanwhile(work: object, of: Followup, progress: object) -> None:
        work.connection.execute(sa.update(followup).values(state="cancelled"))  # type: ignore[attr-defined]
        note(work, of, progress)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(following, "_note", cancelled_meanwhile)
        finish(published)
    assert (step(published).id, step(published).progress, converted(published)) == (id, None, 0)


@pytest.mark.parametrize("act", [cancel_followup, resume_followup])
def test_only_builders_of_the_app_stop_and_resume(published: Workspace, act: object) -> None:
    id = step(published).id
    with published.work(LIBRARIAN, command="test") as work, pytest.raises(AccessDenied):
        act(work, "library", id)  # type: ignore[operator]
    with published.work(BUILDS_LIBRARY, command="test") as work, pytest.raises(KeyError):
        act(work, "library", UUID(int=1))  # type: ignore[operator]
    assert step(published).state == "pending"


def test_a_unique_index_that_failed_is_built_once_the_values_are_mended(workspace: Workspace) -> None:
    """PostgreSQL keeps a broken index where building one was interrupted: it is worth nothing, and makes room."""
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        for isbn in ("1", "2"):
            work.records.create("library.book", {"title": "same", "isbn": isbn})
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/title/unique", True)
    publish(workspace, "library", None, BUILDS)
    with workspace.read(ADMIN) as work:
        (failed,) = followups_of(work.connection, "library")
    assert (failed.state, unique_index(workspace)) == ("failed", [])
    if workspace.database.dialect == "postgresql":
        broken = 'CREATE UNIQUE INDEX CONCURRENTLY "u_r_library_book_f_title" ON "r_library_book" (f_title)'
        with pytest.raises(sa.exc.IntegrityError), workspace.database.outside() as connection:
            connection.execute(sa.text(broken))
        assert unique_index(workspace) == [False]
    with workspace.work(LIBRARIAN, command="test") as work:
        (book, *_) = work.records.page("library.book", ListQuery()).records
        work.records.update("library.book", book.id, {"title": "another"})
    with workspace.work(BUILDS, command="test") as work:
        resume_followup(work, "library", failed.id)
    assert finish(workspace) == []
    assert unique_index(workspace) == [True]


def unique_index(workspace: Workspace) -> list[bool]:
    """Whether the index of titles is whole, where there is one."""
    with workspace.database.read() as connection:
        if workspace.database.dialect == "sqlite":
            known = sa.inspect(connection).get_indexes("r_library_book")
            return [bool(found["unique"]) for found in known if found["name"] == INDEX]
        query = (
            "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE relname = :name AND relnamespace = current_schema()::regnamespace"
        )
        return list(connection.execute(sa.text(query), {"name": INDEX}).scalars())
