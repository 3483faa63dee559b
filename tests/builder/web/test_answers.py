"""The page of an answer link: opening it changes nothing, sending it once does, and nobody else gets in."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.runtime.answers import LIFE
from builder.runtime.recipients import Receivers
from builder.storage.runtime_tables import answer_link, effect
from builder.storage.values import decode
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import close_setup, csrf


def asked(workspace: Workspace, kind: str = "yes_no") -> str:
    """The path of a new link, as its mail has it."""
    with workspace.work(SYSTEM, command="test.ask") as work:
        work.service("answers").ask(
            Receivers(addresses=("out@example.com",)), app="library", kind=kind, title={"en": "Solved?"}, body={}
        )
        payload = decode(work.connection.execute(sa.select(effect.c.payload)).scalar_one())
    found = re.search(r"http://127\.0\.0\.1:8000(/answer/[\w-]+)", payload["text"])
    assert found
    return found[1]


def taken(workspace: Workspace) -> list[object]:
    with workspace.database.read() as connection:
        return [answer for answer in connection.execute(sa.select(answer_link.c.answer)).scalars() if answer]


@pytest.fixture
def visitor(app: Flask, library: Workspace) -> FlaskClient:
    close_setup(library)
    client = app.test_client()
    client.set_cookie("dg_locale", "en")
    return client


def test_opening_chooses_what_the_mail_said_and_changes_nothing(visitor: FlaskClient, library: Workspace) -> None:
    path = asked(library)
    answer = visitor.get(f"{path}?a=no")
    page = answer.get_data(as_text=True)
    assert '<h1 id="question">Solved?</h1>' in page
    assert re.search(r'value="no" checked', page)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert visitor.head(f"{path}?a=no").status_code == 200
    assert taken(library) == []


def test_sending_takes_the_answer_once(visitor: FlaskClient, library: Workspace) -> None:
    path = asked(library, "score")
    form = {"_csrf": csrf(visitor, path), "answer": "9", "comment": "fine"}
    sent = visitor.post(path, data=form)
    assert sent.status_code == 302
    assert "Thank you" in visitor.get(sent.headers["Location"]).get_data(as_text=True)
    assert taken(library) == [{"value": "9"}]
    assert visitor.post(path, data={**form, "answer": "1"}).status_code == 410
    assert visitor.get(path).status_code == 410
    assert taken(library) == [{"value": "9"}]


def test_nothing_chosen_is_told_and_what_was_typed_stays(visitor: FlaskClient, library: Workspace) -> None:
    path = asked(library)
    answer = visitor.post(path, data={"_csrf": csrf(visitor, path), "comment": "my words"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "my words" in page
    assert 'id="answer-error"' in page
    assert taken(library) == []


@pytest.mark.parametrize("path", ["/answer/x", "/answer/" + "A" * 32, "/answer/.."])
def test_a_forged_link_is_no_link(visitor: FlaskClient, library: Workspace, path: str) -> None:
    asked(library)
    assert visitor.get(path).status_code in {404, 410}
    assert visitor.post(path, data={"_csrf": csrf(visitor), "answer": "yes"}).status_code in {404, 410}
    assert taken(library) == []


def test_another_site_cannot_answer(visitor: FlaskClient, library: Workspace) -> None:
    path = asked(library)
    assert visitor.post(path, data={"answer": "yes"}).status_code == 403
    assert taken(library) == []


def test_an_old_link_is_closed(visitor: FlaskClient, library: Workspace) -> None:
    path = asked(library)
    with library.database.write() as connection:
        connection.execute(sa.update(answer_link).values(expires_at=answer_link.c.created_at))
    assert LIFE.days == 60
    assert visitor.get(path).status_code == 410
    assert visitor.post(path, data={"_csrf": csrf(visitor), "answer": "yes"}).status_code == 410
    assert taken(library) == []
