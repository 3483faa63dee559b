"""Starting a process from a record's page: whoever starts it chooses who decides, and may choose nobody else."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import load_folder
from builder.releases import publish
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import process_instance
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup, csrf, sign_in
from .test_approval_lock import APP
from .test_records import text_of

PEOPLE = {"ann": "staff", "bob": "staff", "max": "manager", "mia": "manager"}


@pytest.fixture
def clients(app: Flask, workspace: Workspace) -> dict[str, FlaskClient]:
    publish(workspace, "purchase", load_folder(APP), SYSTEM)
    close_setup(workspace)
    found = {}
    for login, role in PEOPLE.items():
        add_person(app, workspace, login, roles=(f"purchase.{role}",))
        found[login] = app.test_client()
        sign_in(found[login], login)
    return found


@pytest.fixture
def ids(clients: dict[str, FlaskClient], workspace: Workspace) -> dict[str, UUID]:
    with workspace.database.read() as connection:
        return {row.login: row.id for row in connection.execute(sa.select(person.c.login, person.c.id))}


@pytest.fixture
def granted(ids: dict[str, UUID], workspace: Workspace) -> str:
    """The page of Ann's request, which was granted."""
    values = {"subject": "Desk", "amount": 5, "owner": ids["ann"]}
    with workspace.work(SYSTEM, command="test.add") as work:
        record = work.records.create("purchase.request", values).record.id
    with workspace.work(SYSTEM, command="test.grant") as work:
        for running in work.connection.execute(sa.select(process_instance.c.id)).scalars().all():
            work.processes.cancel(running)
        work.records.update("purchase.request", record, {"status": "granted"})
    return f"/a/purchase/f/request/{record}"


def press(client: FlaskClient, page: str, **chosen: object) -> tuple[int, str]:
    given = {"_csrf": csrf(client, "/"), **{key.replace("__", "."): str(value) for key, value in chosen.items()}}
    answer = client.post(f"{page}/press/accept", data=given)
    return answer.status_code, answer.get_data(as_text=True)


def started(workspace: Workspace) -> int:
    with workspace.database.read() as connection:
        count = sa.select(sa.func.count()).where(process_instance.c.process == "acceptance")
        return int(connection.execute(count).scalar_one())


def test_the_button_asks_whom_and_starts_with_those_chosen(
    clients: dict[str, FlaskClient], ids: dict[str, UUID], granted: str, workspace: Workspace
) -> None:
    status, page = press(clients["ann"], granted)
    assert (status, started(workspace)) == (200, 0)
    assert "Look at the goods" in page
    assert str(ids["mia"]) in page
    assert str(ids["bob"]) not in page
    status, _ = press(clients["ann"], granted, choose__look=ids["mia"], choose__file=ids["bob"])
    assert (status, started(workspace)) == (302, 1)
    assert "Look at the goods" in text_of(clients["mia"], "/inbox/")
    assert "Look at the goods" not in text_of(clients["max"], "/inbox/")


def test_who_is_no_candidate_cannot_be_chosen(
    clients: dict[str, FlaskClient], ids: dict[str, UUID], granted: str, workspace: Workspace
) -> None:
    status, page = press(clients["ann"], granted, choose__look=ids["bob"], choose__file=ids["bob"])
    assert (status, started(workspace)) == (422, 0)
    assert "This person cannot be chosen here." in page
    # What was chosen well is still there.
    assert f'value="{ids["bob"]}"' in page


def test_who_may_not_see_the_record_starts_nothing(
    clients: dict[str, FlaskClient], ids: dict[str, UUID], granted: str, workspace: Workspace
) -> None:
    status, _ = press(clients["bob"], granted, choose__look=ids["mia"], choose__file=ids["bob"])
    assert (status, started(workspace)) == (404, 0)
