"""What people do all day, in a browser: lists, forms, approvals on the phone, public forms, the designers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from builder.identity import Identity, create_person
from builder.releases import install
from builder.runtime.install import install as install_runtime
from builder.storage import open_database
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.web.gallery import library

from .conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser
PASSWORD = "correct-horse-battery"
PEOPLE = {"lin": ("librarian",), "hua": ("head", "librarian"), "bo": ("builder", "librarian")}


@dataclass
class Running:
    """A served workspace."""

    address: str
    workspace: Workspace

    def enter(self, page: Page, login: str) -> None:
        """Signs in."""
        page.goto(f"{self.address}/login")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".shell")

    def book(self, **values: object) -> UUID:
        """A new book."""
        with self.workspace.work(SYSTEM, command="test.book") as work:
            found: UUID = work.records.create("library.book", values).record.id
            return found


@pytest.fixture
def running(tmp_path: Path, serve: Callable[..., str]) -> Iterator[Running]:
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path, port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    if "inbox" not in workspace.services:
        install_runtime(workspace)
    install(workspace, library(), SYSTEM)
    hashed = Identity(workspace).passwords.hash(PASSWORD)
    with workspace.work(SYSTEM, command="test.people") as work:
        work.connection.execute(sa.update(workspace_table).values(setup_hash=""))
        for login, roles in PEOPLE.items():
            create_person(
                work, login=login, name=login.title(), password_hash=hashed, roles=[f"library.{r}" for r in roles]
            )
    yield Running(serve(create_app(workspace), settings), workspace)
    workspace.close()


def test_a_record_is_entered_with_instant_help_and_found_again(
    running: Running, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    running.enter(page, "lin")
    page.goto(f"{running.address}/a/library/f/book/new")
    page.wait_for_selector("html[data-ready]")
    assert_accessible(page)
    signed_by = page.locator('[data-field="signed_by"]')
    assert signed_by.is_hidden()
    page.check("#f-signed")
    signed_by.wait_for(state="visible")
    page.click("[data-row-add]")
    page.fill("#f-copies-0-shelf", "A1")
    page.fill("#f-copies-0-count", "2")
    page.click("[data-row-add]")
    page.fill("#f-copies-1-shelf", "B2")
    page.fill("#f-copies-1-count", "3")
    expect(page.locator("[data-computed=total]")).to_have_text(re.compile(r"^5"))
    page.fill("#f-price", "zehn")
    page.keyboard.press("Control+s")
    page.wait_for_selector("#f-price-error")
    assert page.input_value("#f-copies-1-shelf") == "B2"
    assert page.evaluate("document.activeElement.id") == "f-title"
    assert_accessible(page)
    page.fill("#f-title", "红楼梦")
    page.fill("#f-price", "10")
    page.click("button[value=save]")
    page.wait_for_selector("h1:has-text('红楼梦')")
    assert_accessible(page)
    page.goto(f"{running.address}/a/library/f/book/")
    page.wait_for_selector("html[data-ready]")
    page.fill("#list-search", "hlm")
    page.wait_for_selector("tbody a.main:has-text('红楼梦')")
    assert_accessible(page)


def test_a_picker_is_used_by_keyboard_alone(running: Running, open_page: Callable[..., Page]) -> None:
    running.book(title="水浒传")
    page = open_page()
    running.enter(page, "lin")
    page.goto(f"{running.address}/a/library/f/loan/new")
    page.wait_for_selector("html[data-ready]")
    page.focus("#f-book")
    page.keyboard.type("水浒")
    page.wait_for_selector("[role=option]:has-text('水浒传')")
    page.keyboard.press("Enter")
    page.fill("#f-reader", "Zhang")
    page.keyboard.press("Enter")
    page.wait_for_selector("dd a:has-text('水浒传'), h1:has-text('Zhang')")


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_task_is_decided_on_the_phone(
    running: Running, open_page: Callable[..., Page], shots: Path, locale: str
) -> None:
    book = running.book(title="论语", price="9")
    with running.workspace.work(SYSTEM, command="test.start") as work:
        work.service("processes").start("library.review", subject=("library.book", book))
    page = open_page(phone=True, locale=locale)
    running.enter(page, "hua")
    page.goto(f"{running.address}/inbox/")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"inbox-phone-{locale[:2]}.png")
    page.click("a.task")
    page.wait_for_selector("html[data-ready]")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"task-phone-{locale[:2]}.png")
    page.click("[name=_outcome][value=reject]")
    page.wait_for_selector("#comment-error")
    page.fill("#comment", "太贵")
    page.click("[name=_outcome][value=reject]")
    page.wait_for_url("**/inbox/")
    assert page.locator("a.task").count() == 0


def test_a_visitor_answers_on_the_phone(running: Running, open_page: Callable[..., Page]) -> None:
    page = open_page()
    running.enter(page, "lin")
    page.goto(f"{running.address}/a/library/f/wish/")
    page.click("[data-link]")
    link = page.input_value("#address")
    visitor = open_page(phone=True)
    visitor.goto(link)
    assert_accessible(visitor)
    assert_fits(visitor)
    visitor.fill("#f-what", "诗集")
    visitor.locator(".scale label").nth(9).click()
    visitor.click("button.primary")
    visitor.wait_for_selector("h1")
    assert "谢谢" in visitor.content()
    page.goto(f"{running.address}/a/library/f/wish/")
    assert page.locator("tbody a.main:has-text('诗集')").count() == 1


def test_the_builder_adds_a_field_by_dragging_publishes_and_rolls_back(
    running: Running, open_page: Callable[..., Page]
) -> None:
    book = running.book(title="旧书", price="1")
    page = open_page()
    running.enter(page, "bo")
    page.goto(f"{running.address}/studio/library/form/book")
    page.wait_for_selector("html[data-ready]")
    page.wait_for_selector(".palette-group[data-mounted]")
    assert_accessible(page)
    page.drag_and_drop('[data-item="type:text"]', ".canvas-items >> nth=0", target_position={"x": 40, "y": 30})
    page.wait_for_selector(".canvas-item:has-text('单行文本')")
    page.wait_for_selector("#p-name")
    page.fill("#p-label-zh", "馆藏印章")
    page.keyboard.press("Tab")
    page.wait_for_selector(".canvas-item.selected:has-text('馆藏印章')")
    page.wait_for_selector("#draft-bar .c-amber")
    page.goto(f"{running.address}/studio/library/publish")
    assert_accessible(page)
    page.fill("#note", "加一个字段")
    page.click("form.card button.primary")
    page.wait_for_selector("td:has-text('加一个字段')")
    assert_accessible(page)
    page.goto(f"{running.address}/a/library/f/book/{book}/edit")
    assert page.locator("text=馆藏印章").count() == 1
    assert page.input_value("#f-title") == "旧书"
    page.goto(f"{running.address}/studio/library/releases")
    page.wait_for_selector("html[data-ready]")
    page.click("tbody tr:last-child button")
    page.click("#confirm button[value=yes]")
    page.wait_for_selector(".toast")
    page.goto(f"{running.address}/a/library/f/book/{book}/edit")
    assert page.locator("text=馆藏印章").count() == 0


def test_a_threshold_is_changed_in_the_grid_and_says_what_is_wrong(
    running: Running, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    running.enter(page, "bo")
    page.goto(f"{running.address}/studio/library/decision/level")
    page.wait_for_selector("html[data-ready]")
    assert_accessible(page)
    cell = "#c-level-dear-inputs0"
    page.fill(cell, ">= abc")
    page.keyboard.press("Tab")
    page.wait_for_selector(f"{cell}-error")
    assert_accessible(page)
    page.fill(cell, ">= 200")
    page.keyboard.press("Tab")
    page.wait_for_selector(f"{cell}-error", state="detached")
    page.wait_for_selector("#draft-bar .c-amber")
