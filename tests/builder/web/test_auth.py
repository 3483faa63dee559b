"""Setting up, signing in and out: and what is refused."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.workspace import Workspace

from .conftest import PASSWORD, add_person, csrf, sign_in

FIRST = {"login": "ada", "name": "Ada", "password": PASSWORD}


def test_a_new_workspace_asks_to_be_set_up(client: FlaskClient) -> None:
    assert client.get("/login").headers["Location"] == "/setup"


def test_set_up_makes_an_admin_once(client: FlaskClient, setup_token: str) -> None:
    form = {"_csrf": csrf(client, "/setup"), "token": setup_token, **FIRST}
    assert client.post("/setup", data=form).headers["Location"] == "/login"
    sign_in(client, "ada")
    assert "Ada" in client.get("/").get_data(as_text=True)
    again = client.post("/setup", data={**form, "_csrf": csrf(client, "/")})
    assert again.headers["Location"] == "/login"


@pytest.mark.parametrize(("change", "status"), [({"token": "guess"}, 403), ({"password": "short"}, 422)])
def test_set_up_refuses(client: FlaskClient, setup_token: str, change: dict[str, str], status: int) -> None:
    form = {"_csrf": csrf(client, "/setup"), "token": setup_token, **FIRST, **change}
    answer = client.post("/setup", data=form)
    assert answer.status_code == status
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_visitors_are_sent_to_the_sign_in_page_and_back(app: Flask, workspace: Workspace, admin: FlaskClient) -> None:
    visitor = app.test_client()
    answer = visitor.get("/?x=1")
    assert answer.headers["Location"] == "/login?next=/?x%3D1"
    token = csrf(visitor)
    back = visitor.post("/login", data={"_csrf": token, "login": "ada", "password": PASSWORD, "next": "/?x=1"})
    assert back.headers["Location"] == "/?x=1"


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(app: Flask, admin: FlaskClient, target: str) -> None:
    visitor = app.test_client()
    form = {"_csrf": csrf(visitor), "login": "ada", "password": PASSWORD, "next": target}
    assert visitor.post("/login", data=form).headers["Location"] == "/"


def test_wrong_password_and_unknown_name_read_the_same(app: Flask, admin: FlaskClient) -> None:
    visitor = app.test_client()
    token = csrf(visitor)
    pages = [
        visitor.post("/login", data={"_csrf": token, "login": login, "password": "wrong-password"})
        for login in ("ada", "nobody")
    ]
    assert [page.status_code for page in pages] == [403, 403]
    texts = [page.get_data(as_text=True) for page in pages]
    assert all("用户名或密码不正确" in text or "Name or password is wrong" in text for text in texts)


def test_guessing_is_slowed_down(app: Flask, admin: FlaskClient) -> None:
    visitor = app.test_client()
    token = csrf(visitor)
    form = {"_csrf": token, "login": "ada", "password": "wrong-password"}
    statuses = [visitor.post("/login", data=form).status_code for _ in range(7)]
    assert statuses[0] == 403
    assert statuses[-1] == 429


def test_signing_out_ends_the_session(admin: FlaskClient) -> None:
    cookie = admin.get_cookie("dg_session")
    assert cookie
    admin.post("/logout", data={"_csrf": csrf(admin, "/")})
    admin.set_cookie("dg_session", cookie.value)
    assert admin.get("/").status_code == 302


def test_session_cookie_is_closed_to_scripts_and_other_sites(admin: FlaskClient) -> None:
    cookie = admin.get_cookie("dg_session")
    assert cookie
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_language_is_kept_with_the_person(app: Flask, workspace: Workspace, admin: FlaskClient) -> None:
    answer = admin.post("/language", data={"_csrf": csrf(admin, "/"), "locale": "zh", "next": "/"})
    assert answer.headers["Location"] == "/"
    assert "待办" in admin.get("/").get_data(as_text=True)
    other = app.test_client()
    sign_in(other, "ada")
    assert "待办" in other.get("/").get_data(as_text=True)


def test_an_api_token_is_shown_once_and_can_be_revoked(admin: FlaskClient) -> None:
    form = {"_csrf": csrf(admin, "/account"), "label": "script", "scope": "read"}
    assert "dgt_" in admin.post("/account/tokens", data=form).get_data(as_text=True)
    page = admin.get("/account").get_data(as_text=True)
    assert "dgt_" not in page
    assert "script" in page


def test_changing_the_password_needs_the_old_one(app: Flask, workspace: Workspace, admin: FlaskClient) -> None:
    form = {"_csrf": csrf(admin, "/account"), "old": "wrong", "new": "another-long-password"}
    assert admin.post("/account/password", data=form).status_code == 422
    assert admin.post("/account/password", data={**form, "old": PASSWORD}).status_code == 302
    add_person(app, workspace, "eve")
    sign_in(app.test_client(), "ada", "another-long-password")
