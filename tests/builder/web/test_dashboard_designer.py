"""The dashboard designer: tiles made, placed, changed and removed in the draft; nobody else's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import value_at
from builder.releases import open_draft, publish
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.reports.library import fill
from tests.builder.web.conftest import add_person, close_setup, csrf, sign_in

PAGE = "/studio/library/dashboard/desk"


@pytest.fixture
def bea(app: Flask, workspace: Workspace) -> FlaskClient:
    """Signed in as somebody who builds the library."""
    add_person(app, workspace, "bea", roles=("library.librarian", "library.builder"))
    add_person(app, workspace, "lib", roles=("library.librarian",))
    fill(workspace)
    close_setup(workspace)
    client = app.test_client()
    sign_in(client, "bea")
    return client


def act(client: FlaskClient, **given: Any) -> str:
    answer = client.post(f"{PAGE}/act", data={"_csrf": csrf(client, PAGE), **given})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def tile(workspace: Workspace, name: str) -> Any:
    with workspace.work(SYSTEM, command="test") as work:
        return value_at(open_draft(work, "library").documents(), f"dashboard:desk/tiles/{name}")


def test_a_tile_is_added_with_what_its_type_needs(bea: FlaskClient, workspace: Workspace) -> None:
    text = act(bea, action="add", type="scatter", dataset="loans", label="Points")
    assert "Points" in text
    made = tile(workspace, "tile_1")
    assert (made["type"], made["dimensions"], made["measures"]) == ("scatter", ["month"], ["loans", "fees"])
    assert made["place"] == {"x": 0, "y": 16, "w": 6, "h": 4}


def test_tiles_are_placed_changed_and_removed_in_the_draft_alone(bea: FlaskClient, workspace: Workspace) -> None:
    act(bea, action="places", places=json.dumps([{"name": "count", "x": 3, "y": 1, "w": 4, "h": 3}]))
    assert tile(workspace, "count")["place"] == {"x": 3, "y": 1, "w": 4, "h": 3}
    changed = {"zh": "月", "en": "By subject", "type": "bar", "dataset": "loans", "filter": "day in period"}
    act(bea, action="set", sel="months", dimensions=["month", "subject"], measures=["loans", "fees"], **changed)
    made = tile(workspace, "months")
    assert (made["dimensions"], made["measures"]) == (["month", "subject"], ["loans", "fees"])
    act(bea, action="remove", tile="subjects")
    assert len(re.findall('gs-id="', bea.get(PAGE).get_data(as_text=True))) == 6
    assert len(workspace.apps["library"].dashboards["desk"].tiles) == 7
    publish(workspace, "library", None, SYSTEM)
    assert len(workspace.apps["library"].dashboards["desk"].tiles) == 6


def test_what_is_wrong_stands_beside_the_grid(bea: FlaskClient) -> None:
    text = act(bea, action="set", sel="months", zh="a", en="a", type="pie", dataset="loans", measures=["loans", "fees"])
    assert "report.needs_measures" in text or "needs 1 measure" in text


@pytest.mark.parametrize(
    "given",
    [{"action": "add", "type": "cake", "dataset": "loans"}, {"action": "places", "places": "["}, {"action": "burn"}],
)
def test_nonsense_is_refused(bea: FlaskClient, given: dict[str, str]) -> None:
    assert bea.post(f"{PAGE}/act", data={"_csrf": csrf(bea, PAGE), **given}).status_code == 400


def test_who_may_not_build_the_app_has_no_designer(bea: FlaskClient, app: Flask, workspace: Workspace) -> None:
    client = app.test_client()
    sign_in(client, "lib")
    assert client.get(PAGE).status_code == 404
    assert (
        client.post(f"{PAGE}/act", data={"_csrf": csrf(client, "/"), "action": "remove", "tile": "count"}).status_code
        == 404
    )
    assert app.test_client().get(PAGE).status_code == 302
