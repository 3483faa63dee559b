"""The page of a record under approval says so: by which process, at which step, who has it."""

from __future__ import annotations

import pytest
from flask import Flask

from builder.workspace import Workspace

from .test_deciding import Office
from .test_records import text_of


@pytest.fixture
def office(app: Flask, workspace: Workspace) -> Office:
    return Office(app, workspace)


def page_of(office: Office, login: str) -> str:
    path = "/a/purchase/f/request/"
    found = text_of(office.clients[login], path).split(f'href="{path}')
    ids = [part.split('"')[0] for part in found[1:] if len(part.split('"')[0]) == 36]
    return text_of(office.clients[login], f"{path}{ids[0]}")


def test_the_lock_is_said_with_step_and_person_and_nothing_invites_to_edit(office: Office) -> None:
    office.ask("Desk")
    (id,) = office.todo("max")
    assert office.post("max", f"/inbox/{id}/claim").status_code == 302
    page = page_of(office, "ann")
    assert "Under approval: Purchase approval" in page
    assert "Manager decides" in page
    assert "Max" in page
    assert "/edit" not in page
    # Whoever has no part in the task reads of it, and gets no link to its page.
    assert f"/inbox/{id}" not in page_of(office, "fay")
    assert office.post("max", f"/inbox/{id}", _outcome="reject", _comment="no").status_code == 302
    page = page_of(office, "ann")
    assert "Under approval" not in page
    assert "/edit" in page
