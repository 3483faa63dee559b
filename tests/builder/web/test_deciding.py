"""Deciding several tasks at once, and what stands beside a decision: phrases, receipts, mentions, files, signatures."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from builder.definitions import load_folder
from builder.identity.principals import principal_of
from builder.releases import publish
from builder.runtime.process.receipts import receipts
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import notification, task
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup, csrf, sign_in
from .test_approval_lock import APP
from .test_records import text_of

PEOPLE = {"ann": "staff", "bob": "staff", "max": "manager", "mia": "manager", "fay": "finance"}


def picture() -> bytes:
    """A small PNG."""
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(made, "PNG")
    return made.getvalue()


class Office:
    """The purchasing app with its people, signed in."""

    def __init__(self, app: Flask, workspace: Workspace) -> None:
        self.workspace = workspace
        publish(workspace, "purchase", load_folder(APP), SYSTEM)
        close_setup(workspace)
        self.clients: dict[str, FlaskClient] = {}
        for login, role in PEOPLE.items():
            add_person(app, workspace, login, roles=(f"purchase.{role}",))
            self.clients[login] = app.test_client()
            sign_in(self.clients[login], login)
        with workspace.database.read() as connection:
            self.ids = {row.login: row.id for row in connection.execute(sa.select(person.c.login, person.c.id))}

    def ask(self, subject: str) -> None:
        """A request of Ann's that waits for the managers."""
        ann = self.clients["ann"]
        given = {"_csrf": csrf(ann, "/"), "subject": subject, "amount": "900"}
        assert ann.post("/a/purchase/f/request/new", data=given).status_code == 302
        (mine,) = self.todo("ann")
        assert self.post("ann", f"/inbox/{mine}", _outcome="send").status_code == 302

    def accept(self) -> UUID:
        """The task of an acceptance that Ann has started and Max has to sign."""
        with self.workspace.work(SYSTEM, command="test.accept") as work:
            values = {"subject": "Desk", "amount": 5, "owner": self.ids["ann"]}
            record = work.records.create("purchase.request", values).record.id
        with self.workspace.database.read() as connection:
            ann = principal_of(connection, self.ids["ann"])
        assert ann is not None
        with self.workspace.work(ann, command="test.accept") as work:
            choices = {"look": [self.ids["max"]], "file": [self.ids["ann"]]}
            work.processes.start("purchase.acceptance", subject=("purchase.request", record), choices=choices)
        with self.workspace.database.read() as connection:
            return connection.execute(sa.select(task.c.id).where(task.c.node == "look")).scalar_one()

    def todo(self, login: str) -> list[str]:
        found = re.findall(r'class="task" href="/inbox/([^"]+)"', text_of(self.clients[login], "/inbox/"))
        return [str(id) for id in found]

    def post(self, login: str, path: str, **given: Any) -> Any:
        client = self.clients[login]
        data = {key.replace("__", "."): value for key, value in given.items()}
        return client.post(path, data={"_csrf": csrf(client, "/"), **data})

    def upload(self, login: str, id: UUID | str, kind: str = "attachment", name: str = "note.png") -> Any:
        client = self.clients[login]
        data = {"_csrf": csrf(client, "/"), "file": (io.BytesIO(picture()), name)}
        return client.post(f"/inbox/{id}/evidence/{kind}", data=data)


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> Office:
    return Office(app, workspace)


def test_several_are_decided_with_one_outcome_and_one_comment(office: Office) -> None:
    for subject in ("Desk", "Lamp", "Chair"):
        office.ask(subject)
    ids = office.todo("max")
    page = text_of(office.clients["max"], f"/inbox/batch?id={ids[0]}&id={ids[1]}")
    assert 'value="approve"' in page
    assert "900.00" in page
    assert office.todo("max") == ids
    answer = office.post("max", "/inbox/batch", id=ids[:2], _outcome="approve", _comment="All fine", _key="k")
    assert answer.status_code == 200
    assert "2 of 2 done" in answer.get_data(as_text=True)
    assert office.todo("max") == ids[2:]
    assert "All fine" in text_of(office.clients["max"], f"/inbox/{ids[0]}")


def test_each_is_a_command_of_its_own_with_its_own_answer(office: Office) -> None:
    for subject in ("Desk", "Lamp", "Chair"):
        office.ask(subject)
    first, second, third = office.todo("max")
    # Mia is faster with the first; what Max saw of the second is not what it is now.
    assert office.post("mia", f"/inbox/{first}", _outcome="approve").status_code == 302
    given = {f"_version.{second}": "7", f"_version.{third}": ""}
    answer = office.post("max", "/inbox/batch", id=[first, second, third], _outcome="approve", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Mia has closed it meanwhile." in page
    assert "1 of 3 done" in page
    assert office.todo("max") == [second]


def test_a_missing_comment_refuses_every_one(office: Office) -> None:
    office.ask("Desk")
    ids = office.todo("max")
    answer = office.post("max", "/inbox/batch", id=ids, _outcome="reject")
    assert answer.status_code == 409
    assert "refused" in answer.get_data(as_text=True)
    assert office.todo("max") == ids


def test_nobody_decides_others_tasks_together(office: Office) -> None:
    office.ask("Desk")
    ids = office.todo("max")
    assert office.clients["bob"].get(f"/inbox/batch?id={ids[0]}").status_code == 404
    assert office.post("bob", "/inbox/batch", id=ids, _outcome="approve").status_code == 404
    # The initiator may see it, and still not decide it.
    assert "waits for somebody else" in text_of(office.clients["ann"], f"/inbox/batch?id={ids[0]}")
    refused = office.post("ann", "/inbox/batch", id=ids, _outcome="approve")
    assert refused.status_code == 409
    assert office.todo("max") == ids


def test_what_asks_for_a_signature_is_not_decided_with_others(office: Office) -> None:
    id = office.accept()
    assert "open the task" in text_of(office.clients["max"], f"/inbox/batch?id={id}")
    answer = office.post("max", "/inbox/batch", id=[str(id)], _outcome="fine")
    assert "Please sign first." in answer.get_data(as_text=True)
    assert office.todo("max") == [str(id)]


def test_a_signature_and_files_stand_with_the_decision(office: Office) -> None:
    id = office.accept()
    assert office.post("max", f"/inbox/{id}", _outcome="fine").status_code == 422
    signed = office.upload("max", id, "signature").get_data(as_text=True)
    added = office.upload("max", id, name="delivery.png").get_data(as_text=True)
    answer = office.post("max", f"/inbox/{id}", _outcome="fine", _signature=signed, _attachment=["", added])
    assert answer.status_code == 302
    page = text_of(office.clients["max"], f"/inbox/{id}")
    assert 'alt="Signature"' in page
    assert "delivery.png" in page
    (href, *_rest) = re.findall(rf'href="(/inbox/{id}/files/[^"]+)"', page)
    assert office.clients["max"].get(href).status_code == 200
    assert office.clients["bob"].get(href).status_code == 404


def test_nobody_attaches_what_somebody_else_uploaded(office: Office) -> None:
    id = office.accept()
    signed = office.upload("ann", id, "signature").get_data(as_text=True)
    answer = office.post("max", f"/inbox/{id}", _outcome="fine", _signature=signed)
    assert answer.status_code == 422
    assert "no longer there" in answer.get_data(as_text=True)
    assert office.upload("bob", id).status_code == 404


def test_a_rejection_is_free_of_the_signature(office: Office) -> None:
    id = office.accept()
    assert office.post("max", f"/inbox/{id}", _outcome="faulty", _comment="Broken").status_code == 302


def test_who_is_mentioned_is_told_and_may_look(office: Office) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    assert office.clients["bob"].get(f"/inbox/{id}").status_code == 404
    added = office.upload("max", id, name="plan.png").get_data(as_text=True)
    given = {"_comment": "@Bob which colour?", "mention": str(office.ids["bob"]), "_attachment": added}
    assert office.post("max", f"/inbox/{id}/comment", **given).status_code == 302
    page = text_of(office.clients["bob"], f"/inbox/{id}")
    assert "which colour?" in page
    assert "plan.png" in page
    with office.workspace.database.read() as connection:
        told = sa.select(notification.c.person).where(notification.c.kind == "mention")
        assert connection.execute(told).scalars().all() == [office.ids["bob"]]


def test_receipts_say_who_has_seen_it_and_looking_alone_notes_nothing(office: Office) -> None:
    id = office.accept()
    text_of(office.clients["max"], f"/inbox/{id}")
    with office.workspace.database.read() as connection:
        assert [item.at for item in receipts(connection, id)] == [None]
    assert office.post("bob", f"/inbox/{id}/read").status_code == 404
    assert office.post("max", f"/inbox/{id}/read").status_code == 204
    with office.workspace.database.read() as connection:
        (first,) = receipts(connection, id)
    assert first.at is not None
    assert office.post("max", f"/inbox/{id}/read").status_code == 204
    with office.workspace.database.read() as connection:
        assert [item.at for item in receipts(connection, id)] == [first.at]
    assert "Seen by" in text_of(office.clients["max"], f"/inbox/{id}")


def test_phrases_are_offered_beside_the_comment(office: Office) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    assert office.post("max", "/phrases/", text="Within budget").status_code == 302
    assert "Within budget" in text_of(office.clients["max"], f"/inbox/{id}")
    assert "Within budget" not in text_of(office.clients["mia"], f"/inbox/{id}")
    assert office.post("max", "/phrases/", text=" ").status_code == 422
    # Phrases of the app are for those who build it.
    assert office.post("max", "/phrases/", text="Approved", app="purchase").status_code == 403


def test_builders_write_the_phrases_of_their_app_and_nobody_removes_others(
    office: Office, admin: FlaskClient, workspace: Workspace
) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    given = {"_csrf": csrf(admin, "/"), "text": "As planned", "app": "purchase"}
    assert admin.post("/phrases/", data=given).status_code == 302
    assert "As planned" in text_of(office.clients["mia"], f"/inbox/{id}")
    remove = re.search(r'action="(/phrases/[^"]+/remove)"', text_of(admin, "/phrases/"))
    assert remove
    assert office.post("mia", remove[1]).status_code == 403
    assert admin.post(remove[1], data={"_csrf": csrf(admin, "/")}).status_code == 302
    assert "As planned" not in text_of(office.clients["mia"], f"/inbox/{id}")
