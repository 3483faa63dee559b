"""The inbox, deciding a task, and public links: what people see, what is refused, and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf
from .test_records import add, hidden, text_of

Enter = Callable[..., FlaskClient]


@pytest.fixture
def head(enter: Enter) -> FlaskClient:
    return enter("hua", "head", "librarian")


@pytest.fixture
def started(head: FlaskClient, library: Workspace) -> UUID:
    """The book of a review that waits for the head."""
    book = UUID(add(library, title="红楼梦", price="99"))
    with library.work(SYSTEM, command="test.start") as work:
        work.service("processes").start("library.review", subject=("library.book", book))
    return book


def task_path(client: FlaskClient) -> str:
    found = re.search(r'class="task" href="([^"]+)"', text_of(client, "/inbox/"))
    assert found
    return found[1]


def decide(client: FlaskClient, path: str, outcome: str, **more: str) -> Any:
    page = text_of(client, path)
    given = {name: hidden(page, name) for name in ("_csrf", "_key", "_version")}
    return client.post(path, data={**given, "_outcome": outcome, **more})


@pytest.mark.usefixtures("started")
def test_a_task_is_found_in_the_inbox_and_counted(head: FlaskClient) -> None:
    page = text_of(head, "/inbox/")
    assert "Check by the head" in page
    assert "红楼梦" in page
    assert 'class="count hot"' in page
    assert "Check by the head" in text_of(head, "/")


@pytest.mark.usefixtures("started")
def test_the_task_page_shows_form_diagram_and_outcomes(head: FlaskClient) -> None:
    page = text_of(head, task_path(head))
    for shown in ("红楼梦", "¥99.00", "Approve", "Reject", '<svg class="process"', "Purchase review"):
        assert shown in page


def test_a_step_opens_only_the_fields_it_names(head: FlaskClient, library: Workspace, started: UUID) -> None:
    path = task_path(head)
    page = text_of(head, path)
    assert 'name="note"' in page
    assert 'name="price"' not in page
    decide(head, path, "approve", note="Good condition", price="1")
    with library.read(SYSTEM) as work:
        record = work.records.get("library.book", started)
    assert record
    assert record["note"] == "Good condition"
    assert record["price"] == 99


@pytest.mark.usefixtures("started")
def test_deciding_moves_the_task_to_done(head: FlaskClient) -> None:
    path = task_path(head)
    assert decide(head, path, "approve").status_code == 302
    assert "Check by the head" not in text_of(head, "/inbox/")
    assert "Approve" in text_of(head, "/inbox/?box=done")
    assert "Approve" in text_of(head, path)


@pytest.mark.usefixtures("started")
def test_rejecting_needs_a_reason_and_keeps_what_was_typed(head: FlaskClient) -> None:
    path = task_path(head)
    answer = decide(head, path, "reject", note="Torn cover")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Torn cover" in page
    assert "Please say why." in page
    assert decide(head, path, "reject", _comment="Too expensive").status_code == 302


@pytest.mark.usefixtures("started")
def test_two_approvers_the_second_is_told_who_decided(enter: Enter, head: FlaskClient) -> None:
    other = enter("kai", "head", "librarian")
    path = task_path(head)
    page = text_of(other, path)
    decide(head, path, "approve")
    given = {name: hidden(page, name) for name in ("_csrf", "_key", "_version")}
    answer = other.post(path, data={**given, "_outcome": "reject", "_comment": "no"})
    assert answer.status_code == 409
    assert "Hua closed this task at" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("started")
def test_taking_a_task_leaves_it_out_of_others_inboxes(enter: Enter, head: FlaskClient) -> None:
    other = enter("kai", "head")
    path = task_path(head)
    assert "Check by the head" in text_of(other, "/inbox/")
    head.post(f"{path}/claim", data={"_csrf": csrf(head, "/")})
    assert "Check by the head" not in text_of(other, "/inbox/")


@pytest.mark.usefixtures("started")
def test_a_task_of_others_does_not_exist(enter: Enter, head: FlaskClient) -> None:
    path = task_path(head)
    stranger = enter("rui", "reader")
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, data={"_csrf": csrf(stranger, "/"), "_outcome": "approve"}).status_code == 404
    for verb in ("claim", "transfer", "return"):
        data = {"_csrf": csrf(stranger, "/"), "person": str(UUID(int=1))}
        assert stranger.post(f"{path}/{verb}", data=data).status_code == 404, verb


@pytest.mark.parametrize("query", ["box=nothing", "after=nonsense"])
@pytest.mark.usefixtures("started")
def test_a_bad_address_is_refused(head: FlaskClient, query: str) -> None:
    assert head.get(f"/inbox/?{query}").status_code in {404, 422}


def test_notices_are_read_and_marked(enter: Enter, library: Workspace) -> None:
    from builder.identity import find_person

    client, other = enter("lin", "librarian"), enter("mei", "librarian")
    with library.work(SYSTEM, command="test.notice") as work:
        person = find_person(work.connection, "lin")
        assert person
        texts = {"zh": "书到了", "en": "The book is here"}
        work.service("notifications").send([person.id], title=texts, severity="warning", app="library")
    assert "The book is here" in text_of(client, "/notifications/")
    assert "The book is here" not in text_of(other, "/notifications/")
    assert "1 unread" in text_of(client, "/")
    client.post("/notifications/read", data={"_csrf": csrf(client, "/")})
    assert "unread" not in text_of(client, "/").split("</aside>")[0]


# -- public links


@pytest.fixture
def librarian(enter: Enter) -> FlaskClient:
    return enter("lin", "librarian")


def make_link(client: FlaskClient, **prefill: str) -> str:
    answer = client.post("/a/library/f/wish/link", data={"_csrf": csrf(client, "/"), **prefill})
    found = re.search(r'value="http://[^/]+(/p/[^"]+)"', answer.get_data(as_text=True))
    assert found, answer.status_code
    return found[1]


def answer_to(app: Flask, path: str, **values: str) -> Any:
    visitor = app.test_client()
    page = text_of(visitor, path)
    given = {name: hidden(page, name) for name in ("_csrf", "_key")}
    return visitor.post(path, data={**given, **values})


def test_a_visitor_answers_a_public_form(app: Flask, librarian: FlaskClient, library: Workspace) -> None:
    book = add(library, title="Wanted")
    path = make_link(librarian, book=book)
    answer = answer_to(app, path, what="More poems", score="9", secret="x", book=str(UUID(int=5)))
    assert answer.status_code == 302
    assert "Thanks!" in text_of(app.test_client(), answer.headers["Location"]) or "谢谢" in text_of(
        app.test_client(), answer.headers["Location"]
    )
    page = text_of(librarian, "/a/library/f/wish/?cols=what&cols=book&cols=secret")
    assert "More poems" in page
    assert "Wanted" in page


def test_a_wrong_public_answer_keeps_what_was_typed(app: Flask, librarian: FlaskClient) -> None:
    answer = answer_to(app, make_link(librarian), what="", score="11")
    assert answer.status_code == 422
    assert 'id="f-what-error"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("token", ["x", "A" * 32, "../../etc/passwd"])
def test_an_unknown_link_says_nothing(app: Flask, library: Workspace, token: str) -> None:
    assert app.test_client().get(f"/p/{token}").status_code in {404, 410}


def test_a_reader_may_not_make_links(enter: Enter) -> None:
    reader = enter("rui", "reader")
    assert reader.post("/a/library/f/wish/link", data={"_csrf": csrf(reader, "/")}).status_code in {403, 404}


def test_a_form_that_is_not_public_gets_no_link(librarian: FlaskClient) -> None:
    answer = librarian.post("/a/library/f/book/link", data={"_csrf": csrf(librarian, "/")})
    assert answer.status_code in {403, 422}
