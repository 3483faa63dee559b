"""The pictures of the README, made by a browser: kept in docs/images where ``make screenshots`` asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .company import Company

pytestmark = pytest.mark.browser
IMAGES = Path(__file__).parents[3] / "docs" / "images"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Where pictures go: docs/images with DOUGONG_SCREENSHOTS=1, else nowhere that stays."""
    return IMAGES if os.environ.get("DOUGONG_SCREENSHOTS") == "1" else tmp_path


def test_the_value_dashboard_as_the_readme_shows_it(
    company: Company, open_page: Callable[..., Page], images: Path
) -> None:
    page = open_page(locale="en-US")
    company.sign_in(page, "wang_wei")
    company.open(page, "/a/kam/d/customer_value")
    expect(page.get_by_role("img", name="Revenue by industry").last).to_be_attached()
    # Charts draw themselves in over a second; the picture shows them drawn.
    page.wait_for_timeout(1500)
    picture = images / "dashboard.png"
    page.screenshot(path=picture, animations="disabled")
    assert picture.stat().st_size > 30_000
