"""Step 1: an account manager signs in, finds an account and reads all about it, with every "why"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.ui.conftest import assert_accessible, assert_fits

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_manager_finds_an_account(
    company: Company, open_page: Callable[..., Page], shots: Path, language: str
) -> None:
    page = open_page(locale=LANGUAGES[language])
    company.sign_in(page, "li_na")
    assert_accessible(page)
    page.screenshot(path=shots / f"home-{language}.png", full_page=True)
    page.get_by_role("link", name={"zh": "客户", "en": "Accounts"}[language], exact=True).click()
    page.wait_for_selector("tbody a.main")
    assert_accessible(page)
    assert_fits(page)
