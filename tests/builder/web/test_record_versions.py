"""Recycle bin, versions compared and put back, copies, comments that name people – and who gets none of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from builder.identity import find_person
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf

Enter = Callable[..., FlaskClient]
BOOKS = "/a/library/f/book"


@pytest.fixture
def librarian(enter: Enter) -> FlaskClient:
    return enter("lin", "librarian")


def add(workspace: Workspace, **values: Any) -> str:
    with workspace.work(SYSTEM, command="test.add") as work:
        return str(work.records.create("library.book", values).record.id)


def change(workspace: Workspace, id: str, **values: Any) -> None:
    from uuid import UUID

    with workspace.work(SYSTEM, command="test.change") as work:
        work.records.update("library.book", UUID(id), values)


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


def post(client: FlaskClient, path: str, **data: Any) -> int:
    return int(client.post(path, data={"_csrf": csrf(client, "/"), **data}).status_code)


def test_what_was_deleted_is_taken_back_by_those_who_may_delete(
    librarian: FlaskClient, library: Workspace, enter: Enter
) -> None:
    id = add(library, title="论语")
    assert post(librarian, f"{BOOKS}/{id}/delete") == 302
    reader = enter("rui", "reader")
    assert reader.get(f"{BOOKS}/bin").status_code == 404
    assert post(reader, f"{BOOKS}/{id}/restore") == 403
    assert librarian.get(f"{BOOKS}/{id}").status_code == 404
    assert "论语" in text_of(librarian, f"{BOOKS}/bin")
    assert post(librarian, f"{BOOKS}/{id}/restore") == 302
    assert "论语" in text_of(librarian, f"{BOOKS}/{id}")
    assert "empty" in text_of(librarian, f"{BOOKS}/bin")


def test_an_earlier_version_is_compared_and_put_back_with_its_rows(
    librarian: FlaskClient, library: Workspace, enter: Enter
) -> None:
    id = add(
        library, title="First", pages=100, price="5", copies=[{"shelf": "A1", "count": 2}, {"shelf": "B1", "count": 1}]
    )
    change(library, id, title="Second", pages=200, copies=[{"shelf": "C9", "count": 7}])
    history = text_of(librarian, f"{BOOKS}/{id}/history")
    assert "A1" in history
    assert "C9" in history, "changed rows of sub-tables stand in the history"
    compared = text_of(librarian, f"{BOOKS}/{id}/history/1")
    for shown in ("First", "Second", "100", "200", "A1", "C9"):
        assert shown in compared
    reader = enter("rui", "reader")
    seen = text_of(reader, f"{BOOKS}/{id}/history/1")
    assert "Put these values back" not in seen
    assert "5.00" not in seen, "the price is hidden from readers in every version"
    assert post(reader, f"{BOOKS}/{id}/history/1") == 403
    current = re.findall(r'name="_version" value="(\d+)"', compared)[0]
    assert post(librarian, f"{BOOKS}/{id}/history/1", _version=current) == 302
    page = text_of(librarian, f"{BOOKS}/{id}")
    for shown in ("First", "100", "A1", "B1"):
        assert shown in page
    assert "Version 1 put back" in text_of(librarian, f"{BOOKS}/{id}/history")
    assert librarian.get(f"{BOOKS}/{id}/history/99").status_code == 404


def test_a_copy_starts_with_everything_but_what_must_be_unique(
    librarian: FlaskClient, library: Workspace, enter: Enter
) -> None:
    id = add(
        library, title="Tea", isbn="X-1", price="12.50", tags=["old", "rare"], copies=[{"shelf": "A1", "count": 3}]
    )
    page = text_of(librarian, f"{BOOKS}/{id}/copy")
    for kept in ('value="Tea"', 'value="12.5', 'value="rare"', 'name="copies.0.shelf"', 'value="A1"'):
        assert kept in page
    assert "X-1" not in page
    assert "copies.0.id" not in page, "the copy's rows are new ones"
    assert enter("rui", "reader").get(f"{BOOKS}/{id}/copy").status_code == 403


def test_a_comment_names_people_who_are_then_told(librarian: FlaskClient, library: Workspace, enter: Enter) -> None:
    id = add(library, title="Tea")
    reader = enter("rui", "reader")
    with library.read(SYSTEM) as work:
        named = find_person(work.connection, "rui")
    assert named
    assert post(librarian, f"{BOOKS}/{id}/comment", text="@Rui please look", mention=str(named.id)) == 302
    assert "@Rui please look" in text_of(reader, f"{BOOKS}/{id}")
    assert "Lin mentioned you" in text_of(reader, "/notifications/")
    assert post(reader, f"{BOOKS}/{id}/comment", text="no right to") == 403
    assert "comment-form" not in text_of(reader, f"{BOOKS}/{id}")
