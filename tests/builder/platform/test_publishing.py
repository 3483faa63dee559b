"""Publishing: releases that never change, tables that only grow, layers over packages, and who may do it."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from builder.definitions import load_folder, source_of
from builder.releases import (
    activations_of,
    active_release,
    export_release,
    finish,
    followups_of,
    install,
    open_draft,
    plan,
    publish,
    releases_of,
    rollback,
)
from builder.storage.release_tables import followup, physical_name, release
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, DefinitionError, Principal, StateConflict
from engines.form import Impact
from tests.builder.platform.apps import ADMIN, BUILDS, BUILDS_LIBRARY, LIBRARIAN, library

SHELF = {"name": "shelf", "type": "text", "label": {"zh": "书架", "en": "Shelf"}}


def columns(workspace: Workspace, table: str) -> set[str]:
    with workspace.database.read() as connection:
        return {column["name"] for column in sa.inspect(connection).get_columns(table)}


def add_shelf(workspace: Workspace, principal: Principal = BUILDS) -> None:
    with workspace.work(principal, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/shelf", SHELF, after="title")


def test_a_package_becomes_release_one_with_its_tables(workspace: Workspace) -> None:
    found = install(workspace, library(), ADMIN, note="first")
    assert (found.app, found.number, found.version, found.note) == ("library", 1, "1.0.0", "first")
    assert set(workspace.apps) == {"library"}
    assert set(workspace.apps["library"].forms) == {"book", "loan"}
    assert {"f_title", "f_copies", "version", "owner"} <= columns(workspace, "r_library_book")
    with workspace.read(ADMIN) as work:
        assert [(a.release, a.kind) for a in activations_of(work.connection, "library")] == [(1, "publish")]
        assert work.generation == 1


def test_the_same_package_again_is_the_same_release(workspace: Workspace) -> None:
    first = install(workspace, library(), ADMIN)
    assert install(workspace, library(), ADMIN) == first


def test_equal_content_has_the_equal_hash(workspace: Workspace) -> None:
    first = install(workspace, library(), ADMIN)
    install(workspace, library(Novel="Fiction"), ADMIN)
    third = install(workspace, library(), ADMIN)
    assert (third.number, third.hash) == (3, first.hash)


def test_a_draft_adds_a_field_over_the_untouched_package(workspace: Workspace) -> None:
    first = install(workspace, library(), ADMIN)
    add_shelf(workspace)
    second = publish(workspace, "library", None, BUILDS)
    assert (second.number, second.package_hash) == (2, first.package_hash)
    assert second.layer_hash != first.layer_hash
    assert list(workspace.apps["library"].forms["book"].fields)[:2] == ["title", "shelf"]
    assert "f_shelf" in columns(workspace, "r_library_book")
    with workspace.work(BUILDS, command="test") as work:
        assert open_draft(work, "library").edits == []


def test_an_upgrade_keeps_what_the_customer_changed(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    add_shelf(workspace)
    publish(workspace, "library", None, BUILDS)
    upgraded = install(workspace, library(**{'"1.0.0"': '"1.1.0"', "Subject": "Topic"}), ADMIN)
    book = workspace.apps["library"].forms["book"]
    assert upgraded.version == "1.1.0"
    assert "shelf" in book.fields
    assert book.fields["subject"].definition.label.get("en") == "Topic"


def test_an_upgrade_that_meets_a_change_waits_for_a_review(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/subject/label/en", "Genre")
    publish(workspace, "library", None, BUILDS)
    upgrade = library(Subject="Topic")
    with pytest.raises(StateConflict, match=r"release\.conflicts"):
        install(workspace, upgrade, ADMIN)
    publish(workspace, "library", upgrade, ADMIN, accept_conflicts=True)
    assert workspace.apps["library"].forms["book"].fields["subject"].definition.label.get("en") == "Genre"


def test_rolling_back_keeps_the_data_and_the_newer_column(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    add_shelf(workspace)
    publish(workspace, "library", None, BUILDS)
    rollback(workspace, "library", 1, BUILDS, note="too early")
    assert "shelf" not in workspace.apps["library"].forms["book"].fields
    assert "f_shelf" in columns(workspace, "r_library_book")
    add_shelf(workspace)
    third = publish(workspace, "library", None, BUILDS)
    assert third.number == 3
    with workspace.read(ADMIN) as work:
        kinds = [(a.release, a.kind) for a in activations_of(work.connection, "library")]
        names = work.connection.execute(
            sa.select(physical_name.c.physical).where(physical_name.c.path == "library.book/shelf")
        ).scalars()
        assert kinds == [(3, "publish"), (1, "rollback"), (2, "publish"), (1, "publish")]
        assert list(names) == ["f_shelf"]


def test_a_renamed_field_keeps_its_column_and_an_older_release_too(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(BUILDS, command="test.draft") as work:
        draft = open_draft(work, "library")
        draft.edit("form:book/fields/isbn/formerly", ["isbn"])
        draft.edit("form:book/fields/isbn/name", "book_number")
        draft.edit("form:book/layouts/edit/items/main/items/isbn/field", "book_number")
    publish(workspace, "library", None, BUILDS)
    with workspace.read(ADMIN) as work:
        query = sa.select(physical_name.c.path, physical_name.c.physical).where(physical_name.c.physical == "f_isbn")
        assert {row.path for row in work.connection.execute(query)} == {"library.book/isbn", "library.book/book_number"}
    assert "f_book_number" not in columns(workspace, "r_library_book")


def test_all_problems_of_a_draft_are_told_and_nothing_changes(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(BUILDS, command="test.draft") as work:
        draft = open_draft(work, "library")
        draft.edit("form:book/fields/copies/type", "nummer")
        draft.edit("app/menu/loans/form", "lone")
    with pytest.raises(DefinitionError) as refused:
        publish(workspace, "library", None, BUILDS)
    assert {d.file for d in refused.value.diagnostics} >= {"shelf/book.form.json", "app.json"}
    with workspace.read(ADMIN) as work:
        assert len(releases_of(work.connection, "library")) == 1
        assert work.generation == 1


def test_a_failure_in_the_middle_undoes_tables_and_rows(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    install(workspace, library(), ADMIN)
    add_shelf(workspace)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("builder.releases.publishing.put_in_force", fail)
        with pytest.raises(ZeroDivisionError):
            publish(workspace, "library", None, BUILDS)
    assert "f_shelf" not in columns(workspace, "r_library_book")
    assert publish(workspace, "library", None, BUILDS).number == 2


def test_two_publish_at_once_and_one_release_follows_the_other(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    failures: list[BaseException] = []

    def upgrade(label: str) -> None:
        try:
            publish(workspace, "library", library(Novel=label), ADMIN)
        except BaseException as error:  # the thread's outcome is the test's business
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(label,)) for label in ("One", "Two", "Three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace.read(ADMIN) as work:
        numbers = [r.number for r in releases_of(work.connection, "library")]
    assert (failures, numbers) == ([], [4, 3, 2, 1])


def test_indexes_of_tables_with_rows_follow_after_the_commit(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        for number in range(3):
            work.records.create("library.book", {"title": f"t{number}", "isbn": str(number)})
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/title/unique", True)
    publish(workspace, "library", None, BUILDS)
    with workspace.read(ADMIN) as work:
        assert [(f.step["columns"], f.state) for f in followups_of(work.connection, "library")] == [
            (["f_title"], "done")
        ]
        assert any(i["unique"] for i in sa.inspect(work.connection).get_indexes("r_library_book"))


def test_an_interrupted_follow_up_is_done_at_the_next_start(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        work.records.create("library.book", {"title": "t", "isbn": "1"})
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/title/unique", True)
    publish(workspace, "library", None, BUILDS)
    with workspace.database.write() as connection:
        connection.execute(sa.text('DROP INDEX "u_r_library_book_f_title"'))
        connection.execute(sa.update(followup).values(state="running"))
    assert finish(workspace) == []
    with workspace.read(ADMIN) as work:
        assert [f.state for f in followups_of(work.connection, "library")] == ["done"]


def test_a_plan_shows_what_would_happen_and_does_nothing(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(BUILDS, command="test.draft") as work:
        draft = open_draft(work, "library")
        draft.edit("form:book/fields/shelf", SHELF)
        draft.remove("form:book/fields/isbn")
        draft.remove("form:book/layouts/edit/items/main/items/isbn")
        draft.edit("form:loan/permissions", [{"role": "librarian", "operations": ["see", "create"]}])
    with workspace.read(BUILDS) as work:
        found = plan(work, "library")
    assert {(c.kind, c.path) for c in found.changes} >= {
        ("added", "form:book/fields/shelf"),
        ("removed", "form:book/fields/isbn"),
    }
    assert {(c.code, c.form, c.field, c.impact) for c in found.data if c.code.startswith("field")} == {
        ("field_added", "library.book", "shelf", Impact.ADDITIVE),
        ("field_archived", "library.book", "isbn", Impact.LOSSY),
    }
    (rights,) = [c for c in found.data if c.code == "rights_changed" and c.params["role"] == "library.librarian"]
    assert rights.params["lost"] == ["delete", "edit", "export"]
    assert (found.may_publish, found.impact) == (True, Impact.LOSSY)
    assert "f_shelf" not in columns(workspace, "r_library_book")


def test_releases_are_stored_by_content_and_reads_give_the_files_back(workspace: Workspace, tmp_path: Path) -> None:
    install(workspace, library(), ADMIN)
    with workspace.read(ADMIN) as work:
        export_release(work, "library", tmp_path / "out")
    assert load_folder(tmp_path / "out").texts() == library().texts()
    add_shelf(workspace)
    publish(workspace, "library", None, BUILDS)
    with workspace.read(ADMIN) as work:
        export_release(work, "library", tmp_path / "out")
        export_release(work, "library", tmp_path / "package", package=True)
    assert "shelf" in (tmp_path / "out" / "shelf" / "book.form.json").read_text()
    assert "shelf" in (tmp_path / "package" / "layer.json").read_text()


@pytest.mark.parametrize("who", [LIBRARIAN, BUILDS, BUILDS_LIBRARY])
def test_only_admins_install_apps(workspace: Workspace, who: Principal) -> None:
    with pytest.raises(AccessDenied):
        install(workspace, library(), who)
    with workspace.read(SYSTEM) as work:
        assert active_release(work.connection, "library") is None


OPERATIONS = {
    "draft": lambda workspace: add_shelf(workspace, LIBRARIAN),
    "publish": lambda workspace: publish(workspace, "library", None, LIBRARIAN),
    "upgrade": lambda workspace: install(workspace, library(Novel="X"), LIBRARIAN),
    "rollback": lambda workspace: rollback(workspace, "library", 1, LIBRARIAN),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_builders_change_an_app(workspace: Workspace, operation: str) -> None:
    install(workspace, library(), ADMIN)
    add_shelf(workspace)
    with pytest.raises(AccessDenied):
        OPERATIONS[operation](workspace)


def test_the_builder_of_one_app_builds_no_other(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    install(workspace, source_of({"app.json": '{"name": "other", "version": "1.0.0", "label": "O"}'}), ADMIN)
    add_shelf(workspace, BUILDS_LIBRARY)
    assert publish(workspace, "library", None, BUILDS_LIBRARY).number == 2
    with pytest.raises(AccessDenied), workspace.work(BUILDS_LIBRARY, command="test") as work:
        open_draft(work, "other")


def test_rolling_back_to_a_release_that_never_was_is_refused(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with pytest.raises(StateConflict, match=r"release\.unknown"):
        rollback(workspace, "library", 7, ADMIN)


def test_releases_are_never_changed(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.read(ADMIN) as work:
        before = work.connection.execute(sa.select(release).where(release.c.number == 1)).one()
    add_shelf(workspace)
    publish(workspace, "library", None, BUILDS)
    rollback(workspace, "library", 1, BUILDS)
    with workspace.read(ADMIN) as work:
        assert work.connection.execute(sa.select(release).where(release.c.number == 1)).one() == before


def test_a_process_that_opened_earlier_sees_the_new_set_at_its_next_transaction(workspace: Workspace) -> None:
    from tests.builder.workspaces import fixed_clock

    other = Workspace.open(workspace.settings, clock=fixed_clock())
    install(workspace, library(), ADMIN)
    with other.read(ADMIN) as work:
        assert set(work.apps) == {"library"}
        install(workspace, library(Novel="Fiction"), ADMIN)
        assert work.apps["library"].release == 1
    with other.read(ADMIN) as work:
        assert work.apps["library"].release == 2
    other.close()


def test_a_changed_type_converts_what_can_be_and_lists_the_rest(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        ids = [work.records.create("library.book", {"title": t, "isbn": t}).record.id for t in ("12", "x", "7.5")]
    with workspace.work(BUILDS, command="test.draft") as work:
        draft = open_draft(work, "library")
        number = {"name": "isbn", "type": "number", "scale": 1, "label": {"en": "Number"}}
        draft.edit("form:book/fields/isbn", number)
    publish(workspace, "library", None, BUILDS)
    with workspace.read(LIBRARIAN) as work:
        found = [r["isbn"] for r in work.records.get_many("library.book", ids)]
        (step,) = [f for f in followups_of(work.connection, "library") if f.step["do"] == "convert"]
    assert found == [Decimal("12"), None, Decimal("7.5")]
    told = {"after": None, "refused": 1, "ids": [str(ids[1])], "done": 3, "total": 3}
    assert (step.state, step.progress, step.share) == ("done", told, 1.0)
    rollback(workspace, "library", 1, BUILDS)
    with workspace.read(LIBRARIAN) as work:
        assert [r["isbn"] for r in work.records.get_many("library.book", ids)] == ["12", "x", "7.5"]


def test_a_new_formula_is_computed_for_records_that_are_there(workspace: Workspace) -> None:
    install(workspace, library(), ADMIN)
    with workspace.work(LIBRARIAN, command="test") as work:
        id = work.records.create("library.book", {"title": "t", "isbn": "1", "copies": 3, "price": "2.50"}).record.id
    with workspace.work(BUILDS, command="test.draft") as work:
        open_draft(work, "library").edit("form:book/fields/value/formula", "copies * price * 2")
    publish(workspace, "library", None, BUILDS)
    with workspace.read(LIBRARIAN) as work:
        record = work.records.get("library.book", id)
        assert record is not None
        assert (record["value"], record.version) == (Decimal("15.00"), 1)
