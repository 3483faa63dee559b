"""The template's journeys through the real runtime: tiers, rapid response, dry spells, care; K-rows by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity import create_person, public_principal
from builder.identity.departments import create_department
from builder.insight import Attainment, Cases, ProcessInsight
from builder.jobs.embedded import EmbeddedRunner
from builder.releases import load_folder, publish
from builder.runtime.install import host, install
from builder.storage.runtime_tables import effect, job, process_instance
from builder.storage.values import decode
from builder.web.public_links import create_link
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, InputError, Principal, PrincipalKind, StateConflict
from engines.form import ListQuery
from tests.builder.runtime.test_embedded import QUICK, until
from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["sqlite_image", "workspace"]
APP = Path(__file__).parents[3] / "apps" / "kam_template"
DEMO = json.loads((APP / "data" / "demo.json").read_text("utf-8"))
TODAY = date(2026, 3, 3)


@dataclass(slots=True)
class Company:
    """The template in force, with its people and a product."""

    workspace: Workspace
    runner: EmbeddedRunner
    people: Mapping[str, UUID]
    roles: Mapping[str, frozenset[str]]
    sales: UUID
    product: UUID
    orders: int = 0

    def who(self, login: str) -> Principal:
        """A person of the demo."""
        home = frozenset({self.sales}) if login in ("li_na", "wang_wei", "liu_yang") else frozenset()
        return Principal(
            kind=PrincipalKind.PERSON,
            id=self.people[login],
            roles=self.roles[login],
            department=self.sales if home else None,
            departments=home,
        )

    def create(self, login: str, form: str, **values: Any) -> UUID:
        """The id of a record that a person enters."""
        with self.workspace.work(self.who(login), command="test") as work:
            found: UUID = work.records.create(f"kam.{form}", values).record.id
            return found

    def account(self, code: str, **values: Any) -> UUID:
        """An account of the account manager."""
        with self.workspace.work(SYSTEM, command="test") as work:
            given = {"code": code, "name": f"Account {code}", "owner": self.people["li_na"], "department": self.sales}
            found: UUID = work.records.create("kam.account", {**given, **values}).record.id
            return found

    def order(self, account: UUID, amount: str, day: date = TODAY, login: str = "li_na") -> UUID:
        """An order of one line."""
        self.orders += 1
        line = {"product": self.product, "quantity": 1, "price": Decimal(amount)}
        return self.create(login, "order", number=f"SO{self.orders}", account=account, date=day, lines=[line])

    def see(self, form: str, id: UUID) -> Mapping[str, Any]:
        """The stored values of a record."""
        with self.workspace.read(SYSTEM) as work:
            found = work.records.get(f"kam.{form}", id)
            assert found is not None
            return found.values

    def all(self, form: str) -> list[Mapping[str, Any]]:
        """The values of the records of a form."""
        with self.workspace.read(SYSTEM) as work:
            return [r.values for r in work.records.page(f"kam.{form}", ListQuery(limit=100)).records]

    def todo(self, login: str) -> dict[str, UUID]:
        """Id of a person's open tasks by node."""
        with self.workspace.read(self.who(login)) as work:
            return {item.node: item.id for item in work.service("inbox").page().items}

    def complete(self, login: str, task: UUID, outcome: str, **more: Any) -> None:
        """Completes a task as a person."""
        with self.workspace.work(self.who(login), command="task.complete") as work:
            work.service("processes").complete(task, outcome, **more)

    def notices(self, login: str) -> list[str]:
        """Chinese titles of what a person was told."""
        with self.workspace.read(self.who(login)) as work:
            return [notice.title["zh"] for notice in work.service("notifications").page()]

    def mail(self) -> Mapping[str, Any]:
        """The newest mail."""
        with self.workspace.database.read() as connection:
            query = sa.select(effect.c.payload).where(effect.c.channel == "mail").order_by(effect.c.id.desc())
            return decode(connection.execute(query.limit(1)).scalar_one())  # type: ignore[no-any-return]

    def answer(self, choice: str, comment: str = "") -> None:
        """What the customer answers to the newest mail."""
        token = re.findall(r"/answer/([\w-]+)", self.mail()["text"])[0]
        with self.workspace.work(public_principal("kam", "zh"), command="answer.give") as work:
            work.service("answers").give(token, choice, comment)

    def advance(self, **by: float) -> None:
        """Moves the clock and lets everything happen that is due."""
        self.workspace.clock.base.advance(timedelta(**by))  # type: ignore[attr-defined]
        self.runner.wake()
        until(lambda: not self._due())

    def at(self, text: str) -> datetime:
        """A local time as an instant."""
        return datetime.fromisoformat(text).replace(tzinfo=self.workspace.clock.zone()).astimezone(UTC)

    def go_to(self, text: str, *, hourly: bool = False) -> None:
        """Moves the clock to a later local time, at once or hour by hour."""
        left = (self.at(text) - self.workspace.clock.now()).total_seconds()
        while hourly and left > 3600:
            self.advance(hours=1)
            left -= 3600
        self.advance(seconds=left)

    def line(self, login: str, node: str) -> Any:
        """The line of a person's inbox for a task."""
        with self.workspace.read(self.who(login)) as work:
            return next(item for item in work.service("inbox").page().items if item.node == node)

    def act(self, login: str, verb: Callable[[Any], None]) -> None:
        """Something that a person does with the processes."""
        with self.workspace.work(self.who(login), command="test.act") as work:
            verb(work.service("processes"))

    def attainment(self, process: str) -> Attainment:
        """How well the limits of a process were kept."""
        with self.workspace.read(SYSTEM) as work:
            return ProcessInsight(work, Cases(app="kam", process=process)).attainment()

    def _due(self) -> bool:
        now = self.workspace.clock.now()
        with self.workspace.database.read() as connection:
            return any(due <= now for due in connection.execute(sa.select(job.c.due_at)).scalars())

    def score(self) -> None:
        """Full runs of all score models."""
        for model in DEMO["then"]["scores"]:
            self.workspace.score_all(f"kam.{model}", SYSTEM)


@pytest.fixture
def company(workspace: Workspace) -> Iterator[Company]:
    install(workspace)
    publish(workspace, "kam", load_folder(APP), SYSTEM)
    roles = {p["name"]: frozenset(f"kam.{r}" for r in p["roles"]) for p in DEMO["people"]}
    with workspace.work(SYSTEM, command="test.people") as work:
        sales = create_department(work, code="sales", name={"zh": "销售部"})
        people = {
            p["name"]: create_person(
                work, login=p["name"], name=p["label"]["zh"], email=p["email"], roles=roles[p["name"]]
            )
            for p in DEMO["people"]
        }
        product = work.records.create("kam.product", {"code": "P1", "name": "机械臂"}).record.id
    runner = EmbeddedRunner(host(workspace), {}, patience=QUICK)
    runner.start()
    yield Company(workspace=workspace, runner=runner, people=people, roles=roles, sales=sales, product=product)
    runner.stop()


@pytest.mark.parametrize(
    ("amount", "tier"),
    [("5000000", "S"), ("4999999.99", "A"), ("1000000", "A"), ("999999.99", "B")],
)
def test_k019_the_yearly_volume_gives_the_tier(workspace: Workspace, amount: str, tier: str) -> None:
    install(workspace)
    publish(workspace, "kam", load_folder(APP), SYSTEM)
    with workspace.read(SYSTEM) as work:
        found = (
            work.service("around")
            .decisions_of("kam")
            .decide("tier", {"annual_volume": Decimal(amount), "benchmark": False})
        )
    assert found["tier"] == tier


def test_k019_k030_an_order_lifts_an_account_and_the_review_puts_the_tier_into_effect(company: Company) -> None:
    account = company.account("A1", tier="A")
    company.order(account, "4960000", TODAY - timedelta(days=20))
    company.score()
    assert company.todo("wang_wei") == {}
    company.order(account, "40000")
    seen = company.see("account", account)
    assert (seen["annual_volume"], seen["tier"], seen["proposed_tier"]) == (Decimal("5000000"), "A", "S")
    assert (seen["order_count"], seen["recency_days"]) == (2, 0)
    for login, node in (("wang_wei", "sales_review"), ("hu_yan", "finance_review"), ("he_ping", "service_review")):
        assert company.see("account", account)["tier"] == "A"
        company.complete(login, company.todo(login)[node], "approve")
    seen = company.see("account", account)
    assert (seen["tier"], seen["proposed_tier"], seen["tier_since"]) == ("S", None, TODAY)
    assert [(p["tier"], p["status"]) for p in company.all("service_plan")] == [("S", "active")]
    assert "Account A1 已调整为 S 级" in company.notices("li_na")
    with company.workspace.read(company.who("li_na")) as work:
        changed = {c.field for version in work.records.history("kam.account", account) for c in version.changes}
    assert {"tier", "proposed_tier", "annual_volume"} <= changed


def test_k030_a_refused_review_keeps_the_old_tier(company: Company) -> None:
    account = company.account("A1", tier="A")
    company.order(account, "5000000")
    company.complete("wang_wei", company.todo("wang_wei")["sales_review"], "approve")
    company.complete("hu_yan", company.todo("hu_yan")["finance_review"], "reject", comment="账期过长")
    company.complete("he_ping", company.todo("he_ping")["service_review"], "approve")
    seen = company.see("account", account)
    assert (seen["tier"], seen["proposed_tier"]) == ("A", None)
    assert company.all("service_plan") == []


def test_k030_a_proposal_withdrawn_cancels_its_review(company: Company) -> None:
    account = company.account("A1", tier="A")
    order = company.order(account, "5000000")
    late = company.todo("hu_yan")["finance_review"]
    company.complete("wang_wei", company.todo("wang_wei")["sales_review"], "approve")
    with company.workspace.work(company.who("li_na"), command="test") as work:
        work.records.update("kam.order", order, {"status": "cancelled"})
    assert company.see("account", account)["proposed_tier"] == "B"
    down = company.todo("hu_yan")["finance_review"]
    company.order(account, "6000000")
    assert len({late, down, company.todo("hu_yan")["finance_review"]}) == 3
    assert set(company.todo("wang_wei")) == {"sales_review"}
    with pytest.raises(StateConflict):
        company.complete("hu_yan", late, "approve")


def test_a_review_belongs_to_its_reviewers_and_is_done_once(company: Company) -> None:
    company.order(company.account("A1", tier="A"), "5000000")
    task = company.todo("wang_wei")["sales_review"]
    assert company.todo("li_na") == {}
    with pytest.raises(AccessDenied):
        company.complete("li_na", task, "approve")
    company.complete("wang_wei", task, "approve")
    with pytest.raises(StateConflict) as late:
        company.complete("wang_wei", task, "approve")
    assert late.value.code == "task.closed"


def test_k109_k110_k111_an_urgent_ticket_alarms_three_and_escalates_after_fifteen_minutes(company: Company) -> None:
    account = company.account("A1", tier="S")
    ticket = company.create("li_na", "ticket", account=account, title="停机", urgency="urgent")
    assert company.see("ticket", ticket)["priority"] == "high"
    for login in ("li_na", "he_ping", "guo_xin"):
        assert "紧急工单：停机" in company.notices(login)
    company.advance(minutes=14, seconds=59)
    assert company.see("ticket", ticket)["priority"] == "high"
    company.advance(seconds=1)
    assert company.see("ticket", ticket)["priority"] == "escalated"
    company.advance(hours=2)
    assert company.notices("liu_yang").count("工单已升级：停机") == 1


def test_k111_a_claimed_ticket_does_not_escalate_and_its_solution_must_be_written(company: Company) -> None:
    account = company.account("A1", tier="S")
    ticket = company.create("li_na", "ticket", account=account, title="停机", urgency="urgent")
    company.advance(minutes=14, seconds=59)
    company.complete("he_ping", company.todo("he_ping")["claim"], "claim")
    company.advance(hours=1)
    seen = company.see("ticket", ticket)
    assert (seen["status"], seen["priority"]) == ("claimed", "high")
    assert company.notices("liu_yang") == []
    company.complete("he_ping", company.todo("he_ping")["solve"], "solved", values={"solution": "更换编码器"})
    assert company.see("ticket", ticket)["status"] == "resolved"


def test_k112_the_clock_the_owner_at_each_moment_and_the_attainment_of_a_ticket(company: Company) -> None:
    account = company.account("A1", tier="S")
    company.create("li_na", "ticket", account=account, title="停机", urgency="urgent")
    assert company.line("he_ping", "claim").sla == "running"
    company.advance(minutes=10)
    assert company.line("he_ping", "claim").sla == "warned"
    company.complete("he_ping", company.todo("he_ping")["claim"], "claim")
    solve = company.todo("he_ping")["solve"]
    company.advance(hours=1)
    company.act("he_ping", lambda processes: processes.pause_clock(solve, "等待客户提供日志"))
    with pytest.raises(AccessDenied):
        company.act("li_na", lambda processes: processes.resume_clock(solve))
    company.advance(days=1)
    company.act("he_ping", lambda processes: processes.resume_clock(solve))
    company.complete("he_ping", solve, "solved", values={"solution": "更换编码器"})
    kept = company.attainment("rapid_response")
    assert (kept.whole.met, kept.whole.breached, kept.whole.paused_s) == (2, 0, 86400)
    assert set(kept.people) == {company.people["he_ping"]}
    assert kept.nodes["solve", "solve"].used_s == 3600


def test_k112_the_clock_counts_office_hours_over_holidays_and_days_worked_in_exchange(company: Company) -> None:
    """1 to 5 May 2026 are off, Saturday the 9th is worked in exchange; the office has eight hours a day."""
    account = company.account("A1", tier="S")

    def claimed(at: str) -> datetime:
        company.go_to(at)
        company.create("li_na", "ticket", account=account, title="停机", urgency="urgent")
        company.complete("he_ping", company.todo("he_ping")["claim"], "claim")
        due: datetime = company.line("he_ping", "solve").due_at
        return due

    assert claimed("2026-04-30T16:00") == company.at("2026-05-06T16:00")
    company.go_to("2026-05-06T15:59:59")
    assert company.notices("liu_yang").count("已超时：处理工单") == 0
    company.advance(seconds=1)
    company.go_to("2026-05-08T09:00", hourly=True)
    assert company.notices("liu_yang").count("已超时：处理工单") == 1
    assert company.notices("he_ping").count("请尽快处理：处理工单") == 3
    company.complete("he_ping", company.todo("he_ping")["solve"], "solved", values={"solution": "更换编码器"})
    assert claimed("2026-05-08T16:00") == company.at("2026-05-09T16:00")
    assert company.attainment("rapid_response").whole.breached == 1


def test_k119_every_step_has_an_owner_a_time_limit_and_a_standard() -> None:
    for path in APP.rglob("*.process.json"):
        for node in json.loads(path.read_text("utf-8"))["nodes"]:
            if node["type"] == "userTask":
                assert node["assignment"], (path.name, node["name"])
                assert node["sla"], (path.name, node["name"])
                fields = any(field.get("required") for field in node.get("fields", ()))
                comments = all(o.get("comment") == "required" for o in node["outcomes"] if o["name"] != "approve")
                assert fields or comments or node["name"] == "claim", (path.name, node["name"])


def test_k119_a_step_is_not_done_before_its_standard_is_met(company: Company) -> None:
    account = company.account("A1", tier="S")
    company.create("li_na", "ticket", account=account, title="停机", urgency="urgent")
    company.complete("he_ping", company.todo("he_ping")["claim"], "claim")
    solve = company.todo("he_ping")["solve"]
    with pytest.raises(InputError) as refused:
        company.complete("he_ping", solve, "solved")
    assert refused.value.problems[0].pointer == "/solution"
    company.complete("he_ping", solve, "solved", values={"solution": "更换编码器"})


@pytest.mark.parametrize(("tier", "urgency"), [("A", "urgent"), ("S", "normal")])
def test_k109_other_tickets_take_the_normal_path(company: Company, tier: str, urgency: str) -> None:
    account = company.account("A1", tier=tier)
    ticket = company.create("li_na", "ticket", account=account, title="咨询", urgency=urgency)
    assert company.see("ticket", ticket)["priority"] == "normal"
    assert company.todo("he_ping") == {}


def test_k116_a_cash_cow_without_orders_alerts_once_for_each_dry_spell(company: Company) -> None:
    cow = company.account("A1", quadrant="cow")
    company.account("A2", quadrant="star")
    company.order(cow, "1000", TODAY)
    with company.workspace.work(SYSTEM, command="test") as work:
        work.records.update("kam.account", cow, {"quadrant": "cow"}, computed=True)
    company.advance(days=29)
    assert company.all("alert") == []
    company.advance(days=1)
    assert [alert["account"] for alert in company.all("alert")] == [cow]
    assert [f["priority"] for f in company.all("follow_up")] == ["high"]
    company.advance(days=20)
    assert len(company.all("alert")) == 1
    company.order(cow, "1000", TODAY + timedelta(days=50))
    with company.workspace.work(SYSTEM, command="test") as work:
        work.records.update("kam.account", cow, {"quadrant": "cow"}, computed=True)
    company.advance(days=31)
    assert len(company.all("alert")) == 2


@pytest.mark.parametrize(("score", "cared_for"), [(7, False), (6, True)])
def test_k123_k124_a_low_score_starts_care_and_a_follow_up_mail(company: Company, score: int, cared_for: bool) -> None:
    account = company.account("A1", email="buyer@example.com")
    visitor = Principal(kind=PrincipalKind.PUBLIC, roles=frozenset({"kam.public"}))
    with company.workspace.work(visitor, command="public.answer") as work:
        answer = {"account": account, "score": score, "comment": "太慢"}
        work.records.create("kam.survey", answer, layout="public", vouched=("account",))
    assert ("care" in company.todo("li_na")) is cared_for
    assert bool(company.all("alert")) is cared_for
    if not cared_for:
        return
    assert [notice for notice in company.notices("wang_wei") if "低分" in notice]
    company.complete("li_na", company.todo("li_na")["care"], "handled", comment="已电话沟通")
    assert company.mail()["to"] == ["buyer@example.com"]
    assert company.todo("li_na") == {}
    company.answer("no", "还是太慢")
    assert "Account A1 表示问题尚未解决" in company.notices("li_na")
    company.complete("li_na", company.todo("li_na")["care"], "handled", comment="已更换物流")
    company.answer("yes")
    assert company.todo("li_na") == {}


def test_k124_without_an_address_the_case_ends_unasked(company: Company) -> None:
    account = company.account("A1")
    company.create("li_na", "survey", account=account, score=2)
    company.complete("li_na", company.todo("li_na")["care"], "handled", comment="已当面沟通")
    assert company.todo("li_na") == {}
    with company.workspace.database.read() as connection:
        assert connection.execute(sa.select(process_instance.c.status)).scalars().all() == ["completed"]


def test_an_account_manager_sees_own_accounts_only_and_no_one_else_may_enter_orders(company: Company) -> None:
    mine = company.account("A1")
    other = company.account("A2", owner=company.people["zhao_lei"])
    with company.workspace.read(company.who("li_na")) as work:
        assert [r.id for r in work.records.page("kam.account", ListQuery()).records] == [mine]
        assert work.records.get("kam.account", other) is None
    with pytest.raises(AccessDenied):
        company.order(mine, "1", login="guo_xin")
    with company.workspace.read(company.who("he_ping")) as work:
        seen = work.records.get("kam.account", mine)
        assert seen is not None
        assert "service_cost" not in seen.values


def test_a_public_link_carries_no_record_that_its_sender_may_not_see(company: Company) -> None:
    other = company.account("A2", owner=company.people["zhao_lei"])
    mine = company.account("A1")
    with company.workspace.work(company.who("li_na"), command="test") as work:
        assert create_link(work, "kam.survey", {"account": str(mine)})
        with pytest.raises(AccessDenied):
            create_link(work, "kam.survey", {"account": str(other)})
