"""What every answer carries, and that nothing is changed for a stranger."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from builder.jobs import queue
from builder.storage.runtime_tables import job
from builder.web import create_app
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import PASSWORD, csrf


def test_policy_allows_scripts_by_nonce_alone(client: FlaskClient) -> None:
    answer = client.get("/setup")
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)' 'strict-dynamic'", policy)
    assert nonce
    assert "unsafe" not in policy
    page = answer.get_data(as_text=True)
    scripts = re.findall(r"<script\b[^>]*>", page)
    assert scripts
    assert all(f'nonce="{nonce[1]}"' in tag or 'type="application/json"' in tag for tag in scripts)
    assert " style=" not in page
    assert " onclick=" not in page


def test_each_answer_has_a_nonce_of_its_own(client: FlaskClient) -> None:
    policies = {client.get("/setup").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize(
    ("header", "value"),
    [("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin")],
)
def test_security_headers(client: FlaskClient, header: str, value: str) -> None:
    assert client.get("/setup").headers[header] == value


def test_pages_of_a_person_are_not_stored(admin: FlaskClient) -> None:
    assert admin.get("/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/logout", "/setup", "/language", "/account/password", "/account/tokens"])
def test_a_change_without_the_token_is_refused(admin: FlaskClient, path: str) -> None:
    assert admin.post(path, data={"locale": "zh"}).status_code == 403
    assert admin.post(path, data={"_csrf": "0" * 64}).status_code == 403


def test_a_change_sent_by_another_site_is_refused_even_with_the_token(admin: FlaskClient) -> None:
    form = {"_csrf": csrf(admin, "/"), "locale": "zh"}
    assert admin.post("/language", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_token_of_another_visitor_does_not_do(app: Flask, admin: FlaskClient) -> None:
    stranger = app.test_client()
    form = {"_csrf": csrf(stranger), "login": "ada", "password": PASSWORD}
    assert app.test_client().post("/login", data=form).status_code == 403


def test_an_error_shows_a_number_and_no_trace(app: Flask, admin: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise RuntimeError("secret detail")

    app.view_functions["home.index"] = broken
    answer = admin.get("/")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "secret detail" not in page
    assert "Traceback" not in page
    number = re.search(r"<code>([0-9a-f-]{36})</code>", page)
    assert number
    assert caplog.records[-1].incident == number[1]


def test_an_unknown_page_says_so(admin: FlaskClient) -> None:
    answer = admin.get("/nothing/here")
    assert answer.status_code == 404
    assert "<h1>" in answer.get_data(as_text=True)


def test_health_and_metrics(client: FlaskClient) -> None:
    assert client.get("/healthz").get_data(as_text=True) == "ok\n"
    assert "dougong_requests_total" in client.get("/metrics").get_data(as_text=True)
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 403


def test_metrics_tell_what_is_late_given_up_and_unsent(client: FlaskClient, workspace: Workspace) -> None:
    now = workspace.clock.now()
    with workspace.work(SYSTEM, command="test.jobs") as work:
        for hours, state in ((-1, queue.WAITING), (1, queue.WAITING), (-2, queue.DEAD)):
            id = queue.put(work.connection, kind="rule.fire", due_at=now + timedelta(hours=hours), now=now, payload={})
            work.connection.execute(sa.update(job).where(job.c.id == id).values(state=state))
    text = client.get("/metrics").get_data(as_text=True)
    assert 'dougong_jobs_due{workspace="main"} 1.0' in text
    assert 'dougong_jobs_dead{workspace="main"} 1.0' in text
    late = re.search(r'dougong_job_lateness_seconds\{workspace="main"\} (\S+)', text)
    assert late
    assert 3600 <= float(late[1]) < 3700
    assert 'dougong_effects_unsent{state="pending",workspace="main"} 0.0' in text


def test_a_workspace_is_found_by_its_path(workspace: Workspace) -> None:
    app = create_app({"main": workspace, "second": workspace})
    client = app.test_client()
    assert client.get("/w/second/").headers["Location"].startswith("/w/second/login")
    assert client.get("/w/other/").status_code == 404
