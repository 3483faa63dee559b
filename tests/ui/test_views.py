"""Views in a browser: cards and bars moved by mouse and by keyboard, a cell entered by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from engines.core import SYSTEM

from .conftest import assert_accessible, assert_fits
from .test_gallery import Running, running

__all__ = ["running"]
pytestmark = pytest.mark.browser
TASK = "gallery.task"


def add(running: Running, **values: object) -> UUID:
    with running.workspace.work(SYSTEM, command="test.add") as work:
        return UUID(str(work.records.create(TASK, values).record.id))


def value(running: Running, id: UUID, field: str) -> object:
    with running.workspace.read(SYSTEM) as work:
        record = work.records.get(TASK, id)
        assert record
        return record[field]


def test_cards_bars_and_cells_are_moved_by_mouse_and_by_keyboard(
    running: Running, open_page: Callable[..., Page]
) -> None:
    id = add(running, name="Paint", stage="idea", starts_on="2026-03-10", ends_on="2026-03-12", effort=1)
    page = open_page(locale="en-US")
    running.enter(page, "task/?view=board", login="ann")
    doing, review = page.locator('[data-column="doing"]'), page.locator('[data-column="review"]')
    page.locator(".view-card").drag_to(doing.locator("[data-cards]"))
    expect(doing.locator("[data-count]")).to_have_text("1")
    assert value(running, id, "stage") == "doing"
    doing.get_by_role("link", name="Paint").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(review.locator("[data-count]")).to_have_text("1")
    review.get_by_role("button", name="Move: Paint").click()
    page.get_by_role("menuitem", name="Done").click()
    expect(page.locator('[data-column="done"] [data-count]')).to_have_text("1")
    assert value(running, id, "stage") == "done"
    assert_accessible(page)
    assert_fits(page)
    running.go(page, "task/?view=days&on=2026-03-01")
    page.locator('[data-day="2026-03-10"]').get_by_role("link", name="Paint").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator('[data-day="2026-03-17"] .cal-entry')).to_have_count(1)
    running.go(page, "task/?view=plan&zoom=day")
    page.locator(".gantt-bar").focus()
    page.keyboard.press("Alt+Shift+ArrowRight")
    expect(page.locator(".gantt-names small")).to_contain_text("20 Mar 2026")
    running.go(page, "task/?view=all")
    page.locator('td[data-field="effort"]').focus()
    page.keyboard.press("Enter")
    page.locator('.cell-form input[name="effort"]').fill("7.5")
    page.keyboard.press("Enter")
    expect(page.locator('td[data-field="effort"]')).to_have_text("7.5")
    expect(page.locator('td[data-field="effort"]')).to_be_focused()
