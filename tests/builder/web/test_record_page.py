"""The parts of a record's page: figures of the record alone, buttons, the state of its processes, tabs, canvases."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import load_folder
from builder.releases import install
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup, csrf, sign_in

GALLERY = Path(__file__).parents[2] / "apps" / "gallery"
Enter = Callable[..., FlaskClient]


@pytest.fixture
def enter(app: Flask, workspace: Workspace) -> Enter:
    """Signs somebody in who has roles of the gallery app."""
    install(workspace, load_folder(GALLERY), SYSTEM)
    close_setup(workspace)

    def make(login: str, *roles: str) -> FlaskClient:
        add_person(app, workspace, login, roles=tuple(f"gallery.{role}" for role in roles))
        client = app.test_client()
        sign_in(client, login)
        return client

    return make


@pytest.fixture
def keeper(enter: Enter) -> FlaskClient:
    return enter("kai", "keeper")


def add(workspace: Workspace, form: str, **values: Any) -> UUID:
    with workspace.work(SYSTEM, command="test.add") as work:
        found: UUID = work.records.create(f"gallery.{form}", values).record.id
        return found


def page_of(client: FlaskClient, form: str, id: UUID) -> str:
    answer = client.get(f"/a/gallery/f/{form}/{id}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def press(client: FlaskClient, id: UUID, button: str) -> int:
    path = f"/a/gallery/f/specimen/{id}/press/{button}"
    return int(client.post(path, data={"_csrf": csrf(client, "/")}).status_code)


def test_figures_on_a_record_are_of_that_record_alone(keeper: FlaskClient, workspace: Workspace, enter: Enter) -> None:
    ours, theirs = add(workspace, "supplier", name="王家木作"), add(workspace, "supplier", name="石坊")
    for number in range(3):
        add(workspace, "specimen", name=f"s{number}", supplier=ours, material="wood")
    add(workspace, "specimen", name="other", supplier=theirs, material="stone")
    page = page_of(keeper, "supplier", ours)
    assert re.search(r'figure-value"[^>]*>\s*3\s*<', page)
    assert f"f=supplier%3Ais%3A{ours}" in page, "the list behind a mark is narrowed as well"
    assert re.search(r'figure-value"[^>]*>\s*1\s*<', page_of(keeper, "supplier", theirs))
    outsider = enter("oda", "outsider", "viewer")
    assert "figure-value" in page_of(outsider, "supplier", ours)


def test_a_button_is_pressed_only_where_its_page_shows_it(
    keeper: FlaskClient, workspace: Workspace, enter: Enter
) -> None:
    plain, good = add(workspace, "specimen", name="plain", stars=1), add(workspace, "specimen", name="good", stars=5)
    assert "press/praise" not in page_of(keeper, "specimen", plain)
    assert press(keeper, plain, "praise") == 403
    assert "press/praise" in page_of(keeper, "specimen", good)
    assert press(keeper, good, "praise") == 302
    page = page_of(keeper, "specimen", good)
    assert "Was praised" in page, "a rule followed from what the button set"
    viewer = enter("vic", "viewer")
    assert press(viewer, good, "praise") == 403, "the button acts with the person's own rights"
    assert press(viewer, good, "inspect") == 403, "for keepers alone"
    assert press(enter("oda", "outsider"), good, "inspect") == 404
    assert press(keeper, good, "nothing") == 404


def test_a_button_starts_a_process_whose_state_stands_on_the_page(keeper: FlaskClient, workspace: Workspace) -> None:
    id = add(workspace, "specimen", name="beam")
    assert "None yet" in page_of(keeper, "specimen", id)
    assert press(keeper, id, "inspect") == 302
    page = page_of(keeper, "specimen", id)
    assert "Inspect the specimen" in page
    assert "running" in page
    assert 'class="process"' in page or "<svg" in page
    task = re.findall(r'href="/inbox/([0-9a-f-]{36})"', page)[0]
    shown = keeper.get(f"/inbox/{task}").get_data(as_text=True)
    assert f"/inbox/{task}/files/photos" in shown, "files of a step are sent through its task"
    given = {name: re.findall(rf'name="{name}" value="([^"]*)"', shown)[0] for name in ("_csrf", "_key", "_version")}
    done = keeper.post(f"/inbox/{task}", data={**given, "_outcome": "pass", "stars": "5", "photos": ""})
    assert done.status_code == 302
    assert "ended" in page_of(keeper, "specimen", id)


def test_tabs_and_canvases_show_what_their_parts_hold(keeper: FlaskClient, workspace: Workspace) -> None:
    survey = add(workspace, "survey", who="Lin", contact="lin@example.cn", note="words")
    page = page_of(keeper, "survey", survey)
    assert page.count('role="tabpanel"') == 2
    assert "words" in page
    canvas = add(workspace, "canvas", name="Tea", jobs=["rest", "meet, and talk"])
    page = page_of(keeper, "canvas", canvas)
    assert "<li>meet, and talk</li>" in page
    assert "tall-2" in page
