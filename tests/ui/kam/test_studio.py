"""Step 7: the business admin changes the app in the browser, sees what that means, publishes, and goes back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from builder.releases import find_draft
from builder.workspace.release_store import active_release, layer_in, package_of
from engines.core import SYSTEM
from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
WORDS = {
    "zh": {
        "label": "客户来源",
        "name": "ke_hu_lai_yuan",
        "field": "字段 “客户来源”",
        "empty": "新增字段，现有记录中为空。",
        "note": "客户来源与门槛",
    },
    "en": {
        "label": "Lead source",
        "name": "lead_source",
        "field": "Field “Lead source”",
        "empty": "The field is new; it is empty in the records that exist.",
        "note": "Lead source and threshold",
    },
}
OFFERED = {"annual_volume": Decimal(5_500_000), "benchmark": False}


def layer(company: Company) -> list[str]:
    """Paths of what the release in force changes in its package."""
    with company.workspace.read(SYSTEM) as work:
        release = active_release(work.connection, "kam")
        assert release is not None
        return [edit.path for edit in layer_in(work.connection, release)]


def package(company: Company) -> str:
    with company.workspace.read(SYSTEM) as work:
        release = active_release(work.connection, "kam")
        assert release is not None
        return package_of(work.connection, release).hash


def in_draft(company: Company, path: str) -> Any:
    with company.workspace.read(SYSTEM) as work:
        draft = find_draft(work, "kam")
        return draft.value(path) if draft else None


def saved(page: Page) -> None:
    """Waits until everything is in the draft."""
    page.wait_for_selector("#act-status[data-state=saved]")


def drag(page: Page, source: str, target: str) -> None:
    """Drags like a hand: in small steps, with a rest before letting go."""
    page.locator(source).scroll_into_view_if_needed()
    start, end = page.locator(source).bounding_box(), page.locator(target).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 30, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 30, steps=3)
    page.mouse.move(end["x"] + 40, end["y"] + 8, steps=8)
    page.mouse.move(end["x"] + 44, end["y"] + 10, steps=3)
    page.wait_for_timeout(200)
    page.mouse.up()


def publish(page: Page, address: str, note: str) -> None:
    page.goto(f"{address}/studio/kam/publish")
    page.fill("#note", note)
    page.locator("form:has(#note) button").click()
    page.wait_for_url("**/releases")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_field_is_dragged_in_a_threshold_changed_published_used_and_taken_back(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    words, field = WORDS[language], WORDS[language]["name"]
    (before,) = company.all("account", 'code = "A0089"')
    pristine = package(company)
    # A review that is running when the release changes.
    (large,) = company.all("account", 'code = "A0001"')
    company.change("account", large["id"], computed=True, tier="A")
    with company.workspace.work(SYSTEM, command="test.start") as work:
        work.processes.start(
            "kam.tier_review",
            subject=("kam.account", large["id"]),
            variables={"proposed": "S", "reason": "volume_s"},
        )

    page = open_page(locale=LANGUAGES[language])
    company.enter(page, "lin_tao", "/studio/kam/form/account")
    drag(page, "[data-item='type:choice']", ".canvas-item >> nth=2")
    page.wait_for_selector(f"#p-label-{language}:focus")
    page.keyboard.type(words["label"])
    page.keyboard.press("Tab")
    page.wait_for_selector(f"#p-name[value={field}]")
    assert_accessible(page)
    page.screenshot(path=shots / f"form-designer-{language}.png", full_page=True)

    company.open(page, "/studio/kam/decision/tier")
    cell = "#c-tier-strategic-inputs0"
    page.fill(cell, ">= 6000000a")
    page.press(cell, "Enter")
    page.wait_for_selector(f"{cell}-error")
    assert_accessible(page)
    page.screenshot(path=shots / f"decision-problem-{language}.png", full_page=True)
    page.goto(f"{company.address}/studio/kam/publish")
    assert page.locator(".problem.error").count() == 1
    assert page.locator("#note").count() == 0
    assert layer(company) == []
    page.locator(".problem.error a").click()
    page.wait_for_selector("html[data-ready]")
    page.fill(cell, ">= 6000000")
    page.press(cell, "Tab")
    page.wait_for_selector(f"{cell}-error", state="detached")
    assert page.evaluate("document.activeElement.id") == "c-tier-strategic-inputs1"
    page.fill("#c-tier-growth-inputs0", "[1000000..6000000)")
    page.press("#c-tier-growth-inputs0", "Tab")
    page.fill("#try-annual_volume", "5500000")
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.hit[data-row=growth]")
    assert_accessible(page)
    page.screenshot(path=shots / f"decision-{language}.png", full_page=True)

    page.goto(f"{company.address}/studio/kam/publish")
    text = page.inner_text("main")
    assert words["field"] in text
    assert ">= 6000000" in text
    assert words["empty"] in text
    assert_accessible(page)
    page.screenshot(path=shots / f"publish-{language}.png", full_page=True)
    publish(page, company.address, words["note"])
    assert_accessible(page)
    page.screenshot(path=shots / f"releases-{language}.png", full_page=True)
    assert layer(company) == [
        f"form:account/fields/{field}",
        f"form:account/layouts/edit/items/profile/items/{field}",
        "decision:tier/decisions/tier/table/rules/strategic/when",
        "decision:tier/decisions/tier/table/rules/growth/when",
    ]
    assert package(company) == pristine

    manager = open_page(locale=LANGUAGES[language])
    company.enter(manager, "li_na", f"/a/kam/f/account/{before['id']}/edit")
    manager.select_option(f"#f-{field}", "option_2")
    manager.click("button[value=save]")
    manager.wait_for_url(f"**/{before['id']}")
    now = company.see("account", before["id"])
    assert now[field] == "option_2"
    kept = ("code", "name", "phone", "founded", "tier", "annual_volume", "r_score", "quadrant")
    assert [now[name] for name in kept] == [before[name] for name in kept]
    with company.workspace.read(SYSTEM) as work:
        assert work.decide("kam.tier", OFFERED)["tier"] == "A"
    for login, node in (("wang_wei", "sales_review"), ("hu_yan", "finance_review"), ("he_ping", "service_review")):
        approve(company, login, node)
    # The review that began before the release goes on as it began.
    assert company.see("account", large["id"])["tier"] == "S"

    page.locator("form[action$='/releases/1/activate'] button").click()
    page.locator("#confirm button[value=yes]").click()
    page.wait_for_selector("tr:has(form[action$='/releases/2/activate'])")
    assert layer(company) == []
    company.open(manager, f"/a/kam/f/account/{before['id']}/edit")
    assert manager.locator(f"#f-{field}").count() == 0
    with company.workspace.read(SYSTEM) as work:
        assert work.decide("kam.tier", OFFERED)["tier"] == "S"
    assert company.see("account", before["id"])["name"] == before["name"]


def approve(company: Company, login: str, node: str) -> None:
    with company.workspace.work(company.who(login), command="task.complete") as work:
        (task,) = [item.id for item in work.inbox.page().items if item.node == node]
        work.processes.complete(task, "approve")


def test_everything_is_done_by_keyboard_and_nothing_is_lost_while_the_server_is_away(
    company: Company, open_page: Callable[..., Page], shots: Path
) -> None:
    page = open_page(locale=LANGUAGES["en"])
    company.enter(page, "lin_tao", "/studio/kam/form/account")
    page.press("#add-section", "Enter")
    page.wait_for_selector("#p-label-en:focus")
    page.keyboard.type("Origin")
    page.keyboard.press("Tab")
    page.wait_for_selector("section[aria-label=Origin].selected")
    page.press("#add-type-date", "Enter")
    page.wait_for_selector("#p-label-en:focus")
    page.keyboard.type("Next visit")
    page.keyboard.press("Tab")
    page.wait_for_selector("#p-name[value=next_visit]")
    path = "form:account/layouts/edit/items/section/items/next_visit"
    assert in_draft(company, path) == {"field": "next_visit"}
    page.focus("[id$='items-section'][id^=pick]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".canvas-section >> nth=0 >> text=Origin")
    assert page.evaluate("document.activeElement.id").startswith("up-")
    assert_accessible(page)
    page.screenshot(path=shots / "form-designer-en.png", full_page=True)

    page.click("#pick-form\\:account-layouts-edit-items-section-items-next_visit")
    page.wait_for_selector("#p-help-en")
    page.context.set_offline(True)
    page.fill("#p-help-en", "When somebody goes there")
    page.press("#p-help-en", "Tab")
    page.wait_for_selector("#act-status[data-state=offline]")
    assert "1 not saved" in page.inner_text("#act-status")
    assert page.input_value("#p-help-en") == "When somebody goes there"
    assert_accessible(page)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    saved(page)
    assert in_draft(company, "form:account/fields/next_visit/help/en") == "When somebody goes there"

    company.open(page, "/studio/kam/decision/tier")
    page.focus("#c-tier-strategic-inputs0")
    page.wait_for_selector(".cell-help .hint")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("tr[data-row=rule_1]")
    page.press("#c-tier-rule_1-inputs0", "Alt+ArrowUp")
    page.wait_for_selector("tbody tr >> nth=0 >> [id=c-tier-rule_1-inputs0]")
    page.press("#r-tier-rule_1-remove", "Enter")
    page.wait_for_selector("tr[data-row=rule_1]", state="detached")
    page.press("#r-tier-standard-remove", "Enter")
    page.wait_for_selector(".note.warn >> text=annual_volume")
    assert_accessible(page)
    page.screenshot(path=shots / "decision-gap-en.png", full_page=True)
    page.locator(".note.warn button").click()
    page.wait_for_selector("tr[data-row=rule_1]")
    assert in_draft(company, "decision:tier/decisions/tier/table/rules/rule_1/when") == ["999999", "-"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_form_is_made_and_the_designers_fit_a_phone(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    page = open_page(phone=True, locale=LANGUAGES[language])
    company.enter(page, "lin_tao", "/studio/kam/new-form")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"new-form-{language}.png", full_page=True)
    page.fill("#f-zh", "培训")
    page.fill("#f-en", "Training")
    page.click("button.primary")
    page.wait_for_url("**/studio/kam/form/training")
    page.wait_for_selector("html[data-ready]")
    targets = {"zh": ("form/training", "decision/value_matrix"), "en": ("publish", "")}
    for target in targets[language]:
        company.open(page, f"/studio/kam/{target}")
        assert_accessible(page)
        assert_fits(page)
        page.screenshot(path=shots / f"studio-{target.replace('/', '-') or 'overview'}-{language}.png", full_page=True)
    publish(page, company.address, "training")
    company.open(page, "/a/kam/f/training/new")
    page.fill("#f-name", "FEEL")
    page.click("button[value=save]")
    page.wait_for_selector("h1:has-text('FEEL')")
