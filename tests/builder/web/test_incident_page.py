"""The page of an instance that has stopped: what went wrong, variables to mend, one more try; nobody else may."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.storage.runtime_tables import process_instance
from builder.storage.workspace_tables import audit
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.runtime.desk import APP, ROLES, node, process, put_app

from .conftest import add_person, close_setup, csrf, sign_in

CHOOSING = process(
    "choosing",
    [
        node("start", "startEvent"),
        node("which", "exclusiveGateway", label={"en": "Which way"}),
        node("left", "endEvent"),
        node("right", "endEvent"),
    ],
    ["start > which", ("which", "left", "amount > 10"), ("which", "right", "amount < 5")],
    variables=[{"name": "amount", "type": "number"}],
)


@pytest.fixture
def stopped(app: Flask, workspace: Workspace) -> UUID:
    """An instance for which no way was open."""
    put_app(workspace, dict((APP, ROLES, CHOOSING)))
    close_setup(workspace)
    with workspace.work(SYSTEM, command="test.start") as work:
        return work.processes.start("desk.choosing", variables={"amount": 7})


def signed_in(app: Flask, workspace: Workspace, login: str, *roles: str) -> FlaskClient:
    add_person(app, workspace, login, roles=roles)
    client = app.test_client()
    sign_in(client, login)
    return client


def test_an_incident_is_shown_mended_and_tried_again(app: Flask, workspace: Workspace, stopped: UUID) -> None:
    client = signed_in(app, workspace, "root", "sys.admin")
    page = f"/studio/desk/instance/{stopped}"
    shown = client.get(page).get_data(as_text=True)
    assert "Which way" in shown
    assert "No condition of the flows that leave &#34;Which way&#34; holds." in shown
    assert 'name="incident"' in shown
    listed = client.get("/studio/desk/process/choosing/instances?state=incidents").get_data(as_text=True)
    assert str(stopped) in listed
    with workspace.read(SYSTEM) as work:
        row = work.connection.execute(sa.select(process_instance.c.incidents, process_instance.c.status)).one()
    assert tuple(row) == (1, "running")
    (incident,) = _incidents(workspace, stopped)
    for given in (
        {"action": "variables", "variables": '{"amount": 12}'},
        {"action": "retry", "incident": str(incident)},
    ):
        answer = client.post(page, data={"_csrf": csrf(client, "/"), **given})
        assert answer.status_code in (200, 302, 303), answer.get_data(as_text=True)
    with workspace.read(SYSTEM) as work:
        row = work.connection.execute(sa.select(process_instance.c.incidents, process_instance.c.status)).one()
        recorded = set(work.connection.execute(sa.select(audit.c.action)).scalars())
    assert tuple(row) == (0, "completed")
    assert {"process.set_variables", "process.retry"} <= recorded


def test_nobody_else_sees_or_retries_it(app: Flask, workspace: Workspace, stopped: UUID) -> None:
    client = signed_in(app, workspace, "ann", "desk.reviewer")
    page = f"/studio/desk/instance/{stopped}"
    (incident,) = _incidents(workspace, stopped)
    given = {"_csrf": csrf(client, "/"), "action": "retry", "incident": str(incident)}
    assert client.get(page).status_code in (403, 404)
    assert client.post(page, data=given).status_code in (403, 404)
    assert _incidents(workspace, stopped) == [incident]


def _incidents(workspace: Workspace, instance: UUID) -> list[int]:
    with workspace.work(SYSTEM, command="test.look") as work:
        return list(work.processes.shell.hold(instance).state.incidents)
