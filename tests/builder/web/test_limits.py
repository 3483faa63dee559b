"""The limits that are stated: 500 fields, 3,000 options, 1,000 rows of a sub-table – through the pages people use."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from builder.definitions import source_of
from builder.releases import install
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import add_person, close_setup, sign_in

WIDE = "/a/wide/f/wide"
EVERYTHING = ["see", "create", "edit", "delete"]


def app_files() -> dict[str, str]:
    """An app with a form of 500 fields, a choice of 3,000 options among them, and one with a long sub-table."""
    fields: list[dict[str, Any]] = [{"name": f"f{n}", "type": "text"} for n in range(498)]
    options = [{"name": f"o{n}", "label": f"选项 {n}"} for n in range(3000)]
    fields += [{"name": "one", "type": "choice", "options": options}]
    fields += [{"name": "several", "type": "multi_choice", "options": options}]
    lines = [
        {"name": "product", "type": "text", "required": True},
        {"name": "count", "type": "number", "scale": 0},
        {"name": "price", "type": "money", "currency": "CNY"},
        {"name": "amount", "type": "money", "currency": "CNY", "formula": "count * price"},
    ]
    order = [
        {"name": "lines", "type": "subtable", "fields": lines},
        {"name": "total", "type": "rollup", "relation": "lines", "aggregate": "sum", "field": "amount"},
    ]
    rights = [{"role": "keeper", "operations": EVERYTHING}]
    files = {
        "app.json": {"name": "wide", "version": "1.0.0", "label": "Wide"},
        "wide.roles.json": {"roles": [{"name": "keeper", "label": "Keeper"}]},
        "wide.form.json": {"name": "wide", "title": "f0", "fields": fields, "permissions": rights},
        "order.form.json": {"name": "order", "fields": order, "permissions": rights},
    }
    return {name: json.dumps(data) for name, data in files.items()}


@pytest.fixture
def keeper(app: Flask, workspace: Workspace) -> FlaskClient:
    install(workspace, source_of(app_files()), SYSTEM)
    close_setup(workspace)
    add_person(app, workspace, "kai", roles=("wide.keeper",))
    client = app.test_client()
    sign_in(client, "kai")
    return client


def send(client: FlaskClient, path: str, values: list[tuple[str, str]]) -> Any:
    page = client.get(path).get_data(as_text=True)
    hidden = [(name, re.findall(rf'name="{name}" value="([^"]*)"', page)[0]) for name in ("_csrf", "_key", "_version")]
    return client.post(path, data=MultiDict([*hidden, *values]))


def test_a_form_of_500_fields_with_3000_options_is_entered_and_read(keeper: FlaskClient, workspace: Workspace) -> None:
    page = keeper.get(f"{WIDE}/new").get_data(as_text=True)
    assert page.count('data-field="') == 500
    assert len(page) < 1_000_000, "options by the thousand are searched, not written into the page"
    found = keeper.get(f"{WIDE}/choices/one?q=2999").get_json()["items"]
    assert found == [{"id": "o2999", "label": "选项 2999"}]
    values = [(f"f{n}", f"v{n}") for n in range(498)]
    values += [("one", "o2999"), ("several", "o1"), ("several", "o2")]
    answer = send(keeper, f"{WIDE}/new", values)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
    shown = keeper.get(answer.headers["Location"]).get_data(as_text=True)
    for text in ("v0", "v497", "选项 2999", "选项 1", "选项 2"):
        assert text in shown
    assert send(keeper, f"{WIDE}/new", [*values[:-3], ("one", "nothing")]).status_code == 422


def test_a_subtable_of_1000_rows_is_entered_changed_and_read(keeper: FlaskClient, workspace: Workspace) -> None:
    def rows(count: int) -> list[tuple[str, str]]:
        cells = [("lines.__rows", "1")]
        for n in range(count):
            cells += [(f"lines.{n}.product", f"p{n}"), (f"lines.{n}.count", "2"), (f"lines.{n}.price", "1.50")]
        return cells

    answer = send(keeper, "/a/wide/f/order/new", rows(1000))
    assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
    shown = keeper.get(answer.headers["Location"]).get_data(as_text=True)
    assert "p999" in shown
    assert "3,000.00" in shown
    edit = keeper.get(f"{answer.headers['Location']}/edit").get_data(as_text=True)
    assert edit.count('data-row="') == 1001, "all rows and the empty one that is copied"
    refused = send(keeper, "/a/wide/f/order/new", rows(1001))
    assert refused.status_code == 422
    assert "p1000" in refused.get_data(as_text=True), "what was typed is kept"
