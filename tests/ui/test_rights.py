"""Sharing, "what may they see, and why" and looking through somebody's eyes, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from builder.identity import ADMIN, Identity, create_person
from engines.core import SYSTEM

from .conftest import assert_accessible, assert_fits
from .test_journey import PASSWORD, Running, running

__all__ = ["running"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_record_is_shared_and_an_admin_sees_why(
    running: Running, open_page: Callable[..., Page], shots: Path, phone: bool
) -> None:
    locale = "zh-CN" if phone else "en-GB"
    hashed = Identity(running.workspace).passwords.hash(PASSWORD)
    with running.workspace.work(SYSTEM, command="test.people") as work:
        ada = create_person(work, login="ada", name="Ada", password_hash=hashed, roles=(ADMIN,), locale=locale[:2])
        zoe = create_person(work, login="zoe", name="周宁", password_hash=hashed, locale=locale[:2])
    book = running.book(title="红楼梦", price="59", copies=[{"shelf": "A", "count": 2}])
    name = "phone-zh" if phone else "desktop-en"

    def looks(page: Page, what: str) -> None:
        assert_accessible(page)
        assert_fits(page)
        page.screenshot(path=shots / f"rights-{what}-{name}.png", full_page=True)

    lin = open_page(phone=phone, locale=locale)
    running.enter(lin, "lin")
    lin.goto(f"{running.address}/a/library/f/book/{book}")
    lin.locator(".page-actions a[href$='/sharing']").click()
    lin.locator("#with").fill("周")
    lin.get_by_role("option", name="周宁").click()
    lin.locator("#note").fill("请看一下")
    looks(lin, "share")
    lin.locator("form[action$='/sharing'] button.primary").click()
    expect(lin.locator("tbody tr")).to_have_count(1)
    expect(lin.locator("tbody")).to_contain_text("周宁")
    looks(lin, "shared")

    person = open_page(phone=phone, locale=locale)
    running.enter(person, "zoe")
    person.goto(f"{running.address}/a/library/f/book/{book}")
    expect(person.locator("h1")).to_have_text("红楼梦")
    expect(person.locator(".record-note")).to_contain_text("请看一下")
    looks(person, "received")

    admin = open_page(phone=phone, locale=locale)
    running.enter(admin, "ada")
    admin.goto(f"{running.address}/admin/people/{zoe}")
    admin.locator(".page-actions a[href$='/rights']").click()
    looks(admin, "forms")
    admin.locator("a[href$='/rights/library/book']").click()
    admin.locator("#record").fill(f"{running.address}/a/library/f/book/{book}")
    admin.keyboard.press("Enter")
    expect(admin.locator("[role=status] h3")).to_be_visible()
    looks(admin, "why")
    admin.go_back()
    admin.go_back()
    admin.locator("form[action$='/look'] button").click()
    admin.locator("#confirm button.primary").click()
    expect(admin.locator("aside.sandbox")).to_contain_text("周宁")
    admin.goto(f"{running.address}/a/library/f/book/{book}")
    expect(admin.locator("h1")).to_have_text("红楼梦")
    looks(admin, "look")
    admin.locator("aside.sandbox button").click()
    expect(admin.locator("aside.sandbox")).to_have_count(0)
    assert ada
