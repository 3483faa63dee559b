"""Every field type in a browser: entered, saved, shown, edited again – by mouse, on a phone, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from builder.definitions import load_folder
from builder.identity import Identity, create_person
from builder.releases import install
from builder.storage import open_database
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import create_app
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM

from .conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser
PASSWORD = "correct-horse-battery"
GALLERY = Path(__file__).parents[1] / "apps" / "gallery"
SPECIMEN = "gallery.specimen"


class Running:
    """A served workspace with the gallery app."""

    def __init__(self, address: str, workspace: Workspace, supplier: UUID) -> None:
        self.address = address
        self.workspace = workspace
        self.supplier = supplier

    def enter(self, page: Page, path: str, *, login: str = "lin") -> None:
        """Signs in and opens a page of the app."""
        page.goto(f"{self.address}/login")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".shell")
        self.go(page, path)

    def go(self, page: Page, path: str) -> None:
        """Opens a page of the app and waits for its scripts."""
        page.goto(f"{self.address}/a/gallery/f/{path}")
        page.wait_for_selector("html[data-ready]")

    def newest(self, form: str = SPECIMEN) -> dict[str, object]:
        """Values of the record made last."""
        with self.workspace.read(SYSTEM) as work:
            table = work.records.of(form).world.form(form).table
            id = work.connection.execute(sa.select(table.c.id).order_by(table.c.id.desc()).limit(1)).scalar_one()
            return dict(work.records.get(form, id).values)


@pytest.fixture
def running(tmp_path: Path, serve: Callable[..., str]) -> Iterator[Running]:
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path / "files", port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    install(workspace, load_folder(GALLERY), SYSTEM)
    with workspace.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(setup_hash=""))
    hashed = Identity(workspace).passwords.hash(PASSWORD)
    with workspace.work(SYSTEM, command="test.people") as work:
        for login, locale in (("lin", "zh"), ("ann", "en")):
            roles = ("gallery.keeper",)
            create_person(work, login=login, name=login.title(), password_hash=hashed, roles=roles, locale=locale)
        contacts = [{"person": "王师傅", "phone": "13800138000"}, {"person": "李师傅"}]
        made = work.records.create("gallery.supplier", {"name": "王家木作", "contacts": contacts})
        work.records.create("gallery.supplier", {"name": "石坊"})
    yield Running(serve(create_app(workspace), settings), workspace, made.record.id)
    workspace.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "斗拱.png"
    Image.new("RGB", (640, 480), "#b8402c").save(path)
    return path


def pick(page: Page, name: str, text: str) -> None:
    """Chooses what a picker finds for ``text``."""
    box = page.locator(f'[data-field="{name}"]')
    box.get_by_role("combobox").fill(text)
    box.get_by_role("option").first.click()


def save(page: Page) -> None:
    page.locator('.form-foot [value="save"]').click()
    page.wait_for_selector(".record-grid")


def test_every_field_type_is_entered_saved_shown_and_edited(
    running: Running, open_page: Callable[..., Page], picture: Path, shots: Path
) -> None:
    page = open_page()
    running.enter(page, "specimen/new")
    assert_accessible(page)
    assert_fits(page)
    for name, text in {
        "name": "斗拱样品",
        "summary": "两行\n说明",
        "email": "a@b.cn",
        "phone": "13800138000",
        "website": "example.com",
        "resident_id": "11010519491231002x",
        "credit_code": "91350100M000100Y43",
        "barcode": "6901234567892",
        "quantity": "3",
        "price": "12.50",
        "discount": "12.5",
        "tint": "#AA3300",
        "made_on": "2026-03-05",
        "opens_at": "09:30",
        "seen_at": "2026-03-05T10:15",
        "found_at.name": "西湖",
        "found_at.point": "30.25, 120.15",
        "point": "31.23, 121.47",
    }.items():
        page.fill(f'[name="{name}"]:not([type=hidden])', text)
    page.locator('[data-subtable="parts"] [data-row-add]').click()
    assert page.input_value('[name="parts.0.count"]') == "1", "a new row starts with its defaults"
    page.fill('[name="parts.0.part"]', "泥道栱")
    page.fill('[name="parts.0.weight"]', "2.5")
    for part, text in {"drying.days": "1", "drying.hours": "2", "drying.minutes": "30"}.items():
        page.fill(f'[name="{part}"]', text)
    page.fill('[name="shown.start"]', "2026-04-01")
    page.fill('[name="shown.end"]', "2026-04-30")
    page.locator("#f-story-rich").fill("好木头")
    page.locator("#f-story-rich").press("Control+a")
    page.get_by_role("button", name="加粗").click()
    page.locator('[data-field="data"] .cm-content').fill('{"rings": [1, 2.5]}')
    page.locator('[name="stars"][value="4"]').check(force=True)
    page.locator('[name="grade"][value="9"]').check(force=True)
    page.check('[name="fragile"][type=checkbox]')
    page.fill('[name="handling"]', "轻放")
    page.select_option('[name="material"]', "wood")
    assert page.locator('[name="finish"] option[value="polish"]').is_disabled(), "offered with stone or metal only"
    page.select_option('[name="finish"]', "oil")
    page.check('[name="uses"][value="garden"]')
    for word in ("古", "稀有"):
        page.locator('[data-tags="words"] input:not([type=hidden])').fill(word)
        page.keyboard.press("Enter")
    pick(page, "keeper", "Lin")
    page.select_option('[name="role"]', "gallery.viewer")
    pick(page, "supplier", "王家")
    pick(page, "contact", "李")
    pick(page, "alternatives", "石")
    page.fill('[name="address.province"]', "浙江省")
    page.fill('[name="address.city"]', "杭州市")
    page.locator('[name="address.district"]').focus()
    offered = page.locator('[data-field="address"] datalist').nth(2).locator("option")
    assert "西湖区" in offered.evaluate_all("options => options.map(o => o.value)")
    page.fill('[name="address.district"]', "西湖区")
    page.fill('[name="address.street"]', "龙井路 1 号")
    page.set_input_files("#f-papers", [picture])
    page.set_input_files("#f-photos", [picture])
    page.set_input_files('[data-subtable="parts"] [type=file]:not([capture])', [picture])
    expect(page.locator('[data-files="photos"] [data-file] input')).to_be_enabled()
    canvas = page.locator('[data-field="signed"] canvas')
    canvas.scroll_into_view_if_needed()
    area = canvas.bounding_box()
    assert area
    page.mouse.move(area["x"] + 20, area["y"] + 60)
    page.mouse.down()
    page.mouse.move(area["x"] + 160, area["y"] + 110, steps=6)
    page.mouse.up()
    for item in ("雕", "锯"):
        page.get_by_role("button", name=f"加入排序: {item}").click()
    page.get_by_role("button", name="上移: 锯").click()
    page.get_by_role("radio", name="外观: 好").check()
    page.get_by_role("radio", name="强度: 一般").check()
    page.screenshot(path=shots / "gallery-filled.png", full_page=True)
    save(page)
    values = running.newest()
    empty = {name for name, value in values.items() if value in (None, [])}
    assert empty == {"unit", "contract", "portrait", "main_part"}
    assert values["story"] == "<p><strong>好木头</strong></p>"
    assert values["order"] == ["saw", "carve"]
    assert values["opinion"] == {"look": "good", "strength": "fair"}
    assert [file["type"] for name in ("papers", "photos", "signed") for file in values[name]] == ["image/png"] * 3  # type: ignore[attr-defined]
    shown = page.locator(".record-grid").inner_text()
    for words in (
        "1 天 2 小时 30 分钟",
        "浙江省杭州市西湖区龙井路 1 号",
        "李师傅",
        "石坊",
        "2026-04-01",
        "外观",
        "斗拱.png",
    ):
        assert words in shown
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / "gallery-record.png", full_page=True)
    page.locator(".page-actions a", has_text="编辑").click()
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("button", name="移除 斗拱.png").first.click()
    page.fill('[name="drying.days"]', "")
    save(page)
    again = running.newest()
    assert again["papers"] is None
    changed = {name for name in values if values[name] != again[name]}
    assert changed == {"papers", "drying"}, "nothing else moves when a record is opened and saved"


def test_the_list_shows_every_shape_shortly(running: Running, open_page: Callable[..., Page]) -> None:
    page = open_page(phone=True, locale="en-US")
    with running.workspace.work(SYSTEM, command="test.add") as work:
        work.records.create(
            SPECIMEN,
            {"name": "Bracket", "stars": 3, "shown": "2026-04-01/2026-04-30", "words": ["old"], "material": "wood"},
        )
    running.enter(page, "specimen/", login="ann")
    assert "3 / 5" in page.locator("table").inner_text()
    assert_accessible(page)
    assert_fits(page)


def test_everything_can_be_entered_by_keyboard_alone(
    running: Running, open_page: Callable[..., Page], shots: Path
) -> None:
    page = open_page(locale="en-US")
    running.enter(page, "specimen/new", login="ann")
    visited: list[str] = []
    typed = {"f-name": "By keys", "f-story-rich": "told", "f-signed": "Ann Lee", "f-words": "keys,"}
    page.locator("#f-name").focus()
    for _ in range(160):
        id, tool = page.evaluate(
            "[document.activeElement.id, document.activeElement.dataset.rank || document.activeElement.name || '']"
        )
        visited.append(id or tool)
        if id in typed:
            page.keyboard.type(typed.pop(id))
        elif tool == "in" and visited.count("in") == 1:
            page.keyboard.press("Enter")
        elif tool == "opinion.look" and visited.count("opinion.look") == 1:
            page.keyboard.press("Space")
        elif page.evaluate("document.activeElement.matches('.cm-content')"):
            page.keyboard.type("[1]")
            page.keyboard.press("Escape")
        if tool == "_do":
            break
        page.keyboard.press("Tab")
    assert not typed, f"the tab key does not reach these: {typed}; it went {visited}"
    page.keyboard.press("Enter")
    page.wait_for_selector(".record-grid")
    values = running.newest()
    assert values["story"] == "<p>told</p>"
    assert values["words"] == ["keys"]
    assert len(values["order"]) == 1  # type: ignore[arg-type]
    assert values["opinion"] == {"look": "good"}
    assert values["data"] == [1]
    signed = values["signed"][0]  # type: ignore[index]
    assert (signed["type"], signed["size"] > 1000) == ("image/png", True), "the typed name became a picture"
    page.screenshot(path=shots / "gallery-keyboard.png", full_page=True)


def test_cells_of_a_spreadsheet_are_pasted_into_rows(running: Running, open_page: Callable[..., Page]) -> None:
    page = open_page()
    running.enter(page, "specimen/new")
    page.fill('[name="name"]', "pasted")
    page.locator('[data-subtable="parts"] [data-row-add]').click()
    page.locator('[name="parts.0.part"]').focus()
    cells = '泥道栱\t栱\t2\t1.5\r\n"大\t斗"\t斗\t4\t2\r\n昂\tblock\t1\t3\r\n'
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(paste);
        }""",
        cells,
    )
    expect(page.locator('[data-subtable="parts"] tbody tr')).to_have_count(3)
    expect(page.locator('[data-computed="parts.1.mass"]')).to_have_text("8.00")
    save(page)
    rows = running.newest()["parts"]
    shown = [(row["part"], row["kind"], str(row["count"]), str(row["mass"])) for row in rows]  # type: ignore[attr-defined]
    assert shown == [("泥道栱", "arm", "2", "3.000"), ("大 斗", "block", "4", "8.000"), ("昂", "block", "1", "3.000")]


def test_pages_around_a_record_are_accessible_and_a_save_can_be_undone(
    running: Running, open_page: Callable[..., Page]
) -> None:
    page = open_page(locale="en-US")
    running.enter(page, f"supplier/{running.supplier}", login="ann")
    assert_accessible(page)
    page.fill("#comment-text", "see @li")
    page.keyboard.press("End")
    page.keyboard.type("n")
    page.locator("#mention-list [role=option]").first.wait_for()
    assert_accessible(page)
    page.keyboard.press("Enter")
    page.locator(".comment-form .btn").click()
    expect(page.locator(".quote")).to_have_text("see @Lin")
    running.go(page, f"supplier/{running.supplier}/edit")
    page.fill('[name="name"]', "Wang & sons")
    page.locator('.form-foot [value="save"]').click()
    page.locator(".toast a", has_text="Undo").click()
    page.locator("h1", has_text="Version 1 and now").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Put these values back").click()
    page.locator('#confirm button[value="yes"]').click()
    expect(page.locator("h1")).to_have_text("王家木作")
    for path in (f"supplier/{running.supplier}/history", "supplier/bin", f"supplier/{running.supplier}/copy"):
        running.go(page, path)
        assert_accessible(page)
        assert_fits(page)


def test_steps_keep_what_was_typed_and_ask_for_what_is_missing(
    running: Running, open_page: Callable[..., Page], shots: Path
) -> None:
    page = open_page(phone=True)
    running.enter(page, "survey/new")
    assert_accessible(page)
    page.locator('[data-step="1"]').click()
    assert page.evaluate("document.activeElement.name") == "who", "a step is not left before it is filled in"
    page.fill('[name="who"]', "林")
    page.fill('[name="age"]', "900")
    page.locator('[data-step="1"]').click()
    page.fill('[name="contact"]', "lin@example.cn")
    page.screenshot(path=shots / "gallery-steps.png")
    page.keyboard.press("Enter")
    page.fill('[name="note"]', "写过的话")
    page.locator('[data-step="-1"]').click()
    assert page.input_value('[name="contact"]') == "lin@example.cn"
    page.locator('[value="save"]').click()
    page.wait_for_selector(".field.invalid")
    assert page.locator('[name="age"]').is_visible(), "the step with the problem is the one that is shown"
    assert page.input_value('[name="note"]') == "写过的话"
    page.fill('[name="age"]', "39")
    page.locator('[value="save"]').click()
    page.wait_for_selector(".record-grid")
    assert running.newest("gallery.survey")["note"] == "写过的话"
