"""Why and why not, a draft tried on data, and cases that run while one types, in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from builder.definitions import source_of
from builder.releases import install as install_app
from builder.runtime.install import install as install_runtime
from builder.storage import open_database
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.web import gallery
from tests.builder.web.conftest import add_person, close_setup
from tests.builder.web.test_proof import CASES, RULES
from tests.builder.web.test_records import add

from .conftest import assert_accessible, assert_fits
from .test_rules import sign_in


@pytest.fixture
def library(tmp_path: Path, serve: Callable[..., str]) -> Iterator[tuple[str, Workspace]]:
    """The small app with rules and their cases, and its address."""
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path, port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    install_runtime(workspace)
    texts = {path: json.dumps(data, ensure_ascii=False) for path, data in gallery.DOCUMENTS.items()}
    loan = json.loads(texts["loan.form.json"])
    loan["permissions"].append({"role": "app", "operations": ["see"]})
    files = {**texts, "loan.form.json": json.dumps(loan), "shelf.rules": RULES, "shelf.cases.csv": CASES}
    install_app(workspace, source_of(files), SYSTEM)
    app = create_app(workspace)
    add_person(app, workspace, "lin", roles=("library.librarian", "library.builder"), name="林雅")
    close_setup(workspace)
    yield serve(app, settings), workspace
    workspace.close()


@pytest.mark.browser
@pytest.mark.parametrize(("phone", "locale"), [(False, "zh-CN"), (True, "en-US")])
def test_a_person_asks_why_and_tries_a_draft(
    library: tuple[str, Workspace], open_page: Callable[..., Page], shots: Path, phone: bool, locale: str
) -> None:
    address, workspace = library
    book = add(workspace, title="论语", price=80, pages=200, state="new")
    add(workspace, title="史记", price=700, pages=200, state="new")
    page = open_page(phone=phone, locale=locale)
    sign_in(page, address)
    way = "phone" if phone else "desktop"

    page.goto(f"{address}/a/library/f/book/{book}")
    page.locator(f"a[href$='{book}/why']").first.click()
    expect(page.locator("#rule-dear .flip")).to_contain_text("501")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"why-not-{way}.png", full_page=True)

    page.goto(f"{address}/studio/library/text/rules:shelf")
    expect(page.locator("#cases li.passed")).to_have_count(2)
    page.locator(".cm-line").get_by_text("500", exact=True).dblclick()
    page.keyboard.type("900")
    expect(page.locator("#cases li.failed")).to_contain_text("dear")
    assert_accessible(page)
    page.screenshot(path=shots / f"cases-{way}.png", full_page=True)
    page.locator("form[data-guard] button.primary").click()
    page.wait_for_selector("html[data-ready]")

    page.goto(f"{address}/studio/library/proof/rules:shelf?of=dear")
    page.locator(".proof-form .primary").click()
    expect(page.locator("#figures")).to_be_visible()
    expect(page.locator(".lost")).to_have_count(1)
    page.locator("tbody .why").first.click()
    expect(page.locator("#rule-dear")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"proof-{way}.png", full_page=True)

    page.goto(f"{address}/studio/library/proof/decision:level?record={book}")
    expect(page.locator("#decision-level .flip")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"proof-decision-{way}.png", full_page=True)
