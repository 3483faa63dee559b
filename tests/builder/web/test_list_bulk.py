"""Fields entered in a list, and many records changed or deleted at once."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask.testing import FlaskClient

from builder.lists import bulk
from builder.lists.bulk import find_run
from builder.lists.bulk_working import run_to_end
from builder.storage.identity_tables import person
from builder.storage.runtime_tables import notification
from engines.core import SYSTEM

from .conftest import csrf
from .tasks import TASKS, Company, company, running, text_of

__all__ = ["company", "running"]


def cell(client: FlaskClient, id: UUID, field: str, value: str, version: int = 1) -> Any:
    data = {"_csrf": csrf(client, f"{TASKS}/"), "_version": str(version), field: value}
    return client.post(f"{TASKS}/{id}/cell/{field}?view=all", data=data)


# -- in the list


def test_a_field_is_entered_where_it_stands(company: Company) -> None:
    id = company.add("Ash", effort=1)
    kim = company.enter("kim")
    page = text_of(kim, "?view=all")
    assert 'data-field="effort"' in page
    form = kim.get(f"{TASKS}/{id}/cell/effort?view=all").get_data(as_text=True)
    assert 'name="effort"' in form
    assert 'value="1' in form
    answer = cell(kim, id, "effort", "4.5")
    assert answer.status_code == 200
    row = answer.get_data(as_text=True)
    assert row.count("<tr") == 1
    assert "4.5" in row
    assert 'data-version="2"' in row
    assert str(company.get(id)["effort"]) == "4.5"


def test_what_does_not_fit_is_said_in_the_cell(company: Company) -> None:
    id = company.add("Ash", starts_on="2026-03-10")
    kim = company.enter("kim")
    refused = cell(kim, id, "effort", "a lot")
    assert refused.status_code == 422
    assert 'value="a lot"' in refused.get_data(as_text=True)
    assert "field-error" in refused.get_data(as_text=True)
    crossed = cell(kim, id, "ends_on", "2026-03-01")
    assert crossed.status_code == 422
    assert "It cannot end before it starts" in crossed.get_data(as_text=True)


def test_a_conflict_is_by_field_and_says_who(company: Company) -> None:
    id = company.add("Ash", effort=1)
    kim = company.enter("kim")
    assert cell(kim, id, "effort", "2").status_code == 200
    assert cell(kim, id, "stage", "done", version=1).status_code == 200, "another field: no conflict"
    clash = cell(kim, id, "effort", "3", version=1)
    assert clash.status_code == 409
    assert "Kim changed this record at" in clash.get_data(as_text=True)
    assert 'value="3"' in clash.get_data(as_text=True)
    assert str(company.get(id)["effort"]) == "2.0"


def test_who_may_not_edit_enters_nothing(company: Company) -> None:
    id = company.add("Ash", urgent=True)
    vic = company.enter("vic")
    assert "data-field=" not in text_of(vic, "?view=all")
    assert "row-check" not in text_of(vic, "?view=all")
    assert vic.get(f"{TASKS}/{id}/cell/effort").status_code == 403
    assert cell(vic, id, "effort", "3").status_code == 403
    assert cell(company.enter("out"), id, "effort", "3").status_code == 404
    assert company.enter("kim").get(f"{TASKS}/{id}/cell/picture").status_code == 403, "files want a page"


# -- many at once


def chosen(client: FlaskClient, kind: str, ids: list[UUID] | None = None, query: str = "?view=all") -> str:
    """The address of a run over records, or over all that a list holds."""
    data = {"_csrf": csrf(client, f"{TASKS}/"), "kind": kind}
    data |= {"id": [str(id) for id in ids]} if ids is not None else {"all": "on"}
    answer = client.post(f"{TASKS}/bulk{query}", data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def act(client: FlaskClient, run: str, what: str, **fields: str) -> str:
    answer = client.post(f"{run}/{what}", data={"_csrf": csrf(client, f"{TASKS}/"), **fields}, follow_redirects=True)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def facts(page: str) -> dict[str, str]:
    return {label: number for label, number in re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page)}


def test_many_are_changed_after_a_preview_and_taken_back(company: Company) -> None:
    ids = [company.add(f"Task {n}", stage="idea", starts_on="2026-03-10" if n == 2 else None) for n in range(4)]
    kim = company.enter("kim")
    run = chosen(kim, "edit", ids)
    page = act(kim, run, "try", field="ends_on", ends_on="2026-03-05")
    assert facts(page) == {"would be changed": "3", "refused": "1"}
    assert "It cannot end before it starts" in page
    assert "It starts no process or task and tells nobody." in page
    assert all(company.get(id)["ends_on"] is None for id in ids), "a preview changes nothing"
    page = act(kim, run, "start")
    assert facts(page) == {"changed": "3", "refused": "1"}
    assert [company.get(id)["ends_on"] is not None for id in ids] == [True, True, False, True]
    with company.workspace.work(SYSTEM, command="test.meanwhile") as work:
        work.records.update("gallery.task", ids[0], {"note": "Changed since"})
    page = act(kim, run, "undo")
    assert facts(page)["taken back"] == "2"
    assert facts(page)["kept, changed since"] == "1"
    assert [company.get(id)["ends_on"] is not None for id in ids] == [True, False, False, False]


def test_all_that_a_list_holds_is_deleted_and_comes_back(company: Company) -> None:
    ids = [company.add(f"Task {n}", stage="done" if n % 2 else "idea") for n in range(6)]
    kim = company.enter("kim")
    run = chosen(kim, "delete", query="?view=all&f=stage:is:done")
    page = text_of(kim, run.removeprefix(f"{TASKS}/"))
    assert facts(page) == {"would be deleted": "3"}
    assert facts(act(kim, run, "start")) == {"deleted": "3"}
    assert re.findall(r"Task \d", text_of(kim, "?view=all&sort=name&cols=name"))[::2] != []
    shown = set(re.findall(r">(Task \d)<", text_of(kim, "?view=all")))
    assert shown == {"Task 0", "Task 2", "Task 4"}
    assert facts(act(kim, run, "undo"))["taken back"] == "3"
    assert len(set(re.findall(r">(Task \d)<", text_of(kim, "?view=all")))) == len(ids)


def test_a_run_goes_on_as_a_job_and_portion_by_portion(company: Company) -> None:
    with company.workspace.work(SYSTEM, command="test.many") as work:
        work.records.create_many(
            "gallery.task", [{"name": f"T{n}", "stage": "idea"} for n in range(60)], operation="import"
        )
    kim = company.enter("kim")
    run = chosen(kim, "edit")
    page = act(kim, run, "try", field="stage", stage="doing")
    assert "0 of 60" in page, "so many are done by a job"
    id = UUID(run.rpartition("/")[2])
    assert run_to_end(company.workspace, id).state == "tried"
    act(kim, run, "start")
    done = run_to_end(company.workspace, id)
    assert (done.state, dict(done.counts)) == ("done", {"changed": 60})
    with company.workspace.read(SYSTEM) as work:
        assert find_run(work.connection, id) == done


def test_what_it_would_start_is_counted_and_can_be_left_out(company: Company) -> None:
    with company.workspace.read(SYSTEM) as work:
        me = work.connection.execute(sa.select(person.c.id).where(person.c.login == "vic")).scalar_one()
    ids = [company.add(f"Task {n}", assignee=str(me)) for n in range(3)]
    kim = company.enter("kim")
    run = chosen(kim, "edit", ids)
    page = act(kim, run, "try", field="stage", stage="review")
    assert "It would start or send: notices and messages: 3." in page
    assert notices(company, me) == 0
    page = act(kim, run, "try", field="stage", stage="review", silent="on")
    assert "It starts no process or task and tells nobody." in page
    act(kim, run, "start")
    assert [company.get(id)["stage"] for id in ids] == ["review"] * 3
    assert notices(company, me) == 0
    loud = chosen(kim, "edit", [company.add("Loud", assignee=str(me))])
    act(kim, loud, "try", field="stage", stage="review")
    assert "Started or sent: notices and messages: 1." in act(kim, loud, "start")
    assert notices(company, me) == 1


def notices(company: Company, who: UUID) -> int:
    with company.workspace.read(SYSTEM) as work:
        query = sa.select(sa.func.count()).where(notification.c.person == who)
        return int(work.connection.execute(query).scalar_one())


def test_a_run_is_ones_own_and_rights_hold_throughout(company: Company) -> None:
    id = company.add("Ash", urgent=True)
    kim, vic, out = company.enter("kim"), company.enter("vic"), company.enter("out")
    token = csrf(vic, f"{TASKS}/")
    for client, status in ((vic, 403), (out, 404)):
        answer = client.post(f"{TASKS}/bulk", data={"_csrf": csrf(client, "/"), "kind": "edit", "id": str(id)})
        assert answer.status_code == status
    run = chosen(kim, "edit", [id])
    assert vic.get(run).status_code == 404
    assert vic.post(f"{run}/start", data={"_csrf": token}).status_code == 404
    assert vic.get(f"{run}/control?field=stage").status_code == 404
    assert act(kim, run, "start").count("This has gone on meanwhile.") == 1, "nothing is done untried"
    page = act(kim, run, "try", field="no_such_field")
    assert "Choose a field to change." in page
    assert 'name="effort"' in kim.get(f"{run}/control?field=effort").get_data(as_text=True)
    assert kim.get(f"{run}/control?field=picture").get_data(as_text=True) == ""


def test_too_many_or_none_are_refused(company: Company, monkeypatch: Any) -> None:
    company.add("Ash")
    company.add("Elm")
    kim = company.enter("kim")
    monkeypatch.setattr(bulk, "MOST", 1)
    answer = kim.post(f"{TASKS}/bulk?view=all", data={"_csrf": csrf(kim, f"{TASKS}/"), "kind": "edit", "all": "on"})
    assert answer.headers["Location"].startswith(f"{TASKS}/?view=all")
    assert "more than 1 records" in kim.get(f"{TASKS}/").get_data(as_text=True)
    kim.post(f"{TASKS}/bulk", data={"_csrf": csrf(kim, f"{TASKS}/"), "kind": "edit"})
    assert "No records are chosen." in kim.get(f"{TASKS}/").get_data(as_text=True)
