"""Views of every kind: what each shows, to whom, and what moving a card does."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from engines.core import SYSTEM

from .conftest import csrf
from .tasks import TASKS, Company, company, running, text_of

__all__ = ["company", "running"]


def column(page: str, key: str) -> str:
    found = re.search(rf'<section class="board-column[^>]*data-column="{key}".*?</section>', page, re.S)
    assert found, key
    return found[0]


def move(client: FlaskClient, id: UUID, view: str, **fields: Any) -> Any:
    token = csrf(client, f"{TASKS}/")
    return client.post(f"{TASKS}/{id}/place?view={view}", data={"_csrf": token, **fields})


# -- board


def test_a_board_has_a_column_for_each_option_with_counts_and_sums(company: Company) -> None:
    company.add("Paint", stage="doing", effort=2, budget=100)
    company.add("Saw", stage="doing", effort="1.5")
    company.add("Nobody knows", stage=None)
    page = text_of(company.enter("kim"), "?view=board")
    doing = column(page, "doing")
    assert "Paint" in doing
    assert "Saw" in doing
    assert '<span class="count" data-count>2</span>' in doing
    assert "Effort 3.5" in doing
    assert "¥100.00" in doing
    assert "Nobody knows" in column(page, "")
    assert re.findall(r'data-column="(\w*)"', page) == ["idea", "doing", "review", "done", ""]


def test_a_column_is_read_page_by_page(company: Company) -> None:
    for number in range(23):
        company.add(f"Task {number:02}", stage="idea", ends_on=f"2026-03-{number + 1:02}")
    kim = company.enter("kim")
    idea = column(text_of(kim, "?view=board"), "idea")
    assert idea.count("data-card=") == 20
    more = re.search(r'hx-get="([^"]*/section[^"]*)"', idea)
    assert more
    rest = kim.get(more[1].replace("&amp;", "&")).get_data(as_text=True)
    assert re.findall(r">(Task \d\d)<", rest) == ["Task 20", "Task 21", "Task 22"]


def test_moving_a_card_changes_the_field_and_tells_the_new_figures(company: Company) -> None:
    id = company.add("Paint", stage="idea", effort=2)
    answer = move(company.enter("kim"), id, "board", into="done", version=1)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.json["columns"]["done"] == {"count": "1", "sums": ["Effort 2.0"]}
    assert answer.json["columns"]["idea"]["count"] == "0"
    assert company.get(id)["stage"] == "done"
    assert answer.json["version"] == company.get(id)["version"]


def test_a_card_that_somebody_moved_meanwhile_is_a_conflict_that_says_who(company: Company) -> None:
    id = company.add("Paint", stage="idea")
    assert move(company.enter("kim"), id, "board", into="doing", version=1).status_code == 200
    answer = move(company.enter("kim"), id, "board", into="done", version=1)
    assert answer.status_code == 409
    assert "Kim changed this record at" in answer.json["error"]
    assert company.get(id)["stage"] == "doing"


def test_who_may_not_edit_moves_nothing(company: Company) -> None:
    id = company.add("Paint", stage="idea", urgent=True)
    page = text_of(company.enter("vic"), "?view=board")
    assert "Paint" in page
    assert "data-movable" not in page
    assert move(company.enter("vic"), id, "board", into="done", version=1).status_code == 403
    assert move(company.enter("out"), id, "board", into="done", version=1).status_code == 404
    assert company.get(id)["stage"] == "idea"


def test_an_unknown_column_and_a_view_of_another_kind_are_refused(company: Company) -> None:
    id = company.add("Paint")
    kim = company.enter("kim")
    assert move(kim, id, "board", into="nowhere", version=1).status_code == 422
    assert move(kim, id, "all", into="done", version=1).status_code == 400
    assert kim.get(f"{TASKS}/section?view=all&in=idea").status_code == 404


def test_a_board_shows_counts_and_sums_only_of_what_may_be_seen(company: Company) -> None:
    company.add("Open", stage="doing", effort=1, budget=5, urgent=True)
    company.add("Secret", stage="doing", effort=10, budget=7)
    page = text_of(company.enter("vic"), "?view=board")
    doing = column(page, "doing")
    assert "Secret" not in page
    assert '<span class="count" data-count>1</span>' in doing
    assert "Effort 1.0" in doing
    assert "Budget" not in page


# -- calendar and Gantt chart


def test_a_calendar_shows_entries_on_all_their_days(company: Company) -> None:
    company.add("Trip", starts_on="2026-03-30", ends_on="2026-04-02")
    page = text_of(company.enter("kim"), "?view=days&on=2026-04-15")
    days = re.findall(r'data-day="([\d-]+)"[^>]*>(.*?)</section>', page, re.S)
    assert [day for day, inner in days if "Trip" in inner] == [f"2026-0{d}" for d in ("3-30", "3-31", "4-01", "4-02")]
    week = text_of(company.enter("kim"), "?view=days&span=week&on=2026-04-01")
    assert len(re.findall(r"data-day=", week)) == 7
    assert "Trip" not in text_of(company.enter("kim"), "?view=days&span=day&on=2026-04-03")


def test_instants_stand_on_the_day_of_the_workspace(company: Company) -> None:
    company.add("Late call", meets_at="2026-03-04T23:30:00+08:00")
    company.add("Early call", meets_at="2026-03-05T00:10:00+08:00")
    page = text_of(company.enter("kim"), "?view=meetings&span=day&on=2026-03-04")
    assert "Late call" in page
    assert "23:30" in page
    assert "Early call" not in page


def test_moving_an_entry_moves_both_ends_and_keeps_the_time_of_day(company: Company) -> None:
    trip = company.add("Trip", starts_on="2026-03-30", ends_on="2026-04-02")
    call = company.add("Call", meets_at="2026-03-04T23:30:00+08:00")
    kim = company.enter("kim")
    assert move(kim, trip, "days", days=3, version=1).status_code == 200
    assert (company.get(trip)["starts_on"], company.get(trip)["ends_on"]) == (date(2026, 4, 2), date(2026, 4, 5))
    assert move(kim, call, "meetings", days=-1, version=1).status_code == 200
    assert company.get(call)["meets_at"].isoformat() == "2026-03-03T15:30:00+00:00"


def test_a_move_that_a_constraint_forbids_is_told_and_changes_nothing(company: Company) -> None:
    trip = company.add("Trip", starts_on="2026-03-10", ends_on="2026-03-12")
    answer = move(company.enter("kim"), trip, "plan", end_days=-5, version=1)
    assert answer.status_code == 422
    assert answer.json["error"] == "It cannot end before it starts"
    assert company.get(trip)["ends_on"] == date(2026, 3, 12)
    assert move(company.enter("vic"), trip, "plan", days=1, version=1).status_code in {403, 404}


def test_a_gantt_chart_draws_bars_arrows_and_what_is_overdue(company: Company) -> None:
    first = company.add("Design", starts_on="2026-01-05", ends_on="2026-01-10", stage="done")
    company.add("Build", starts_on="2026-01-12", ends_on="2026-01-20", after=str(first))
    company.add("Someday")
    page = text_of(company.enter("kim"), "?view=plan")
    assert page.count('class="gantt-bar') == 2
    assert page.count('class="gantt-arrow"') == 1
    assert re.search(r'class="gantt-bar[^"]*overdue"[^>]*aria-label="Build[^"]*overdue"', page)
    assert re.search(r'class="gantt-bar[^"]*done"[^>]*aria-label="Design[^"]*finished"', page)
    assert "No dates yet" in page


# -- tree, organisation chart, graph, gallery


def test_a_tree_is_read_level_by_level(company: Company) -> None:
    top = company.add("House")
    roof = company.add("Roof", part_of=str(top))
    company.add("Tile", part_of=str(roof))
    kim = company.enter("kim")
    page = text_of(kim, "?view=parts")
    assert "House" in page
    assert "Roof" not in page
    branch = re.search(r'data-branch="([^"]+)"', page)
    assert branch
    below = kim.get(branch[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "Roof" in below
    assert "Tile" not in below
    assert "Tile" in text_of(kim, "?view=parts&q=Tile")


def test_what_is_below_a_hidden_record_stands_at_the_top(company: Company) -> None:
    hidden = company.add("Hidden")
    company.add("Shown", part_of=str(hidden), urgent=True)
    page = text_of(company.enter("vic"), "?view=parts")
    assert "Shown" in page
    assert "Hidden" not in page
    assert company.enter("out").get(f"{TASKS}/branch?view=parts").status_code == 404


def test_an_organisation_chart_nests_and_survives_a_circle(company: Company) -> None:
    boss = company.add("Boss")
    lead = company.add("Lead", part_of=str(boss))
    company.add("Hand", part_of=str(lead))
    with company.workspace.work(SYSTEM, command="test.circle") as work:
        work.records.update("gallery.task", boss, {"part_of": str(lead)})
    page = text_of(company.enter("kim"), "?view=chart")
    assert page.count('class="org-card') == 3
    assert page.index("Boss") < page.index("Lead") < page.index("Hand")


def test_a_graph_draws_references_as_far_as_they_may_be_seen(company: Company) -> None:
    hidden = company.add("Hidden")
    first = company.add("First", urgent=True, after=str(hidden))
    company.add("Second", urgent=True, after=str(first), helps=[str(first)])
    seen = text_of(company.enter("vic"), "?view=relations")
    assert "Hidden" not in seen
    assert "2 records, 2 relations" in seen
    assert "3 records, 3 relations" in text_of(company.enter("kim"), "?view=relations")


def test_a_gallery_is_searched_and_filtered_like_a_list(company: Company) -> None:
    company.add("Vase", stage="idea")
    company.add("Bowl", stage="done")
    page = text_of(company.enter("kim"), "?view=pictures&f=stage:is:done")
    assert "Bowl" in page
    assert "Vase" not in page


@pytest.mark.parametrize("view", ["board", "days", "plan", "parts", "chart", "relations", "pictures"])
def test_every_kind_is_closed_to_who_has_no_right_and_says_when_it_is_empty(company: Company, view: str) -> None:
    assert company.enter("out").get(f"{TASKS}/?view={view}").status_code == 404
    assert company.app.test_client().get(f"{TASKS}/?view={view}").status_code == 302
    page = text_of(company.enter("kim"), f"?view={view}")
    assert "Internal" not in page
