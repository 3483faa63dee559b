"""Administration of people: departments with posts, the manager, what moves when they move or leave; absence."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.identity import create_department, get_person
from builder.runtime import moving
from builder.storage.people_tables import move
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf
from .test_deciding import Office
from .test_records import text_of


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> Office:
    return Office(app, workspace)


@pytest.fixture
def units(office: Office, workspace: Workspace) -> list[UUID]:
    with workspace.work(SYSTEM, command="test.units") as work:
        return [create_department(work, code=code, name={"en": code}) for code in ("north", "south")]


def send(client: FlaskClient, path: str, **given: object) -> int:
    return client.post(path, data={"_csrf": csrf(client, "/"), **given}).status_code


def test_an_admin_says_where_somebody_stands(
    office: Office, admin: FlaskClient, units: list[UUID], workspace: Workspace
) -> None:
    ann, max_ = office.ids["ann"], office.ids["max"]
    given = {
        "_do": "save", "_position": "1", "name": "Ann", "email": "", "roles": ["purchase.staff"], "manager": str(max_),
        "department": [str(units[1]), str(units[0]), ""], "post": ["Buyer", "Adviser", ""],
    }  # fmt: skip
    assert send(admin, f"/admin/people/{ann}", **given) == 302
    with workspace.database.read() as connection:
        found = get_person(connection, ann)
    assert found.departments == (units[1], units[0])
    assert found.posts == {units[1]: "Buyer", units[0]: "Adviser"}
    assert found.manager == max_
    page = text_of(admin, f"/admin/people/{ann}")
    assert "Adviser" in page
    assert send(admin, f"/admin/people/{ann}", **{**given, "manager": str(ann)}) == 422


def test_the_admin_chooses_what_moves_and_sees_what_became_of_it(
    office: Office, admin: FlaskClient, workspace: Workspace
) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    assert office.post("max", f"/inbox/{id}/claim").status_code == 302
    ann, max_, mia = (office.ids[login] for login in ("ann", "max", "mia"))
    assert "Records: Requests" in text_of(admin, f"/admin/people/{ann}/move")
    path = f"/admin/people/{max_}/move"
    assert "Open tasks" in text_of(admin, path)
    assert send(admin, path, part=["work"]) == 422
    assert send(admin, path, part=["work"], to=str(mia), leaves="true") == 302
    with workspace.database.read() as connection:
        begun = connection.execute(sa.select(move.c.id)).scalar_one()
    moving.carry_out(workspace, begun)
    assert office.todo("mia") == [id]
    page = text_of(admin, path)
    assert "Max → " not in page
    assert "→ Mia" in page
    assert office.clients["max"].get("/inbox/").status_code == 302


def test_nobody_but_admins_moves_anything(office: Office, workspace: Workspace) -> None:
    path = f"/admin/people/{office.ids['max']}/move"
    assert office.clients["ann"].get(path).status_code == 404
    assert office.post("ann", path, part=["roles"], to=str(office.ids["ann"])).status_code == 404
    with workspace.database.read() as connection:
        assert connection.execute(sa.select(move.c.id)).first() is None


def test_who_is_away_says_until_when_and_who_stands_in(office: Office, workspace: Workspace) -> None:
    bob = office.ids["bob"]
    given = {"from": "2026-12-24", "until": "2026-12-26", "substitute": str(bob)}
    assert office.post("max", "/account/away", **given).status_code == 302
    with workspace.read(SYSTEM) as work:
        found = get_person(work.connection, office.ids["max"])
        assert found.substitute == bob
        assert found.absent_from is not None
        assert found.absent_until is not None
        days = (found.absent_until - found.absent_from).days
    assert days == 3
    page = text_of(office.clients["max"], "/account")
    assert 'value="2026-12-26"' in page
    wrong = {"from": "2026-12-24", "until": "2026-12-20", "substitute": str(bob)}
    assert office.post("max", "/account/away", **wrong).status_code == 422
    assert office.post("max", "/account/away", **{**given, "substitute": str(office.ids["max"])}).status_code == 422
