"""Every write path × every check: whichever way a value comes in, the same checks meet it.

A place in ``builder`` that writes records and is not listed in ``WRITERS`` fails.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from builder.definitions import source_of
from builder.identity import create_token, find_person, principal_of
from builder.releases import install
from builder.runtime.install import install as install_runtime
from builder.storage import open_database
from builder.web import create_app
from builder.web.public_links import create_link
from builder.workspace import Settings, Work, Workspace, initialise
from engines.core import SYSTEM, AccessDenied, InputError, Principal
from engines.form import ListQuery

from .conftest import add_person, close_setup, csrf, sign_in

BUILDER = Path(__file__).parents[3] / "builder"
ALL = ["see", "create", "edit", "delete", "import", "share"]
LINES = [
    {"name": "price", "type": "number", "scale": 0, "min": 0},
    {"name": "pieces", "type": "number", "scale": 0, "default": "1"},
    {"name": "sum", "type": "formula", "formula": "price * pieces", "result": "number", "scale": 0},
]
SHOWN = ("code", "amount", "state", "reason", "other", "lines")
ITEM: dict[str, Any] = {
    "name": "item",
    "title": "code",
    "fields": [
        {"name": "code", "type": "text", "required": True, "unique": True, "search": True},
        {"name": "amount", "type": "number", "scale": 0, "min": 0, "max": 100, "default": "10"},
        {"name": "state", "type": "choice", "options": [{"name": "open"}, {"name": "closed"}], "default": '"open"'},
        {"name": "reason", "type": "text", "visible": 'state = "closed"'},
        {"name": "twice", "type": "formula", "formula": "amount * 2", "result": "number", "scale": 0},
        {"name": "other", "type": "reference", "form": "other"},
        {"name": "secret", "type": "text"},
        {"name": "lines", "type": "subtable", "fields": LINES},
    ],
    "constraints": [{"name": "fits", "condition": 'amount <= 50 or state = "closed"', "fields": ["amount"]}],
    "layouts": [
        {"name": name, "purpose": name, "items": [{"field": field} for field in SHOWN]}
        for name in ("edit", "review", "public")
    ],
    "views": [{"name": "board", "kind": "kanban", "group": "state", "columns": ["code"]}],
    "public": {"layout": "public"},
    "permissions": [
        {"role": "clerk", "operations": ALL, "fields": [{"name": "secret", "access": "hidden"}]},
        {"role": "reader", "operations": ["see"]},
        {"role": "app", "operations": ALL, "fields": [{"name": "secret", "access": "hidden"}]},
        {"role": "public", "operations": ["create"], "fields": [{"name": "secret", "access": "hidden"}]},
    ],
}  # fmt: skip
OTHER = {
    "name": "other",
    "title": "name",
    "fields": [{"name": "name", "type": "text"}],
    "permissions": [{"role": "clerk", "operations": ["see"], "rows": 'name = "open"'}],
}
CHECK = {
    "name": "check",
    "subject": "item",
    "nodes": [
        {"name": "start", "type": "startEvent"},
        {"name": "look", "type": "userTask", "form": "item", "layout": "review", "assignment": {"role": "clerk"},
         "outcomes": [{"name": "done"}],
         "fields": [{"name": f["name"], "access": "write"} for f in ITEM["fields"] if f["name"] != "twice"]},
        {"name": "end", "type": "endEvent"},
    ],
    "flows": [{"name": "f1", "from": "start", "to": "look"}, {"name": "f2", "from": "look", "to": "end"}],
}  # fmt: skip
DOCUMENTS = {
    "app.json": {"name": "yard", "version": "1.0.0", "label": "Yard"},
    "yard.roles.json": {"roles": [{"name": "clerk", "label": "Clerk"}, {"name": "reader", "label": "Reader"}]},
    "item.form.json": ITEM,
    "other.form.json": OTHER,
    "check.process.json": CHECK,
}
FORM = "yard.item"
NUMBERS = count(1)


@dataclass
class Yard:
    """The running workspace."""

    app: Flask
    workspace: Workspace
    clerk: FlaskClient
    token: str

    def person(self, login: str) -> Principal:
        with self.workspace.database.read() as connection:
            found = find_person(connection, login)
            principal = principal_of(connection, found.id) if found else None
            assert principal
            return principal

    def item(self, **values: Any) -> UUID:
        """A record that is there."""
        with self.workspace.work(SYSTEM, command="test.item") as work:
            given = {"code": f"I{next(NUMBERS)}", "state": "open", **values}
            found: UUID = work.records.create(FORM, given).record.id
            return found

    def stored(self, id: UUID) -> dict[str, Any]:
        with self.workspace.read(SYSTEM) as work:
            return dict(work.records.get(FORM, id).values)

    def codes(self) -> dict[str, Any]:
        with self.workspace.read(SYSTEM) as work:
            found = work.records.page(FORM, ListQuery(limit=1000)).records
            return {r["code"]: (r.id, r.version, json.dumps(r.to_dict(), default=str)) for r in found}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("yard")
    settings = Settings(
        database=f"sqlite:///{folder}/w.db", files=folder / "files", runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    install_runtime(workspace)
    install(workspace, source_of({path: json.dumps(data) for path, data in DOCUMENTS.items()}), SYSTEM)
    close_setup(workspace)
    app = create_app(workspace)
    for login in ("clerk", "reader"):
        add_person(app, workspace, login, roles=(f"yard.{login}",))
    client = app.test_client()
    sign_in(client, "clerk")
    with workspace.work(SYSTEM, command="test.token") as work:
        person = find_person(work.connection, "clerk")
        assert person
        token = create_token(work, person_id=person.id, label="t", scopes=["write"])
        work.records.create("yard.other", {"name": "closed"}, id=UUID(int=7))
        work.records.create(FORM, {"code": "TAKEN"})
    yield Yard(app, workspace, client, token)
    workspace.close()


# -- the ways: each tries to write ``values`` as somebody and gives what was refused ("?" where a page does not say
# where), or nothing and the record.

Outcome = tuple[set[str], UUID | None]
Way = Callable[[Yard, Mapping[str, Any], str], Outcome]


def _tried(yard: Yard, who: Principal, act: Callable[[Work], UUID]) -> Outcome:
    try:
        with yard.workspace.work(who, command="test.way") as work:
            return set(), act(work)
    except InputError as error:
        return {p.pointer for p in error.problems}, None
    except AccessDenied:
        return {"denied"}, None


def _sent(values: Mapping[str, Any]) -> dict[str, str]:
    """What a browser sends for the values."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if name == "lines":
            found["lines.__rows"] = "1"
            for place, row in enumerate(value):
                found |= {f"lines.{place}.{column}": str(cell) for column, cell in row.items()}
        else:
            found[name] = str(value)
    return found


def _page(yard: Yard, path: str, values: Mapping[str, Any], who: str) -> tuple[int, str]:
    client = yard.clerk
    if who != "clerk":
        client = yard.app.test_client()
        sign_in(client, who)
    answer = client.post(path, data={"_csrf": csrf(client, "/"), **_sent(values)})
    return answer.status_code, answer.headers.get("Location", "")


def form_new(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    status, location = _page(yard, "/a/yard/f/item/new", values, who)
    return ({"denied"} if status in (403, 404) else {"?"}, None) if status != 302 else (set(), UUID(location[-36:]))


def form_edit(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    id = yard.item()
    status, _location = _page(yard, f"/a/yard/f/item/{id}/edit", values, who)
    return ({"denied"} if status in (403, 404) else {"?"}, None) if status != 302 else (set(), id)


def public_link(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    with yard.workspace.work(SYSTEM, command="test.link") as work:
        token = create_link(work, FORM, {})
    client = yard.app.test_client()
    before = yard.codes().keys()
    sent = {"_csrf": csrf(client, "/login"), **_sent(values)}
    status = client.post(f"/p/{token}", data=sent).status_code
    made = yard.codes()
    return (set(), made[next(iter(made.keys() - before))][0]) if status == 302 else ({"?"}, None)


def _api(yard: Yard, method: str, path: str, values: Mapping[str, Any], who: str) -> Outcome:
    token = yard.token
    if who != "clerk":
        with yard.workspace.work(SYSTEM, command="test.token") as work:
            token = create_token(work, person_id=yard.person(who).id or UUID(int=0), label="t", scopes=["write"])
    headers = {"Authorization": f"Bearer {token}"}
    answer = yard.app.test_client().open(path, method=method, json=dict(values), headers=headers)
    if answer.status_code in (200, 201):
        return set(), UUID(answer.get_json()["id"])
    if answer.status_code == 422:
        return {item["pointer"] for item in answer.get_json()["problems"]}, None
    return {"denied"}, None


def api_post(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    return _api(yard, "POST", "/api/v1/apps/yard/forms/item/records", values, who)


def api_patch(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    return _api(yard, "PATCH", f"/api/v1/apps/yard/forms/item/records/{yard.item()}", values, who)


def import_new(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    refused: set[str] = set()

    def act(work: Work) -> UUID:
        result = work.records.create_many(FORM, [dict(values)])
        refused.update(p.pointer for problems in result.problems.values() for p in problems)
        return result.ids[0] or UUID(int=0)

    found, id = _tried(yard, yard.person(who), act)
    return found | refused, None if refused else id


def import_key(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    """A record that is found again by a key of another system."""
    id = yard.item()
    with yard.workspace.work(SYSTEM, command="test.key") as work:
        work.records.of(FORM).keys.add(FORM, "erp", {str(id): id})
    return _tried(yard, yard.person(who), lambda w: w.records.upsert(FORM, "erp", str(id), dict(values)).record.id)


def rule_new(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    source = {"kind": "rule", "name": "r"}

    def act(work: Work) -> UUID:
        found: UUID = _as_app(work).create(FORM, dict(values), source=source)["id"]
        return found

    return _tried(yard, SYSTEM, act)


def _as_app(work: Work) -> Any:
    return work.service("around").write("yard")


def rule_set(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    """A rule's action, and a process's service "record.update"."""
    id, source = yard.item(), {"kind": "rule", "name": "r"}
    return _tried(yard, SYSTEM, lambda w: _as_app(w).update(FORM, id, dict(values), source=source) and id)


def step(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    """A user task of a process, completed with values."""
    id = yard.item()
    with yard.workspace.work(SYSTEM, command="test.start") as work:
        work.processes.start("yard.check", subject=(FORM, id))
    with yard.workspace.read(yard.person("clerk")) as work:
        task = next(item for item in work.inbox.page("todo").items if item.subject == (FORM, id))

    def act(work: Work) -> UUID:
        work.processes.complete(task.id, "done", values=dict(values))
        return id

    return _tried(yard, yard.person(who), act)


def merge(yard: Yard, values: Mapping[str, Any], who: str) -> Outcome:
    keep, other = yard.item(), yard.item()
    return _tried(yard, yard.person(who), lambda w: w.records.merge(FORM, keep, [other], dict(values)).record.id)


NEW: dict[str, Way] = {
    "form, new": form_new, "public link": public_link, "API, POST": api_post, "import": import_new,
    "rule, create": rule_new,
}  # fmt: skip
CHANGE: dict[str, Way] = {
    "form, edit": form_edit, "API, PATCH": api_patch, "import by key": import_key, "rule, set": rule_set,
    "process step": step, "merge": merge,
}  # fmt: skip
WAYS = {**NEW, **CHANGE}
# -- the checks: what is sent, and where it must be refused.
CHECKS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"nonsense": 1}, "/nonsense"),
    "type": ({"amount": "many"}, "/amount"),
    "range": ({"amount": -1}, "/amount"),
    "option": ({"state": "lost"}, "/state"),
    "constraint": ({"amount": 99}, "/amount"),
    "required": ({"code": ""}, "/code"),
    "unique": ({"code": "TAKEN"}, "/code"),
    "reference": ({"other": str(UUID(int=7))}, "/other"),
    "sub-table row": ({"lines": [{"price": -5}]}, "/lines/0/price"),
    "field right": ({"secret": "x"}, "/secret"),
}
# Pages read the fields that they show and nothing else: what they do not show never arrives.
PAGES = ("form, new", "form, edit", "public link")
UNREAD = {(way, check) for way in PAGES for check in ("unknown key", "field right")}
# Who may see no other record at all is told so by every reference; nobody is asked for rights where there is no person.
NO_PERSON = {"rule, create", "rule, set", "public link"}


def values_of(way: str, check: str) -> dict[str, Any]:
    values = dict(CHECKS[check][0])
    return {"code": f"W{next(NUMBERS)}", **values} if way in NEW else values


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_meets_every_check(yard: Yard, way: str, check: str) -> None:
    values, pointer = values_of(way, check), CHECKS[check][1]
    refused, id = WAYS[way](yard, values, "clerk")
    if (way, check) in UNREAD:
        assert (refused, id is not None) == (set(), True)
        assert yard.stored(id or UUID(int=0)).get(pointer[1:]) is None
        return
    assert refused <= {pointer, "?"}, refused
    assert refused
    assert id is None
    stored = yard.codes()
    assert values.get("code") not in stored.keys() - {"TAKEN"}, "what was refused left nothing behind"
    assert all('"nonsense"' not in text for _id, _version, text in stored.values())


@pytest.mark.parametrize("way", [way for way in WAYS if way not in NO_PERSON])
def test_every_way_asks_for_rights(yard: Yard, way: str) -> None:
    values = {"code": f"R{next(NUMBERS)}"} if way in NEW else {"amount": 11}
    assert WAYS[way](yard, values, "reader") == ({"denied"}, None)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_computes_the_same(yard: Yard, way: str) -> None:
    """Defaults, formulas of record and rows, the policy for what is hidden, the search index, the history's version."""
    code = f"G{next(NUMBERS)}"
    refused, id = WAYS[way](yard, {"code": code, "reason": "none", "lines": [{"price": 4}]}, "clerk")
    assert refused == set()
    assert id
    found = yard.stored(id)
    assert (found["code"], found["amount"], found["twice"], found["reason"]) == (code, 10, 20, None)
    assert [(row["pieces"], row["sum"]) for row in found["lines"]] == [(1, 4)]
    with yard.workspace.read(SYSTEM) as work:
        assert [hit.id for hit in work.records.search(code, [FORM])] == [id]
        assert work.records.history(FORM, id)[0].version == (1 if way in NEW else 2)


def test_a_preview_writes_nothing(yard: Yard) -> None:
    before = yard.codes()
    client = yard.app.test_client()
    add_person(yard.app, yard.workspace, "bo", roles=("yard.builder", "yard.clerk"))
    sign_in(client, "bo")
    page = "/studio/yard/form/item/preview"
    assert client.get(f"{page}?code=PREVIEW").status_code == 200
    assert client.post(page, data={"_csrf": csrf(client, "/"), "code": "PREVIEW"}).status_code == 405
    assert yard.codes() == before


# Where the product writes records, and by which of the ways above.
WRITERS: dict[str, str] = {
    "demo/records.py": "import",
    "imports/run.py": "import; import by key",
    "imports/sheets/undoing.py": "form, edit (an import taken back, with the person's rights)",
    "imports/sheets/writing.py": "import; import by key",
    "lists/bulk_working.py": "form, edit (bulk edit: record by record, with the person's rights)",
    "runtime/moving/parts.py": "form, edit (what a person who leaves hands over)",
    "runtime/rules/scoring.py": "computed values, within the rights of the app",
    "runtime/writer.py": "rule, create; rule, set; process step",
    "scenarios/running.py": "form, new; form, edit (with the roles that the scenario states)",
    "web/api/resources.py": "API, POST; API, PATCH",
    "web/pages/list_cells.py": "form, edit (a cell of a list)",
    "web/pages/list_views.py": "form, edit",
    "web/pages/personal.py": "no values come in: personal fields are emptied",
    "web/pages/public.py": "public link",
    "web/pages/record_versions.py": "form, edit",
    "web/pages/records.py": "form, new; form, edit",
    "web/record_parts.py": "form, edit (a button that sets fields, with the person's rights)",
    "workspace/records.py": "all of them",
}
WRITING = frozenset(
    {"create", "update", "create_many", "update_many", "upsert", "merge", "compute", "erase", "restore"}
)


def test_every_place_that_writes_records_is_listed() -> None:
    files = [path for path in BUILDER.rglob("*.py") if _writes(ast.parse(path.read_text("utf-8")))]
    found = {path.relative_to(BUILDER).as_posix() for path in files} - {NAMES}
    assert found == set(WRITERS), "a new way in: name it, and add it to WAYS where it is none of them"


def _writes(tree: ast.AST) -> bool:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = (call for call in calls if isinstance(call, ast.Attribute) and call.attr in WRITING)
    return any(_is_records(call.value) for call in named)


def _is_records(node: ast.expr) -> bool:
    """Whether an expression is somebody's ``Records``: ``records``, ``work.records``, ``work.records_as(…)``."""
    text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    return text.rpartition(".")[2] in ("records", "_records", "records_as") or text.endswith("records.of")


# Keeps names of records, no records.
NAMES = "web/names.py"
