"""Steps 3 and 4: an urgent ticket alarms three and escalates once; a cash cow that stops buying is noticed once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from builder.storage.runtime_tables import notification
from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
WORDS = {
    "zh": {
        "urgent": "紧急工单：产线停机",
        "escalated": "工单已升级：产线停机",
        "high": "高",
        "raised": "已升级",
        "claimed": "处理中",
        "running": "流程“战略客户快速响应”进行中",
        "alert": "连续无采购",
        "task": "恢复采购",
        "silent": "已连续 30 天无采购",
        "moved": "时钟已前移。",
        "nothing": "请填写要前进多久，最多十年。",
    },
    "en": {
        "urgent": "Urgent ticket: 产线停机",
        "escalated": "Ticket escalated: 产线停机",
        "high": "High",
        "raised": "Escalated",
        "claimed": "In progress",
        "running": "Process “Rapid response for strategic customers” is running",
        "alert": "No order for a while",
        "task": "Win back orders",
        "silent": "no order for 30 days",
        "moved": "The clock was moved.",
        "nothing": "Say how far the clock is to move, at most ten years.",
    },
}


def move_clock(company: Company, admin: Page, said: str, **by: int) -> None:
    """The admin moves the sandbox's clock; whatever comes due is done afterwards."""
    company.open(admin, "/admin/clock")
    for name, value in by.items():
        admin.fill(f"#by-{name}", str(value))
    admin.locator(".clock-parts button").click()
    expect(admin.locator(".toast")).to_have_text(said)
    company.settle()


def told(company: Company, page: Page, login: str, text: str) -> int:
    """How often a person's notifications say it."""
    company.enter(page, login, "/notifications/")
    return page.locator("main").inner_text().count(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_urgent_ticket_alarms_three_at_once_and_escalates_once(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    """K-109, K-110, K-111."""
    words, account = WORDS[language], company.find("account", 'code = "A0081"')
    page, admin = open_page(locale=LANGUAGES[language]), open_page(locale=LANGUAGES[language])
    company.enter(page, "li_na", f"/a/kam/f/ticket/new?account={account}")
    assert_accessible(page)
    page.fill("#f-title", "产线停机")
    page.select_option("#f-urgency", "urgent")
    page.screenshot(path=shots / f"ticket-new-{language}.png", full_page=True)
    page.click("button[value=save]")
    expect(page.locator("h1")).to_have_text("产线停机")
    expect(page.locator("[data-fact=priority]")).to_have_text(words["high"])
    expect(page.locator(".record-note")).to_contain_text(words["running"])
    assert_accessible(page)
    page.screenshot(path=shots / f"ticket-{language}.png", full_page=True)
    ticket = page.url

    with company.workspace.database.read() as connection:
        sent = connection.execute(sa.select(notification.c.person, notification.c.at)).all()
    assert len({one.person for one in sent}) == 3
    assert len({one.at for one in sent}) == 1
    reader = open_page(phone=True, locale=LANGUAGES[language])
    for login in ("li_na", "he_ping", "guo_xin"):
        assert told(company, reader, login, words["urgent"]) == 1, login
    assert_accessible(reader)
    assert_fits(reader)
    reader.screenshot(path=shots / f"notifications-{language}.png", full_page=True)

    company.enter(admin, "lin_tao", "/admin/clock")
    admin.locator(".clock-parts button").click()
    expect(admin.locator("[role=alert]")).to_have_text(words["nothing"])
    assert_accessible(admin)
    admin.screenshot(path=shots / f"clock-{language}.png", full_page=True)
    move_clock(company, admin, words["moved"], minutes=14, seconds=59)
    assert told(company, reader, "liu_yang", words["escalated"]) == 0
    page.goto(ticket)
    expect(page.locator("[data-fact=priority]")).to_have_text(words["high"])
    move_clock(company, admin, words["moved"], seconds=1)
    assert told(company, reader, "liu_yang", words["escalated"]) == 1
    page.goto(ticket)
    expect(page.locator("[data-fact=priority]")).to_have_text(words["raised"])
    move_clock(company, admin, words["moved"], hours=2)
    assert told(company, reader, "liu_yang", words["escalated"]) == 1

    company.enter(reader, "he_ping", "/inbox/")
    assert_accessible(reader)
    assert_fits(reader)
    reader.screenshot(path=shots / f"inbox-urgent-{language}.png", full_page=True)
    reader.locator("a.task", has_text="产线停机").click()
    reader.locator("[name=_outcome][value=claim]").click()
    reader.wait_for_url("**/inbox/")
    page.goto(ticket)
    expect(page.locator("[data-fact=status]")).to_have_text(words["claimed"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cash_cow_without_orders_is_noticed_once_per_dry_spell(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    """K-116: the last order of A0025 is of 31 October, so that 30 November is the day."""
    words, page = WORDS[language], open_page(locale=LANGUAGES[language])
    admin, account = open_page(locale=LANGUAGES[language]), company.find("account", 'code = "A0025"')
    company.enter(admin, "lin_tao", "/admin/clock")
    company.enter(page, "wang_wei", "/a/kam/f/alert/")
    alerts = page.locator("tbody tr", has_text="青岛博睿食品有限公司")
    move_clock(company, admin, words["moved"], days=9, hours=13, minutes=59, seconds=59)
    company.open(page, "/a/kam/f/alert/")
    expect(alerts).to_have_count(0)
    move_clock(company, admin, words["moved"], seconds=1)
    company.open(page, "/a/kam/f/alert/")
    expect(alerts).to_have_count(1)
    expect(alerts).to_contain_text(words["alert"])
    assert_accessible(page)
    page.screenshot(path=shots / f"alerts-{language}.png", full_page=True)
    company.open(page, "/notifications/")
    expect(page.locator("main")).to_contain_text(
        f"青岛博睿食品有限公司{' ' if language == 'zh' else ': '}{words['silent']}"
    )

    company.enter(page, "li_na", "/a/kam/f/follow_up/")
    tasks = page.locator("tbody tr", has_text="青岛博睿食品有限公司")
    expect(tasks).to_have_count(1)
    for part in (words["task"], words["high"], {"zh": "2026-12-03", "en": "3 Dec 2026"}[language]):
        expect(tasks).to_contain_text(part)
    assert_accessible(page)
    page.screenshot(path=shots / f"follow-ups-{language}.png", full_page=True)
    company.open(page, company.account("A0025"))
    expect(page.locator(".timeline")).to_contain_text(words["alert"])
    expect(page.locator(".timeline")).to_contain_text(words["task"])

    company.advance(days=20)
    assert len(company.all("alert", 'account.code = "A0025"')) == 1
    product = company.all("product")[0]["id"]
    line = {"product": product, "quantity": 1, "price": "1000"}
    company.create("li_na", "order", number="SO2026990", account=account, date=date(2026, 12, 20), lines=[line])
    company.change("account", account, computed=True, quadrant="cow")
    company.advance(days=29)
    assert len(company.all("alert", 'account.code = "A0025"')) == 1
    company.advance(days=1)
    assert len(company.all("alert", 'account.code = "A0025"')) == 2
    assert len(company.all("follow_up", 'account.code = "A0025"')) == 2
