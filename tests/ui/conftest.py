"""A browser against the real server: console errors, policy reports and accessibility problems fail a test."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright

from builder.ui import build
from builder.web import make_server
from builder.workspace import Settings

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Several browsers and servers share two cores: patience costs nothing where all is well.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session", autouse=True)
def _bundles() -> None:
    build.build()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("DOUGONG_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield found
        found.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Flask, Settings], str]]:
    """Serves an application on a free port and gives its address."""
    running = []
    stopping = threading.Event()

    def run(server: Any) -> None:
        try:
            server.run()
        except OSError:
            # Closing the sockets from this side makes the poll of the other thread fail, which is how it ends.
            if not stopping.is_set():
                raise

    def start(app: Flask, settings: Settings) -> str:
        server = make_server(app, settings)
        thread = threading.Thread(target=run, args=(server,), daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.effective_port}"

    yield start
    stopping.set()
    for server, thread in running:
        server.close()
        thread.join(5)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page in a context of its own; what the browser complains about fails the test at its end."""
    contexts, complaints = [], []

    def new(*, phone: bool = False, locale: str = "zh-CN", dark: bool = False) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP, locale=locale, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        return page

    yield new
    for context in contexts:
        context.close()
    # Refusals are answers like others, and some tests take the network away.
    expected = ("status of 4", "ERR_INTERNET_DISCONNECTED")
    assert [c for c in complaints if not any(part in c for part in expected)] == []


def assert_accessible(page: Page) -> None:
    """Fails with what axe finds on the page."""
    violations = Axe().run(page).response["violations"]
    found = [f"{v['id']}: {v['help']} at {', '.join(n['html'][:160] for n in v['nodes'][:3])}" for v in violations]
    assert found == []


def assert_fits(page: Page) -> None:
    """Fails where the page can be scrolled sideways."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px too wide"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go: DOUGONG_TEST_SHOTS where set, to be looked at."""
    folder = Path(os.environ.get("DOUGONG_TEST_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
