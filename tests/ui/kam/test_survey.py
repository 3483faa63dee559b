"""Step 5: a customer answers a survey without an account; a low score is followed up, and asked about afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "phone"), [("zh", True), ("en", False)])
def test_a_low_score_is_followed_up_and_reopened_by_the_customer(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, phone: bool
) -> None:
    """K-123, K-124."""
    (account,) = company.all("account", 'code = "A0089"')
    manager = open_page(locale=LANGUAGES[language])
    company.enter(manager, "li_na", f"/a/kam/f/account/{account['id']}")
    manager.locator("form[action$='/survey/link'] button").click()
    manager.wait_for_selector("#address")
    assert_accessible(manager)
    address = manager.input_value("#address")
    assert address.startswith(company.address)

    customer = open_page(phone=phone, locale=LANGUAGES[language])
    customer.goto(address)
    assert_accessible(customer)
    assert_fits(customer)
    customer.screenshot(path=shots / f"survey-{language}.png")
    customer.click("form button.primary")
    customer.wait_for_selector("[name=score][aria-invalid]")
    assert_accessible(customer)
    customer.locator("[name=score][value='3']").check()
    customer.fill("[name=comment]", "交付延迟")
    customer.fill("[name=email]", "buyer@example.com")
    customer.click("form button.primary")
    customer.wait_for_url("**sent=1")
    assert_accessible(customer)
    assert not [cookie for cookie in customer.context.cookies() if cookie.get("name") == "dg_session"]

    (alert,) = company.all("alert", 'kind = "low_score"')
    assert (alert["account"], alert["level"]) == (account["id"], "warning")
    company.enter(manager, "wang_wei", "/notifications/")
    assert {"zh": "给出低分 3", "en": "gave a low score: 3"}[language] in manager.inner_text("main")
    assert_accessible(manager)

    complete_care(company, manager, str(account["name"]), "已电话沟通", shots / f"care-{language}.png")
    link = follow_up_link(company, manager, "no", shots / f"outbox-{language}.png")
    customer.goto(company.address + link)
    assert customer.locator("[name=answer][value=no]").is_checked()
    assert_accessible(customer)
    assert_fits(customer)
    customer.screenshot(path=shots / f"answer-{language}.png")
    assert not has_care(company)
    customer.fill("#comment", "备件没有收到")
    customer.click("form button.primary")
    customer.wait_for_url("**sent=1")
    customer.goto(company.address + link)
    assert customer.locator("form [name=answer]").count() == 0
    assert_accessible(customer)
    assert has_care(company)


def has_care(company: Company) -> bool:
    """Whether the account manager has the task now."""
    with company.workspace.read(company.who("li_na")) as work:
        return "care" in [item.node for item in work.inbox.page().items]


def complete_care(company: Company, page: Page, account: str, comment: str, shot: Path) -> None:
    """Opens the task from the inbox and completes it."""
    company.enter(page, "li_na", "/inbox/")
    page.locator("a.task", has_text=account).click()
    page.wait_for_selector("html[data-ready] button[value=handled]")
    assert_accessible(page)
    page.screenshot(path=shot, full_page=True)
    page.fill("#comment", comment)
    page.click("button[value=handled]")
    page.wait_for_url("**/inbox/")


def follow_up_link(company: Company, page: Page, answer: str, shot: Path) -> str:
    """The path of the newest mail's link for an answer, as an admin reads it in the outbox; no mail server is set."""
    company.settle()
    company.enter(page, "lin_tao", "/admin/outbox")
    page.locator("details.effect summary", has_text="buyer@example.com").first.click()
    assert_accessible(page)
    page.screenshot(path=shot, full_page=True)
    href = page.locator(f"details.effect[open] a[href$='a={answer}']").get_attribute("href") or ""
    found = re.search(r"/answer/.+$", href)
    assert found
    return found[0]
