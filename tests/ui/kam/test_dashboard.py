"""Step 6: the sales director reads the value dashboard, filters it, goes down to the list and on to the account."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from engines.form import ListQuery
from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
DASHBOARD = "/a/kam/d/customer_value"


def figure(page: Page, tile: str) -> str:
    return page.inner_text(f"#tile-{tile} .figure-value")


@pytest.mark.parametrize(("language", "phone"), [("zh", False), ("en", True)])
def test_the_figures_lead_to_the_list_and_on_to_the_account(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, phone: bool
) -> None:
    """K-162, K-163, K-164, K-166."""
    page = open_page(phone=phone, locale=LANGUAGES[language])
    page.emulate_media(reduced_motion="reduce")
    company.enter(page, "wang_wei", DASHBOARD)
    for tile in ("matrix", "tiers", "monthly", "concentration"):
        page.wait_for_selector(f"#tile-{tile} svg")
    accounts = company.all("account")
    assert figure(page, "account_total") == str(len(accounts))
    points = page.locator("#tile-matrix details.chart-table tbody tr")
    assert points.count() == len(accounts)
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"dashboard-{language}.png", full_page=True)

    page.select_option("select[name=tier]", "A")
    page.wait_for_url("**tier=A**")
    page.wait_for_selector("#tile-tiers svg")
    stars = [a for a in accounts if a["tier"] == "A" and a["quadrant"] == "star"]
    assert figure(page, "account_total") == str(sum(1 for a in accounts if a["tier"] == "A"))
    row = page.locator("#tile-quadrants tbody tr").first
    assert row.locator("td").nth(1).inner_text() == str(len(stars))
    file = page.context.request.get(
        company.address + str(page.locator("#tile-quadrants a[href*='.csv']").get_attribute("href"))
    )
    lines = list(csv.reader(io.StringIO(file.body().decode("utf-8-sig"))))
    assert lines[1][1] == str(len(stars))

    row.locator("a").click()
    page.wait_for_selector("tbody a.main")
    assert f" {len(stars)} " in f" {page.inner_text('.pager')} "
    assert {"zh": "等级: A级", "en": "Tier: A tier"}[language] in page.inner_text(".chips")
    assert_accessible(page)
    page.screenshot(path=shots / f"dashboard-list-{language}.png", full_page=True)
    name = page.locator("tbody a.main").first.inner_text()
    page.locator("tbody a.main").first.click()
    page.wait_for_selector(f"h1:has-text('{name}')")


def test_a_mark_of_a_chart_is_clicked_and_rights_hold_all_the_way(
    company: Company, open_page: Callable[..., Page]
) -> None:
    page = open_page(locale=LANGUAGES["zh"])
    page.emulate_media(reduced_motion="reduce")
    company.enter(page, "li_na", DASHBOARD)
    page.wait_for_selector("#tile-tiers svg")
    with company.workspace.read(company.who("li_na")) as work:
        own = [record.values for record in work.records.page("kam.account", ListQuery(limit=200)).records]
    assert 0 < len(own) < 120
    assert figure(page, "account_total") == str(len(own))
    page.locator("#tile-tiers .chart").scroll_into_view_if_needed()
    box = page.locator("#tile-tiers .chart").bounding_box()
    assert box is not None
    # Into the ring, at its bottom.
    page.mouse.click(
        box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + min(box["width"], box["height"]) * 0.29
    )
    page.wait_for_url("**drill=customer_value.tiers**")
    page.wait_for_selector("tbody a.main")
    names = {str(a["name"]) for a in own}
    assert set(page.locator("tbody a.main").all_inner_texts()) <= names
    (other,) = company.all("account", 'code = "A0002"')
    assert other["name"] not in names
    answer = page.context.request.get(f"{company.address}/a/kam/f/account/{other['id']}")
    assert answer.status == 404
