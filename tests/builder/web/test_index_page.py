"""The admin's page of indexes: measuring, making, and who may not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from click.testing import CliRunner
from flask.testing import FlaskClient

from builder.cli import main
from builder.definitions import source_of
from builder.releases import install
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.platform.test_index_advice import FILES

from .conftest import csrf


def test_an_index_is_measured_and_made_with_a_click(admin: FlaskClient, workspace: Workspace) -> None:
    install(workspace, source_of({name: json.dumps(data) for name, data in FILES.items()}), SYSTEM)
    with workspace.work(SYSTEM, command="test.fill") as work:
        work.records.create_many("mill.sack", [{"kind": "rye", "milled": "2026-01-02"} for _ in range(50)])
    assert "1 index could make reports faster" in admin.get("/admin/indexes").get_data(as_text=True)
    token = {"_csrf": csrf(admin, "/")}
    page = admin.post("/admin/indexes", data={**token, "_do": "measure"}).get_data(as_text=True)
    name = re.search(r'name="name" value="([^"]+)"', page)
    assert name
    assert "Rye" in page
    assert admin.post("/admin/indexes", data={**token, "_do": "make", "name": name[1]}).status_code == 302
    assert "have the indexes that they ask for" in admin.get("/admin/indexes").get_data(as_text=True)
    found = CliRunner().invoke(main, ["--database", workspace.settings.database, "db", "indexes"])
    assert found.output == "there is nothing to gain\n"


def test_builders_do_not_reach_it(enter: Callable[..., FlaskClient]) -> None:
    client = enter("bo", "builder", "sys.builder")
    assert client.get("/admin/indexes").status_code == 404
    assert client.post("/admin/indexes", data={"_csrf": csrf(client, "/")}).status_code == 404
