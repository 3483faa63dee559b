"""The way in, in a browser: set up, sign in, home."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from builder.storage import open_database
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise

from .conftest import assert_accessible, assert_fits

PASSWORD = "correct-horse-battery"


@pytest.fixture
def fresh(tmp_path: Path, serve: Callable[..., str]) -> Iterator[tuple[str, str]]:
    """Address and set-up token of a new workspace."""
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path, port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    token = initialise(database, settings) or ""
    database.close()
    workspace = Workspace.open(settings)
    yield serve(create_app(workspace), settings), token
    workspace.close()


@pytest.mark.browser
@pytest.mark.parametrize(("phone", "locale"), [(False, "zh-CN"), (True, "en-US")])
def test_from_set_up_to_home(
    fresh: tuple[str, str], open_page: Callable[..., Page], shots: Path, phone: bool, locale: str
) -> None:
    address, token = fresh
    page = open_page(phone=phone, locale=locale)
    name = f"{'phone' if phone else 'desktop'}-{locale[:2]}"
    page.goto(f"{address}/?")
    assert page.url.endswith("/setup")
    assert_accessible(page)
    page.screenshot(path=shots / f"setup-{name}.png")
    for field, value in [("token", token), ("name", "林雅"), ("login", "lin"), ("password", PASSWORD)]:
        page.fill(f"#{field}", value)
    page.click("form.stack-lg button")
    page.wait_for_url("**/login")
    page.fill("#login", "lin")
    page.fill("#password", PASSWORD)
    assert_accessible(page)
    page.screenshot(path=shots / f"login-{name}.png")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('林雅')")
    page.wait_for_selector("html[data-ready]")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"home-{name}.png")
    if phone:
        page.click(".menu-button")
        page.wait_for_selector(".sidebar.open")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.className").find("menu-button") >= 0


@pytest.mark.browser
def test_the_dark_look_is_accessible_too(fresh: tuple[str, str], open_page: Callable[..., Page]) -> None:
    address, _token = fresh
    page = open_page(dark=True)
    page.goto(f"{address}/setup")
    assert_accessible(page)
