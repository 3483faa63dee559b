"""Step 2: an order lifts an account over a tier boundary; the review is decided on the phone; all of it stays told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
REVIEWERS = ("wang_wei", "hu_yan", "he_ping")
WORDS = {
    "zh": {
        "running": "流程“客户等级评审”进行中",
        "quadrant": "价值象限：稳定贡献 → 战略核心",
        "proposed": "建议等级：— → S级",
        "rule": "规则“采购额变化时建议等级”已触发",
        "changed": "客户等级：A级 → S级",
        "reason": "采购额达到 S 级门槛",
        "told": "青岛博睿食品有限公司 已调整为 S 级",
        "refused": "青岛博睿食品有限公司 的等级调整未通过",
        "kept": "客户等级：A级 → S级",
        "plan": "青岛博睿食品有限公司 · S",
        "row": "第 1 行 · 达到 S 级门槛",
        "review": "销售评审",
    },
    "en": {
        "running": "Process “Tier review” is running",
        "quadrant": "Quadrant: Steady contributor → Strategic core",
        "proposed": "Proposed tier: — → S tier",
        "rule": "Rule “Volume proposes a tier” fired",
        "changed": "Tier: A tier → S tier",
        "reason": "Volume reaches the S threshold",
        "told": "青岛博睿食品有限公司 is now tier S",
        "refused": "The tier change of 青岛博睿食品有限公司 was refused",
        "kept": "Tier: A tier → S tier",
        "plan": "青岛博睿食品有限公司 · S",
        "row": "Row 1 · Reaches the S threshold",
        "review": "Sales review",
    },
}


def enter_order(company: Company, page: Page, number: str) -> None:
    """Types an order of thirty robot arms, which brings the account to five million a year."""
    page.fill("#f-number", number)
    page.fill("#f-lines-0-product", "六轴")
    page.locator("[role=option]", has_text="六轴机械臂").click()
    page.fill("#f-lines-0-quantity", "30")
    page.fill("#f-lines-0-price", "128000")
    expect(page.locator("[data-computed=amount]")).to_contain_text("3,840,000.00")


def decide(company: Company, page: Page, login: str, outcome: str, comment: str, shot: Path) -> None:
    """Finds the review in the inbox and decides it."""
    company.enter(page, login, "/inbox/")
    assert_accessible(page)
    assert_fits(page)
    page.locator("a.task", has_text="青岛博睿").click()
    page.wait_for_selector("html[data-ready] [name=_outcome]")
    page.screenshot(path=shot, full_page=True)
    assert_accessible(page)
    assert_fits(page)
    page.fill("#comment", comment)
    page.locator(f"[name=_outcome][value={outcome}]").click()
    page.wait_for_url("**/inbox/")
    expect(page.locator("a.task", has_text="青岛博睿")).to_have_count(0)


@pytest.mark.parametrize(("language", "outcome"), [("zh", "approve"), ("en", "reject")])
def test_an_order_lifts_an_account_and_reviewers_decide_on_the_phone(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, outcome: str
) -> None:
    """K-001, K-007 to K-012, K-019, K-030."""
    words, account = WORDS[language], company.find("account", 'code = "A0025"')
    page = open_page(locale=LANGUAGES[language])
    company.enter(page, "li_na", f"/a/kam/f/order/new?account={account}")
    assert_accessible(page)
    enter_order(company, page, "SO202699001")
    page.screenshot(path=shots / f"order-{language}.png", full_page=True)
    page.click("button[value=save]")
    expect(page.locator("h1")).to_have_text("SO202699001")
    assert_accessible(page)
    seen = company.see("account", account)
    assert (str(seen["annual_volume"]), seen["tier"], seen["proposed_tier"]) == ("5100882.160", "A", "S")
    assert (seen["quadrant"], seen["rfm_level"], seen["order_count"]) == ("star", "strategic", 22)
    page.locator("dd a", has_text="青岛博睿").click()
    expect(page.locator(".record-note")).to_contain_text(words["running"])
    for part in (words["quadrant"], words["proposed"], words["rule"]):
        expect(page.locator(".timeline")).to_contain_text(part)

    company.advance(hours=1)
    phone = open_page(phone=True, locale=LANGUAGES[language])
    for number, login in enumerate(REVIEWERS):
        assert company.see("account", account)["tier"] == "A"
        choice = outcome if number == 1 else "approve"
        decide(
            company, phone, login, choice, "账期过长" if choice == "reject" else "", shots / f"review-{language}.png"
        )

    agreed = outcome == "approve"
    seen = company.see("account", account)
    assert (seen["tier"], seen["proposed_tier"]) == ("S" if agreed else "A", None)
    assert [plan["tier"] for plan in company.all("service_plan")] == (["S"] if agreed else [])
    company.open(page, f"/a/kam/f/account/{account}")
    timeline = page.locator(".timeline")
    expect(timeline).to_contain_text(words["review"])
    assert (words["changed"] in timeline.inner_text()) is agreed
    if agreed:
        expect(page.locator("main")).to_contain_text(words["plan"])
        page.locator('a.why[href$="/why/tier"]').click()
        for part in (words["row"], "王伟", "胡燕", "何平", "¥5,100,882.16"):
            expect(page.locator("#dialog[open]")).to_contain_text(part)
        assert_accessible(page)
    else:
        expect(timeline).to_contain_text("账期过长")
    page.screenshot(path=shots / f"after-review-{language}.png", full_page=True)
    company.open(page, f"/a/kam/f/account/{account}/history")
    assert_accessible(page)
    expect(page.locator(".timeline")).to_contain_text("¥1,260,882.16")
    company.open(page, "/notifications/")
    expect(page.locator("main")).to_contain_text(words["told" if agreed else "refused"])
    assert_accessible(page)


def test_who_is_no_reviewer_cannot_decide(company: Company, open_page: Callable[..., Page]) -> None:
    """The account manager who set it off may look at the task; a stranger to it has no such page."""
    account = company.find("account", 'code = "A0025"')
    page = open_page(locale="zh-CN")
    company.enter(page, "li_na", f"/a/kam/f/order/new?account={account}")
    enter_order(company, page, "SO202699002")
    page.click("button[value=save]")
    expect(page.locator("h1")).to_have_text("SO202699002")
    company.open(page, "/inbox/")
    expect(page.locator("a.task")).to_have_count(0)
    reviewer = open_page(locale="zh-CN")
    company.enter(reviewer, "hu_yan", "/inbox/")
    task = reviewer.locator("a.task").first.get_attribute("href")
    company.open(page, str(task))
    expect(page.locator("[name=_outcome]")).to_have_count(0)
    company.enter(reviewer, "guo_xin", "/inbox/")
    answer = reviewer.goto(f"{company.address}{task}")
    assert answer is not None
    assert answer.status == 404
