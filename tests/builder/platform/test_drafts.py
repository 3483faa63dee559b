"""Drafts: edits with author and base value, undo and redo, two editors at once."""

from __future__ import annotations

import pytest

from builder.definitions import MISSING, check
from builder.releases import find_draft, install, open_draft, publish
from builder.workspace import Workspace
from engines.core import InputError, StateConflict
from tests.builder.platform.apps import ADMIN, BUILDS, BUILDS_LIBRARY, library

LABEL = "form:book/fields/title/label/en"


@pytest.fixture
def installed(workspace: Workspace) -> Workspace:
    install(workspace, library(), ADMIN)
    return workspace


def test_an_edit_keeps_who_what_and_what_was_there(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        open_draft(work, "library").edit(LABEL, "Name")
    with installed.read(ADMIN) as work:
        draft = find_draft(work, "library")
        assert draft is not None
        (item,) = draft.edits
        assert (item.edit.base, item.edit.value, item.author, item.at) == ("Title", "Name", BUILDS.id, work.instant)
        assert draft.value(LABEL) == "Name"
        assert draft.value("form:book/fields/none") is MISSING
        assert (draft.base_release, draft.created_by) == (1, BUILDS.id)


def test_undo_and_redo_go_back_and_forth(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        draft = open_draft(work, "library")
        draft.edit(LABEL, "One")
        draft.edit(LABEL, "Two")
        seen = [draft.value(LABEL)]
        for step in (draft.undo, draft.undo, draft.undo, draft.redo, draft.redo, draft.redo):
            step()
            seen.append(draft.value(LABEL))
        assert seen == ["Two", "One", "Title", "Title", "One", "Two", "Two"]


def test_a_new_edit_forgets_what_was_undone(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        draft = open_draft(work, "library")
        draft.edit(LABEL, "One")
        draft.undo()
        draft.edit(LABEL, "Two")
        assert draft.redo() is None
        assert [item.edit.value for item in draft.edits] == ["Two"]


def test_the_second_of_two_editors_is_told_who_was_first(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        seen = open_draft(work, "library").version
    with installed.work(BUILDS_LIBRARY, command="test") as work:
        open_draft(work, "library").edit(LABEL, "Hers", version=seen)
    with pytest.raises(StateConflict) as refused, installed.work(BUILDS, command="test") as work:
        open_draft(work, "library").edit(LABEL, "Mine", version=seen)
    assert refused.value.code == "release.draft_changed"
    assert refused.value.params["author"] == str(BUILDS_LIBRARY.id)


def test_a_discarded_draft_leaves_the_app_as_it_is(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        draft = open_draft(work, "library")
        draft.edit(LABEL, "Name")
        draft.discard()
        assert find_draft(work, "library") is None
        assert open_draft(work, "library").value(LABEL) == "Title"
        open_draft(work, "library").discard()
    with pytest.raises(StateConflict, match=r"release\.no_draft"):
        publish(installed, "library", None, BUILDS)


@pytest.mark.parametrize("path", ["form:none/label", "form:book/fields/none/label", "form:book/title/x", "/x", "a//b"])
def test_an_edit_of_no_place_is_refused(installed: Workspace, path: str) -> None:
    with pytest.raises(InputError), installed.work(BUILDS, command="test") as work:
        open_draft(work, "library").edit(path, "x")


def test_a_draft_is_checked_as_a_whole(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        draft = open_draft(work, "library")
        draft.edit("roles:library/roles", [])
        codes = {d.code for d in check(draft.source())}
    assert codes


def test_a_definition_is_added_by_a_draft(installed: Workspace) -> None:
    form = {"name": "shelf", "label": {"en": "Shelf"}, "fields": [{"name": "code", "type": "text", "label": "Code"}]}
    with pytest.raises(InputError, match="file"), installed.work(BUILDS, command="test") as work:
        open_draft(work, "library").edit("form:shelf", form)
    with installed.work(BUILDS, command="test") as work:
        open_draft(work, "library").edit("form:shelf", form, file="shelf/shelf.form.json")
    publish(installed, "library", None, BUILDS)
    assert "shelf" in installed.apps["library"].forms


def test_children_are_moved_and_removed(installed: Workspace) -> None:
    with installed.work(BUILDS, command="test") as work:
        draft = open_draft(work, "library")
        draft.move("form:book/fields/price", after="title")
        draft.remove("form:book/fields/isbn")
        names = [field["name"] for field in draft.value("form:book/fields")]
    assert names[:3] == ["title", "price", "subject"]
