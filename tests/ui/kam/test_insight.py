"""The business admin looks into a process that has run, and tries what a change would bring."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser


def _answered(company: Company, minutes: int) -> None:
    """An urgent ticket of a strategic account, claimed and solved after some minutes each."""
    account = company.all("account", 'tier = "S"')[0]["id"]
    company.create("li_na", "ticket", title="Stopped line", account=account, urgency="urgent")
    for node, outcome, values in (("claim", "claim", {}), ("solve", "solved", {"solution": "Restarted"})):
        company.advance(minutes=minutes)
        with company.workspace.work(company.who("he_ping"), command="test.complete") as work:
            task = next(item.id for item in work.service("inbox").page().items if item.node == node)
            work.service("processes").complete(task, outcome, values=values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_admin_sees_where_the_time_goes_and_simulates(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    for minutes in (5, 10, 25):
        _answered(company, minutes)
    page = open_page(locale=LANGUAGES[language])
    company.enter(page, "lin_tao", "/studio/kam/process/rapid_response/insight")
    kept = page.locator("#attainment")
    assert kept.locator("table").count() == 4
    assert {"zh": "认领工单", "en": "Claim the ticket"}[language] in kept.inner_text()
    assert "100" in kept.locator("dd").first.inner_text() or "83" in kept.locator("dd").first.inner_text()
    assert page.locator(".process .heat-3, .process .heat-4, .process .heat-5").count() >= 1
    page.locator("#sim-cases").fill("50")
    page.get_by_role("button", name={"zh": "模拟", "en": "Simulate"}[language]).click()
    page.wait_for_selector("#simulation table")
    assert "50 / 50" in page.locator("#simulation").inner_text()
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"insight-{language}.png", full_page=True)

    company.open(page, "/studio/kam/process/rapid_response/instances?state=ended")
    instance = page.locator("a[href*='/instance/']").first.get_attribute("href")
    company.open(page, f"{instance}/replay?step=1")
    told = page.locator("#replay [role=status]")
    for key, number in (
        ("ArrowRight", "2"),
        ("ArrowRight", "3"),
        ("ArrowLeft", "2"),
        ("End", r"(\d+)\D+\1"),
        ("Home", "1"),
    ):
        page.keyboard.press(key)
        expect(told).to_have_text(re.compile(rf"\D+{number}(\D.*)?$"))
        # What was swapped in answers once it has settled.
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-added, .htmx-settling")).to_have_count(0)
        page.wait_for_timeout(100)
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"replay-{language}.png", full_page=True)
