"""The calendar feed: made on the account page, read without a session, gone when revoked."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from builder.workspace import Workspace

from .test_deciding import Office
from .test_records import text_of


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> Office:
    return Office(app, workspace)


def test_a_feed_is_read_by_its_secret_address_until_it_is_revoked(office: Office, app: Flask) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    assert office.post("max", f"/inbox/{id}/claim").status_code == 302
    made = office.post("max", "/account/calendar").get_data(as_text=True)
    found = re.search(r"http://[^/]+(/calendar/[\w-]+\.ics)", made)
    assert found
    program = app.test_client()
    answer = program.get(found[1])
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert "SUMMARY:Manager decides: Desk" in answer.get_data(as_text=True)
    assert found[1] not in text_of(office.clients["max"], "/account")
    assert program.get("/calendar/other.ics").status_code == 404
    assert office.post("bob", "/account/calendar/revoke").status_code == 302
    assert program.get(found[1]).status_code == 200
    assert office.post("max", "/account/calendar/revoke").status_code == 302
    assert program.get(found[1]).status_code == 404


def test_who_is_not_signed_in_makes_no_feed(office: Office, app: Flask) -> None:
    from .conftest import csrf

    stranger = app.test_client()
    answer = stranger.post("/account/calendar", data={"_csrf": csrf(stranger)})
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]
