"""Dashboards under the rights of who reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from builder.definitions import check
from builder.reports import DashboardReader, drill_query, drilled, may_open
from builder.workspace import Workspace
from engines.core import AccessDenied, InputError, Principal
from engines.form import ListQuery
from engines.report import TileResult
from tests.builder.platform.apps import LIBRARIAN
from tests.builder.reports.library import READER, STRANGER, fill, library_with_dashboards

N = Decimal


def ask(
    workspace: Workspace, principal: Principal, tile: str, given: Mapping[str, Sequence[str]] | None = None
) -> TileResult:
    with workspace.read(principal) as work:
        reader = DashboardReader(work, work.apps["library"], "desk")
        return reader.answer(reader.tile(tile), reader.parameters(given or {}))


def by(result: TileResult, dimension: str, measure: str) -> dict[Any, Any]:
    return {row[dimension]: row[measure] for row in result.rows}


def test_the_example_is_sound() -> None:
    assert [d.render() for d in check(library_with_dashboards())] == []


def test_each_person_counts_the_rows_that_they_may_see(workspace: Workspace) -> None:
    fill(workspace)
    assert by(ask(workspace, LIBRARIAN, "subjects"), "subject", "loans") == {"novel": N(1), "science": N(4)}
    assert by(ask(workspace, READER, "subjects"), "subject", "loans") == {"novel": N(1), "science": N(1)}
    assert ask(workspace, READER, "count").rows[0]["loans"] == N(2)
    titles = by(ask(workspace, LIBRARIAN, "books"), "book.title", "fees")
    assert titles == {"Atlas": N("1.75"), "Blue": N(0), "Cells": N("6.00")}


def test_what_a_field_hides_cannot_be_added_up(workspace: Workspace) -> None:
    fill(workspace)
    assert by(ask(workspace, LIBRARIAN, "worth"), "subject", "worth") == {"novel": N(10), "science": N(100)}
    with pytest.raises(AccessDenied):
        ask(workspace, READER, "worth")


def test_a_dashboard_opens_for_its_roles_alone(workspace: Workspace) -> None:
    fill(workspace)
    app = workspace.apps["library"]
    assert [may_open(app, "closed", p) for p in (LIBRARIAN, READER, STRANGER)] == [True, False, False]
    assert [may_open(app, "desk", p) for p in (LIBRARIAN, READER, STRANGER)] == [True, True, False]
    assert not may_open(app, "nowhere", LIBRARIAN)
    with workspace.read(STRANGER) as work, pytest.raises(AccessDenied):
        DashboardReader(work, work.apps["library"], "desk")


def test_filters_offer_what_the_reader_may_see(workspace: Workspace) -> None:
    fill(workspace)
    for principal, books in ((LIBRARIAN, ["Atlas", "Blue", "Cells"]), (READER, ["Atlas", "Blue"])):
        with workspace.read(principal) as work:
            reader = DashboardReader(work, work.apps["library"], "desk")
            _period, subject, book = reader.dashboard.definition.filters
            assert reader.choices(subject, "en") == [("novel", "Novel"), ("science", "Science")]
            assert [label for _, label in reader.choices(book, "en")] == books


def test_a_mark_opens_the_list_of_its_records_with_rights_and_filters_kept(workspace: Workspace) -> None:
    fill(workspace)
    given = {"period.from": ["2026-01-01"], "period.to": [""], "subject": ["science"]}
    for principal, numbers in ((LIBRARIAN, ["L1", "L2"]), (READER, ["L1"])):
        with workspace.read(principal) as work:
            app = work.apps["library"]
            reader = DashboardReader(work, app, "desk")
            tile, parameters = reader.tile("months"), reader.parameters(given)
            january = next(row for row in reader.answer(tile, parameters).rows if row["month"].month == 1)
            pairs: dict[str, list[str]] = {}
            for name, value in drill_query(reader, tile, {"month": january["month"]}, parameters):
                pairs.setdefault(name, []).append(value)
            found = drilled(work, app, pairs, "en")
            assert found is not None
            assert found.title == "Months · 2026-01 · Subject: Science"
            query = ListQuery(filter=found.drill.filter, columns=("number",))
            page = work.records.page("library.loan", query)
            assert sorted(record.values["number"] for record in page.records) == numbers
            assert january["loans"] == len(numbers)


def test_every_mark_of_every_tile_leads_to_as_many_records_as_it_counts(workspace: Workspace) -> None:
    fill(workspace)
    with workspace.read(LIBRARIAN) as work:
        app = work.apps["library"]
        reader = DashboardReader(work, app, "desk")
        for tile in reader.dashboard.tiles.values():
            if all(m.name != "loans" for m in tile.measures):
                continue
            names = [d.name for d in tile.dimensions]
            for row in reader.answer(tile, {}).rows:
                pairs: dict[str, list[str]] = {}
                for name, value in drill_query(reader, tile, {n: row[n] for n in names}, {}):
                    pairs.setdefault(name, []).append(value)
                found = drilled(work, app, pairs, "en")
                assert found is not None
                page = work.records.page("library.loan", ListQuery(filter=found.drill.filter or None, limit=100))
                assert len(page.records) == row["loans"], found


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"drill": ["closed.count"]}, AccessDenied),
        ({"drill": ["desk.nothing"]}, AccessDenied),
        ({"drill": ["nowhere"]}, AccessDenied),
        ({"drill": ["desk.months"], "k.month": ["soon"]}, InputError),
        ({"drill": ["desk.books"], "k.book": ['1" or true']}, InputError),
    ],
)
def test_an_address_cannot_lead_further_than_its_dashboard(
    workspace: Workspace, given: Mapping[str, Sequence[str]], error: type[Exception]
) -> None:
    fill(workspace)
    with workspace.read(READER) as work:
        assert drilled(work, work.apps["library"], {}, "en") is None
        with pytest.raises(error):
            drilled(work, work.apps["library"], given, "en")
