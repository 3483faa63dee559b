"""What rules ask, in a browser: a confirmation while saving."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from builder.definitions import source_of
from builder.releases import install as install_app
from builder.runtime.install import install as install_runtime
from builder.storage import open_database
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.web import gallery
from tests.builder.web.conftest import PASSWORD, add_person, close_setup
from tests.builder.web.test_rules import RULES

from .conftest import assert_accessible, assert_fits


@pytest.fixture
def library(tmp_path: Path, serve: Callable[..., str]) -> Iterator[tuple[str, Workspace]]:
    """The small app of the pages' tests with rules that ask, and its address."""
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
    files = {**texts, "loan.form.json": json.dumps(loan), "asking.rules": RULES}
    install_app(workspace, source_of(files), SYSTEM)
    app = create_app(workspace)
    add_person(app, workspace, "lin", roles=("library.librarian", "library.head"), name="林雅")
    close_setup(workspace)
    yield serve(app, settings), workspace
    workspace.close()


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", "lin")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready]")


@pytest.mark.browser
@pytest.mark.parametrize(("phone", "locale"), [(False, "zh-CN"), (True, "en-US")])
def test_a_rule_asks_before_a_record_is_saved(
    library: tuple[str, Workspace], open_page: Callable[..., Page], shots: Path, phone: bool, locale: str
) -> None:
    address, _workspace = library
    page = open_page(phone=phone, locale=locale)
    sign_in(page, address)
    page.goto(f"{address}/a/library/f/book/new")
    page.fill('[name="title"]', "论语")
    page.fill('[name="price"]', "800")
    page.click('button[name="_do"][value="save"]')
    page.wait_for_selector(".note.warn")
    assert page.input_value('[name="title"]') == "论语"
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"rules-confirm-{'phone' if phone else 'desktop'}.png", full_page=True)
    page.click('button[name="_do"][value="save"]')
    page.wait_for_selector("h1:has-text('论语')")
