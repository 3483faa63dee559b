"""Files over HTTP: uploads with and without script, downloads with their headers, and everybody who gets neither."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from builder.definitions import load_folder
from builder.identity import create_token, find_person
from builder.releases import install
from builder.web.public_links import create_link
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup, csrf, sign_in

GALLERY = Path(__file__).parents[2] / "apps" / "gallery"
FORM = "/a/gallery/f/specimen"
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


def png() -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(data, "PNG")
    data.seek(0)
    return data


def upload(client: FlaskClient, field: str = "papers", name: str = "报价.png", data: Any = None) -> TestResponse:
    token = csrf(client, "/" if client.get_cookie("dg_session") else "/login")
    sent = {"file": (data or png(), name)}
    return client.post(f"{FORM}/files/{field}", data=sent, headers={"X-CSRF-Token": token})


def save(client: FlaskClient, **values: Any) -> TestResponse:
    page = client.get(f"{FORM}/new").get_data(as_text=True)
    hidden = {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("_csrf", "_key")}
    return client.post(f"{FORM}/new", data={**hidden, "name": "x", **values})


def attached(client: FlaskClient, field: str = "papers", **more: Any) -> str:
    """Address of a file that a new record holds."""
    sent = upload(client, field, **more)
    assert sent.status_code == 201, sent.get_data(as_text=True)
    assert save(client, **{field: sent.get_data(as_text=True)}).status_code == 302
    return f"/files/{sent.get_json()['id']}"


def test_a_file_comes_back_with_headers_that_let_it_do_nothing(keeper: FlaskClient) -> None:
    address = attached(keeper)
    answer = keeper.get(address)
    assert answer.status_code == 200
    assert answer.data == png().getvalue()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "filename*=UTF-8''%E6%8A%A5%E4%BB%B7.png" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    part = keeper.get(address, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.data) == (206, b"PNG")
    same = keeper.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    small = keeper.get(f"{address}?small=1")
    assert (small.mimetype, small.data[8:12]) == ("image/webp", b"WEBP")


def test_only_pictures_that_run_nothing_are_shown_in_place(keeper: FlaskClient) -> None:
    assert keeper.get(f"{attached(keeper)}?inline=1").headers["Content-Disposition"].startswith("inline")
    html = attached(keeper, name="a.png", data=io.BytesIO(b"<html><script>alert(1)</script></html>"))
    answer = keeper.get(f"{html}?inline=1")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert keeper.get(f"{html}?small=1").status_code == 404


def test_nobody_else_gets_a_file_by_its_id(keeper: FlaskClient, enter: Enter, app: Flask) -> None:
    waiting = upload(keeper).get_json()["id"]
    held = attached(keeper)
    secret = attached(keeper, "contract", name="c.pdf", data=io.BytesIO(b"%PDF-1.7\n"))
    viewer, outsider, visitor = enter("vic", "viewer"), enter("oda", "outsider"), app.test_client()
    assert keeper.get(f"/files/{waiting}").status_code == 200
    assert viewer.get(held).status_code == 200
    for client, address in (
        (viewer, f"/files/{waiting}"),
        (viewer, secret),
        (outsider, held),
        (visitor, held),
        (visitor, f"/files/{waiting}"),
        (keeper, "/files/3c5e3f4a-7a3b-4b6e-9a61-0d2f7a6a1a11"),
    ):
        assert client.get(address).status_code == 404, address
        assert client.get(f"{address}?small=1").status_code == 404, address


def test_nobody_uploads_for_what_they_may_not_write(keeper: FlaskClient, enter: Enter, app: Flask) -> None:
    assert upload(enter("vic", "viewer")).status_code == 403
    assert upload(enter("oda", "outsider")).status_code == 404
    assert upload(app.test_client()).status_code == 302
    assert upload(keeper, "name").status_code == 404, "a text takes no files"
    assert upload(keeper, "parts.photo").status_code == 201
    bare = keeper.post(f"{FORM}/files/papers", data={"file": (png(), "a.png")})
    assert bare.status_code == 403, "without the form's token"


def test_a_refused_upload_says_why(keeper: FlaskClient) -> None:
    answer = upload(keeper, "contract")
    assert answer.status_code == 422
    assert answer.get_json() == {
        "error": 'The file "报价.png" is of a kind that is not allowed here.',
        "code": "form.file_type",
    }


def test_without_script_files_travel_with_the_form(keeper: FlaskClient) -> None:
    answer = save(keeper, papers="", papers__file=(png(), "a.png"), stars="99")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    kept = json.loads(re.findall(r'name="papers" value="(\{[^"]*\})"', page)[0].replace("&#34;", '"'))
    assert kept["name"] == "a.png", "what was sent stays, although the rest was refused"
    assert save(keeper, papers=json.dumps(kept)).status_code == 302
    wrong = save(keeper, contract="", contract__file=(png(), "a.png"))
    assert wrong.status_code == 422
    assert "of a kind that is not allowed here" in wrong.get_data(as_text=True)


def test_another_persons_file_cannot_be_saved_in_ones_own_record(keeper: FlaskClient, enter: Enter) -> None:
    sent = upload(keeper).get_data(as_text=True)
    answer = save(enter("lea", "keeper"), papers=sent)
    assert answer.status_code == 422
    assert "not yours to attach" in answer.get_data(as_text=True)


def test_a_visitor_of_a_public_link_sends_files_and_sees_only_their_own(
    keeper: FlaskClient, workspace: Workspace, app: Flask
) -> None:
    with workspace.work(SYSTEM, command="test.link") as work:
        token = create_link(work, "gallery.specimen", {})
    visitor, stranger = app.test_client(), app.test_client()

    def send(client: FlaskClient, field: str) -> TestResponse:
        given = csrf(client, f"/p/{token}")
        return client.post(
            f"/p/{token}/files/{field}", data={"file": (png(), "a.png")}, headers={"X-CSRF-Token": given}
        )

    sent = send(visitor, "photos")
    assert sent.status_code == 201
    address = f"/files/{sent.get_json()['id']}"
    assert visitor.get(address).status_code == 200
    assert stranger.get(address).status_code == 404
    assert send(visitor, "papers").status_code == 403, "not a field of the public form"
    values = {"name": "梁", "photos": sent.get_data(as_text=True)}
    stolen = stranger.post(f"/p/{token}", data={"_csrf": csrf(stranger, f"/p/{token}"), **values})
    assert stolen.status_code == 422
    given = visitor.post(f"/p/{token}", data={"_csrf": csrf(visitor, f"/p/{token}"), **values})
    assert given.status_code == 302
    assert visitor.get(address).status_code == 404, "once sent, it is the record's"
    assert keeper.get(address).status_code == 200


def test_the_api_takes_and_gives_files(workspace: Workspace, keeper: FlaskClient, enter: Enter, app: Flask) -> None:
    enter("vic", "viewer")
    tokens = {}
    with workspace.work(SYSTEM, command="test.tokens") as work:
        for login in ("kai", "vic"):
            found = find_person(work.connection, login)
            assert found
            tokens[login] = create_token(work, person_id=found.id, label="t", scopes=["write"])
    client = app.test_client()

    def call(method: str, path: str, login: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {tokens[login]}"}
        return client.open(f"/api/v1/apps/gallery/forms/specimen{path}", method=method, headers=headers, **more)

    sent = call("POST", "/files/papers", "kai", data={"file": (png(), "a.png")})
    assert sent.status_code == 201
    file = sent.get_json()
    made = call("POST", "/records", "kai", json={"name": "x", "papers": [file]}).get_json()
    assert made["values"]["papers"] == [file]
    path = f"/records/{made['id']}/files/{file['id']}"
    assert call("GET", path, "vic").data == png().getvalue()
    assert call("POST", "/files/papers", "vic", data={"file": (png(), "a.png")}).status_code == 403
    refused = call("POST", "/files/contract", "kai", data={"file": (png(), "a.png")})
    assert (refused.status_code, refused.get_json()["problems"][0]["code"]) == (422, "form.file_type")
    other = call("POST", "/records", "kai", json={"name": "y"}).get_json()
    assert call("GET", f"/records/{other['id']}/files/{file['id']}", "kai").status_code == 404
    foreign = call("POST", "/files/papers", "kai", data={"file": (png(), "a.png")}).get_json()
    assert call("GET", f"/records/{made['id']}/files/{foreign['id']}", "kai").status_code == 404
