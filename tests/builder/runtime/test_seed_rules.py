"""The rules of the acceptance list at work, on both databases: each row with its exact boundaries.

On SQLite they are written with English keywords, on PostgreSQL with Chinese ones.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lunardate import LunarDate

from builder.workspace import Workspace
from engines.core import InputError
from tests.builder.runtime.seeds import Seeds, open_seeds
from tests.builder.workspaces import fixed_clock, settings_for, sqlite_image, workspace_url
from tests.databases import DATABASES

__all__ = ["sqlite_image"]


@pytest.fixture(scope="module", params=DATABASES)
def seeds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_image: Path
) -> Iterator[Seeds]:
    folder = tmp_path_factory.mktemp("seeds")
    with workspace_url(request.param, folder, sqlite_image) as url:
        workspace = Workspace.open(settings_for(url, folder), clock=fixed_clock())
        try:
            yield open_seeds(workspace, language="en" if request.param == "sqlite" else "zh")
        finally:
            workspace.close()


def day(seeds: Seeds, days: int) -> date:
    return seeds.today + timedelta(days=days)


def test_k024_a_change_of_the_score_moves_the_tier_tags_and_starts_the_service(seeds: Seeds) -> None:
    account = seeds.account(score=79)
    assert (seeds.see("account", account)["tier"], seeds.processes(account)) == ("A", ["service_plan"])
    seeds.update("account", account, score=80)
    found = seeds.see("account", account)
    assert (found["tier"], found["tags"]) == ("S", ["tier A", "tier S"])
    assert seeds.processes(account) == ["service_plan"] * 2
    # Another score of the same tier changes nothing.
    seeds.update("account", account, score=90)
    assert seeds.processes(account) == ["service_plan"] * 2


@pytest.mark.parametrize(
    ("volume", "fires"), [("120.00", False), ("120.01", True), ("80.00", False), ("79.99", True), ("100.01", False)]
)
def test_k027_a_swing_of_more_than_20_percent_starts_an_assessment(seeds: Seeds, volume: str, fires: bool) -> None:
    account = seeds.account(annual_volume=Decimal("100.00"))
    assert seeds.processes(account) == []
    seeds.update("account", account, annual_volume=Decimal(volume))
    assert seeds.processes(account) == ["assessment"] * fires


def test_k028_recording_a_reorganisation_starts_an_assessment(seeds: Seeds) -> None:
    account = seeds.account()
    seeds.create("org_change", what="merger", account=account)
    assert seeds.processes(account) == ["assessment"]


def test_k029_one_change_of_policy_assesses_every_customer_of_the_industry(seeds: Seeds) -> None:
    steel, paper = seeds.create("industry", name="steel"), seeds.create("industry", name="paper")
    mine = [seeds.account(industry=steel) for _ in range(3)]
    other = seeds.account(industry=paper)
    seeds.create("policy_change", what="quota", industry=steel)
    assert [seeds.processes(account) for account in mine] == [["assessment"]] * 3
    assert seeds.processes(other) == []


@pytest.mark.parametrize(
    ("text", "flagged"),
    [("我们不得不手工录入", True), ("只能勉强接受", True), ("不得不勉强接受", True), ("很满意", None), (None, None)],
)
def test_k065_signal_words_flag_a_note_and_propose_one_need(seeds: Seeds, text: str | None, flagged: bool) -> None:
    """The words are records, so that people can edit them."""
    known = {row["word"] for row in _all(seeds, "signal_word")}
    for word in {"不得不", "勉强接受"} - known:
        seeds.create("signal_word", word=word)
    note = seeds.create("note", text=text)
    assert seeds.see("note", note)["flagged"] is flagged
    needs = [need for need in _all(seeds, "latent_need") if need["note"] == note]
    assert [need["status"] for need in needs] == ["proposed"] * bool(flagged)


def _all(seeds: Seeds, form: str) -> list[Any]:
    from engines.core import SYSTEM
    from engines.form import ListQuery

    with seeds.workspace.read(SYSTEM) as work:
        return [record.values for record in work.records.page(f"seeds.{form}", ListQuery()).records]


@pytest.mark.parametrize(("sources", "refused"), [("abcd", True), ("abcdd", True), ("abcde", False), ("", True)])
def test_k066_a_conclusion_needs_five_independent_pieces_of_evidence(seeds: Seeds, sources: str, refused: bool) -> None:
    case = seeds.create("diagnosis", name="d", evidence=[{"what": "x", "source": source} for source in sources])
    if refused:
        with pytest.raises(InputError) as caught:
            seeds.update("diagnosis", case, status="concluded")
        assert [problem.pointer for problem in caught.value.problems] == ["/status"]
    else:
        seeds.update("diagnosis", case, status="concluded")
    assert seeds.see("diagnosis", case)["status"] == ("open" if refused else "concluded")


@pytest.mark.parametrize(("ages", "fires"), [((0, 1), True), ((29, 0), True), ((30, 0), False), ((0,), False)])
def test_k075_the_same_trouble_again_raises_an_alert_and_a_task(
    seeds: Seeds, ages: tuple[int, ...], fires: bool
) -> None:
    """Three of one category within 30 days; others of another category do not count."""
    account = seeds.account()
    for age in ages:
        seeds.create("ticket", account=account, category="login", opened=day(seeds, -age))
    seeds.create("ticket", account=account, category="print", opened=seeds.today)
    assert seeds.about("alert", account) == []
    seeds.create("ticket", account=account, category="login", opened=seeds.today)
    assert [alert["kind"] for alert in seeds.about("alert", account)] == ["repeated login"] * fires
    assert seeds.tasks(account) == [("Proactive solution", "clerk", None)] * fires


@pytest.mark.parametrize(("logins", "risk"), [(70, None), (69, True), (130, None)])
def test_k076_falling_activity_raises_the_renewal_risk(seeds: Seeds, logins: int, risk: bool | None) -> None:
    account = seeds.account(logins=100)
    seeds.update("account", account, logins=logins)
    assert seeds.see("account", account)["renewal_risk"] is risk


@pytest.mark.parametrize(("kind", "fires"), [("expansion", True), ("financing", True), ("other", False)])
def test_k084_a_growth_signal_notifies_and_proposes_an_upgrade(seeds: Seeds, kind: str, fires: bool) -> None:
    account = seeds.account(name="Acme")
    seeds.create("growth_signal", kind=kind, account=account)
    assert [proposal["kind"] for proposal in seeds.about("proposal", account)] == ["upgrade"] * fires
    assert seeds.told("clerk", account) == [("Acme grows", "info")] * fires


@pytest.mark.parametrize(
    ("urgency", "tier", "fires"), [("urgent", "S", True), ("urgent", "A", False), ("normal", "S", False)]
)
def test_k109_urgent_tickets_of_strategic_customers_take_the_fast_path(
    seeds: Seeds, urgency: str, tier: str, fires: bool
) -> None:
    ticket = seeds.create("ticket", account=seeds.account(tier=tier), urgency=urgency)
    assert seeds.see("ticket", ticket)["priority"] == ("high" if fires else "normal")
    assert seeds.processes(ticket) == ["rapid_response"] * fires


def test_k111_an_unclaimed_ticket_escalates_at_15_minutes_once(seeds: Seeds) -> None:
    left, claimed = seeds.create("ticket"), seeds.create("ticket")
    seeds.move(minutes=14, seconds=59)
    assert seeds.told("head", left) == []
    seeds.update("ticket", claimed, claimed_by=seeds.people["clerk"])
    seeds.move(seconds=1)
    assert seeds.told("head", left) == [("A ticket that nobody has claimed", "alert")]
    assert seeds.see("ticket", left)["escalated"] is True
    seeds.move(hours=2)
    assert len(seeds.told("head", left)) == 1
    assert (seeds.told("head", claimed), seeds.see("ticket", claimed)["escalated"]) == ([], None)


def test_k111_survives_a_standstill(seeds: Seeds) -> None:
    ticket = seeds.create("ticket")
    seeds.jump(hours=5)
    assert len(seeds.told("head", ticket)) == 1
    seeds.jump(hours=5)
    assert len(seeds.told("head", ticket)) == 1


def test_k114_becoming_a_star_does_all_three_in_one_run_and_only_once(seeds: Seeds) -> None:
    account = seeds.account(quadrant="routine")
    assert seeds.tasks(account) == []
    seeds.update("account", account, quadrant="star")
    found = seeds.see("account", account)
    assert found["owner"] == seeds.people["senior_manager"]
    assert [ticket["category"] for ticket in seeds.about("ticket", account)] == ["exclusive"]
    due = date(seeds.today.year, seeds.today.month + 3, seeds.today.day)
    assert seeds.tasks(account) == [("Quarterly visit", "seeds.ceo", due)]
    # Recognised again, or saved otherwise: nothing twice.
    seeds.update("account", account, name="B")
    seeds.update("account", account, quadrant="star", potential=5)
    assert len(seeds.about("ticket", account)) == len(seeds.tasks(account)) == 1
    # Having been another, it becomes a star anew.
    seeds.update("account", account, quadrant="cow")
    seeds.update("account", account, quadrant="star")
    assert len(seeds.tasks(account)) == 2


def test_k115_potentials_are_nurtured_until_they_leave_the_quadrant(seeds: Seeds) -> None:
    account = seeds.account(quadrant="growth")
    assert seeds.processes(account) == ["nurture"]
    before = _reports(seeds)
    seeds.move(days=30)
    assert _reports(seeds) == before + 1
    seeds.move(days=30)
    assert _reports(seeds) == before + 2
    seeds.update("account", account, quadrant="cow")
    seeds.move(days=60)
    assert _reports(seeds) == before + 2


def _reports(seeds: Seeds) -> int:
    from builder.storage.runtime_tables import notification

    rows = seeds._rows(notification, notification.c.person == seeds.people["development"])
    return sum(1 for row in rows if "monthly report" in str(row.title))


def test_k116_a_cash_cow_without_orders_alarms_on_day_30_once_per_dry_spell(seeds: Seeds) -> None:
    cow, star = seeds.account(quadrant="cow"), seeds.account(quadrant="star")

    def order(status: str = "won") -> None:
        for account in (cow, star):
            seeds.create("order", account=account, date=seeds.today, amount=1, status=status)

    order()
    seeds.move(days=29)
    assert seeds.about("alert", cow) == []
    # A cancelled order is none.
    order("cancelled")
    seeds.move(days=1)
    assert [alert["kind"] for alert in seeds.about("alert", cow)] == ["dry"]
    assert seeds.told("sales_director", cow) == [("No purchase", "alert")]
    assert seeds.tasks(cow) == [("Follow up", "clerk", None)]
    seeds.move(days=20)
    assert len(seeds.about("alert", cow)) == 1
    order()
    seeds.move(days=29)
    assert len(seeds.about("alert", cow)) == 1
    seeds.move(days=1)
    assert len(seeds.about("alert", cow)) == 2
    assert seeds.about("alert", star) == []


@pytest.mark.parametrize(
    ("before", "now", "fires"), [(80, 81, True), (79, 80, False), (81, 82, False), (82, 79, False), (None, 81, True)]
)
def test_k117_the_pool_takes_upward_crossings_only(seeds: Seeds, before: int | None, now: int, fires: bool) -> None:
    account = seeds.account(potential=before)
    told = len(seeds.told("development", account))
    seeds.update("account", account, potential=now)
    assert len(seeds.told("development", account)) - told == fires
    was_above = before is not None and before > 80
    assert (account in seeds.pool("high_potential")) is (fires or was_above)


def test_k118_platinum_starts_its_tasks_with_their_due_dates_and_reviews_every_quarter(seeds: Seeds) -> None:
    account, gold = seeds.account(level="silver"), seeds.account(level="gold")
    seeds.update("account", account, level="platinum")
    assert seeds.tasks(account) == [
        ("Executive visit", "clerk", day(seeds, 7)),
        ("Service proposal", "clerk", day(seeds, 15)),
    ]
    zone = seeds.workspace.clock.zone()
    month = (seeds.today.month - 1) // 3 * 3 + 4
    quarter = datetime(seeds.today.year + month // 13, (month - 1) % 12 + 1, 1, 9, tzinfo=zone)
    seeds.move_to(quarter - timedelta(seconds=1))
    assert len(seeds.tasks(account)) == 2
    seeds.move_to(quarter)
    assert [title for title, _, _ in seeds.tasks(account)][2:] == ["Deep review"]
    seeds.move(days=93)
    assert [title for title, _, _ in seeds.tasks(account)][2:] == ["Deep review"] * 2
    assert seeds.tasks(gold) == []


def test_k122_a_renewal_is_remembered_for_each_contract_follows_its_date_and_is_caught_up(seeds: Seeds) -> None:
    account = seeds.account()
    ends = day(seeds, 90)
    contracts = [seeds.create("contract", account=account, end_date=ends) for _ in range(2)]
    nine = seeds.now.replace(hour=9, minute=0, second=0, microsecond=0)
    seeds.move_to(nine + timedelta(days=30) - timedelta(seconds=1))
    assert seeds.tasks(account) == []
    # One is prolonged just before: it is planned anew.
    later = ends + timedelta(days=10)
    seeds.update("contract", contracts[1], end_date=later)
    seeds.move(seconds=1)
    assert seeds.tasks(account) == [("Renewal", "clerk", ends)]
    assert [title for title, _ in seeds.told("clerk", account)] == ["A contract ends soon"]
    # The server stands still over the day of the other one.
    seeds.jump(days=15)
    assert [due for _, _, due in seeds.tasks(account)] == [ends, later]
    seeds.move(days=5)
    assert len(seeds.tasks(account)) == 2


@pytest.mark.parametrize(("score", "fires"), [(7, False), (6, True)])
def test_k123_a_low_score_makes_a_task_for_the_manager_and_a_warning(seeds: Seeds, score: int, fires: bool) -> None:
    account = seeds.account()
    seeds.create("survey", account=account, score=score)
    assert seeds.tasks(account) == [("Customer care", "clerk", None)] * fires
    assert seeds.told("management", account) == [("Low score: 6", "info")] * fires


@pytest.mark.parametrize(
    ("level", "started"), [("warning", ["business_review"]), ("critical", ["emergency_plan"]), ("good", [])]
)
def test_k127_each_health_level_starts_its_response(seeds: Seeds, level: str, started: list[str]) -> None:
    account = seeds.account()
    seeds.update("account", account, health_level=level)
    assert seeds.processes(account) == started


# Growth of an account year by year, against an industry mean of 10 %; how often the plan is rebuilt.
WEAK = [
    ("S", ("0.05", "0.05"), [0, 1]),
    ("S", ("0.20", "0.05"), [0, 0]),
    ("S", ("0.05", "0.10"), [0, 0]),
    ("S", ("0.0999", "0.0999"), [0, 1]),
    ("S", ("0.05", "0.05", "0.05"), [0, 1, 0]),
    ("S", ("0.05", "0.05", "0.30", "0.05", "0.05"), [0, 1, 0, 0, 1]),
    ("A", ("0.05", "0.05"), [0, 0]),
]


@pytest.mark.parametrize(("tier", "growth", "fires"), WEAK, ids=[f"{t}-{'-'.join(g)}" for t, g, _ in WEAK])
def test_k128_two_weak_years_running_rebuild_the_plan_once(
    seeds: Seeds, tier: str, growth: tuple[str, ...], fires: list[int]
) -> None:
    """Equal to the mean is not below; a good year resets; customers that are not strategic do not count."""
    first = seeds.today.year
    industry = seeds.create("industry", name="chemistry")
    account = seeds.account(tier=tier, industry=industry)
    amount = Decimal(10_000)
    seeds.create("order", account=account, date=date(first - 1, 6, 30), amount=amount)
    counts = []
    for year, rate in enumerate(growth, first):
        seeds.create("industry_mean", industry=industry, year=year, growth=Decimal("0.10"))
        amount = (amount * (1 + Decimal(rate))).quantize(Decimal("0.01"))
        seeds.create("order", account=account, date=date(year, 12, 31), amount=amount)
        before = seeds.processes(account).count("rebuild_plan")
        seeds.move_to(datetime(year + 1, 1, 15, 6, tzinfo=seeds.workspace.clock.zone()).astimezone(UTC))
        counts.append(seeds.processes(account).count("rebuild_plan") - before)
    assert counts == fires


@pytest.mark.parametrize(("stage", "value", "fires"), [("lost", True, 1), ("leaving", True, 1), ("lost", False, 0)])
def test_k129_losing_a_high_value_customer_is_the_top_alarm(seeds: Seeds, stage: str, value: bool, fires: int) -> None:
    name = f"Acme {stage} {value}"
    account = seeds.account(name=name, stage="mature", high_value=value)
    seeds.update("account", account, stage=stage)
    title = f"High-value customer lost: {name}"
    assert seeds.told("executive", account) == [(title, "critical")] * fires
    assert seeds.mails().count(("executive@example.com", f"高价值客户流失：{name}")) == fires


@pytest.mark.parametrize(("count", "refused"), [(2, True), (3, False), (5, False), (6, True)])
def test_k135_a_review_yields_three_to_five_improvements(seeds: Seeds, count: int, refused: bool) -> None:
    review = seeds.create("review", name="r", improvements=[{"what": str(n)} for n in range(count)])
    if refused:
        with pytest.raises(InputError) as caught:
            seeds.update("review", review, status="closed")
        assert [problem.pointer for problem in caught.value.problems] == ["/improvements"]
    else:
        seeds.update("review", review, status="closed")
    assert seeds.see("review", review)["status"] == ("open" if refused else "closed")


def test_k055_k090_birthdays_come_every_year_with_29_february_and_by_the_chinese_calendar(seeds: Seeds) -> None:
    """Three days before: 29 February is kept on the 28th in common years, a lunar birthday on its Chinese day."""
    account = seeds.account()
    leap = seeds.create("contact", name="leap", account=account, born=date(2000, 2, 29))
    # Born on the first day of the Chinese year 1990.
    lunar = seeds.create("contact", name="lunar", account=account, lunar_born=date(1990, 1, 27))
    for year in (seeds.today.year + 1, seeds.today.year + 2, seeds.today.year + 3, seeds.today.year + 4):
        kept = date(year, 2, 29 if calendar.isleap(year) else 28)
        days = {leap: kept, lunar: LunarDate(year, 1, 1).to_solar_date()}
        for contact, birthday in sorted(days.items(), key=lambda item: item[1]):
            ahead = datetime.combine(birthday - timedelta(days=3), time(9), seeds.workspace.clock.zone())
            seeds.move_to(ahead - timedelta(seconds=1))
            given = len(seeds.tasks(contact))
            seeds.move_to(ahead)
            assert seeds.tasks(contact)[given:] == [("Birthday", "clerk", birthday)]
