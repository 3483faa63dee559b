"""Every verb of approval in a browser, on the purchasing app: two departments, one deciding alone, one together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from builder.identity import ADMIN, Identity, create_person
from builder.identity.principals import principal_of
from builder.releases import load_folder, publish
from builder.runtime.install import install as install_runtime
from builder.runtime.phrases import add_phrase
from builder.storage import open_database
from builder.storage.runtime_tables import process_instance
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import create_app
from builder.web.security import SESSION_COOKIE
from builder.workspace import Settings, Workspace, initialise
from engines.core import SYSTEM, Principal

from .conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser
APP = Path(__file__).parents[1] / "apps" / "purchase"
PASSWORD = "correct-horse-battery"
PEOPLE = {
    "ann": "staff",
    "bob": "staff",
    "max": "manager",
    "mia": "manager",
    "fay": "finance",
    "fei": "finance",
    "root": "",
}


@dataclass
class Office:
    """The served app, its people, and one request that ann has made."""

    address: str
    workspace: Workspace
    people: dict[str, UUID]
    tokens: dict[str, str] = field(default_factory=dict)

    def who(self, login: str) -> Principal:
        with self.workspace.database.read() as connection:
            found = principal_of(connection, self.people[login])
        assert found is not None
        return found

    def ask(self) -> UUID:
        """The request, sent on to the managers."""
        with self.workspace.work(self.who("ann"), command="test") as work:
            values = {"subject": "Desk", "amount": 900}
            found: UUID = work.records.create("purchase.request", values).record.id
        self.decide("ann", "send")
        return found

    def task(self, login: str) -> UUID:
        """What a person has to do next."""
        with self.workspace.read(self.who(login)) as work:
            return work.service("inbox").page().items[0].id

    def todo(self, login: str) -> list[str]:
        """Steps that wait for a person."""
        with self.workspace.read(self.who(login)) as work:
            return [item.node for item in work.service("inbox").page().items]

    def decide(self, login: str, outcome: str) -> None:
        """Completes a person's task without the browser."""
        task = self.task(login)
        with self.workspace.work(self.who(login), command="test") as work:
            work.service("processes").complete(task, outcome)

    def status(self) -> str:
        with self.workspace.database.read() as connection:
            return str(connection.execute(sa.select(process_instance.c.status)).scalar_one())

    def open(self, page: Page, login: str, task: UUID) -> Page:
        """A task's page as somebody who is signed in."""
        if login not in self.tokens:
            self.tokens[login] = Identity(self.workspace).sign_in(login, PASSWORD)
        page.context.clear_cookies()
        page.context.add_cookies([{"name": SESSION_COOKIE, "value": self.tokens[login], "url": self.address}])
        page.goto(f"{self.address}/inbox/{task}")
        page.wait_for_selector("html[data-ready]")
        return page


@pytest.fixture
def office(tmp_path: Path, serve: Callable[..., str]) -> Iterator[Office]:
    settings = Settings(
        database=f"sqlite:///{tmp_path}/w.db", files=tmp_path, port=0, runner="none", argon2_memory_kib=64
    )
    database = open_database(settings.database)
    initialise(database, settings)
    database.close()
    workspace = Workspace.open(settings)
    if "inbox" not in workspace.services:
        install_runtime(workspace)
    publish(workspace, "purchase", load_folder(APP), SYSTEM)
    hashed = Identity(workspace).passwords.hash(PASSWORD)
    with workspace.work(SYSTEM, command="test.people") as work:
        work.connection.execute(sa.update(workspace_table).values(setup_hash=""))
        people = {
            login: create_person(
                work,
                login=login,
                name=login.title(),
                locale="en",
                password_hash=hashed,
                roles=[f"purchase.{role}"] if role else [ADMIN],
            )
            for login, role in PEOPLE.items()
        }
    yield Office(serve(create_app(workspace), settings), workspace, people)
    workspace.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page(locale="en-US")


def act(
    page: Page, verb: str, *people: str, choice: str = "", back: bool = False, comment: str = "", check: bool = False
) -> None:
    """Uses a verb of the menu with its dialog."""
    page.locator(".page-actions details summary").click()
    page.locator(f'[data-dialog="verb-{verb}"]').click()
    dialog = page.locator(f"#verb-{verb}")
    for name in people:
        dialog.locator("[role=combobox]").fill(name)
        page.locator(f"[role=option]:has-text('{name}')").first.click()
    if choice:
        dialog.locator("select").select_option(choice)
    if back:
        dialog.get_by_label("straight back to me").check()
    if comment:
        dialog.locator("textarea").fill(comment)
    if check:
        assert_accessible(page)
    dialog.locator(".dialog-foot .btn").last.click()
    page.wait_for_load_state()
    page.wait_for_selector("html[data-ready]")


def test_claim_and_release(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "max", task), "claim")
    assert office.todo("mia") == []
    act(office.open(page, "max", task), "release")
    assert office.todo("mia") == ["manager"]


def test_transfer(office: Office, page: Page) -> None:
    office.ask()
    act(office.open(page, "max", office.task("max")), "transfer", "Bob", comment="On leave", check=True)
    assert (office.todo("bob"), office.todo("max"), office.todo("mia")) == (["manager"], [], [])


def test_delegate_and_resolve(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "max", task), "delegate", "Bob")
    assert office.todo("bob") == ["manager"]
    act(office.open(page, "bob", task), "resolve", comment="Looks right")
    assert (office.todo("bob"), office.todo("max")) == ([], ["manager"])


def test_countersigning_needs_all(office: Office, page: Page) -> None:
    office.ask()
    office.decide("max", "approve")
    office.open(page, "fay", office.task("fay")).get_by_role("button", name="Approve").click()
    page.wait_for_selector(".task-list, .empty")
    assert (office.todo("fay"), office.todo("fei"), office.status()) == ([], ["finance"], "running")
    office.open(page, "fei", office.task("fei")).get_by_role("button", name="Approve").click()
    page.wait_for_selector(".task-list, .empty")
    assert office.status() == "completed"


def test_add_approvers_before_after_and_beside(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "max", task), "add", "Bob", "Fay", choice="before", check=True)
    assert (office.todo("bob"), office.todo("fay")) == (["manager"], ["manager"])
    office.decide("bob", "approve")
    office.decide("fay", "approve")
    act(office.open(page, "max", task), "add", "Bob", choice="after")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_selector(".task-list, .empty")
    assert office.todo("bob") == ["manager"]
    office.decide("bob", "approve")
    act(office.open(page, "fay", office.task("fay")), "add", "Bob", choice="beside")
    assert (office.todo("fay"), office.todo("fei"), office.todo("bob")) == (["finance"], ["finance"], ["finance"])


def test_return_to_the_initiator_goes_through_everything_again(office: Office, page: Page) -> None:
    office.ask()
    office.decide("max", "approve")
    act(office.open(page, "fay", office.task("fay")), "return", choice="initiator", comment="Too dear", check=True)
    assert [office.todo(login) for login in ("ann", "fay", "fei")] == [["complete"], [], []]
    office.decide("ann", "send")
    assert office.todo("max") == ["manager"]


def test_return_to_a_step_and_straight_back(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "max", task), "return", choice="complete", back=True)
    assert office.todo("ann") == ["complete"]
    office.decide("ann", "send")
    assert (office.todo("max"), office.todo("mia")) == (["manager"], [])


def test_reject_asks_why_and_ends_it(office: Office, page: Page) -> None:
    office.ask()
    office.open(page, "max", office.task("max")).get_by_role("button", name="Reject").click()
    expect(page.locator("#comment-error")).to_be_visible()
    page.locator("#comment").fill("No budget")
    page.get_by_role("button", name="Reject").click()
    page.wait_for_selector(".task-list, .empty")
    assert office.status() == "completed"


def test_withdraw_only_until_somebody_acted(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    office.decide("max", "approve")
    act(office.open(page, "ann", task), "withdraw")
    expect(page.locator("[role=alert], .note.error").first).to_be_visible()
    assert office.status() == "running"


def test_withdraw(office: Office, page: Page) -> None:
    office.ask()
    act(office.open(page, "ann", office.task("max")), "withdraw", comment="Not needed", check=True)
    assert (office.status(), office.todo("max")) == ("withdrawn", [])


def test_take_back(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    office.decide("max", "approve")
    act(office.open(page, "max", task), "take_back")
    assert (office.todo("max"), office.todo("fay")) == (["manager"], [])


def test_remind_and_its_brake(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "ann", task), "remind", comment="Please")
    with office.workspace.read(office.who("max")) as work:
        assert any("Please" in str(notice.body) for notice in work.service("notifications").page())
    act(office.open(page, "ann", task), "remind")
    expect(page.locator("[role=alert], .note.error").first).to_be_visible()


def test_copy_and_its_receipt(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "max", task), "copy", "Bob", "Fay")
    with office.workspace.read(office.who("bob")) as work:
        assert work.service("inbox").counts()["copied"] == 1
    office.open(page, "bob", task)
    page.wait_for_timeout(200)
    with office.workspace.read(office.who("bob")) as work:
        assert work.service("inbox").counts()["copied"] == 0
    assert page.get_by_role("button", name="Approve").count() == 0


def test_comment_names_somebody(office: Office, page: Page) -> None:
    office.ask()
    office.open(page, "max", office.task("max")).locator(".page-actions details summary").click()
    page.locator('[data-dialog="verb-comment"]').click()
    dialog = page.locator("#verb-comment")
    dialog.locator("textarea").press_sequentially("@Bo")
    dialog.locator("#mention-list [role=option]", has_text="Bob").click()
    dialog.locator("textarea").press_sequentially("which colour?")
    dialog.locator(".dialog-foot .btn").last.click()
    expect(page.locator(".timeline .quote", has_text="@Bob which colour?")).to_be_visible()
    with office.workspace.read(office.who("bob")) as work:
        assert [notice.kind for notice in work.notifications.page()] == ["mention"]


@pytest.mark.parametrize("phone", [False, True])
def test_several_are_decided_together_with_a_stock_phrase(
    office: Office, open_page: Callable[..., Page], shots: Path, phone: bool
) -> None:
    page = open_page(locale="en-US", phone=phone)
    for _ in range(2):
        office.ask()
    with office.workspace.work(office.who("max"), command="test") as work:
        add_phrase(work, "Within the budget")
        first, second = (item.id for item in work.inbox.page().items)
    office.open(page, "max", first)
    page.goto(f"{office.address}/inbox/")
    page.wait_for_selector("html[data-ready]")
    for box in page.locator(".task-pick input").all():
        box.check()
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=shots / f"inbox-picked-{phone}.png")
    page.get_by_role("button", name="Decide those chosen together").click()
    page.wait_for_selector("html[data-ready]")
    page.locator(".phrases summary").click()
    page.screenshot(path=shots / f"batch-{phone}.png")
    page.locator("[data-phrase]").click()
    assert page.locator("#comment").input_value() == "Within the budget"
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".batch .badge.c-green")).to_have_count(2)
    assert_accessible(page)
    page.screenshot(path=shots / f"batch-done-{phone}.png")
    assert office.todo("max") == []
    office.open(page, "max", second)
    expect(page.locator(".timeline .quote", has_text="Within the budget")).to_be_visible()
    assert_fits(page)
    assert_accessible(page)
    page.screenshot(path=shots / f"task-done-{phone}.png", full_page=True)


def test_an_admin_assigns_and_voids(office: Office, page: Page) -> None:
    office.ask()
    task = office.task("max")
    act(office.open(page, "root", task), "assign", "Bob")
    assert (office.todo("bob"), office.todo("max")) == (["manager"], [])
    act(office.open(page, "root", task), "void", comment="Duplicate")
    assert (office.status(), office.todo("bob")) == ("cancelled", [])


def test_nobody_is_offered_what_is_not_theirs(office: Office, page: Page, shots: Path) -> None:
    office.ask()
    task = office.task("max")
    office.open(page, "max", task)
    offered = page.locator("[data-dialog]").evaluate_all("all => all.map(one => one.dataset.dialog)")
    assert not {"verb-withdraw", "verb-void", "verb-assign", "verb-take_back"} & set(offered)
    assert_fits(page)
    page.locator(".page-actions details summary").click()
    page.screenshot(path=shots / "verbs.png")
    office.open(page, "ann", task)
    offered = page.locator("[data-dialog]").evaluate_all("all => all.map(one => one.dataset.dialog)")
    assert offered == ["verb-remind", "verb-comment", "verb-withdraw"]


@pytest.mark.parametrize(("phone", "locale"), [(False, "en-US"), (True, "zh-CN")])
def test_the_pages_of_people_fit_and_are_accessible(
    office: Office, open_page: Callable[..., Page], shots: Path, phone: bool, locale: str
) -> None:
    page = open_page(locale=locale, phone=phone)
    request = office.ask()
    office.open(page, "root", office.task("max"))
    for name, path in (
        ("move", f"/admin/people/{office.people['ann']}/move"),
        ("person", f"/admin/people/{office.people['ann']}"),
        ("account", "/account"),
        ("phrases", "/phrases/"),
        ("locked", f"/a/purchase/f/request/{request}"),
    ):
        if name == "locked":
            office.open(page, "ann", office.task("max"))
        page.goto(f"{office.address}{path}")
        page.wait_for_selector("html[data-ready]")
        page.screenshot(path=shots / f"{name}-{phone}.png", full_page=True)
        assert_fits(page)
        assert_accessible(page)
