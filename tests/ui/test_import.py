"""A table brought in a browser, looked over, taken in, taken back: on a desktop and a phone, in both languages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from builder.identity import Identity, create_person
from builder.runtime.install import embedded_runner
from builder.storage import open_database
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM
from tests.builder.imports.shop import csv_of, open_shop

from .conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser
PASSWORD = "correct-horse-battery"
TABLE = csv_of(
    ("客户编号", "客户名称", "规模", "合同金额", "建档日期", "电话"),
    ("A001", "杭州甲公司", "大", '"1,200.00"', "2026/3/5", "0571-88886666"),
    ("A002", "宁波乙公司", "小", "88.5", "2026年1月31日", "13800001111"),
    ("A003", "温州丙公司", "巨大", "5", "2026-02-30", ""),
    *[(f"B{n:03}", f"绍兴 {n} 号", "小", str(n), "2026-01-01", "") for n in range(40)],
    encoding="gb18030",
)


@pytest.fixture
def served(tmp_path: Path, serve: Callable[..., str]) -> Iterator[tuple[str, Workspace]]:
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path / "files", port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    open_shop(workspace)
    with workspace.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(setup_hash=""))
    hashed = Identity(workspace).passwords.hash(PASSWORD)
    with workspace.work(SYSTEM, command="test.people") as work:
        for login, locale in (("lin", "zh"), ("ann", "en")):
            create_person(
                work, login=login, name=login.title(), password_hash=hashed, roles=("shop.clerk",), locale=locale
            )
    runner = embedded_runner(workspace)
    runner.start()
    yield serve(create_app(workspace), settings), workspace
    runner.stop()
    workspace.close()


def enter(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".shell")


@pytest.mark.parametrize(("login", "phone"), [("lin", False), ("ann", True)])
def test_a_table_is_brought_looked_over_and_taken_back(
    served: tuple[str, Workspace], open_page: Callable[..., Page], shots: Path, tmp_path: Path, login: str, phone: bool
) -> None:
    address, workspace = served
    words = {
        "lin": ("导入", "上传", "试运行", "写入", "撤销", "已写入", "已撤销"),
        "ann": ("Import", "Upload", "Try it out", "Take it in", "Take it back", "taken in", "taken back"),
    }[login]
    file = tmp_path / "客户名单.csv"
    file.write_bytes(TABLE)
    page = open_page(phone=phone)
    enter(page, address, login)

    def look(name: str) -> None:
        page.wait_for_selector("html[data-ready]")
        assert_accessible(page)
        assert_fits(page)
        page.screenshot(path=shots / f"import-{name}-{login}.png", full_page=True)

    page.goto(f"{address}/a/shop/f/customer/")
    page.get_by_role("link", name=words[0], exact=True).click()
    page.set_input_files("#table", file)
    look("start")
    page.get_by_role("button", name=words[1], exact=True).click()
    expect(page.locator("select[name='field.0']")).to_have_value("code")
    expect(page.locator("select[name='field.5']")).to_have_value("phone")
    look("map")
    page.get_by_role("button", name=words[2], exact=True).click()
    # The page follows by itself.
    expect(page.get_by_role("button", name=words[3], exact=True)).to_be_visible()
    expect(page.locator(".import-facts")).to_contain_text("42")
    look("checked")
    page.get_by_role("button", name=words[3], exact=True).click()
    expect(page.get_by_role("button", name=words[4], exact=True)).to_be_visible()
    expect(page.locator(".badge", has_text=words[5])).to_be_visible()
    look("done")
    page.get_by_role("button", name=words[4], exact=True).click()
    page.locator("dialog[open] .btn.danger, dialog[open] .btn.primary").first.click()
    expect(page.locator(".badge", has_text=words[6])).to_be_visible()
    page.goto(f"{address}/a/shop/f/customer/")
    look("list")
    assert threading.active_count() > 1
    with workspace.read(SYSTEM) as work:
        table = work.records.of("shop.customer").world.form("shop.customer").table
        assert work.connection.execute(sa.select(sa.func.count()).where(table.c.deleted_at.is_(None))).scalar() == 0
