"""What rules ask people: a confirmation before something is saved, a question at an address without an account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import source_of
from builder.identity import create_token, find_person
from builder.releases import install as install_app
from builder.storage.runtime_tables import effect
from builder.workspace import Workspace
from engines.core import SYSTEM

from . import gallery
from .conftest import csrf
from .test_records import BOOKS, add, hidden, send

Enter = Callable[..., FlaskClient]
RULES = """
rule dear
  when book is saved
  if price > 500
  then
    ask for confirmation saying {zh: "真的这么贵？", en: "Really that dear?"} on price
end
rule thick
  when book is saved
  if pages > 5000
  then
    ask for confirmation saying {zh: "真的这么厚？", en: "Really that thick?"}
end
rule wrong
  when book is saved
  if pages > 9000
  then
    refuse saying {zh: "没有这么厚的书", en: "No book is that thick"} on pages
end
rule lost
  when book is deleted
  if price > 5
  then
    ask for confirmation saying {zh: "仍要删除？", en: "Delete it all the same?"}
end
rule kept
  when loan is deleted
  then
    refuse saying {zh: "借阅不能删除", en: "Loans are kept"}
end
rule content
  when loan is created
  then
    ask address "reader@example.com" for answer score saying {zh: "您满意吗？", en: "Are you content with us?"}
      replying with message content
end
rule discontent
  when message content arrives
  if event.answer < 7
  then
    create wish with what: "better " + event.answer_comment, score: event.answer
end
"""


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """The small app, with rules that ask."""
    texts = {path: json.dumps(data, ensure_ascii=False) for path, data in gallery.DOCUMENTS.items()}
    wish = json.loads(texts["wish.form.json"])
    wish["permissions"].append({"role": "app", "operations": ["see", "create"]})
    loan = json.loads(texts["loan.form.json"])
    loan["permissions"].append({"role": "app", "operations": ["see"]})
    files = {**texts, "wish.form.json": json.dumps(wish), "loan.form.json": json.dumps(loan), "asking.rules": RULES}
    install_app(workspace, source_of(files), SYSTEM)
    return workspace


@pytest.fixture
def librarian(enter: Enter) -> FlaskClient:
    return enter("lin", "librarian")


def again(client: FlaskClient, path: str, page: str, values: Mapping[str, Any]) -> Any:
    """Sends the form that a page holds once more, with what it says is confirmed."""
    given = {name: hidden(page, name) for name in ("_csrf", "_key", "_version")}
    confirmed = re.findall(r'name="_confirmed" value="([^"]+)"', page)
    return client.post(path, data={**given, **values, "_confirmed": confirmed})


def titles(workspace: Workspace, form: str = "book") -> list[str]:
    from engines.form import ListQuery

    with workspace.read(SYSTEM) as work:
        found = work.records.page(f"library.{form}", ListQuery()).records
        return sorted(str(record.values["title" if form == "book" else "what"]) for record in found)


def test_a_question_is_asked_with_everything_typed_and_saved_when_confirmed(
    librarian: FlaskClient, library: Workspace
) -> None:
    values = {"title": "论语", "price": "800", "pages": "6000", "state": "new"}
    asked = send(librarian, f"{BOOKS}/new", values)
    page = asked.get_data(as_text=True)
    assert asked.status_code == 422
    assert "Really that dear?" in page
    assert 'value="论语"' in page
    assert "Save anyway" in page
    assert titles(library) == []
    # Each question has its own yes.
    more = again(librarian, f"{BOOKS}/new", page, values)
    second = more.get_data(as_text=True)
    assert (more.status_code, "Really that thick?" in second) == (422, True)
    assert titles(library) == []
    assert again(librarian, f"{BOOKS}/new", second, values).status_code == 302
    assert titles(library) == ["论语"]


def test_a_yes_does_not_help_against_a_refusal(librarian: FlaskClient, library: Workspace) -> None:
    values = {"title": "x", "price": "800", "pages": "9001", "state": "new"}
    page = send(librarian, f"{BOOKS}/new", values).get_data(as_text=True)
    page = again(librarian, f"{BOOKS}/new", page, values).get_data(as_text=True)
    refused = again(librarian, f"{BOOKS}/new", page, values)
    assert refused.status_code == 422
    assert "No book is that thick" in refused.get_data(as_text=True)
    assert titles(library) == []


def test_deleting_asks_on_a_page_of_its_own_and_a_refusal_says_why(librarian: FlaskClient, library: Workspace) -> None:
    book = add(library, title="a", price=10)
    loan = add(library, "loan", book=book, reader="r")
    token = csrf(librarian, f"{BOOKS}/")
    asked = librarian.post(f"{BOOKS}/{book}/delete", data={"_csrf": token, "_version": "1"})
    page = asked.get_data(as_text=True)
    assert (asked.status_code, "Delete it all the same?" in page) == (422, True)
    assert hidden(page, "_version") == "1"
    given = {"_csrf": token, "_version": "1", "_confirmed": hidden(page, "_confirmed")}
    assert librarian.post(f"{BOOKS}/{book}/delete", data=given).status_code == 302
    assert titles(library) == []
    refused = librarian.post(f"/a/library/f/loan/{loan}/delete", data={"_csrf": token})
    assert (refused.status_code, "Loans are kept" in refused.get_data(as_text=True)) == (422, True)


def test_the_api_confirms_by_a_parameter(app: Flask, enter: Enter, library: Workspace) -> None:
    enter("api", "librarian")
    with library.work(SYSTEM, command="test.token") as work:
        found = find_person(work.connection, "api")
        assert found
        token = create_token(work, person_id=found.id, label="t", scopes=["write"])
    client, path = app.test_client(), "/api/v1/apps/library/forms/book/records"
    headers = {"Authorization": f"Bearer {token}"}
    asked = client.post(path, json={"title": "x", "price": 800}, headers=headers)
    assert asked.status_code == 422
    (problem,) = asked.get_json()["problems"]
    assert (problem["code"], problem["severity"]) == ("rules.confirm", "warning")
    assert problem["params"] == {"rule": "library.dear"}
    said = client.post(f"{path}?confirm=library.dear", json={"title": "x", "price": 800}, headers=headers)
    assert said.status_code == 201


def test_an_answer_without_an_account_sets_a_rule_off_once(app: Flask, library: Workspace) -> None:
    add(library, "loan", book=add(library, title="a"), reader="r")
    with library.database.read() as connection:
        (mail,) = connection.execute(effect.select()).all()
    found = re.search(r"/answer/[\w-]+", str(mail.payload["text"]))
    assert found
    client = app.test_client()
    given = {"_csrf": csrf(client, found[0]), "comment": "tea"}
    assert client.post(found[0], data={**given, "answer": "11"}).status_code == 422
    assert client.post(found[0], data={**given, "answer": "5"}).status_code == 302
    assert client.post(found[0], data={**given, "answer": "0"}).status_code == 410
    assert titles(library, "wish") == ["better tea"]
