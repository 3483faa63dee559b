"""The studio and the administration: edits become a draft, problems are precise, and nobody else gets in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from builder.releases import find_draft, followups_of
from builder.releases.followups import add_followups
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf
from .test_records import text_of

Enter = Callable[..., FlaskClient]
ITEMS = "form:book/layouts/edit/items/main/items"
STUDIO = [
    "/studio/library/",
    "/studio/library/checks",
    "/studio/library/form/book",
    "/studio/library/form/book/preview",
    "/studio/library/process/review",
    "/studio/library/process/review/insight",
    "/studio/library/decision/level",
    "/studio/library/text/roles:library",
    "/studio/library/publish",
    "/studio/library/releases",
]


@pytest.fixture
def builder(enter: Enter) -> FlaskClient:
    return enter("bo", "builder")


def act(client: FlaskClient, form: str = "book", **values: str) -> Any:
    data = {"_csrf": csrf(client, "/"), **values}
    return client.post(f"/studio/library/form/{form}/act", data=data)


def value(workspace: Workspace, path: str) -> Any:
    with workspace.read(SYSTEM) as work:
        draft = find_draft(work, "library")
        return draft.value(path) if draft else None


@pytest.mark.parametrize("path", STUDIO)
def test_the_pages_open_for_builders_of_the_app(builder: FlaskClient, path: str) -> None:
    assert "<h1" in text_of(builder, path)


@pytest.mark.parametrize("path", STUDIO)
def test_the_pages_do_not_exist_for_others(enter: Enter, path: str) -> None:
    assert enter("lin", "librarian").get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/studio/library/form/book/act",
        "/studio/library/decision/level/act",
        "/studio/library/text/roles:library",
        "/studio/library/publish",
        "/studio/library/discard",
        "/studio/library/undo",
        "/studio/library/releases/1/activate",
        f"/studio/library/followups/{UUID(int=1)}/cancel",
        f"/studio/library/followups/{UUID(int=1)}/resume",
    ],
)
def test_nobody_else_changes_an_app(enter: Enter, library: Workspace, path: str) -> None:
    client = enter("lin", "librarian")
    data = {"_csrf": csrf(client, "/"), "action": "add", "item": "type:text", "into": ITEMS, "text": "{}"}
    assert client.post(path, data=data).status_code in {403, 404}
    assert value(library, "form:book") is None


def test_dropping_a_type_adds_a_field_and_shows_its_properties(builder: FlaskClient, library: Workspace) -> None:
    page = act(builder, action="add", item="type:money", into=ITEMS, index="1").get_data(as_text=True)
    assert 'value="form:book/fields/money_1/currency"' in page
    names = [item.get("field") for item in value(library, ITEMS)]
    assert names[:3] == ["title", "money_1", "isbn"]
    assert value(library, "form:book/fields/money_1/currency") == "CNY"


def test_moving_by_keyboard_and_taking_back(builder: FlaskClient, library: Workspace) -> None:
    act(builder, action="down", item=f"{ITEMS}/title")
    assert [item["field"] for item in value(library, ITEMS)][:2] == ["isbn", "title"]
    builder.post("/studio/library/undo", data={"_csrf": csrf(builder, "/")})
    assert [item["field"] for item in value(library, ITEMS)][:2] == ["title", "isbn"]
    builder.post("/studio/library/redo", data={"_csrf": csrf(builder, "/")})
    assert [item["field"] for item in value(library, ITEMS)][:2] == ["isbn", "title"]


def test_a_new_field_can_be_renamed_a_published_one_cannot(builder: FlaskClient, library: Workspace) -> None:
    act(builder, action="add", item="type:text", into=ITEMS, index="0")
    act(builder, action="rename", path="form:book/fields/text_1", value="stamp", sel=f"{ITEMS}/text_1")
    assert next(item["field"] for item in value(library, ITEMS)) == "stamp"
    answer = act(builder, action="rename", path="form:book/fields/isbn", value="number", sel=f"{ITEMS}/isbn")
    assert answer.status_code == 422


def test_a_property_that_makes_no_sense_is_said_at_once(builder: FlaskClient) -> None:
    page = act(builder, action="set", path="form:book/fields/signed_by/visible", value="sgned = true").get_data(
        as_text=True
    )
    assert "sgned" in page
    assert "signed" in page
    assert 'class="problem error"' in page


def test_an_edit_stays_within_the_definition(builder: FlaskClient) -> None:
    assert act(builder, action="set", path="app/label/en", value="Mine").status_code == 400
    assert act(builder, action="add", item="type:text", into="form:loan/layouts", index="0").status_code == 400


def test_publishing_shows_the_plan_and_rolling_back_returns(builder: FlaskClient, library: Workspace) -> None:
    act(builder, action="set", path="form:book/fields/title/label/en", value="Name of the book")
    page = text_of(builder, "/studio/library/publish")
    assert "Field “Name of the book” › Label › English" in page
    assert '<span class="was">Title</span>' in page
    answer = builder.post("/studio/library/publish", data={"_csrf": csrf(builder, "/"), "note": "words"})
    assert answer.status_code == 302
    assert library.apps["library"].release == 2
    builder.post("/studio/library/releases/1/activate", data={"_csrf": csrf(builder, "/")})
    assert library.apps["library"].release == 1


def test_a_draft_with_errors_is_not_published(builder: FlaskClient, library: Workspace) -> None:
    act(builder, action="set", path="form:book/fields/signed_by/visible", value="nonsense(")
    answer = builder.post("/studio/library/publish", data={"_csrf": csrf(builder, "/")})
    assert answer.status_code == 422
    assert 'class="problem error"' in answer.get_data(as_text=True)
    assert library.apps["library"].release == 1


def test_a_broken_text_is_shown_again_with_its_place(builder: FlaskClient) -> None:
    answer = builder.post(
        "/studio/library/text/roles:library", data={"_csrf": csrf(builder, "/"), "text": '{"roles": ['}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.search(r"library\.roles\.json:1:\d+", page)


def test_a_text_is_checked_while_it_is_typed(builder: FlaskClient) -> None:
    headers = {"X-CSRF-Token": csrf(builder, "/"), "Content-Type": "text/plain"}
    answer = builder.post(
        "/studio/library/text/roles:library/check", data='{"roles": [{"label": "x"}]}', headers=headers
    )
    assert answer.get_json()["problems"][0]["line"] == 1


# -- administration

ADMIN = ["/admin/people", "/admin/people/new", "/admin/settings", "/admin/outbox", "/admin/jobs", "/admin/audit"]


@pytest.mark.parametrize("path", ADMIN)
def test_admins_see_the_administration(enter: Enter, path: str) -> None:
    assert "<h1" in text_of(enter("ada", "sys.admin"), path)


@pytest.mark.parametrize("path", [*ADMIN, "/admin/clock"])
def test_nobody_else_does(enter: Enter, path: str) -> None:
    client = enter("bo", "builder")
    assert client.get(path).status_code == 404
    assert client.post(path, data={"_csrf": csrf(client, "/"), "by": "1h"}).status_code in {404, 405}


def test_an_admin_makes_a_person_who_can_sign_in(enter: Enter, app: Any) -> None:
    admin = enter("ada", "sys.admin")
    form = {"_csrf": csrf(admin, "/"), "login": "new", "name": "New", "roles": "library.reader"}
    page = admin.post("/admin/people/new", data=form).get_data(as_text=True)
    password = re.search(r"<code>([^<]+)</code>", page)
    assert password
    visitor = app.test_client()
    given = {"_csrf": csrf(visitor), "login": "new", "password": password[1]}
    assert visitor.post("/login", data=given).status_code == 302
    assert "Books" in text_of(visitor, "/") or "图书" in text_of(visitor, "/")


def test_shutting_somebody_out_ends_their_visit(enter: Enter, library: Workspace) -> None:
    admin, reader = enter("ada", "sys.admin"), enter("rui", "reader")
    page = text_of(admin, "/admin/people?q=rui")
    path = re.search(r'href="(/admin/people/[0-9a-f-]+)"', page)
    assert path
    admin.post(path[1], data={"_csrf": csrf(admin, "/"), "_do": "out"})
    assert reader.get("/").status_code == 302


def test_what_follows_a_release_is_shown_stopped_and_taken_up_again(builder: FlaskClient, library: Workspace) -> None:
    with library.work(SYSTEM, command="test") as work:
        step = {"do": "convert", "form": "library.book", "field": "title", "before": 1}
        add_followups(work.connection, app="library", release=1, steps=[step], at=work.instant)
        (found,) = [f for f in followups_of(work.connection, "library") if f.step == step]
    shown = text_of(builder, "/studio/library/releases")
    assert "every 2s" in shown
    for verb, state in (("cancel", "cancelled"), ("resume", "pending")):
        data = {"_csrf": csrf(builder, "/studio/library/releases")}
        assert builder.post(f"/studio/library/followups/{found.id}/{verb}", data=data).status_code == 302
        with library.read(SYSTEM) as work:
            assert [f.state for f in followups_of(work.connection, "library") if f.id == found.id] == [state]
    assert f"/studio/library/followups/{found.id}/cancel" in text_of(builder, "/studio/library/followups")
    data = {"_csrf": csrf(builder, "/studio/library/releases")}
    assert builder.post(f"/studio/library/followups/{UUID(int=1)}/cancel", data=data).status_code == 404
