"""Step 1: an account manager signs in, finds an account and reads all about it, with every "why"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
WORDS = {
    "zh": {
        "accounts": "客户",
        "menu": "客户价值看板",
        "tier": "客户等级",
        "strategic": "S级",
        "volume": "近 12 个月采购额",
        "timeline": "时间线",
        "contact": "联系人",
        "row": "第 2 行",
        "condition": "潜力高",
        "quadrant": "价值象限",
        "release": "第 1 版",
        "rule": "评分模型 · 价值矩阵测算",
    },
    "en": {
        "accounts": "Accounts",
        "menu": "Value dashboard",
        "tier": "Tier",
        "strategic": "S tier",
        "volume": "12-month volume",
        "timeline": "Timeline",
        "contact": "Contacts",
        "row": "Row 2",
        "condition": "Potential is high",
        "quadrant": "Quadrant",
        "release": "release 1",
        "rule": "Score model · Value matrix",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_manager_finds_an_account(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    """Signing in, menu, and the list: search, filter, sort, keyset paging."""
    words, page = WORDS[language], open_page(locale=LANGUAGES[language])
    company.sign_in(page, "li_na")
    assert_accessible(page)
    page.screenshot(path=shots / f"home-{language}.png", full_page=True)
    expect(page.get_by_role("link", name=words["menu"], exact=True)).to_be_visible()
    page.get_by_role("link", name=words["accounts"], exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(25)
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"accounts-{language}.png", full_page=True)

    first_page = set(page.locator("tbody a.main").all_inner_texts())
    page.locator("a[rel=next]").click()
    expect(rows).to_have_count(5)
    assert "after=" in page.url
    assert not first_page & set(page.locator("tbody a.main").all_inner_texts())
    page.go_back()

    page.locator("thead").get_by_role("link", name=words["volume"]).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(words["volume"])
    page.locator("thead").get_by_role("link", name=words["volume"]).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text(words["volume"])
    expect(page.locator("tbody a.main").first).to_have_text("深圳华辰动力电池有限公司")

    page.fill("#list-search", "szhc")
    expect(rows).to_have_count(1)
    page.fill("#list-search", "")
    expect(rows).to_have_count(25)
    page.locator(".toolbar summary").first.click()
    page.locator(".filter-menu summary", has_text=words["tier"]).first.click()
    page.select_option("[name='v.tier']", "S")
    page.locator("button[name=add][value=tier]").click()
    expect(page.locator(".chip")).to_contain_text(words["strategic"])
    expect(rows).to_have_count(2)
    assert_accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_is_read_from_all_sides(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    """Profile, contacts, orders, tickets, interactions on a timeline, scores, tier and quadrant with their reasons."""
    words, page = WORDS[language], open_page(locale=LANGUAGES[language])
    company.enter(page, "li_na", company.account("A0025"))
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"account-{language}.png", full_page=True)
    assert page.inner_text("h1") == "青岛博睿食品有限公司"
    expect(page.locator("section.card", has=page.get_by_role("heading", name=words["contact"]))).to_contain_text(
        "胡思远"
    )
    timeline = page.locator("section.card", has=page.get_by_role("heading", name=words["timeline"]))
    for part in ("SO202600531", "需求澄清会", "付款节点确认"):
        expect(timeline).to_contain_text(part)
    said = [text for text in timeline.locator("li").all_inner_texts() if "SO2026" in text]
    assert said == sorted(said, key=lambda text: text.split("SO2026")[1][:5], reverse=True)
    seen = timeline.locator("li").count()
    timeline.locator("#earlier a").click()
    expect(timeline).to_contain_text("SO202400511")
    assert timeline.locator("li").count() > seen

    page.locator(f'a.why[aria-label*="{words["quadrant"]}"]').click()
    why = page.locator("#dialog[open]")
    for part in (words["rule"], words["row"], words["condition"], words["release"], "¥1,260,882.16", "72%"):
        expect(why).to_contain_text(part)
    assert_accessible(page)
    page.screenshot(path=shots / f"why-{language}.png")
    why.locator("[data-close]").click()
    expect(why).to_be_hidden()


def test_every_score_says_why(company: Company, open_page: Callable[..., Page]) -> None:
    page = open_page(locale="zh-CN")
    company.enter(page, "li_na", company.account("A0025"))
    addresses = [link.get_attribute("href") for link in page.locator("a.why").all()]
    assert len(addresses) > 20
    for address in addresses:
        told = page.request.get(f"{company.address}{address}").text()
        assert "第 1 版" in told or "系统" in told or "默认" in told, (address, told)


def test_the_account_page_reads_well_on_a_phone(company: Company, open_page: Callable[..., Page], shots: Path) -> None:
    page = open_page(phone=True, locale="en-US")
    company.enter(page, "li_na", company.account("A0025"))
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / "account-phone-en.png", full_page=True)
    page.locator(".jump").get_by_role("link", name="Timeline").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_in_viewport()
    company.open(page, "/a/kam/f/account/?view=all")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / "accounts-phone-en.png", full_page=True)
