"""The HTTP API: what it does, how it refuses, and who may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from builder.identity import create_token, find_person
from builder.web.api.output import json_response
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup
from .test_records import add

RECORDS = "/api/v1/apps/library/forms/book/records"
Caller = Callable[..., Any]


@pytest.fixture
def caller(app: Flask, library: Workspace) -> Callable[..., Caller]:
    """Calls the API with the token of a person who has the roles and scopes given."""
    close_setup(library)

    def make(login: str, *roles: str, scope: str = "write") -> Caller:
        add_person(app, library, login, roles=tuple(f"library.{role}" for role in roles))
        with library.work(SYSTEM, command="test.token") as work:
            person = find_person(work.connection, login)
            assert person
            token = create_token(work, person_id=person.id, label="t", scopes=[scope])
        client: FlaskClient = app.test_client()

        def call(method: str, path: str, json: Any = None, **headers: str) -> Any:
            given = {"Authorization": f"Bearer {token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
            return client.open(path, method=method, json=json, headers=given)

        return call

    return make


@pytest.fixture
def librarian(caller: Callable[..., Caller]) -> Caller:
    return caller("lin", "librarian")


def test_answers_keep_every_digit() -> None:
    data = {"id": UUID(int=1), "at": datetime(2026, 3, 3, 2, 0, 0, 5, UTC), "price": Decimal("12.10"), "tags": ["中"]}
    known = json_response(data).get_data(as_text=True)
    assert json.loads(known, parse_float=str) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-03-03T02:00:00.000005+00:00",
        "price": "12.10",
        "tags": ["中"],
    }
    large = json_response({**data, "large": 2**70}).get_data(as_text=True)
    assert json.loads(large, parse_float=str) == {**json.loads(known, parse_float=str), "large": 2**70}


def test_a_record_is_made_read_changed_listed_and_deleted(librarian: Caller) -> None:
    made = librarian("POST", RECORDS, {"title": "诗经", "price": 12.10, "copies": [{"shelf": "A", "count": 2}]})
    assert made.status_code == 201
    path = made.headers["Location"]
    record = librarian("GET", path).get_json()
    assert record["values"]["title"] == "诗经"
    assert record["values"]["total"] == 2
    assert b'"price":12.10' in librarian("GET", path).data
    assert librarian("PATCH", path, {"title": "楚辞"}, If_Match="1").get_json()["version"] == 2
    listed = librarian("GET", f"{RECORDS}?q=楚辞&count=true").get_json()
    assert [item["id"] for item in listed["items"]] == [record["id"]]
    assert listed["count"] == {"value": 1, "capped": False}
    assert librarian("DELETE", path).status_code == 204
    assert librarian("GET", path).status_code == 404


def test_lists_filter_sort_and_page(librarian: Caller, library: Workspace) -> None:
    for number in range(7):
        add(library, title=f"B{number}", pages=number + 1)
    first = librarian("GET", f"{RECORDS}?filter=pages > 2&sort=-pages&limit=3").get_json()
    assert [item["values"]["pages"] for item in first["items"]] == [7, 6, 5]
    second = librarian("GET", f"{RECORDS}?filter=pages > 2&sort=-pages&limit=3&after={first['next']}").get_json()
    assert [item["values"]["pages"] for item in second["items"]] == [4, 3]
    assert second["next"] is None


def test_a_repeated_call_with_its_key_makes_one_record(librarian: Caller) -> None:
    answers = [librarian("POST", RECORDS, {"title": "Once"}, Idempotency_Key="k1") for _ in range(2)]
    assert len({answer.headers["Location"] for answer in answers}) == 1


def test_every_problem_has_its_pointer(librarian: Caller) -> None:
    answer = librarian("POST", RECORDS, {"price": "x", "pages": 0, "copies": [{"count": 1}], "nonsense": 1})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    pointers = {item["pointer"] for item in answer.get_json()["problems"]}
    assert {"/price", "/pages", "/nonsense"} <= pointers


def test_a_lost_race_says_who_and_what(librarian: Caller, library: Workspace) -> None:
    id = add(library, title="A")
    librarian("PATCH", f"{RECORDS}/{id}", {"title": "B"}, If_Match="1")
    answer = librarian("PATCH", f"{RECORDS}/{id}", {"title": "C"}, If_Match="1")
    assert answer.status_code == 409
    params = answer.get_json()["params"]
    assert params["fields"] == ["title"]
    assert params["by"]


def test_tasks_are_listed_and_completed(caller: Callable[..., Caller], library: Workspace) -> None:
    from uuid import UUID

    head = caller("hua", "head", "librarian")
    book = UUID(add(library, title="T"))
    with library.work(SYSTEM, command="test.start") as work:
        work.service("processes").start("library.review", subject=("library.book", book))
    task = head("GET", "/api/v1/tasks").get_json()["items"][0]
    assert task["subject"] == {"form": "library.book", "id": str(book)}
    path = f"/api/v1/tasks/{task['id']}/complete"
    assert head("POST", path, {"outcome": "reject"}).status_code == 422
    assert head("POST", path, {"outcome": "approve", "values": {"note": "ok"}}).status_code == 204
    assert head("POST", path, {"outcome": "approve"}).status_code == 409
    assert head("GET", "/api/v1/tasks").get_json()["items"] == []


def test_the_description_is_valid_and_names_only_what_one_may_use(caller: Callable[..., Caller]) -> None:
    described = caller("lin", "librarian")("GET", "/api/openapi.json").get_json()
    validate(described)
    assert "post" in described["paths"][RECORDS]
    reader = caller("rui", "reader")("GET", "/api/openapi.json").get_json()
    validate(reader)
    assert "post" not in reader["paths"][RECORDS]
    assert "/api/v1/apps/library/forms/wish/records" not in reader["paths"]


# -- who may not


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer dgt_wrong", "Basic YTpi"])
@pytest.mark.parametrize("path", [RECORDS, "/api/v1/tasks", "/api/openapi.json"])
def test_without_a_good_token_nothing_is_told(app: Flask, library: Workspace, path: str, header: str) -> None:
    answer = app.test_client().get(path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_cookie_does_not_open_the_api(enter: Callable[..., FlaskClient]) -> None:
    assert enter("lin", "librarian").get(RECORDS).status_code == 401


def test_a_read_token_changes_nothing(caller: Callable[..., Caller], library: Workspace) -> None:
    call = caller("lin", "librarian", scope="read")
    id = add(library, title="A")
    assert call("GET", f"{RECORDS}/{id}").status_code == 200
    for method, path in (("POST", RECORDS), ("PATCH", f"{RECORDS}/{id}"), ("DELETE", f"{RECORDS}/{id}")):
        assert call(method, path, {"title": "X"}).status_code == 403, method


def test_a_token_of_another_app_does_not_reach_this_one(caller: Callable[..., Caller]) -> None:
    call = caller("lin", "librarian", scope="write:other")
    assert call("GET", RECORDS).status_code == 403


def test_a_reader_sees_no_hidden_field_and_writes_nothing(caller: Callable[..., Caller], library: Workspace) -> None:
    call = caller("rui", "reader")
    id = add(library, title="A", price="5")
    assert "price" not in call("GET", f"{RECORDS}/{id}").get_json()["values"]
    assert call("GET", f"{RECORDS}?filter=price > 1").get_json().get("items", []) == []
    assert call("POST", RECORDS, {"title": "X"}).status_code == 403
    assert call("PATCH", f"{RECORDS}/{id}", {"title": "X"}).status_code == 403


def test_a_stranger_finds_nothing(caller: Callable[..., Caller], library: Workspace) -> None:
    call = caller("zoe")
    assert call("GET", f"{RECORDS}/{add(library, title='A')}").status_code == 404
    assert call("POST", RECORDS, {"title": "X"}).status_code == 404


@pytest.mark.parametrize(("body", "status"), [("not json", 400), ("[1]", 400)])
def test_a_body_that_is_no_object_is_refused(app: Flask, caller: Callable[..., Caller], body: str, status: int) -> None:
    call = caller("lin", "librarian")
    assert call("POST", RECORDS, None).status_code == 415
    client = call.__closure__[0].cell_contents  # type: ignore[attr-defined]
    token = call.__closure__[1].cell_contents  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert client.post(RECORDS, data=body, headers=headers).status_code == status


def test_a_process_is_started_about_a_record_that_may_be_seen(
    caller: Callable[..., Caller], library: Workspace
) -> None:
    book = str(add(library, title="红楼梦", price="99"))
    path = "/api/v1/apps/library/processes/review/instances"
    head = caller("hua", "head", "librarian")
    answer = head("POST", path, {"form": "book", "record": book}, Idempotency_Key="k1")
    assert answer.status_code == 201
    again = head("POST", path, {"form": "book", "record": book}, Idempotency_Key="k1")
    assert again.get_json()["id"] == answer.get_json()["id"]
    assert len(head("GET", "/api/v1/tasks").get_json()["items"]) == 1
    assert caller("nina")("POST", path, {"form": "book", "record": book}).status_code == 404
    assert head("POST", path, {"form": "book", "record": "x"}).status_code == 422
    assert head("POST", path, {"form": "book", "record": book, "by": "me"}).status_code == 422
    assert head("POST", path, {}).status_code == 403
    assert head("POST", path.replace("review", "none"), {}).status_code == 404
