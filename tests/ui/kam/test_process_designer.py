"""The business admin draws: a step is added, given to somebody, and the diagram shows what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from builder.releases import find_draft
from engines.core import SYSTEM
from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser


def _drafted(company: Company, path: str) -> object:
    with company.workspace.read(SYSTEM) as work:
        draft = find_draft(work, "kam")
        assert draft is not None
        return draft.value(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_process_is_drawn_and_its_steps_are_given_properties(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    page = open_page(locale=LANGUAGES[language])
    company.enter(page, "lin_tao", "/studio/kam/process/rapid_response")
    page.wait_for_selector('.djs-element[data-element-id="claim"]')
    page.screenshot(path=shots / f"process-{language}.png")

    # Chosen in the diagram: its properties stand beside it.
    page.locator('.djs-element[data-element-id="solve"]').click()
    panel = page.locator("#process-side aside.panel")
    expect(panel.locator("#p-name")).to_have_value("solve")
    due = panel.get_by_label({"zh": "到期时间", "en": "Due"}[language], exact=True)
    due.fill('duration("P1D")')
    due.press("Tab")
    expect(page.locator("#draft-bar .badge")).to_contain_text("1")
    assert _drafted(company, "process:rapid_response/nodes/solve/due") == 'duration("P1D")'
    expect(panel.locator("#p-name")).to_have_value("solve")

    # Drawn: an appended task has no way on and nobody who does it; the diagram marks it.
    page.locator(".djs-context-pad [data-action='append.append-task']").first.click()
    expect(page.locator('.djs-element[data-element-id="task_1"]')).to_be_visible()
    expect(page.locator("#draft-bar .badge")).to_contain_text("2")
    assert _drafted(company, "process:rapid_response/nodes/task_1/type") == "task"
    assert _drafted(company, "process:rapid_response/nodes/solve/due") == 'duration("P1D")'
    assert _drafted(company, "process:rapid_response/nodes/solve/label/en") == "Resolve the ticket"
    assert _drafted(company, "process:rapid_response/nodes/solve/label/zh") == "处理工单"
    page.wait_for_timeout(100)
    page.screenshot(path=shots / f"process-drawn-{language}.png")
    assert_accessible(page)
    assert_fits(page)
