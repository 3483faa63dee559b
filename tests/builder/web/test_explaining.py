"""The admin's pages that say what somebody may see and why, and looking through their eyes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient

from builder.cli import main
from builder.rights.explaining import explain_form, explain_record, looked_at
from builder.rights.sharing import share_record
from builder.storage.identity_tables import session
from builder.storage.workspace_tables import audit, command
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, SystemClock

from .conftest import csrf
from .test_records import add
from .test_sharing import BOOK, who

Enter = Callable[..., FlaskClient]
LOAN = "library.loan"


def test_each_operation_names_the_role_and_the_records(enter: Enter, library: Workspace) -> None:
    enter("rui", "reader")
    rui = who(library, "rui")
    add(library, "loan", book=add(library, title="A"), reader="Rui", owner=rui.id)
    add(library, "loan", book=add(library, title="B"), reader="Tan")
    with library.read(SYSTEM) as work:
        english, chinese = (explain_form(work, rui, LOAN, locale) for locale in ("en", "zh"))
    see = english.operations[0]
    assert [(g.role, g.words, g.rows) for g in see.grants] == [
        ("library.reader", "records where the owner is they themselves", "owner = me")
    ]
    assert chinese.operations[0].grants[0].words == "满足以下条件的记录：负责人是其本人"
    assert (english.seen.value, english.total.value) == (1, 2)
    edit = next(item for item in english.operations if item.operation == "edit")
    assert (edit.grants, edit.others) == ((), ("library.librarian",))
    with library.read(SYSTEM) as work:
        book = explain_form(work, rui, BOOK, "en")
    assert {f.name: f.access for f in book.fields}["price"] == "hidden"
    assert {f.name: f.access for f in book.fields}["copies.shelf"] == "read"


def test_one_record_says_which_entry_decides(enter: Enter, library: Workspace) -> None:
    enter("rui", "reader")
    enter("lin", "librarian")
    rui, lin = who(library, "rui"), who(library, "lin")
    book = add(library, title="A")
    mine = UUID(str(add(library, "loan", book=book, reader="Rui", owner=rui.id)))
    other = UUID(str(add(library, "loan", book=book, reader="Tan")))
    with library.work(lin, command="test.share") as work:
        share_record(work, BOOK, UUID(str(book)), kind="person", key=str(rui.id), access="edit")
    rui = who(library, "rui")
    with library.read(SYSTEM) as work:
        yes, no = explain_record(work, rui, LOAN, mine, "en"), explain_record(work, rui, LOAN, other, "en")
        shared = explain_record(work, rui, BOOK, UUID(str(book)), "en")
        assert explain_record(work, rui, LOAN, UUID(int=5), "en") is None
    assert yes
    assert no
    assert shared
    assert ([h for _g, _o, h in yes.entries], yes.allowed) == ([True], ("see",))
    assert ([h for _g, _o, h in no.entries], no.allowed, set(no.access.values())) == ([False], (), {"hidden"})
    assert shared.allowed == ("see", "edit", "print", "comment")
    words = [grant.words for grant, _operations, _holds in shared.entries]
    assert "records that somebody shared with them for editing" in words
    assert (shared.access["title"], shared.access["price"]) == ("write", "hidden")


def test_the_pages_say_the_same(admin: FlaskClient, enter: Enter, library: Workspace) -> None:
    enter("rui", "reader")
    rui, book = who(library, "rui").id, add(library, title="红楼梦")
    listed = admin.get(f"/admin/people/{rui}/rights").get_data(as_text=True)
    assert f"/admin/people/{rui}/rights/library/book" in listed
    assert "1 of 1" in listed
    page = admin.get(f"/admin/people/{rui}/rights/library/book?record=/a/library/f/book/{book}").get_data(as_text=True)
    assert "Rui may:" in page
    assert "all records" in page
    none = admin.get(f"/admin/people/{rui}/rights/library/wish?record={UUID(int=9)}").get_data(as_text=True)
    assert "There is no such record" in none
    assert admin.get(f"/admin/people/{rui}/rights/library/nothing").status_code == 404


@pytest.mark.parametrize("roles", [("reader",), ("librarian", "builder"), ("sys.builder",)])
def test_only_admins_may_ask(enter: Enter, library: Workspace, roles: tuple[str, ...]) -> None:
    client = enter("rui", *roles)
    rui = who(library, "rui")
    paths = (f"/admin/people/{rui.id}/rights", f"/admin/people/{rui.id}/rights/library/book")
    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert client.post(f"/admin/people/{rui.id}/look", data={"_csrf": csrf(client, "/")}).status_code == 404
    with library.read(rui) as work:
        for ask in (
            lambda: looked_at(work, UUID(str(rui.id))),
            lambda: explain_form(work, rui, BOOK, "en"),
            lambda: explain_record(work, rui, BOOK, UUID(int=1), "en"),
        ):
            with pytest.raises(AccessDenied):
                ask()


def test_looking_through_somebodys_eyes_shows_theirs_and_changes_nothing(
    admin: FlaskClient, enter: Enter, library: Workspace
) -> None:
    enter("lin", "librarian")
    lin, book = who(library, "lin"), add(library, title="红楼梦")
    path = f"/a/library/f/book/{book}"
    assert admin.get(path).status_code == 404, "an administrator has no role in the library"
    token = {"_csrf": csrf(admin, "/")}
    assert admin.post(f"/admin/people/{lin.id}/look", data=token).status_code == 302
    seen = admin.get(path).get_data(as_text=True)
    assert "红楼梦" in seen
    assert "You see what Lin sees" in seen
    assert admin.get("/admin/people").status_code == 404
    before = _commands(library)
    for target, sent in (
        (f"{path}/edit", {"title": "changed"}),
        (f"{path}/delete", {}),
        (f"{path}/comment", {"text": "hello"}),
        ("/a/library/f/book/new", {"title": "new"}),
        ("/notifications/read", {}),
        ("/language", {"locale": "zh"}),
        ("/account/password", {"old": "x", "new": "y"}),
        (f"/admin/people/{lin.id}/look", {}),
    ):
        answer = admin.post(target, data={**token, **sent})
        assert answer.status_code == 403, target
        assert "nothing can be changed" in answer.get_data(as_text=True), target
    assert _commands(library) == before
    assert admin.post("/look/end", data=token).status_code == 302
    assert admin.get(path).status_code == 404
    assert admin.get("/admin/people").status_code == 200
    with library.database.read() as connection:
        noted = connection.execute(sa.select(audit.c.action, audit.c.subject).order_by(audit.c.id)).all()
    assert [(a, s) for a, s in noted if a.startswith("rights.")] == [
        ("rights.look_begun", str(lin.id)),
        ("rights.look_ended", str(lin.id)),
    ]


def _commands(workspace: Workspace) -> int:
    with workspace.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(command)).scalar_one()


def test_no_command_runs_for_who_only_looks(library: Workspace, enter: Enter) -> None:
    from dataclasses import replace

    enter("lin", "librarian")
    looking = replace(who(library, "lin"), looks_only=True)
    with pytest.raises(AccessDenied), library.work(looking, command="test.write"):
        pass


def test_the_look_ends_by_itself(admin: FlaskClient, enter: Enter, library: Workspace) -> None:
    enter("lin", "librarian")
    lin = who(library, "lin").id
    admin.post(f"/admin/people/{lin}/look", data={"_csrf": csrf(admin, "/")})
    assert "You see what Lin sees" in admin.get("/").get_data(as_text=True)
    with library.database.write() as connection:
        for row in connection.execute(sa.select(session)).all():
            if "looks_as" in row.data:
                late = (SystemClock().now() - timedelta(seconds=1)).isoformat()
                data = {**row.data, "looks_as": {**row.data["looks_as"], "until": late}}
                connection.execute(sa.update(session).where(session.c.token_hash == row.token_hash).values(data=data))
    assert "You see what Lin sees" not in admin.get("/").get_data(as_text=True)


def test_the_command_line_says_it_too(enter: Enter, library: Workspace) -> None:
    enter("rui", "reader")
    book = add(library, title="A")

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(main, ["--database", library.settings.database, "rights", *arguments])
        assert found.exit_code == 0, found.output
        return found.output

    assert "library.book: see; sees 1 of 1" in run("rui")
    assert "edit: no; given by library.librarian" in run("rui", "--form", BOOK)
    assert "price: hidden" in run("rui", "--form", BOOK, "--record", str(book))
    assert json.loads(run("rui", "--form", BOOK, "--json"))[0]["form"] == BOOK
    wrong = CliRunner().invoke(main, ["--database", library.settings.database, "rights", "nobody"])
    assert wrong.exit_code == 1
