"""Filters within filters, groups with subtotals, views that people save and share."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from builder.identity import create_department, set_departments
from builder.storage.identity_tables import person
from engines.core import SYSTEM

from .conftest import csrf
from .tasks import TASKS, Company, company, running, text_of

__all__ = ["company", "running"]


def found(client: FlaskClient, where: Any, **more: str) -> list[str]:
    """Names of the tasks that a filter leaves, in order."""
    page = text_of(client, "?" + urlencode({"where": json.dumps(where), **more}))
    return re.findall(r'<a class="main" href="[^"]+">([^<]+)</a>', page)


def id_of(company: Company, login: str) -> UUID:
    with company.workspace.read(SYSTEM) as work:
        return UUID(str(work.connection.execute(sa.select(person.c.id).where(person.c.login == login)).scalar_one()))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({"all": [["stage", "is", "idea"]]}, ["Ash", "Beech"]),
        ({"any": [["stage", "is", "done"], ["effort", "from", "8"]]}, ["Beech", "Cedar"]),
        ({"all": [["stage", "is", "idea"], {"any": [["effort", "to", "2"], ["name", "starts", "X"]]}]}, ["Ash"]),
        ({"all": [{"any": [["stage", "is", "idea"], ["stage", "is", "done"]]}, ["effort", "from", "5"]]}, ["Beech"]),
        ({"all": [["stage", "any", "idea,done"]]}, ["Ash", "Beech", "Cedar"]),
        ({"all": [["words", "has", "oak"]]}, ["Cedar"]),
        ({"all": [["stage", "empty", ""]]}, ["Dogwood"]),
        ({"all": [["stage", "no_such_operator", "x"], ["stage", "is", "done"]]}, ["Cedar"]),
    ],
)  # fmt: skip
def test_conditions_within_each_other(company: Company, where: Any, names: list[str]) -> None:
    company.add("Ash", stage="idea", effort=1)
    company.add("Beech", stage="idea", effort=9)
    company.add("Cedar", stage="done", effort=3, words=["oak"])
    company.add("Dogwood", stage=None)
    assert found(company.enter("kim"), where) == names


def test_relative_dates_follow_the_day(company: Company) -> None:
    today = company.workspace.clock.now().astimezone(company.workspace.clock.zone()).date()
    for name, days in (("Gone", -40), ("Lately", -3), ("Now", 0), ("Soon", 3), ("Far", 400)):
        company.add(name, starts_on=(today + timedelta(days=days)).isoformat())
    kim = company.enter("kim")
    assert found(kim, {"all": [["starts_on", "last", "7"]]}) == ["Lately"]
    assert found(kim, {"all": [["starts_on", "next", "7"]]}) == ["Soon"]
    assert found(kim, {"all": [["starts_on", "within", "today"]]}) == ["Now"]
    assert found(kim, {"all": [["starts_on", "within", "next_year"]]}) in ([], ["Far"])
    assert found(kim, {"all": [["created_at", "within", "today"], ["name", "is", "Now"]]}) == ["Now"]
    assert found(kim, {"all": [["created_at", "is", today.isoformat()], ["name", "is", "Now"]]}) == ["Now"]


def test_next_periods_begin_where_this_one_ends() -> None:
    from engines.form.records.conditions import period_days

    day = date(2026, 12, 30)
    assert period_days("next_month", day) == (date(2027, 1, 1), date(2027, 2, 1))
    assert period_days("next_week", day) == (date(2027, 1, 4), date(2027, 1, 11))
    assert period_days("next_quarter", day) == (date(2027, 1, 1), date(2027, 4, 1))
    assert period_days("next_year", day) == (date(2027, 1, 1), date(2028, 1, 1))


def test_me_and_my_department_and_below(company: Company) -> None:
    with company.workspace.work(SYSTEM, command="test.departments") as work:
        top = create_department(work, code=f"t{work.command_id.hex[:6]}", name={"en": "Works"})
        below = create_department(work, code=f"b{work.command_id.hex[:6]}", name={"en": "Paint shop"}, parent=top)
        other = create_department(work, code=f"o{work.command_id.hex[:6]}", name={"en": "Office"})
    kim, me = company.enter("kim"), id_of(company, "kim")
    company.add("Mine", assignee=str(me), team=str(below))
    company.add("Theirs", assignee=str(id_of(company, "vic")), team=str(other))
    assert found(kim, {"all": [["assignee", "me", ""]]}) == ["Mine"]
    assert found(kim, {"all": [["assignee", "is", str(me)]]}) == ["Mine"]
    join(company, me, top)
    assert found(kim, {"all": [["team", "below", ""]]}) == ["Mine"]
    assert found(kim, {"all": [["team", "mine", ""]]}) == []
    assert found(kim, {"all": [["team", "is", str(other)]]}) == ["Theirs"]


def join(company: Company, who: UUID, department: UUID) -> None:
    with company.workspace.work(SYSTEM, command="test.join") as work:
        set_departments(work, who, [department])


def test_a_filter_by_what_may_not_be_read_finds_nothing_out(company: Company) -> None:
    company.add("Open", urgent=True, budget=5)
    vic = company.enter("vic")
    assert found(vic, {"all": [["budget", "from", "1"]]}) == ["Open"], "the condition is left out, not applied"
    assert "Budget" not in text_of(vic, "")
    assert vic.get(f"{TASKS}/filter/budget?q=").status_code == 404
    assert company.enter("out").get(f"{TASKS}/filter/assignee?q=").status_code == 404
    assert company.enter("kim").get(f"{TASKS}/filter/assignee?q=Ki").json["items"][0]["label"] == "Kim"


@pytest.mark.parametrize(
    "where", ["{", "[]", '{"all":"x"}', '{"all":[[1,2,3]]}', '{"all":' * 900 + "1" + "}" * 900, "{" * 9000]
)
def test_a_broken_filter_is_no_filter(company: Company, where: str) -> None:
    company.add("Ash")
    assert "Ash" in text_of(company.enter("kim"), "?" + urlencode({"where": where}))


def test_a_value_that_does_not_fit_is_told(company: Company) -> None:
    page = text_of(company.enter("kim"), "?" + urlencode({"where": '{"all":[["effort","is","many"]]}'}))
    assert "One of the conditions has a value that does not fit." in page


# -- groups


def test_groups_have_counts_and_subtotals_and_are_read_page_by_page(company: Company) -> None:
    for number in range(12):
        company.add(f"Task {number:02}", stage="idea", effort=1)
    company.add("Last", stage="done", effort="2.5")
    kim = company.enter("kim")
    page = text_of(kim, "?view=all&group=stage")
    groups = re.findall(r'<details class="row-group".*?</details>', page, re.S)
    assert len(groups) == 2
    assert "Idea" in groups[0]
    assert '<span class="count">12</span>' in groups[0]
    assert re.search(r"Effort</span> 12\.0", groups[0])
    assert re.search(r"Effort</span> 2\.5", groups[1])
    assert groups[0].count('class="main"') == 10
    more = re.search(r'hx-get="([^"]+/section[^"]+)"', groups[0])
    assert more
    rest = kim.get(more[1].replace("&amp;", "&")).get_data(as_text=True)
    assert re.findall(r">(Task \d\d)<", rest) == ["Task 10", "Task 11"]


def test_groups_count_only_what_may_be_seen(company: Company) -> None:
    company.add("Open", stage="idea", effort=1, urgent=True)
    company.add("Secret", stage="done", effort=5)
    page = text_of(company.enter("vic"), "?view=all&group=stage")
    assert page.count('<details class="row-group"') == 1
    assert "Secret" not in page
    assert company.enter("out").get(f"{TASKS}/section?view=all&group=stage&in=idea").status_code == 404
    assert "row-group" not in text_of(company.enter("vic"), "?view=all&group=budget")


# -- saved views


def save(client: FlaskClient, name: str, query: str, path: str = "views", **more: Any) -> Any:
    data = {"_csrf": csrf(client, f"{TASKS}/"), "name": name, "query": query, "roles_shown": "1", **more}
    return client.post(f"{TASKS}/{path}", data=data)


def tabs(client: FlaskClient) -> list[str]:
    nav = re.search(r'<nav class="tabs".*?</nav>', text_of(client, ""), re.S)
    assert nav
    return [re.sub(r"<[^>]+>", "", item).strip() for item in re.findall(r"<a .*?</a>", nav[0], re.S)]


def test_a_list_is_saved_opened_changed_and_removed(company: Company) -> None:
    company.add("Ash", stage="idea")
    company.add("Cedar", stage="done")
    kim = company.enter("kim")
    where = urlencode({"view": "all", "where": '{"any":[["stage","is","done"]]}', "sort": "-name", "cols": "name"})
    made = save(kim, "Finished ones", f"?{where}")
    assert made.status_code == 302
    opened = kim.get(made.headers["Location"])
    assert opened.status_code == 302
    page = kim.get(opened.headers["Location"]).get_data(as_text=True)
    assert "Cedar" in page
    assert "Ash" not in page
    assert "Finished ones" in tabs(kim)
    id = re.search(r"saved=([0-9a-f-]+)", made.headers["Location"])
    assert id
    assert save(kim, "Ideas", "?view=all&f=stage:is:idea", f"views/{id[1]}").status_code == 302
    page = kim.get(f"{TASKS}/?saved={id[1]}", follow_redirects=True).get_data(as_text=True)
    assert "Ash" in page
    assert "Cedar" not in page
    assert "Ideas" in tabs(kim)
    kim.post(f"{TASKS}/views/{id[1]}/remove", data={"_csrf": csrf(kim, f"{TASKS}/")})
    assert "Ideas" not in tabs(kim)
    assert kim.get(f"{TASKS}/?saved={id[1]}").status_code == 404


def test_a_view_is_ones_own_until_it_is_shared_and_gives_no_rights(company: Company) -> None:
    company.add("Open", urgent=True)
    company.add("Secret")
    kim, vic = company.enter("kim"), company.enter("vic")
    made = save(kim, "Everything", "?view=all")
    id = made.headers["Location"].partition("saved=")[2]
    assert "Everything" not in tabs(vic)
    assert vic.get(f"{TASKS}/?saved={id}").status_code == 404
    assert save(kim, "Everything", "?view=all", f"views/{id}", roles="gallery.viewer").status_code == 302
    assert "Everything" in tabs(vic)
    page = vic.get(f"{TASKS}/?saved={id}", follow_redirects=True).get_data(as_text=True)
    assert "Open" in page
    assert "Secret" not in page
    assert save(vic, "Mine now", "?view=all", f"views/{id}").status_code == 403
    assert vic.post(f"{TASKS}/views/{id}/remove", data={"_csrf": csrf(vic, f"{TASKS}/")}).status_code == 403
    assert save(vic, "For all", "?view=all", roles="gallery.keeper").status_code == 403
    assert save(vic, "Just mine", "?view=all").status_code == 302
    out = company.enter("out")
    token = csrf(out, "/")
    assert out.post(f"{TASKS}/views", data={"_csrf": token, "name": "x", "query": ""}).status_code == 404


def test_a_name_and_a_role_must_fit(company: Company) -> None:
    kim = company.enter("kim")
    before = tabs(kim)
    for name, roles in ((" ", ""), ("x" * 81, ""), ("Fine", "gallery.nobody")):
        save(kim, name, "?view=all", **({"roles": roles} if roles else {}))
    assert tabs(kim) == before
