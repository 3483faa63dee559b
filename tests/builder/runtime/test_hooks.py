"""Webhooks from other systems: signed, recent, taken once, mapped to a message or a process; secrets by name."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from builder.definitions import source_of
from builder.releases import check
from builder.runtime.hooks import receive, sign
from builder.runtime.process.services import with_secrets
from builder.storage.runtime_tables import process_instance
from builder.workspace import Workspace
from engines.core import AccessDenied, ExternalError, InputError
from tests.builder.runtime.desk import FILES, Desk, open_desk
from tests.builder.workspaces import START

SECRET = "s3cret"
HOOKS = [
    {
        "name": "paid",
        "secret": "bank",
        "message": "paid",
        "correlation": "body.invoice",
        "values": {"amount": "body.amount * 2"},
    },
    {"name": "begin", "secret": "bank", "process": "waiting", "values": {"number": "body.number"}},
    {"name": "silent", "secret": "none", "process": "waiting"},
]


def with_hooks(hooks: list[dict[str, Any]]) -> tuple[Any, ...]:
    app = {**FILES[0][1], "webhooks": hooks}
    return (("app.json", app), *FILES[1:])


@pytest.fixture
def desk(workspace: Workspace, tmp_path: Any) -> Desk:
    import dataclasses

    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"bank": SECRET}), "utf-8")
    workspace.settings = dataclasses.replace(workspace.settings, secrets_file=str(file))
    return open_desk(workspace, with_hooks(HOOKS))


def send(desk: Desk, name: str, body: Any, *, age: int = 0, secret: str = SECRET, signature: str = "") -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(START.timestamp()) - age)
    headers = {"X-Timestamp": stamp, "X-Signature": signature or sign(secret, stamp, raw)}
    hook = next(one for one in desk.workspace.apps["desk"].definition.webhooks if one.name == name)
    return receive(desk.workspace, "desk", hook, headers, raw)


def statuses(desk: Desk) -> list[str]:
    with desk.read("root") as work:
        query = sa.select(process_instance.c.status).order_by(process_instance.c.id)
        return list(work.connection.execute(query).scalars())


def test_it_becomes_a_message_for_the_instance_with_its_key(desk: Desk) -> None:
    desk.start("waiting", number="a")
    desk.start("waiting", number="b")
    assert send(desk, "paid", {"invoice": "b", "amount": 5}) == 1
    assert statuses(desk) == ["running", "completed"]
    assert send(desk, "paid", {"invoice": "c", "amount": 5}) == 0


def test_it_starts_a_process_once_however_often_it_comes(desk: Desk) -> None:
    for _ in range(3):
        assert send(desk, "begin", {"number": "x"}) == 1
    assert statuses(desk) == ["running"]
    assert send(desk, "begin", {"number": "x"}, age=1) == 1
    assert statuses(desk) == ["running", "running"]


WRONG: list[dict[str, Any]] = [
    {"secret": "other"},
    {"age": 301},
    {"age": -301},
    {"signature": "sha256=" + "0" * 64},
    {"signature": "é"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrongly_signed_or_too_old_is_refused(desk: Desk, wrong: dict[str, Any]) -> None:
    with pytest.raises(AccessDenied):
        send(desk, "begin", {"number": "x"}, **wrong)
    assert statuses(desk) == []


def test_a_secret_without_a_value_opens_nothing(desk: Desk) -> None:
    for secret in ("", SECRET):
        with pytest.raises(AccessDenied):
            send(desk, "silent", {}, secret=secret)


def test_what_is_no_json_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError):
        send(desk, "begin", b"{")


def test_headers_name_secrets_that_only_leave(desk: Desk) -> None:
    known = desk.workspace.settings.secrets()
    assert with_secrets("Bearer {secret:bank}", known) == f"Bearer {SECRET}"
    with pytest.raises(ExternalError, match="no secret"):
        with_secrets("{secret:other}", known)


def test_what_is_wrong_with_a_webhook_is_said_with_its_place() -> None:
    hooks = [
        {"name": "one", "secret": "s", "process": "wating"},
        {"name": "one", "secret": "s", "message": "m", "values": {"x": "bdy.y"}},
    ]
    texts = {path: json.dumps(data) for path, data in with_hooks(hooks)}
    found = [p for p in check(source_of(texts)) if "webhooks" in p.pointer]
    assert [(p.code, p.pointer) for p in found] == [
        ("app.unknown_process", "/webhooks/0/process"),
        ("app.webhook_twice", "/webhooks/1/name"),
        ("feel.unknown_name", "/webhooks/1/values/x"),
    ]
