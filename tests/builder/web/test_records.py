"""Lists, forms and pages of records: what people see, what is refused, and who may not."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf

Enter = Callable[..., FlaskClient]
BOOKS = "/a/library/f/book"


@pytest.fixture
def librarian(enter: Enter) -> FlaskClient:
    return enter("lin", "librarian")


@pytest.fixture
def reader(enter: Enter) -> FlaskClient:
    return enter("rui", "reader")


def add(workspace: Workspace, form: str = "book", **values: Any) -> str:
    with workspace.work(SYSTEM, command="test.add") as work:
        return str(work.records.create(f"library.{form}", values).record.id)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def send(client: FlaskClient, path: str, values: Mapping[str, Any]) -> Any:
    page = client.get(path).get_data(as_text=True)
    given = {"_csrf": hidden(page, "_csrf"), "_key": hidden(page, "_key"), "_version": hidden(page, "_version")}
    return client.post(path, data={**given, **values})


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


# -- creating and editing


def test_a_record_is_made_with_its_rows(librarian: FlaskClient, library: Workspace) -> None:
    values = {
        "title": "论语",
        "price": "1,280.50",
        "signed": "true",
        "tags": "古籍, 经典",
        "copies.__rows": "1",
        "copies.0.shelf": "A1",
        "copies.0.count": "3",
        "copies.1.shelf": "B2",
        "copies.1.count": "4",
    }
    answer = send(librarian, f"{BOOKS}/new", values)
    assert answer.status_code == 302
    page = text_of(librarian, answer.headers["Location"])
    for shown in ("论语", "¥1,280.50", "A1", "B2", ">7<"):
        assert shown in page or shown.strip("><") in page


def test_what_was_typed_stays_and_each_field_says_what_is_wrong(librarian: FlaskClient) -> None:
    answer = send(librarian, f"{BOOKS}/new", {"title": "", "price": "a lot", "pages": "0", "note": "kept words"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for kept in ('value="a lot"', "kept words"):
        assert kept in page
    for name in ("title", "price", "pages"):
        assert f'id="f-{name}-error"' in page
        assert re.search(rf'id="f-{name}"[^>]*aria-invalid="true"', page)


def test_a_problem_in_a_row_stands_in_that_row(librarian: FlaskClient) -> None:
    rows = {
        "copies.__rows": "1",
        "copies.0.shelf": "A1",
        "copies.0.count": "1",
        "copies.5.shelf": "",
        "copies.5.count": "2",
    }
    page = send(librarian, f"{BOOKS}/new", {"title": "X", **rows}).get_data(as_text=True)
    assert 'id="f-copies-1-shelf-error"' in page
    assert 'id="f-copies-0-shelf-error"' not in page


def test_a_double_click_saves_once(librarian: FlaskClient) -> None:
    page = text_of(librarian, f"{BOOKS}/new")
    form = {"_csrf": hidden(page, "_csrf"), "_key": hidden(page, "_key"), "title": "Once"}
    first, second = (librarian.post(f"{BOOKS}/new", data=form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert text_of(librarian, f"{BOOKS}/?q=Once").count('<a class="main"') == 1


def test_a_form_saves_only_the_fields_it_shows(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="A", isbn="1", level=None)
    send(librarian, f"{BOOKS}/{id}/edit", {"title": "B", "level": "a", "created_by": "x"})
    with library.read(SYSTEM) as work:
        record = work.records.get("library.book", __import__("uuid").UUID(id))
    assert record
    assert record["title"] == "B"
    assert record["isbn"] == "1"
    assert record["level"] is None


def test_two_editors_the_second_is_told_who_and_keeps_the_input(enter: Enter, library: Workspace) -> None:
    first, second = enter("lin", "librarian"), enter("mei", "librarian")
    id = add(library, title="Old")
    path = f"{BOOKS}/{id}/edit"
    page = text_of(second, path)
    assert send(first, path, {"title": "Lin's"}).status_code == 302
    stale = {"_csrf": hidden(page, "_csrf"), "_key": hidden(page, "_key"), "_version": hidden(page, "_version")}
    answer = second.post(path, data={**stale, "title": "Mei's"})
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Lin changed this record at" in shown
    assert 'value="Mei&#39;s"' in shown
    assert "Lin&#39;s" in shown
    merged = {"_csrf": hidden(shown, "_csrf"), "_key": hidden(shown, "_key"), "_version": hidden(shown, "_version")}
    assert second.post(path, data={**merged, "title": "Mei's"}).status_code == 302
    assert "Mei&#39;s" in text_of(first, f"{BOOKS}/{id}")


def test_edits_of_different_fields_do_not_collide(enter: Enter, library: Workspace) -> None:
    first, second = enter("lin", "librarian"), enter("mei", "librarian")
    id = add(library, title="Old", isbn="1")
    path = f"{BOOKS}/{id}/edit"
    page = text_of(second, path)
    send(first, path, {"title": "New"})
    stale = {"_csrf": hidden(page, "_csrf"), "_key": hidden(page, "_key"), "_version": hidden(page, "_version")}
    assert second.post(path, data={**stale, "isbn": "2"}).status_code == 302
    page = text_of(first, f"{BOOKS}/{id}")
    assert "New" in page


# -- lists


def test_the_list_searches_filters_sorts_and_pages(librarian: FlaskClient, library: Workspace) -> None:
    for number in range(60):
        add(library, title=f"Book {number:02}", price=str(number), state="lent" if number % 2 else "new")
    page = text_of(librarian, f"{BOOKS}/?f=state:is:lent&f=price:from:11&sort=-price")
    titles = re.findall(r'class="main"[^>]*>(Book \d\d)<', page)
    assert titles == [f"Book {n:02}" for n in range(59, 10, -2)]
    following = re.search(r'rel="next"[^>]*href="([^"]+)"|href="([^"]+)" rel="next"', text_of(librarian, f"{BOOKS}/"))
    assert following
    second = text_of(librarian, (following[1] or following[2]).replace("&amp;", "&"))
    assert re.findall(r'class="main"[^>]*>(Book \d\d)<', second)[0] == "Book 25"
    assert "60 records" in page or "25 records" in page
    assert re.findall(r'class="main"[^>]*>(Book \d\d)<', text_of(librarian, f"{BOOKS}/?q=Book+07")) == ["Book 07"]


@pytest.mark.parametrize("query", ["f=price:from:abc", "f=published:is:never", "after=nonsense"])
def test_a_condition_that_does_not_fit_is_said_not_broken(librarian: FlaskClient, query: str) -> None:
    answer = librarian.get(f"{BOOKS}/?{query}")
    assert answer.status_code in {200, 422}
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_condition_cannot_smuggle_an_expression(librarian: FlaskClient, library: Workspace) -> None:
    add(library, title="Visible")
    page = text_of(librarian, f'{BOOKS}/?f=title:is:x" or true or "')
    assert '<a class="main"' not in page


# -- pages


def test_markup_in_a_value_stays_text(librarian: FlaskClient, library: Workspace) -> None:
    evil = '<img src=x onerror="alert(1)">'
    id = add(library, title=evil, note=evil, tags=[evil])
    for path in (f"{BOOKS}/{id}", f"{BOOKS}/", f"{BOOKS}/{id}/edit", f"{BOOKS}/{id}/history"):
        assert "<img src=x" not in text_of(librarian, path), path


def test_the_page_shows_related_records_and_leads_to_new_ones(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="Lent out")
    add(library, "loan", book=id, reader="Zhang San")
    page = text_of(librarian, f"{BOOKS}/{id}")
    assert "Zhang San" in page
    prefilled = re.search(r'href="(/a/library/f/loan/new\?book=[^"]+)"', page)
    assert prefilled
    assert "Lent out" in text_of(librarian, prefilled[1])


def test_history_shows_fields_before_and_after(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="First", price="1")
    send(librarian, f"{BOOKS}/{id}/edit", {"title": "Second", "price": "2"})
    page = text_of(librarian, f"{BOOKS}/{id}/history")
    assert re.search(r"<del>.*?First</del>.*?<ins>.*?Second</ins>", page)
    assert "¥1.00" in page
    assert "Lin" in page


def test_why_explains_a_formula(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="A", copies=[{"shelf": "A", "count": 2}])
    page = text_of(librarian, f"{BOOKS}/{id}/why/total")
    assert "sum(copies.count)" in page


def test_why_says_how_many_related_records_were_read_and_hides_what_the_person_may_not_see(
    librarian: FlaskClient, reader: FlaskClient, library: Workspace
) -> None:
    id = add(library, title="A", price="77.77")
    add(library, "loan", book=id, reader="Zhang")
    assert "Records read: 1" in text_of(librarian, f"{BOOKS}/{id}/why/loaned")
    assert "77.77" in text_of(librarian, f"{BOOKS}/{id}/why/twice")
    told = text_of(reader, f"{BOOKS}/{id}/why/twice")
    assert "155.54" in told
    assert "77.77" not in told


def test_a_list_shows_and_sorts_by_what_every_record_has(librarian: FlaskClient, library: Workspace) -> None:
    for title in ("Younger", "Older"):
        add(library, title=title)
    page = text_of(librarian, f"{BOOKS}/?cols=title&cols=created_at&cols=owner&sort=-created_at")
    assert ">Created<" in page.replace("\n", "")
    assert 'aria-sort="descending"' in page
    assert page.index("Older") < page.index("Younger")


def test_a_picker_finds_by_text_and_pinyin_initials(librarian: FlaskClient, library: Workspace) -> None:
    add(library, title="红楼梦")
    for words in ("红楼", "hlm"):
        found = librarian.get(f"/a/library/f/loan/choices/book?q={words}").get_json()["items"]
        assert [item["label"] for item in found] == ["红楼梦"], words


def test_a_deleted_record_is_gone_from_list_and_page(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="Doomed")
    answer = librarian.post(f"{BOOKS}/{id}/delete", data={"_csrf": csrf(librarian, "/"), "_version": "1"})
    assert answer.status_code == 302
    assert librarian.get(f"{BOOKS}/{id}").status_code == 404


def test_the_timeline_goes_by_the_date_that_records_state_and_shows_earlier_ones_on_demand(
    librarian: FlaskClient, library: Workspace
) -> None:
    id = add(library, title="Lent often")
    for day in range(1, 29):
        for month in (1, 2):
            add(library, "loan", book=id, reader=f"{day:02}.{month}.", until=date(2024, month, day))
    page = text_of(librarian, f"{BOOKS}/{id}")
    told = re.findall(r"Loan · (\S+?)<", page)
    assert told[:2] == ["28.2.", "27.2."]
    assert "Loan · 01.1." not in page
    earlier = re.search(r'hx-get="([^"]*before[^"]*)"', page)
    assert earlier is not None
    rest = re.findall(r"Loan · (\S+?)<", text_of(librarian, html.unescape(earlier[1])))
    assert told + rest == [f"{day:02}.{month}." for month in (2, 1) for day in range(28, 0, -1)]


def test_a_change_on_the_timeline_says_from_what_to_what(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="Changed")
    form = {"_csrf": csrf(librarian, "/"), "_version": "1", "title": "Changed", "state": "lent"}
    librarian.post(f"{BOOKS}/{id}/edit", data=form)
    assert "State: New → Lent" in text_of(librarian, f"{BOOKS}/{id}")


def test_comments_stand_on_the_timeline(librarian: FlaskClient, library: Workspace) -> None:
    id = add(library, title="Discussed")
    librarian.post(f"{BOOKS}/{id}/comment", data={"_csrf": csrf(librarian, "/"), "text": "Worth a second copy"})
    assert "Worth a second copy" in text_of(librarian, f"{BOOKS}/{id}")


# -- who may not


@pytest.mark.parametrize("path", ["/new", "/{id}/edit"])
def test_a_reader_may_not_write(reader: FlaskClient, library: Workspace, path: str) -> None:
    id = add(library, title="Closed")
    path = BOOKS + path.format(id=id)
    assert reader.get(path).status_code == 403
    assert reader.post(path, data={"_csrf": csrf(reader, "/"), "title": "Mine"}).status_code == 403
    assert reader.post(f"{BOOKS}/{id}/delete", data={"_csrf": csrf(reader, "/")}).status_code == 403


def test_a_hidden_field_is_nowhere(reader: FlaskClient, library: Workspace) -> None:
    id = add(library, title="Dear", price="77.77")
    for path in (
        f"{BOOKS}/{id}",
        f"{BOOKS}/",
        f"{BOOKS}/{id}/history",
        f"{BOOKS}/?cols=price&sort=price&f=price:is:77.77",
    ):
        assert "77.77" not in re.sub(r"value=\"[^\"]*\"|href=\"[^\"]*\"", "", text_of(reader, path)), path
    assert reader.get(f"{BOOKS}/{id}/why/price").status_code in {403, 404}


def test_rows_of_others_do_not_exist(reader: FlaskClient, library: Workspace) -> None:
    book = add(library, title="B")
    id = add(library, "loan", book=book, reader="Somebody else")
    assert "Somebody else" not in text_of(reader, "/a/library/f/loan/")
    assert reader.get(f"/a/library/f/loan/{id}").status_code == 404
    assert "Somebody else" not in text_of(reader, f"{BOOKS}/{book}")


@pytest.mark.parametrize(
    "path", ["/", "/new", "/{id}", "/{id}/edit", "/{id}/history", "/{id}/why/title", "/choices/keeper"]
)
def test_without_a_role_no_form_exists(enter: Enter, library: Workspace, path: str) -> None:
    id = add(library, title="Secret")
    stranger = enter("stranger")
    assert stranger.get(BOOKS + path.format(id=id)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/new", "/{id}", "/{id}/edit", "/{id}/history"])
def test_visitors_are_sent_to_sign_in(app: Any, librarian: FlaskClient, library: Workspace, path: str) -> None:
    id = add(library, title="Secret")
    answer = app.test_client().get(BOOKS + path.format(id=id))
    assert answer.headers["Location"].startswith("/login?next=")
