"""Every route × every role: what each may reach, written down; a route that is not listed fails.

A request counts as refused where the answer sends to the sign-in page or is 401, 403, 404 or 405; all objects that the
addresses name are there, so that 404 means "not for you".
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builder.definitions import source_of
from builder.identity import ADMIN, create_token, find_person, principal_of
from builder.releases import followups_of, install
from builder.releases.followups import add_followups
from builder.rights.sharing import share_record
from builder.runtime.install import install as install_runtime
from builder.runtime.recipients import Receivers
from builder.storage import open_database
from builder.storage.runtime_tables import effect, process_instance
from builder.storage.runtime_tables import task as task_table
from builder.storage.values import decode
from builder.web import create_app
from builder.web.public_links import create_link
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.documents.office import docx_of, paragraph

from . import gallery
from .conftest import add_person, close_setup, csrf, sign_in

# Visitor, signed in without a role, reader, librarian, head (decides reviews), builder of the app, administrator, and
# an administrator who looks through the librarian's eyes.
ROLES = {
    "visitor": None,
    "nobody": (),
    "reader": ("library.reader",),
    "librarian": ("library.librarian",),
    "head": ("library.head",),
    "builder": ("library.builder",),
    "admin": (ADMIN,),
    "looking": (ADMIN,),
}
QUERIES = {"records.section": {"view": "board", "in": "new"}, "records.branch": {"view": "tree"}}
SENT = {
    "studio.process_act": {"action": "set", "sel": "check", "path": "form:book/label/en", "value": "X"},
    "api.complete_task": {"outcome": "approve"},
    "api.start_process": {},
}
SCAN = gallery.field("scan", "attachment", "扫描件", "Scan")
PART = gallery.field("part_of", "reference", "所属套书", "Part of", form="book")
DONOR = gallery.field("donor", "text", "捐赠人", "Donor", personal=True)
BOOK = {**gallery.BOOK, "fields": [*gallery.BOOK["fields"], SCAN, PART, DONOR]}
BOOK["views"] = [
    *gallery.BOOK["views"],
    {"name": "board", "kind": "kanban", "group": "state", "columns": ["title"]},
    {"name": "tree", "kind": "tree", "parent": "part_of", "columns": ["title"]},
]
BOOK["permissions"] = [
    {**p, "operations": [*p["operations"], "import", "export", "print"]} if p["role"] == "librarian" else p
    for p in gallery.BOOK["permissions"]
]
BUTTON = {"type": "button", "name": "mark", "label": gallery.text("标记", "Mark"), "set": {"note": '"marked"'}}
BOOK["layouts"] = [
    {**layout, "items": [*layout["items"], BUTTON]} if layout["purpose"] == "page" else layout
    for layout in gallery.BOOK["layouts"]
]
BOOK["layouts"] = [
    {**layout, "items": [*layout["items"], {"field": "scan"}]} if layout["purpose"] == "review" else layout
    for layout in BOOK["layouts"]
]
WISH = {**gallery.WISH, "fields": [*gallery.WISH["fields"], gallery.field("photo", "attachment", "照片", "Photo")]}
WISH["layouts"] = [{**layout, "items": [*layout["items"], {"field": "photo"}]} for layout in WISH["layouts"]]
OPENED = [{"name": "note", "access": "write"}, {"name": "scan", "access": "write"}]
REVIEW = {
    **gallery.REVIEW,
    "nodes": [{**node, **({"fields": OPENED} if "form" in node else {})} for node in gallery.REVIEW["nodes"]],
}
DOCUMENTS: dict[str, Any] = {
    **gallery.DOCUMENTS,
    "wish.form.json": WISH,
    "review.process.json": REVIEW,
    "book.form.json": BOOK,
    "card.document.json": {"name": "card", "form": "book", "template": "card.docx"},
    "card.docx": base64.b64encode(docx_of(paragraph("{{title}}"))).decode(),
    "books.dataset.json": {
        "name": "books",
        "form": "book",
        "label": gallery.text("图书", "Books"),
        "dimensions": [{"name": "state", "expression": "state", "label": gallery.text("状态", "State")}],
        "measures": [{"name": "number", "aggregate": "count", "label": gallery.text("数量", "Number")}],
    },
    "stock.dashboard.json": {
        "name": "stock",
        "label": gallery.text("库存", "Stock"),
        "tiles": [
            {
                "name": "by_state",
                "type": "bar",
                "label": gallery.text("按状态", "By state"),
                "dataset": "books",
                "dimensions": ["state"],
                "measures": ["number"],
                "place": {"x": 0, "y": 0, "w": 6, "h": 4},
            }
        ],
    },
}


@dataclass
class Place:
    """The running workspace, with one of everything that addresses name."""

    app: Flask
    workspace: Workspace
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)

    def token(self, client: FlaskClient) -> str:
        """The visit's token against forged requests."""
        if id(client) not in self.marks:
            self.marks[id(client)] = csrf(client, "/" if client.get_cookie("dg_session") else "/login")
        return self.marks[id(client)]

    def id_of(self, login: str) -> UUID:
        with self.workspace.database.read() as connection:
            found = find_person(connection, login)
            assert found
            return found.id

    def import_run(self) -> UUID:
        """An import that the librarian has begun."""
        client = self.clients["librarian"]
        sent = {"_csrf": self.token(client), "table": (io.BytesIO(b"title\nSnow\n"), "books.csv")}
        answer = client.post("/a/library/f/book/import/", data=sent)
        found = re.search(r"/import/([0-9a-f-]{36})", answer.headers.get("Location", ""))
        assert found, answer.get_data(as_text=True)
        return UUID(found[1])

    def api_token(self, who: str) -> str:
        """A token of somebody with a scope, "reader:write"."""
        login, _, scope = who.partition(":")
        with self.workspace.work(SYSTEM, command="test.token") as work:
            return create_token(work, person_id=self.id_of(login), label="t", scopes=[scope])

    def client(self, role: str) -> FlaskClient:
        """A new visit of somebody with the role."""
        client = self.app.test_client()
        if ROLES[role] is not None:
            sign_in(client, role)
        if role == "looking":
            token = {"_csrf": csrf(client, "/")}
            assert client.post(f"/admin/people/{self.id_of('librarian')}/look", data=token).status_code == 302
        return client

    def values(self) -> dict[str, Any]:
        """One of everything, made for this request alone."""
        with self.workspace.work(SYSTEM, command="test.place") as work:
            made = work.records.create("library.book", {"title": "T", "copies": [{"shelf": "A", "count": 1}]})
            book = made.record.id
            work.records.update("library.book", book, {"title": "T2"})
            work.service("processes").start("library.review", subject=("library.book", book))
            deleted = work.records.create("library.book", {"title": "Gone"}).record.id
            work.records.delete("library.book", deleted)
            link = create_link(work, "library.wish", {})
            task = work.connection.execute(
                sa.select(task_table.c.id).where(task_table.c.subject_id == book)
            ).scalar_one()
            subject = process_instance.c.subject_id == book
            instance = work.connection.execute(sa.select(process_instance.c.id).where(subject)).scalar_one()
        client = self.clients["librarian"]
        sent = {"file": (io.BytesIO(b"%PDF-1.7\n"), "a.pdf")}
        headers = {"X-CSRF-Token": self.token(client)}
        file = client.post("/a/library/f/book/files/scan", data=sent, headers=headers).get_json()
        with self.workspace.database.read() as connection:
            librarian = principal_of(connection, self.id_of("librarian"))
        assert librarian
        with self.workspace.work(librarian, command="test.share") as work:
            key = str(self.id_of("nobody_else"))
            work.records.update("library.book", book, {"scan": [file]})
            share = share_record(work, "library.book", book, kind="person", key=key, access="see")
        return {
            "book": book,
            "link": link,
            "task": task,
            "instance": instance,
            "share": share,
            "gone": deleted,
            "held": UUID(file["id"]),
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("routes")
    settings = Settings(
        database=f"sqlite:///{folder}/w.db", files=folder / "files", runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings, sandbox=True)
    database.close()
    workspace = Workspace.open(settings)
    install_runtime(workspace)
    install(workspace, source_of({k: v if isinstance(v, str) else json.dumps(v) for k, v in DOCUMENTS.items()}), SYSTEM)
    close_setup(workspace)
    app = create_app(workspace)
    app.testing = False
    found = Place(app, workspace)
    for login, roles in {**ROLES, "nobody_else": ()}.items():
        if roles is not None:
            add_person(app, workspace, login, roles=roles)
    found.clients = {role: found.client(role) for role in ROLES}
    yield found
    workspace.close()


def reached(place: Place, role: str, endpoint: str, method: str, made: dict[str, Any]) -> int:
    """The status of a request by somebody with the role; 401 for being sent to the sign-in page."""
    rule = next(r for r in place.app.url_map.iter_rules() if r.endpoint == endpoint and method in (r.methods or ()))
    arguments = {name: given(place, endpoint, name, made) for name in rule.arguments}
    path = place.app.url_map.bind("localhost").build(endpoint, arguments, method=method)
    client = place.client(role) if endpoint in ENDING else place.clients[role]
    headers = {"Accept": "text/html"}
    data: dict[str, Any] | None = None
    if method == "POST":
        headers["X-CSRF-Token"] = place.token(client)
        upload = endpoint.endswith("upload")
        data = {"file": (io.BytesIO(b"%PDF-1.7\n"), "a.pdf")} if upload else {**SENT.get(endpoint, {})}
    with client.open(path, method=method, headers=headers, data=data, query_string=QUERIES.get(endpoint)) as answer:
        return 401 if _to_sign_in(answer) else answer.status_code


def _to_sign_in(answer: TestResponse) -> bool:
    return answer.status_code == 302 and answer.headers["Location"].startswith(("/login", "/setup"))


def given(place: Place, endpoint: str, name: str, made: dict[str, Any]) -> Any:
    """What stands in an address for one of its parts."""
    own = {
        ("answers.ask", "token"): lambda: asked(place.workspace),
        ("answers.give", "token"): lambda: asked(place.workspace),
        ("files.upload", "field"): lambda: "scan",
        ("api.upload_file", "field"): lambda: "scan",
        ("inbox.upload", "field"): lambda: "scan",
        ("public.upload", "field"): lambda: "photo",
        ("records.choices", "field"): lambda: "keeper",
        ("records.why", "field"): lambda: "total",
        ("documents.office", "name"): lambda: "card",
        ("inbox.act", "verb"): lambda: "comment",
        ("studio.text", "key"): lambda: "roles:library",
        ("studio.text_save", "key"): lambda: "roles:library",
        ("studio.text_check", "key"): lambda: "roles:library",
        ("studio.proof", "key"): lambda: "decision:level",
        ("records.filter_choices", "field"): lambda: "keeper",
        ("studio.event_log", "kind"): lambda: "csv",
        ("studio.cancel_step", "id"): lambda: followed(place.workspace),
        ("studio.resume_step", "id"): lambda: followed(place.workspace),
        ("auth.end_token", "id"): lambda: UUID(int=1),
    }
    usual = {
        "app": "library",
        "form": "wish" if endpoint == "public.make" else "book",
        "dashboard": "stock",
        "tile": "by_state",
        "process": "review",
        "decision": "level",
        "field": "title",
        "version": 1,
        "number": 1,
        "button": "mark",
        "token": made["link"],
        "share": made["share"],
        "filename": "mark.svg",
        "file": made["held"],
        "kind": "csv",
    }
    if (endpoint, name) in own:
        return own[endpoint, name]()
    if name == "id" and endpoint.startswith("imports."):
        return place.import_run()
    if name == "id":
        if endpoint in ("records.restore", "files.download"):
            return made["gone" if endpoint == "records.restore" else "held"]
        area = endpoint.partition(".")[0]
        person = place.id_of("nobody_else")
        return {
            "inbox": made["task"],
            "api": made["task" if endpoint == "api.complete_task" else "book"],
            "admin": person,
            "studio": made["instance"],
        }.get(area, made["book"])
    return usual[name]


def asked(workspace: Workspace) -> str:
    """The token of a new answer link."""
    with workspace.work(SYSTEM, command="test.ask") as work:
        to = Receivers(addresses=("out@example.com",))
        work.service("answers").ask(to, app="library", kind="yes_no", title={"en": "Solved?"}, body={})
        newest = sa.select(effect.c.payload).order_by(effect.c.id.desc()).limit(1)
        payload = decode(work.connection.execute(newest).scalar_one())
    found = re.search(r"/answer/([\w-]+)", payload["text"])
    assert found
    return found[1]


def followed(workspace: Workspace) -> UUID:
    """A step that follows a release and has not been done."""
    with workspace.work(SYSTEM, command="test") as work:
        step = {"do": "convert", "form": "library.book", "field": "title", "before": 1}
        add_followups(work.connection, app="library", release=1, steps=[step], at=work.instant)
        return max(found.id for found in followups_of(work.connection, "library"))


# These end or change the visit itself: each request has one of its own.
ENDING = {"auth.logout", "auth.look_end", "admin.look"}
# Signing in, setting up and signed webhooks are tried elsewhere; so are tokens in addresses that are no good.
ELSEWHERE = {"auth.sign_in", "auth.setup", "auth.logout", "hooks.hook"}
# Per line: visitor, nobody, reader, librarian, head, builder, admin, looking; + reached, - refused.
PAGES: dict[str, str] = {
    "++++++++": "answers.ask auth.login health.healthz health.metrics public.form static",
    "+++++++-": "answers.give auth.language public.send public.upload",
    "-+++++++": """auth.account home.index inbox.batch inbox.index notifications.index people.choices phrases.index
        search.index task_links.look""",
    "-++++++-": """auth.away auth.new_token auth.password feeds.make feeds.revoke inbox.decide_batch
        notifications.read phrases.add task_links.decide""",
    "--++++-+": "dashboards.csv dashboards.page dashboards.xlsx",
    "--++---+": """files.download home.app records.branch records.choices records.compare records.filter_choices
        records.history records.list records.page records.section records.why records.why_not""",
    "--++----": "records.bulk_choose records.place records.save_view",
    "---+---+": """imports.blank imports.page imports.start personal.page records.bin records.cell records.copy
        records.edit records.new records.receivers records.sharing""",
    "---+----": """documents.office documents.print_page files.upload imports.begin imports.check imports.stop
        imports.undo imports.upload personal.data personal.erase public.make records.comment
        records.create records.delete records.export records.press records.restore records.restore_version
        records.save_cell records.share records.unshare records.update""",
    "----+++-": "inbox.act inbox.complete inbox.evidence inbox.read inbox.task",
    "----+---": "inbox.file inbox.upload",
    "-----++-": """studio.activate studio.attainment studio.cancel_step studio.checks studio.dashboard
        studio.dashboard_act studio.decision studio.decision_act studio.decision_try studio.discard
        studio.event_log studio.followups studio.form studio.form_act studio.form_preview studio.index
        studio.insight studio.instance studio.instance_act studio.instances studio.migrate
        studio.migrate_now studio.migrate_undo studio.new_form_make studio.new_form_page studio.overview
        studio.process studio.process_act studio.process_drawn studio.process_xml studio.proof
        studio.publish_draft studio.publish_page studio.redo studio.releases studio.replay
        studio.resume_step studio.text studio.text_check studio.text_save studio.undo""",
    "-----+--": "dashboards.why",
    "------+-": """admin.audit_page admin.clock admin.clock_move admin.form_rights admin.index admin.indexes
        admin.indexes_act admin.jobs admin.look admin.outbox_page admin.outbox_retry admin.people
        admin.person admin.person_create admin.person_move admin.person_move_begin admin.person_new
        admin.person_rights admin.person_save admin.settings admin.settings_save""",
    "-------+": "auth.look_end",
    # Another's token, phrase, view and bulk edit, a feed without its secret, and an import without refused lines.
    "--------": """auth.end_token feeds.feed imports.refused phrases.remove records.bulk
        records.bulk_control records.bulk_start records.bulk_stop records.bulk_try records.bulk_undo
        records.change_view records.remove_view""",
}
EXPECTED = {endpoint: marks for marks, names in PAGES.items() for endpoint in names.split()}
# Of the API: no token, the reader's, the librarian's for reading alone, the librarian's, the head's, and that of
# somebody without a role.
API: dict[str, str] = {
    "-+++++": "openapi.openapi api.list_tasks",
    "-+++--": "api.list_records api.read_record api.read_file",
    "---+--": "api.create_record api.update_record api.delete_record api.upload_file",
    "----+-": "api.complete_task",
    # Without a record: for those alone who administer the process.
    "------": "api.start_process",
}
EXPECTED_API = {endpoint: marks for marks, names in API.items() for endpoint in names.split()}
REFUSED = (401, 403, 404, 405)


def _routes(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_route_is_listed(place: Place) -> None:
    listed = EXPECTED.keys() | EXPECTED_API.keys() | ELSEWHERE
    assert _routes(place.app) - listed == set(), "say in PAGES or API who may reach a new route"
    assert listed - _routes(place.app) == set(), "no route of that name is left"


@pytest.mark.parametrize("endpoint", sorted(EXPECTED))
def test_each_role_reaches_what_it_may_and_no_more(place: Place, endpoint: str) -> None:
    rules = [rule for rule in place.app.url_map.iter_rules() if rule.endpoint == endpoint]
    method = "GET" if any("GET" in (rule.methods or ()) for rule in rules) else "POST"
    made = place.values()
    statuses: dict[str, int] = {}
    for role in ROLES:
        statuses[role] = reached(place, role, endpoint, method, made)
        if method == "POST" and statuses[role] not in REFUSED:
            made = place.values()
    marks = "".join("-" if status in REFUSED else "+" for status in statuses.values())
    assert (marks, max(statuses.values()) < 500) == (EXPECTED[endpoint], True), statuses


@pytest.mark.parametrize("endpoint", sorted(EXPECTED_API))
def test_each_token_reaches_what_it_may_and_no_more(place: Place, endpoint: str) -> None:
    client = place.app.test_client()
    rule = next(r for r in place.app.url_map.iter_rules() if r.endpoint == endpoint)
    method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    statuses = {}
    for who in ("", "reader:write", "librarian:read", "librarian:write", "head:write", "nobody:write"):
        made = place.values()
        arguments = {name: given(place, endpoint, name, made) for name in rule.arguments}
        path = place.app.url_map.bind("localhost").build(endpoint, arguments, method=method)
        headers = {"Authorization": f"Bearer {place.api_token(who)}"} if who else {}
        sent: dict[str, Any] = {"json": SENT.get(endpoint, {"title": "API"})} if method in ("POST", "PATCH") else {}
        if endpoint == "api.upload_file":
            sent = {"data": {"file": (io.BytesIO(b"%PDF-1.7\n"), "a.pdf")}}
        with client.open(path, method=method, headers=headers, **sent) as answer:
            statuses[who] = answer.status_code
    marks = "".join("-" if status in REFUSED else "+" for status in statuses.values())
    assert (marks, max(statuses.values()) < 500) == (EXPECTED_API[endpoint], True), statuses
