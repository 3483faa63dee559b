"""Links to tasks in mails: signed, for one person who signs in; opening one changes nothing, confirming acts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from builder.runtime import task_links
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import effect, process_history, task, task_read
from builder.storage.values import decode
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf
from .test_deciding import Office
from .test_records import text_of


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> Office:
    return Office(app, workspace)


@pytest.fixture
def link(office: Office) -> str:
    """The path of the link in Ann's mail: she is to file an acceptance that Max has signed."""
    with office.workspace.database.write() as connection:
        mine = person.c.login == "ann"
        connection.execute(sa.update(person).where(mine).values(email="ann@example.com"))
    id = office.accept()
    signed = office.upload("max", id, "signature").get_data(as_text=True)
    assert office.post("max", f"/inbox/{id}", _outcome="fine", _signature=signed).status_code == 302
    with office.workspace.database.read() as connection:
        rows = connection.execute(sa.select(effect.c.payload).where(effect.c.channel == "mail")).scalars().all()
    (mail,) = [decode(row) for row in rows]
    assert mail["to"] == ["ann@example.com"]
    assert "Filed" in mail["text"]
    found = re.search(r"https?://[^/]+(/t/[^\s?]+)\?o=filed", mail["text"])
    assert found
    assert found[1] in mail["html"]
    return found[1]


def everything(office: Office) -> list[object]:
    """What a visit might have changed."""
    with office.workspace.database.read() as connection:
        tables = (task, task_read, process_history)
        return [sorted(map(repr, connection.execute(sa.select(table)))) for table in tables]


def test_opening_it_changes_nothing_and_sending_it_decides(office: Office, link: str) -> None:
    before = everything(office)
    page = text_of(office.clients["ann"], f"{link}?o=lost")
    assert page.index('value="lost"') < page.index('value="filed"')
    assert everything(office) == before
    assert office.post("ann", link, _outcome="lost").status_code == 422
    assert everything(office) == before
    assert office.post("ann", link, _outcome="filed", _comment="in the binder").status_code == 302
    assert office.todo("ann") == []
    # A second click finds it closed, and says by whom.
    assert office.post("ann", link, _outcome="filed").status_code == 409
    assert text_of(office.clients["ann"], link).count('name="_outcome"') == 0


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_back(office: Office, link: str, app: Flask) -> None:
    stranger = app.test_client()
    answer = stranger.get(f"{link}?o=filed")
    assert answer.status_code == 302
    assert "/login?next=" in answer.headers["Location"]
    token = csrf(stranger)
    assert stranger.post(link, data={"_csrf": token, "_outcome": "filed"}).status_code == 302
    assert len(office.todo("ann")) == 1


@pytest.mark.parametrize("login", ["max", "bob"])
def test_nobody_else_acts_with_it(office: Office, link: str, login: str) -> None:
    assert office.clients[login].get(link).status_code == 403
    assert office.post(login, link, _outcome="filed").status_code == 403
    assert len(office.todo("ann")) == 1


def test_what_is_changed_or_too_old_opens_nothing(office: Office, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = link[:-4]
    forged = link[:5] + ("A" if link[5] != "A" else "B") + link[6:]
    for wrong in (other, forged, "/t/x", "/t/%F0%9F%98%80"):
        assert office.clients["ann"].get(wrong).status_code == 410
        assert office.post("ann", wrong, _outcome="filed").status_code == 410
    monkeypatch.setattr(task_links, "LIFE", timedelta(seconds=-1))
    with office.workspace.database.read() as connection:
        id = connection.execute(sa.select(task.c.id).where(task.c.node == "file")).scalar_one()
    with office.workspace.work(SYSTEM, command="test.link") as work:
        old = task_links.make_token(work, id, office.ids["ann"])
    assert office.clients["ann"].get(f"/t/{old}").status_code == 410


def test_a_link_gives_no_right_to_who_has_lost_the_task(office: Office, link: str) -> None:
    (id,) = office.todo("ann")
    given = {"person": str(office.ids["bob"])}
    assert office.post("ann", f"/inbox/{id}/transfer", **given).status_code == 302
    answer = office.post("ann", link, _outcome="filed")
    assert answer.status_code == 422
    assert office.todo("bob") == [id]
