"""Sharing a record in the pages and through the API: who may, what it opens, and that it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from builder.identity import create_department, find_person, principal_of, set_departments
from builder.rights.sharing import share_record, shares_of
from builder.storage.runtime_tables import notification
from builder.storage.share_tables import record_share
from builder.storage.workspace_tables import audit
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, InputError, Principal

from .conftest import csrf
from .test_records import add

BOOK = "library.book"
Enter = Callable[..., FlaskClient]


def who(workspace: Workspace, login: str) -> Principal:
    with workspace.database.read() as connection:
        person = find_person(connection, login)
        assert person
        found = principal_of(connection, person.id)
        assert found
        return found


def share(client: FlaskClient, id: str, receiver: str, access: str = "see", **more: str) -> int:
    path = f"/a/library/f/book/{id}/sharing"
    data = {"_csrf": csrf(client, "/"), "with": receiver, "access": access, **more}
    return client.post(path, data=data).status_code


@pytest.fixture
def book(library: Workspace) -> str:
    return str(add(library, title="红楼梦", price="59", note="rare"))


def test_a_shared_record_opens_and_is_taken_back(enter: Enter, library: Workspace, book: str) -> None:
    lin, zoe = enter("lin", "librarian"), enter("zoe")
    page = f"/a/library/f/book/{book}"
    assert zoe.get(page).status_code == 404
    receiver = f"person:{who(library, 'zoe').id}"
    assert share(lin, book, receiver, note="Please look") == 302
    seen = zoe.get(page).get_data(as_text=True)
    assert "红楼梦" in seen
    assert "Lin shared this record with you" in seen
    assert 'data-fact="price"' not in seen, "readers may not see prices, so nobody does through a share"
    assert "红楼梦" in zoe.get("/a/library/f/book/").get_data(as_text=True)
    assert zoe.get(f"{page}/edit").status_code == 403
    assert zoe.get(f"{page}/sharing").status_code == 404
    listed = lin.get(f"{page}/sharing").get_data(as_text=True)
    revoke = re.search(r'action="([^"]+/revoke)"', listed)
    assert revoke
    assert zoe.post(revoke[1], data={"_csrf": csrf(zoe, "/")}).status_code == 403
    assert lin.post(revoke[1], data={"_csrf": csrf(lin, "/")}).status_code == 302
    assert zoe.get(page).status_code == 404
    with library.database.read() as connection:
        actions = set(connection.execute(sa.select(audit.c.action)).scalars())
        told = connection.execute(sa.select(notification.c.title)).scalars().all()
    assert {"record.shared", "record.unshared"} <= actions
    assert any("Lin" in title["en"] for title in told)


def test_a_share_for_editing_lets_edit_and_no_more(enter: Enter, library: Workspace, book: str) -> None:
    lin, zoe = enter("lin", "librarian"), enter("zoe")
    assert share(lin, book, f"person:{who(library, 'zoe').id}", "edit") == 302
    page = f"/a/library/f/book/{book}"
    assert zoe.get(f"{page}/edit").status_code == 200
    sent = {"_csrf": csrf(zoe, "/"), "title": "石头记", "_version": "1"}
    assert zoe.post(f"{page}/edit", data=sent).status_code == 302
    assert zoe.post(f"{page}/delete", data={"_csrf": csrf(zoe, "/")}).status_code == 403
    assert zoe.get("/a/library/f/book/new").status_code == 403


def test_roles_and_departments_with_those_below_them(enter: Enter, library: Workspace, book: str) -> None:
    lin, hua, tan = enter("lin", "librarian"), enter("hua", "head"), enter("tan")
    with library.work(SYSTEM, command="test.units") as work:
        north = create_department(work, code="north", name={"en": "North"})
        below = create_department(work, code="n1", name={"en": "North 1"}, parent=north)
        set_departments(work, who(library, "tan").id, [below])
    page = f"/a/library/f/book/{book}"
    assert [c.get(page).status_code for c in (hua, tan)] == [404, 404]
    assert share(lin, book, "role:library.head") == 302
    assert [c.get(page).status_code for c in (hua, tan)] == [200, 404]
    assert share(lin, book, f"department:{north}") == 302
    assert [c.get(page).status_code for c in (hua, tan)] == [200, 200]


def test_a_name_that_was_typed_is_found_without_a_script(enter: Enter, library: Workspace, book: str) -> None:
    lin, zoe = enter("lin", "librarian"), enter("zoe")
    assert share(lin, book, "", with__text="Nobody at all") == 422
    assert share(lin, book, "", with__text="Zoe") == 302
    assert zoe.get(f"/a/library/f/book/{book}").status_code == 200
    items = lin.get(f"/a/library/f/book/{book}/sharing/receivers?q=").get_json()["items"]
    assert {item["id"].partition(":")[0] for item in items} >= {"person", "role"}
    assert zoe.get(f"/a/library/f/book/{book}/sharing/receivers?q=").status_code == 404


@pytest.mark.parametrize(
    ("receiver", "access", "until"),
    [("person:nobody", "see", ""), ("role:library.app", "see", ""), ("role:library.none", "see", ""),
     ("x", "see", ""), ("role:library.head", "own", ""), ("role:library.head", "see", "2001-01-01"),
     ("role:library.head", "see", "soon")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    enter: Enter, library: Workspace, book: str, receiver: str, access: str, until: str
) -> None:
    assert share(enter("lin", "librarian"), book, receiver, access, until=until) == 422
    with library.database.read() as connection:
        assert connection.execute(sa.select(record_share)).all() == []


@pytest.mark.parametrize("role", ["reader", "head"])
def test_without_the_right_to_share_nothing_is_shared(enter: Enter, library: Workspace, book: str, role: str) -> None:
    client = enter("rui", role)
    assert share(client, book, f"person:{who(library, 'rui').id}", "edit") in (403, 404)
    with library.database.read() as connection:
        assert connection.execute(sa.select(record_share)).all() == []


def test_sharing_again_replaces_what_stood_and_ends_by_itself(enter: Enter, library: Workspace, book: str) -> None:
    enter("lin", "librarian")
    enter("zoe")
    lin, key = who(library, "lin"), str(who(library, "zoe").id)
    with library.work(lin, command="test.share") as work:
        share_record(work, BOOK, UUID(book), kind="person", key=key, access="edit")
        share_record(
            work, BOOK, UUID(book), kind="person", key=key, access="see", until=work.instant + timedelta(days=1)
        )
        assert [item.access for item in shares_of(work, BOOK, UUID(book))] == ["see"]
        with pytest.raises(InputError):
            share_record(work, BOOK, UUID(book), kind="person", key=key, access="see", until=work.instant)
    zoe = who(library, "zoe")
    with library.work(SYSTEM, command="test.end") as work:
        assert work.records_as(zoe, "library").get(BOOK, UUID(book)) is not None
        work.connection.execute(sa.update(record_share).values(expires_at=work.instant - timedelta(seconds=1)))
        assert work.records_as(zoe, "library").get(BOOK, UUID(book)) is None
    with library.read(zoe) as work, pytest.raises(AccessDenied):
        shares_of(work, BOOK, UUID(book))
