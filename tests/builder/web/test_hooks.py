"""The address of webhooks: no token, no cookie; a signature, and one refusal for everything that is wrong."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from builder.definitions import source_of
from builder.releases import publish
from builder.runtime.hooks import sign
from builder.storage.runtime_tables import process_instance
from builder.web import create_app
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.runtime.test_hooks import HOOKS, SECRET, with_hooks


def test_other_systems_send_with_a_signature_alone(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"bank": SECRET}), "utf-8")
    workspace.settings = dataclasses.replace(workspace.settings, secrets_file=str(file))
    texts = {path: json.dumps(data) for path, data in with_hooks(HOOKS)}
    publish(workspace, "desk", source_of(texts), SYSTEM)
    app: Flask = create_app(workspace)
    client = app.test_client()
    body, stamp = b'{"number": "x"}', str(int(time.time()))
    signed = {"X-Timestamp": stamp, "X-Signature": sign(SECRET, stamp, body)}
    answer = client.post("/api/hooks/desk/begin", data=body, headers=signed)
    assert (answer.status_code, answer.get_json()) == (202, {"taken": 1})
    assert client.post("/api/hooks/desk/begin", data=body, headers=signed).get_json() == {"taken": 1}
    for path, headers in (("desk/begin", {}), ("desk/none", signed), ("none/begin", signed), ("desk/silent", signed)):
        assert client.post(f"/api/hooks/{path}", data=body, headers=headers).status_code == 403
    with workspace.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(process_instance)
        assert connection.execute(count).scalar_one() == 1
