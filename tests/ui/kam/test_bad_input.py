"""Bad input: nothing typed is lost, each field says what is wrong, and of two who act at once one wins."""

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
        "required": "此项必填。",
        "number": "请填写数字。",
        "least": "最小值为 1。",
        "changed": "王伟 已在 2026-11-20 10:00 修改了这条记录。",
        "closed": "何平 已在 2026-11-20 10:00 办结此任务。 结果：认领。",
        "lost": "您填写的内容未保存：",
    },
    "en": {
        "required": "This must be filled in.",
        "number": "A number is expected.",
        "least": "The smallest value allowed is 1.",
        "changed": "王伟 changed this record at 20 Nov 2026 10:00.",
        "closed": "何平 closed this task at 20 Nov 2026 10:00. Outcome: Claim.",
        "lost": "What you entered was not saved:",
    },
}
BOTH = pytest.mark.parametrize(("language", "phone"), [("zh", False), ("en", True)])


def status_of(page: Page, button: str) -> int:
    """What the server answers to a click that sends the form."""
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.locator(button).first.click()
    page.wait_for_selector("html[data-ready]")
    return answer.value.status


@BOTH
def test_a_wrong_entry_keeps_what_was_typed_and_says_what_is_wrong_where(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, phone: bool
) -> None:
    words, page = WORDS[language], open_page(phone=phone, locale=LANGUAGES[language])
    company.enter(page, "li_na", "/a/kam/f/order/new")
    page.fill("#f-lines-0-quantity", "0")
    page.fill("#f-lines-0-price", "十万")
    page.fill("#f-note", "加急")
    assert status_of(page, "button[value=save]") == 422
    assert page.evaluate("document.activeElement.id") == "f-number"
    for field, text in (("number", "required"), ("account", "required")):
        expect(page.locator(f"#f-{field}-error")).to_contain_text(words[text])
    for column, text in (("product", "required"), ("quantity", "least"), ("price", "number")):
        expect(page.locator(f"#f-lines-0-{column}-error")).to_contain_text(words[text])
    typed = {name: page.input_value(f"#f-{name}") for name in ("lines-0-quantity", "lines-0-price", "note")}
    assert typed == {"lines-0-quantity": "0", "lines-0-price": "十万", "note": "加急"}
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"wrong-entry-{language}.png", full_page=True)


@BOTH
def test_of_two_editors_one_wins_and_the_other_keeps_the_input(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, phone: bool
) -> None:
    words, account = WORDS[language], company.find("account", 'code = "A0025"')
    manager, director = (open_page(phone=phone, locale=LANGUAGES[language]) for _ in range(2))
    company.enter(manager, "li_na", f"/a/kam/f/account/{account}/edit")
    company.enter(director, "wang_wei", f"/a/kam/f/account/{account}/edit")
    director.fill("#f-region", "济南")
    director.fill("#f-website", "https://borui.example.com")
    assert status_of(director, "button[value=save]") == 302
    manager.fill("#f-region", "青岛市南区")
    manager.fill("#f-note", "请勿外传")
    assert status_of(manager, "button[value=save]") == 409
    conflict = manager.locator(".conflict")
    for part in (words["changed"], "济南", "青岛市南区"):
        expect(conflict).to_contain_text(part)
    expect(conflict).to_be_focused()
    assert (manager.input_value("#f-region"), manager.input_value("#f-note")) == ("青岛市南区", "请勿外传")
    assert_accessible(manager)
    assert_fits(manager)
    manager.screenshot(path=shots / f"conflict-{language}.png", full_page=True)
    assert status_of(manager, "button[value=save]") == 302
    seen = company.see("account", account)
    assert (seen["region"], seen["note"], seen["website"]) == ("青岛市南区", "请勿外传", "https://borui.example.com")


@BOTH
def test_of_two_who_take_one_task_one_wins_and_the_other_keeps_the_input(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str, phone: bool
) -> None:
    words, account = WORDS[language], company.find("account", 'code = "A0081"')
    company.create("li_na", "ticket", account=account, title="产线停机", urgency="urgent")
    first, second = (open_page(phone=phone, locale=LANGUAGES[language]) for _ in range(2))
    for page, login in ((first, "he_ping"), (second, "guo_xin")):
        company.enter(page, login, "/inbox/")
        page.locator("a.task", has_text="产线停机").click()
        page.wait_for_selector("html[data-ready] [name=_outcome]")
    assert status_of(first, "[name=_outcome]") == 302
    second.fill("#comment", "我来处理")
    assert status_of(second, "[name=_outcome]") == 409
    conflict = second.locator(".conflict")
    for part in (words["closed"], words["lost"], "我来处理"):
        expect(conflict).to_contain_text(part)
    expect(conflict).to_be_focused()
    assert_accessible(second)
    assert_fits(second)
    second.screenshot(path=shots / f"task-taken-{language}.png", full_page=True)


def test_a_double_click_on_save_makes_one_record(company: Company, open_page: Callable[..., Page]) -> None:
    page, account = open_page(locale="zh-CN"), company.find("account", 'code = "A0025"')
    company.enter(page, "li_na", f"/a/kam/f/interaction/new?account={account}")
    page.fill("#f-subject", "双击保存")
    page.select_option("#f-kind", "call")
    page.select_option("#f-sentiment", "neutral")
    page.locator("button[value=save]").dblclick()
    expect(page.locator("h1")).to_have_text("双击保存")
    assert len(company.all("interaction", 'subject = "双击保存"')) == 1


def test_the_same_form_sent_twice_makes_one_record(company: Company, open_page: Callable[..., Page]) -> None:
    """Where no script holds the second click back, the form's key does."""
    page, account = open_page(locale="zh-CN"), company.find("account", 'code = "A0025"')
    company.enter(page, "li_na", "/a/kam/f/interaction/new")
    form = {name: page.input_value(f"form.form [name={name}]") for name in ("_csrf", "_key", "happened_at")}
    form |= {"account": str(account), "subject": "重复提交", "kind": "call", "sentiment": "neutral", "_do": "save"}
    answers = [page.request.post(page.url, form=form, max_redirects=0) for _ in range(2)]
    assert [answer.status for answer in answers] == [302, 302]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(company.all("interaction", 'subject = "重复提交"')) == 1
