"""Dashboard pages: what they show to whom, and the files they give."""

from __future__ import annotations

import io
import json
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from builder.storage.identity_tables import person
from builder.workspace import Workspace
from tests.builder.reports.library import fill
from tests.builder.web.conftest import add_person, sign_in

PAGE = "/a/library/d/desk"
PERIOD = "period.from=2026-01-01&period.to=2026-03-31"


@pytest.fixture
def people(app: Flask, workspace: Workspace) -> dict[str, FlaskClient]:
    """Clients of a librarian, a reader, a builder and somebody without a role."""
    roles = {"lib": ("library.librarian",), "rita": ("library.reader",), "nobody": ()}
    roles["bea"] = ("library.librarian", "library.builder")
    clients = {}
    for login, held in roles.items():
        add_person(app, workspace, login, roles=held)
    with workspace.database.read() as connection:
        reader = connection.scalar(sa.select(person.c.id).where(person.c.login == "rita"))
    fill(workspace, reader)
    with workspace.database.write() as connection:
        from builder.storage.workspace_tables import workspace as table

        connection.execute(sa.update(table).values(setup_hash=""))
    for login in roles:
        clients[login] = app.test_client()
        sign_in(clients[login], login)
    return clients


def page(client: FlaskClient, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def options(text: str, tile: str) -> dict[str, object]:
    """The data of a chart in a page."""
    part = text[text.index(f'id="tile-{tile}"') :]
    found = re.search(r'<script type="application/json">(.*?)</script>', part, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_a_page_shows_tiles_with_their_tables(people: dict[str, FlaskClient]) -> None:
    text = page(people["lib"], f"{PAGE}?{PERIOD}")
    chart = options(text, "months")
    assert chart["xAxis"]["data"] == ["2026-01", "2026-02", "2026-03"]  # type: ignore[index]
    assert "Atlas" in text
    assert "style=" not in text


def test_a_reader_sees_figures_of_their_own_rows_alone(people: dict[str, FlaskClient]) -> None:
    for login, count in (("lib", "5"), ("rita", "2")):
        found = re.search(r'class="figure-value"[^>]*>([^<]*)<', page(people[login]))
        assert found
        assert found[1] == count
    assert "Cells" not in page(people["rita"])


def test_a_tile_over_a_hidden_field_tells_nothing(people: dict[str, FlaskClient]) -> None:
    text = page(people["rita"])
    assert "You may not see what these figures are made of." in text
    assert people["rita"].get(f"{PAGE}/worth.csv").status_code == 403


@pytest.mark.parametrize("path", ["", "/count.csv", "/count.xlsx", "/count/why"])
def test_who_may_not_open_it_gets_nothing(people: dict[str, FlaskClient], app: Flask, path: str) -> None:
    assert people["nobody"].get(PAGE + path).status_code == 403
    assert people["rita"].get(f"/a/library/d/closed{path}").status_code == 403
    assert app.test_client().get(PAGE + path).status_code == 302
    assert people["lib"].get(f"/a/nowhere/d/desk{path}").status_code in {403, 404}


def test_figures_are_given_as_files(people: dict[str, FlaskClient]) -> None:
    answer = people["lib"].get(f"{PAGE}/months.csv?{PERIOD}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="months.csv"'
    assert answer.get_data().decode("utf-8-sig").splitlines() == ["Month,Loans", "2026-01,2", "2026-02,2", "2026-03,0"]
    book = load_workbook(io.BytesIO(people["rita"].get(f"{PAGE}/subjects.xlsx").get_data())).active
    assert book is not None
    assert [[c.value for c in row] for row in book.iter_rows()] == [["Subject", "Loans"], ["Novel", 1], ["Science", 1]]


def test_the_statement_is_shown_to_those_who_build_the_app(people: dict[str, FlaskClient]) -> None:
    text = page(people["bea"], f"{PAGE}/months/why?{PERIOD}")
    assert "SELECT" in text
    assert people["lib"].get(f"{PAGE}/months/why").status_code == 403


def test_filters_keep_what_was_chosen(people: dict[str, FlaskClient]) -> None:
    text = page(people["lib"], f"{PAGE}?{PERIOD}&subject=science")
    assert re.search(r'name="period.from" value="2026-01-01"', text)
    assert '<option value="science" selected>Science</option>' in text
    assert people["lib"].get(f"{PAGE}?period.from=soon").status_code == 422


def test_a_mark_leads_to_a_list_that_keeps_it(people: dict[str, FlaskClient]) -> None:
    chart = options(page(people["lib"], f"{PAGE}?{PERIOD}"), "months")
    about = chart["dougong"]
    assert isinstance(about, dict)
    address = f"{about['drill']}&{about['keys'][0]}"
    listed = page(people["lib"], address)
    assert "Months · 2026-01" in listed
    assert len(re.findall(r'class="main" href', listed)) == 2
    assert len(re.findall(r'class="main" href', page(people["rita"], address))) == 1
    # Sorting, searching and going on keep the mark.
    assert all("drill=desk.months" in href for href in re.findall(r'hx-get="([^"]*sort=[^"]*)"', listed))
    assert '<input type="hidden" name="k.month" value="2026-01-01">' in listed
    narrowed = page(people["lib"], f"{address}&f=number:is:L1")
    assert len(re.findall(r'class="main" href', narrowed)) == 1


def test_a_mark_of_another_form_or_dashboard_is_no_way_into_a_list(people: dict[str, FlaskClient]) -> None:
    assert people["rita"].get("/a/library/f/loan/?drill=closed.count").status_code == 403
    assert people["lib"].get("/a/library/f/book/?drill=desk.months").status_code == 404
    refused = page(people["lib"], "/a/library/f/loan/?drill=desk.months&k.month=x")
    assert 'role="alert"' in refused
    assert 'class="main" href' not in refused


def test_a_point_is_named_by_the_record_that_it_stands_for(people: dict[str, FlaskClient]) -> None:
    about = options(page(people["lib"]), "books")["dougong"]
    assert isinstance(about, dict)
    assert "Books · Atlas" in page(people["lib"], f"{about['drill']}&{about['keys'][0]}")


def test_every_cell_of_a_pivot_leads_to_as_many_records_as_it_counts(people: dict[str, FlaskClient]) -> None:
    text = page(people["lib"])
    grid = text[text.index('id="tile-grid"') :]
    cells = re.findall(r'<td class="num"><a href="([^"]+)">(\d+)</a></td>', grid)
    # Novel once, science in three months; each with its total, and a line of totals.
    assert [int(count) for _, count in cells] == [1, 1, 1, 2, 1, 4, 1, 2, 2, 5]
    for href, count in cells:
        listed = page(people["lib"], href.replace("&amp;", "&"))
        assert len(re.findall(r'class="main" href', listed)) == int(count)
