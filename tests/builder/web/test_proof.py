"""Why and why not for records, drafts tried on data, and test cases beside the text that is typed."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from builder.definitions import source_of
from builder.releases import install as install_app
from builder.workspace import Workspace
from engines.core import SYSTEM

from . import gallery
from .conftest import csrf
from .test_records import BOOKS, add, text_of

Enter = Callable[..., FlaskClient]
RULES = """
rule dear {zh: "贵书", en: "Dear book"}
  owned by "Front desk"
  when book is saved
  if price > 500 and state = "new"
  then
    add tag "dear"
end
rule thick {zh: "厚书", en: "Thick book"}
  when book.pages rises above 300
  then
    add tag "thick"
end
rule wanted {zh: "热门书", en: "Wanted book"}
  when book is updated
  if count(loans) >= 2
  then
    add tag "wanted"
end
"""
CASES = "case,price,state,-> fires\ncheap,10,new,-\ndear,600,new,dear\n"
RIGHT, WRONG = '"passed": true', '"passed": false'


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """The small app with rules, their cases, and loans that rules may see."""
    texts = {path: json.dumps(data, ensure_ascii=False) for path, data in gallery.DOCUMENTS.items()}
    loan = json.loads(texts["loan.form.json"])
    loan["permissions"].append({"role": "app", "operations": ["see"]})
    files = {**texts, "loan.form.json": json.dumps(loan), "shelf.rules": RULES, "shelf.cases.csv": CASES}
    install_app(workspace, source_of(files), SYSTEM)
    return workspace


def words(page: str) -> str:
    """The text of a page's main part, blanks folded."""
    main = re.sub(r"(?s)^.*<main", "<main", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main))).replace("CN¥", "¥")


def article(page: str, name: str) -> str:
    """What one rule or decision says."""
    found = re.search(rf'(?s)<article class="card asked" id="{name}">.*?</article>', page)
    assert found is not None, name
    return words("<main>" + found[0])


def change(workspace: Workspace, id: str, **values: Any) -> None:
    from uuid import UUID

    with workspace.work(SYSTEM, command="test.change") as work:
        work.records.update("library.book", UUID(id), values)


def test_a_record_says_why_each_rule_and_decision_came_out_as_it_did(enter: Enter, library: Workspace) -> None:
    client = enter("lin", "librarian")
    book = add(library, title="论语", price=80, pages=200, state="new")
    record = text_of(client, f"{BOOKS}/{book}")
    assert f"{BOOKS}/{book}/why" in record
    page = text_of(client, f"{BOOKS}/{book}/why")
    dear = article(page, "rule-dear")
    assert "As the record is now, its condition does not hold." in dear
    assert "price > 500" in dear
    assert "Price ¥80.00 → would have to be ¥501.00" in dear
    assert "Owner: Front desk" in dear
    assert "release 1" in dear
    level = article(page, "decision-level")
    assert "Level: B" in level
    assert "The smallest change that would give A : Price ¥80.00 → would have to be ¥100.00" in level
    wanted = article(page, "rule-wanted")
    assert "count(loans) 0 → would have to be 2" in wanted


def test_it_is_asked_about_each_change_of_the_past(enter: Enter, library: Workspace) -> None:
    client = enter("lin", "librarian")
    book = add(library, title="史记", price=600, pages=200, state="new")
    change(library, book, price=90)
    change(library, book, pages=400)
    page = text_of(client, f"{BOOKS}/{book}/why")
    moments = re.findall(r'<option value="([^"]+)">([^<]*)', page)
    assert [("created" in said, "Pages" in said, "Price" in said) for _at, said in moments if said][-1] == (
        True,
        False,
        False,
    )
    first, pages = moments[-1][0], next(at for at, said in moments if "Pages" in said)
    then = text_of(client, f"{BOOKS}/{book}/why?at={first}")
    assert "It fires at this change." in article(then, "rule-dear")
    assert re.search(r"Fired .* under release 1\.", article(then, "rule-dear"))
    assert "This change is not what it waits for." in article(then, "rule-wanted")
    later = text_of(client, f"{BOOKS}/{book}/why?at={pages}")
    assert "It fires at this change." in article(later, "rule-thick")
    assert "Its condition does not hold." in article(later, "rule-dear")


def test_nobody_learns_there_what_they_may_not_see(enter: Enter, library: Workspace) -> None:
    book = add(library, title="秘", price=80, pages=200, state="new")
    add(library, "loan", book=book, reader="A")
    reader = enter("rui", "reader")
    page = text_of(reader, f"{BOOKS}/{book}/why")
    dear = article(page, "rule-dear")
    assert "It reads values that you may not see." in dear
    assert "500" not in dear.replace("price > 500", "").replace("500 and", "")
    assert "80" not in dear
    assert 'id="decision-level"' not in page
    # Loans are not for readers: neither is how many there are.
    assert "It reads values that you may not see." in article(page, "rule-wanted")
    # Pages are theirs to see.
    assert "It reads values" not in article(page, "rule-thick")
    assert enter("nobody").get(f"{BOOKS}/{book}/why").status_code == 404
    missing = "0190a1b2-0000-7000-8000-000000000000"
    assert reader.get(f"{BOOKS}/{missing}/why").status_code == 404


PROOF = "/studio/library/proof"


def keep(client: FlaskClient, key: str, text: str) -> None:
    answer = client.post(f"/studio/library/text/{key}", data={"_csrf": csrf(client, "/"), "text": text})
    assert answer.status_code == 302, answer.get_data(as_text=True)


def test_a_draft_rule_is_tried_on_the_past_and_on_a_record(enter: Enter, library: Workspace) -> None:
    client = enter("bo", "builder", "librarian")
    cheap = add(library, title="便宜", price=300, state="new")
    add(library, title="昂贵", price=700, state="new")
    keep(client, "rules:shelf", RULES.replace("price > 500", "price > 200"))
    back = text_of(client, f"{PROOF}/rules:shelf?of=dear&from=2020-01-01&to=2020-01-02")
    assert "Nothing to list" in back
    with library.read(SYSTEM) as work:
        today = work.instant.astimezone(work.zone).date()
    page = text_of(client, f"{PROOF}/rules:shelf?of=dear&from={today}&to={today}")
    said = words(page)
    assert "The draft fires 2" in said
    assert "In force fires 1" in said
    assert "便宜 only the draft fires" in said
    assert "昂贵 both fire" in said
    of_record = text_of(client, f"{PROOF}/rules:shelf?of=dear&record={cheap}")
    assert "its condition holds" in article(of_record, "rule-dear")
    assert "draft" in article(of_record, "rule-dear")
    assert "便宜" in text_of(client, f"{PROOF}/rules:shelf?of=dear&q=便宜")
    refused = text_of(client, f"{PROOF}/rules:shelf?of=dear&from=2001-01-01&to={today}")
    assert "Take a stretch of at most 400 days." in refused


def test_a_draft_decision_is_held_against_the_one_in_force(enter: Enter, library: Workspace) -> None:
    client = enter("bo", "builder", "librarian")
    book = add(library, title="中", price=150, state="new")
    data = json.loads(json.dumps(gallery.LEVEL))
    data["decisions"][0]["table"]["rules"][0]["when"] = [">= 200"]
    keep(client, "decision:level", json.dumps(data))
    with library.read(SYSTEM) as work:
        today = work.instant.astimezone(work.zone).date()
    page = text_of(client, f"{PROOF}/decision:level?from={today}&to={today}&record={book}")
    assert "中 a → b" in words(page)
    assert "Price ¥150.00 → would have to be ¥200.00" in article(page, "decision-level")


def test_only_builders_try_drafts_and_see_only_their_own_records(enter: Enter, library: Workspace) -> None:
    book = add(library, title="见", price=700, state="new")
    assert enter("lin", "librarian").get(f"{PROOF}/rules:shelf").status_code == 404
    alone = enter("bo", "builder")
    page = text_of(alone, f"{PROOF}/rules:shelf?of=dear&record={book}&from=2020-01-01&to=2020-02-01&q=见")
    assert "You may not see records of this form." in page
    assert "见" not in words(page)
    reader = enter("both", "builder", "reader")
    seen = article(text_of(reader, f"{PROOF}/rules:shelf?of=dear&record={book}"), "rule-dear")
    assert "It reads values that you may not see." in seen
    assert alone.get(f"{PROOF}/form:book").status_code == 404
    assert alone.get(f"{PROOF}/rules:nothing").status_code == 404


def checked(client: FlaskClient, key: str, text: str) -> Any:
    address = f"/studio/library/text/{key}/check"
    answer = client.post(
        address, data=text.encode(), headers={"X-CSRF-Token": csrf(client, "/"), "Content-Type": "text/plain"}
    )
    assert answer.status_code == 200
    return answer.get_json()


def test_cases_run_on_the_text_that_is_being_typed(enter: Enter, library: Workspace) -> None:
    client = enter("bo", "builder")
    page = text_of(client, "/studio/library/text/rules:shelf")
    assert len(re.findall(r'<li class="passed">', page)) == 2
    good = checked(client, "rules:shelf", RULES)["cases"]
    assert [(one["name"], one["passed"]) for one in good] == [("cheap", True), ("dear", True)]
    bad = checked(client, "rules:shelf", RULES.replace("price > 500", "price > 700"))["cases"]
    assert bad[1] == {"name": "dear", "passed": False, "found": "fires: -", "expected": "fires: dear"}
    broken = checked(client, "rules:shelf", "rule x wen")
    assert broken["problems"]
    own = checked(client, "case_table:shelf", CASES.replace("cheap,10,new,-", "cheap,10,new,dear"))["cases"]
    assert [one["passed"] for one in own] == [False, True]
    # Files without rules or decisions have none.
    assert checked(client, "roles:library", "{}")["cases"] == []


def test_the_editor_of_decisions_shows_their_cases(enter: Enter, library: Workspace) -> None:
    client = enter("bo", "builder")
    data = {**gallery.LEVEL, "tests": [{"name": "at the limit", "inputs": {"price": "100"}, "expect": '"b"'}]}
    keep(client, "decision:level", json.dumps(data))
    page = words(text_of(client, "/studio/library/decision/level"))
    assert "failed at the limit expected b · found a" in page
