"""A record under approval on its pages: what changed is shown, and nobody changes it past the step."""

import re
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import load_folder
from builder.identity import ADMIN
from builder.releases import publish
from builder.storage.runtime_tables import process_instance
from builder.workspace import Workspace
from engines.core import SYSTEM, Principal, PrincipalKind

from .conftest import add_person, close_setup, sign_in
from .test_inbox import decide, task_path
from .test_records import hidden, text_of

APP = Path(__file__).parents[2] / "apps" / "purchase"


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> dict[str, FlaskClient]:
    publish(workspace, "purchase", load_folder(APP), SYSTEM)
    close_setup(workspace)
    clients = {}
    for login, role in (("ann", "purchase.staff"), ("max", "purchase.manager"), ("ada", ADMIN)):
        add_person(app, workspace, login, roles=(role,))
        clients[login] = app.test_client()
        sign_in(clients[login], login)
    return clients


def ask(office: dict[str, FlaskClient], workspace: Workspace) -> UUID:
    """A request of Ann's, sent for 950 after 900."""
    ann = office["ann"]
    path = "/a/purchase/f/request/new"
    page = text_of(ann, path)
    given = {"_csrf": hidden(page, "_csrf"), "_key": hidden(page, "_key"), "subject": "Desk", "amount": "900"}
    created = ann.post(path, data=given)
    assert created.status_code == 302
    decide(ann, task_path(ann), "send", amount="950")
    found = re.search(r"request/([0-9a-f-]{36})", created.headers["Location"])
    assert found
    return UUID(found[1])


def test_the_page_of_an_approval_shows_before_and_after(office: dict[str, FlaskClient], workspace: Workspace) -> None:
    ask(office, workspace)
    page = text_of(office["max"], task_path(office["max"]))
    assert "Changed since the approval began" in page
    card = page[page.index("Changed since the approval began") :]
    assert card.index("900.00") < card.index("950.00")


def test_its_owner_cannot_change_it_meanwhile_and_keeps_what_was_typed(
    office: dict[str, FlaskClient], workspace: Workspace
) -> None:
    request = ask(office, workspace)
    path = f"/a/purchase/f/request/{request}/edit"
    page = text_of(office["ann"], path)
    given = {name: hidden(page, name) for name in ("_csrf", "_key", "_version")}
    answer = office["ann"].post(path, data={**given, "subject": "Big desk", "amount": "99999"})
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "This record is being approved (Purchase approval)" in shown
    assert "99999" in shown


def test_a_page_opened_before_a_change_asks_again(office: dict[str, FlaskClient], workspace: Workspace) -> None:
    request = ask(office, workspace)
    path = task_path(office["max"])
    opened = text_of(office["max"], path)
    # Something that the process itself did since.
    app = Principal(kind=PrincipalKind.APP, roles=frozenset({"purchase.app"}))
    with workspace.work(SYSTEM, command="test") as work:
        root = work.connection.execute(sa.select(process_instance.c.root_id)).scalar_one()
        with work.locks.within(root):
            work.records_as(app, "purchase").update("purchase.request", request, {"amount": "1200"})
    given = {name: hidden(opened, name) for name in ("_csrf", "_key", "_version")}
    answer = office["max"].post(path, data={**given, "_outcome": "approve"})
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "The record has changed since you opened it." in shown
    assert "1,200.00" in shown
    assert decide(office["max"], path, "approve").status_code == 302
