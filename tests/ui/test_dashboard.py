"""A dashboard in a browser: charts under the strict policy, filters, tables beside charts, on a phone too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from builder.storage import open_database
from builder.storage.identity_tables import person
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from tests.builder.reports.library import fill
from tests.builder.web.conftest import PASSWORD, add_person

from .conftest import assert_accessible, assert_fits


@pytest.fixture
def address(tmp_path: Path, serve: Callable[..., str]) -> Iterator[str]:
    """A served workspace with the library and a librarian "lib"."""
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path, port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    with database.write() as connection:
        connection.execute(sa.update(workspace_table).values(setup_hash=""))
    database.close()
    workspace = Workspace.open(settings)
    app = create_app(workspace)
    add_person(app, workspace, "lib", roles=("library.librarian", "library.builder"))
    fill(workspace)
    with workspace.database.write() as connection:
        connection.execute(sa.update(person).values(locale=""))
    yield serve(app, settings)
    workspace.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("phone", "locale", "dark"), [(False, "zh-CN", False), (False, "en-US", True), (True, "zh-CN", False)]
)
def test_a_dashboard_is_read_filtered_and_drilled(
    address: str, open_page: Callable[..., Page], shots: Path, phone: bool, locale: str, dark: bool
) -> None:
    page = open_page(phone=phone, locale=locale, dark=dark)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/login?next=/a/library/d/desk")
    page.fill("#login", "lib")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#tile-months svg")
    page.wait_for_selector("#tile-books svg")
    name = f"dashboard-{'phone' if phone else 'desktop'}-{locale[:2]}"
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert_accessible(page)
    assert_fits(page)
    assert page.locator("#tile-subjects details.chart-table td").count() >= 2
    page.fill("input[name='period.from']", "2026-01-01")
    page.dispatch_event("input[name='period.from']", "change")
    page.wait_for_url("**period.from=2026-01-01**")
    page.wait_for_selector("#tile-months svg")
    assert page.inner_text("#tile-count .figure-value") == "4"
    page.locator("#tile-subjects details.chart-table summary").click()
    assert page.locator("#tile-subjects details.chart-table").get_attribute("open") is not None


@pytest.mark.browser
def test_a_tile_is_added_dragged_and_kept_in_the_draft(
    address: str, open_page: Callable[..., Page], shots: Path
) -> None:
    page = open_page(locale="zh-CN")
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/login?next=/studio/library/dashboard/desk")
    page.fill("#login", "lib")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("[gs-id=months] svg")
    page.select_option("select[name=type]", "pie")
    page.fill("input[name=label]", "新图块")
    with page.expect_response("**/act"):
        page.click("form[aria-label] button.primary")
    page.wait_for_selector("[gs-id=tile_1] .chart svg")
    page.wait_for_selector("form.panel")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / "dashboard-designer.png", full_page=True)
    handle = page.locator("[gs-id=count] .card-head").bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + handle["width"] - 60, handle["y"] + 20)
    page.mouse.down()
    page.mouse.move(handle["x"] + handle["width"] - 60, handle["y"] + 120, steps=8)
    with page.expect_response("**/act") as answer:
        page.mouse.move(handle["x"] + handle["width"] - 60, handle["y"] + 220, steps=8)
        page.mouse.up()
    assert answer.value.status == 200
    page.reload()
    page.wait_for_selector("[gs-id=months] svg")
    assert page.locator("[gs-id=count]").get_attribute("gs-y") != "0"
