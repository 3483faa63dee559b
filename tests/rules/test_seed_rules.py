"""The rules that the seed requirements name, each with its exact boundaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, Table, insert

from engines import feel
from engines.core import DefinitionSource
from engines.feel import storage
from engines.rules import EventKind, RuleData, RuleEvent, RuleSet, SweepTime, compile_rules, load_rules, run, sweep
from engines.rules import actions as a
from engines.rules.firing import carry_out
from engines.rules.schedules import next_run
from tests.rules.apps import NOW, SHANGHAI, context, uid
from tests.rules.tables import Catalogue, Model, TableSource

CREATED, UPDATED, SIGNAL = EventKind.RECORD_CREATED, EventKind.RECORD_UPDATED, EventKind.SIGNAL_ARRIVED
SETTINGS = {
    "potential_limit": 80,
    "nps_limit": 7,
    "activity_drop": 30,
    "similar_tickets": 3,
    "signal_words": ["不得不", "勉强接受"],
}
ACCOUNT = a.RecordRef(form="account", id=uid("account"))


def rules_of(text: str, definitions: Any = None) -> RuleSet:
    loaded = load_rules(DefinitionSource(file="seed.rules", text=text))
    assert loaded.ok, [d.render() for d in loaded.diagnostics]
    return RuleSet([compile_rules(loaded.definition, definitions)])


def happened(kind: EventKind, form: str = "account", **more: Any) -> RuleEvent:
    return RuleEvent(**{"kind": kind, "at": NOW, "record": a.RecordRef(form=form, id=uid(form)), **more})


def data(record: Mapping[str, Any], previous: Mapping[str, Any] | None = None, **more: Any) -> RuleData:
    everything = {"record": record, "previous": previous, "context": context(), "variables": {"settings": SETTINGS}}
    return RuleData(**{**everything, **more})


def done(text: str, event: RuleEvent, with_: RuleData, replies: Mapping[type, Any] | None = None) -> list[str]:
    """What the rules do: names of actions with their object."""
    found: list[str] = []

    def execute(action: a.Action) -> Any:
        named = next(
            (
                getattr(action, n)
                for n in ("process", "model", "decision", "form", "pool", "template")
                if hasattr(action, n)
            ),
            "",
        )
        found.append(f"{type(action).__name__}{f' {named}' if named else ''}")
        return (replies or {}).get(type(action))

    for firing in run(rules_of(text), event, with_).firings:
        carry_out(firing, execute)
    return found


K024 = """rule k024 when account.score changes then
  decide tier with score: score as proposal
  if proposal != tier then
    set tier: proposal
    add tag proposal
    start process service_plan
  end
end"""


def test_k024_a_data_change_moves_the_tier_tags_and_starts_the_service() -> None:
    event = happened(UPDATED, changed=frozenset({"score"}))
    moved = done(K024, event, data({"score": 90, "tier": "silver"}, {"score": 70}), {a.Decide: "gold"})
    assert moved == ["Decide tier", "SetFields", "Tag", "StartProcess service_plan"]
    assert done(K024, event, data({"score": 90, "tier": "gold"}, {"score": 70}), {a.Decide: "gold"}) == ["Decide tier"]


K027 = """rule k027 when account.annual_volume changes
  if abs(annual_volume - last_volume) / last_volume > 0.2 then start process assessment end"""


@pytest.mark.parametrize(("volume", "fires"), [("120", False), ("120.01", True), ("80", False), ("79.99", True)])
def test_k027_a_swing_of_more_than_20_percent_starts_an_assessment(volume: str, fires: bool) -> None:
    record = {"annual_volume": Decimal(volume), "last_volume": Decimal(100)}
    event = happened(UPDATED, changed=frozenset({"annual_volume"}))
    assert done(K027, event, data(record, {"annual_volume": Decimal(100)})) == ["StartProcess assessment"] * fires


K028 = "rule k028 when org_change is created then start process assessment on account_id end"


def test_k028_an_organisational_change_starts_an_assessment() -> None:
    event = happened(CREATED, "org_change")
    assert done(K028, event, data({"account_id": uid("account")})) == ["StartProcess assessment"]


K029 = """rule k029 when signal policy_changed arrives then
  for each c of account where c.industry = event.industry do start process assessment on c end
end"""


def test_k029_one_policy_change_assesses_every_customer_of_the_industry() -> None:
    event = happened(SIGNAL, record=None, name="policy_changed", payload={"industry": "steel"})
    found = [{"id": uid("one")}, {"id": uid("two")}]
    assert done(K029, event, data({}), {a.FindRecords: found}) == [
        "FindRecords account",
        *["StartProcess assessment"] * 2,
    ]


K065 = """rule k065 when note is saved
  if some word in settings.signal_words satisfies contains(text, word) then
  set flagged: true
  create latent_need with note: record, status: "proposed"
end"""


@pytest.mark.parametrize(
    ("text", "fires"), [("我们不得不手工录入", True), ("只能勉强接受", True), ("很满意", False), (None, False)]
)
def test_k065_signal_words_flag_a_note(text: str | None, fires: bool) -> None:
    found = done(K065, happened(UPDATED, "note"), data({"id": uid("note"), "text": text}))
    assert found == (["SetFields", "CreateRecord latent_need"] if fires else [])


K066 = """rule k066 when diagnosis.status changes to "concluded"
  if count(distinct values(evidence.source)) < 5 then refuse saying "至少 5 个独立证据" on status end"""


@pytest.mark.parametrize(
    ("sources", "refused"), [("abcd", True), ("abcde", False), ("aaaaa", True), ("abcdde", False), ("", True)]
)
def test_k066_a_conclusion_needs_five_independent_pieces_of_evidence(sources: str, refused: bool) -> None:
    record = {"status": "concluded", "evidence": [{"source": one} for one in sources]}
    event = happened(UPDATED, "diagnosis", changed=frozenset({"status"}))
    assert done(K066, event, data(record, {"status": "open"})) == ["Refuse"] * refused


K075 = """rule k075 when ticket is created
  if count(account.tickets[category = kind and opened >= today() - duration("P30D")]) >= settings.similar_tickets then
  create alert with account: account
  assign task "Solve the cause" to person account.owner
end"""


@pytest.mark.parametrize(("recent", "fires"), [(2, False), (3, True)])
def test_k075_repeated_tickets_of_one_kind_raise_an_alert(recent: int, fires: bool) -> None:
    today = NOW.astimezone(SHANGHAI).date()
    tickets = [{"category": "login", "opened": today - timedelta(days=30)} for _ in range(recent)]
    tickets += [{"category": "login", "opened": today - timedelta(days=31)}, {"category": "print", "opened": today}]
    account = {"id": uid("account"), "owner": {"id": uid("me")}, "tickets": tickets}
    found = done(K075, happened(CREATED, "ticket"), data({"kind": "login", "account": account}))
    assert found == (["CreateRecord alert", "CreateTask"] if fires else [])


K076 = """rule k076 when account.logins changes
  if (last_logins - logins) / last_logins * 100 > settings.activity_drop then set renewal_risk: true end"""


@pytest.mark.parametrize(("logins", "fires"), [(70, False), (69, True), (100, False)])
def test_k076_falling_activity_raises_the_renewal_risk(logins: int, fires: bool) -> None:
    event = happened(UPDATED, changed=frozenset({"logins"}))
    record = {"logins": Decimal(logins), "last_logins": Decimal(100)}
    assert done(K076, event, data(record, {"logins": 0})) == ["SetFields"] * fires


K084 = """rule k084 when growth_signal is created
  if kind in ("expansion", "financing") then
  notify person account.owner using template growth
  create proposal with account: account, kind: "upgrade"
end"""


@pytest.mark.parametrize(("kind", "fires"), [("expansion", True), ("financing", True), ("other", False)])
def test_k084_a_growth_signal_notifies_and_proposes_an_upgrade(kind: str, fires: bool) -> None:
    account = {"id": uid("account"), "owner": {"id": uid("me")}}
    found = done(K084, happened(CREATED, "growth_signal"), data({"kind": kind, "account": account}))
    assert found == (["Notify growth", "CreateRecord proposal"] if fires else [])


K109 = """rule k109 when ticket is created if urgency = "urgent" and account.tier = "S" then
  set priority: "high"
  start process rapid_response
end"""


@pytest.mark.parametrize(
    ("urgency", "tier", "fires"), [("urgent", "S", True), ("urgent", "A", False), ("normal", "S", False)]
)
def test_k109_urgent_tickets_of_strategic_customers_take_the_fast_path(urgency: str, tier: str, fires: bool) -> None:
    record = {"urgency": urgency, "account": {"tier": tier}}
    expected = ["SetFields", "StartProcess rapid_response"] if fires else []
    assert done(K109, happened(CREATED, "ticket"), data(record)) == expected


K111 = """rule k111 when ticket is created after 15 minutes unless claimed_by != null then
  set escalated: true
  notify department head of department using template escalated
end"""


def test_k111_an_unclaimed_ticket_escalates_after_15_minutes_once() -> None:
    rules = rules_of(K111)
    record = {"claimed_by": None, "department": {"id": uid("department")}}
    result = run(rules, happened(CREATED, "ticket"), data(record))
    assert [timer.due_at - NOW for timer in result.timers] == [timedelta(minutes=15)]
    due = happened(EventKind.RULE_DUE, "ticket", name="k111", at=result.timers[0].due_at)
    assert done(K111, due, data(record)) == ["SetFields", "Notify escalated"]
    assert done(K111, due, data({**record, "claimed_by": {"id": uid("me")}})) == []


K114 = """rule k114 only when becoming true when account is saved if quadrant = "star" then
  create ticket with account: record, kind: "exclusive"
  assign record to role senior_manager
  assign task "每季度拜访" to role ceo due today() + duration("P3M")
end"""


def test_k114_becoming_a_star_does_all_three_once() -> None:
    rules, seen, states = rules_of(K114), [], {}
    for quadrant in ("growth", "star", "star", "star"):
        result = run(rules, happened(UPDATED), data({"id": uid("account"), "quadrant": quadrant}, state=states.get))
        states |= result.states
        for firing in result.firings:
            carry_out(firing, lambda action: seen.append(type(action).__name__))
    assert seen == ["CreateRecord", "Assign", "CreateTask"]


K115 = 'rule k115 when account.quadrant changes to "growth" then start process nurture end'


def test_k115_potentials_are_nurtured() -> None:
    event = happened(UPDATED, changed=frozenset({"quadrant"}))
    assert done(K115, event, data({"quadrant": "growth"}, {"quadrant": "routine"})) == ["StartProcess nurture"]
    assert done(K115, event, data({"quadrant": "cow"}, {"quadrant": "growth"})) == []


K117 = """rule k117 when account.potential rises above settings.potential_limit then
  add to pool high_potential
  notify role development using template potential
end"""


@pytest.mark.parametrize(
    ("before", "now", "fires"), [(80, 81, True), (79, 80, False), (81, 82, False), (82, 79, False), (None, 81, True)]
)
def test_k117_the_pool_takes_upward_crossings_only(before: int | None, now: int, fires: bool) -> None:
    event = happened(UPDATED, changed=frozenset({"potential"}))
    expected = ["AddToPool high_potential", "Notify potential"] if fires else []
    assert done(K117, event, data({"potential": now}, {"potential": before})) == expected


K118 = """rule k118 when account.level changes to "platinum" then
  assign task "高层拜访" to person owner due today() + duration("P7D")
  assign task "服务方案" to person owner due today() + duration("P15D")
end
rule k118_review every quarter for each account if level = "platinum" then
  assign task "深度复盘" to person owner
end"""


def test_k118_platinum_starts_its_tasks_with_their_due_dates() -> None:
    event = happened(UPDATED, changed=frozenset({"level"}))
    dues: list[Any] = []
    for firing in run(
        rules_of(K118), event, data({"level": "platinum", "owner": {"id": uid("me")}}, {"level": "gold"})
    ).firings:
        carry_out(firing, lambda action: dues.append(getattr(action, "due", None)))
    assert dues == [date(2026, 3, 9), date(2026, 3, 17)]
    (candidate,) = rules_of(K118).clock_triggers()
    first = next_run(candidate.trigger.tree, NOW, SHANGHAI)  # type: ignore[arg-type]
    assert first.astimezone(SHANGHAI).date() == date(2026, 4, 1)
    assert next_run(candidate.trigger.tree, first, SHANGHAI).astimezone(SHANGHAI).date() == date(2026, 7, 1)  # type: ignore[arg-type]


K123 = """rule k123 when survey is created if score < settings.nps_limit then
  assign task "客户关怀" to person account.owner
  notify role management using template low_score
end"""


@pytest.mark.parametrize(("score", "fires"), [(7, False), (6, True)])
def test_k123_a_low_score_makes_a_task_and_a_warning(score: int, fires: bool) -> None:
    record = {"score": Decimal(score), "account": {"owner": {"id": uid("me")}}}
    assert done(K123, happened(CREATED, "survey"), data(record)) == (
        ["CreateTask", "Notify low_score"] if fires else []
    )


K127 = """rule k127 when account.health_level changes then
  if health_level = "warning" then start process business_review end
  if health_level = "critical" then start process emergency_plan end
end"""


@pytest.mark.parametrize(
    ("level", "expected"),
    [("warning", ["StartProcess business_review"]), ("critical", ["StartProcess emergency_plan"]), ("good", [])],
)
def test_k127_each_health_level_starts_its_response(level: str, expected: Sequence[str]) -> None:
    event = happened(UPDATED, changed=frozenset({"health_level"}))
    assert done(K127, event, data({"health_level": level}, {"health_level": "other"})) == expected


K128 = """rule k128 only when becoming true when account is saved
  if tier = "S" and count(years) >= 2
    and (every y in years[year > latest_year - 2] satisfies y.growth < y.industry_mean)
  then start process rebuild_plan end"""


@pytest.mark.parametrize(
    ("tier", "growths", "fires"),
    [
        ("S", [5, 3], True),
        ("S", [5], False),
        ("S", [8, 3], False),
        ("S", [3, 6], False),
        ("S", [9, 5, 3], True),
        ("A", [5, 3], False),
    ],
)
def test_k128_two_weak_periods_running_rebuild_the_plan(tier: str, growths: Sequence[int], fires: bool) -> None:
    """The industry's mean is 6: growth equal to it is not below."""
    years = [{"year": n, "growth": Decimal(g), "industry_mean": Decimal(6)} for n, g in enumerate(growths)]
    record = {"tier": tier, "years": years, "latest_year": len(growths) - 1}
    assert done(K128, happened(UPDATED), data(record)) == ["StartProcess rebuild_plan"] * fires


K129 = """rule k129 priority 1000 when account.stage changes to "lost" if value_high = true then
  notify role executive via in_app, mail using template loss level "critical"
end"""


def test_k129_losing_a_high_value_customer_alarms_the_executives() -> None:
    event = happened(UPDATED, changed=frozenset({"stage"}))
    assert done(K129, event, data({"stage": "lost", "value_high": True}, {"stage": "mature"})) == ["Notify loss"]
    assert done(K129, event, data({"stage": "lost", "value_high": False}, {"stage": "mature"})) == []


K135 = """rule k135 when review.status changes to "closed"
  if count(improvements) < 3 or count(improvements) > 5 then refuse saying "3–5 项" on improvements end"""


@pytest.mark.parametrize(("count", "refused"), [(2, True), (3, False), (5, False), (6, True)])
def test_k135_a_review_yields_three_to_five_improvements(count: int, refused: bool) -> None:
    event = happened(UPDATED, "review", changed=frozenset({"status"}))
    record = {"status": "closed", "improvements": [{"text": str(n)} for n in range(count)]}
    assert done(K135, event, data(record, {"status": "open"})) == ["Refuse"] * refused


# Sweeps

META = MetaData()
ACCOUNTS = Table(
    "accounts", META, Column("id", storage.Identifier(), primary_key=True), Column("quadrant", storage.CodePointText()),
    Column("created_at", storage.Instant()),
)  # fmt: skip
ORDERS = Table(
    "orders", META, Column("id", storage.Identifier(), primary_key=True), Column("account_id", storage.Identifier()),
    Column("day", storage.CalendarDate()), Column("created_at", storage.Instant()),
)  # fmt: skip
CONTRACTS = Table(
    "contracts", META, Column("id", storage.Identifier(), primary_key=True), Column("end_date", storage.CalendarDate()),
)  # fmt: skip
ORDER_MODEL = Model(table=ORDERS, types={"id": feel.IDENTIFIER, "day": feel.DATE, "created_at": feel.DATE_TIME})
ACCOUNT_MODEL = Model(
    table=ACCOUNTS,
    types={"id": feel.IDENTIFIER, "quadrant": feel.STRING, "created_at": feel.DATE_TIME},
    relations={"orders": (ORDER_MODEL, "account_id")},
)
CONTRACT_MODEL = Model(table=CONTRACTS, types={"id": feel.IDENTIFIER, "end_date": feel.DATE})
APP = Catalogue(models={"account": ACCOUNT_MODEL, "contract": CONTRACT_MODEL}, setting_types={"lead_days": feel.NUMBER})


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    with database.connect() as connection:
        META.create_all(connection)
        yield connection
        connection.rollback()


def swept(connection: Connection, text: str, model: Model, day: date) -> list[tuple[Any, str]]:
    now = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)
    (candidate,) = rules_of(text, APP).clock_triggers()
    when = SweepTime(since=now - timedelta(days=1), now=now, zone=SHANGHAI)
    made = sweep(
        candidate.rule, candidate.trigger, TableSource(model), connection.dialect.name, when, {"lead_days": 60}
    )
    return [made.read(row) for row in connection.execute(made.select)] if made else []


K116 = 'rule k116 when account has no orders dated by day for 30 days if quadrant = "cow" then stop end'


def test_k116_a_cash_cow_without_orders_alarms_once_per_dry_spell(connection: Connection) -> None:
    rows = [{"id": uid(n), "quadrant": q, "created_at": NOW} for n, q in (("cow", "cow"), ("star", "star"))]
    connection.execute(insert(ACCOUNTS), rows)

    def order(day: date) -> None:
        for name in ("cow", "star"):
            row = {"id": uid(f"{name}{day}"), "account_id": uid(name), "day": day, "created_at": NOW}
            connection.execute(insert(ORDERS), [row])

    first = date(2026, 3, 1)
    order(first)
    assert swept(connection, K116, ACCOUNT_MODEL, first + timedelta(days=29)) == []
    spell = [(uid("cow"), str(first))]
    assert swept(connection, K116, ACCOUNT_MODEL, first + timedelta(days=30)) == spell
    assert swept(connection, K116, ACCOUNT_MODEL, first + timedelta(days=35)) == spell
    second = first + timedelta(days=36)
    order(second)
    assert swept(connection, K116, ACCOUNT_MODEL, second) == []
    assert swept(connection, K116, ACCOUNT_MODEL, second + timedelta(days=30)) == [(uid("cow"), str(second))]


K122 = "rule k122 when contract.end_date is in settings.lead_days days then stop end"


def test_k122_a_renewal_is_remembered_for_each_contract_and_replanned(connection: Connection) -> None:
    ends = date(2026, 6, 30)
    connection.execute(insert(CONTRACTS), [{"id": uid(name), "end_date": ends} for name in ("one", "two")])
    due = ends - timedelta(days=60)
    assert swept(connection, K122, CONTRACT_MODEL, due - timedelta(days=1)) == []
    assert sorted(swept(connection, K122, CONTRACT_MODEL, due)) == sorted(
        [(uid("one"), str(ends)), (uid("two"), str(ends))]
    )
    assert swept(connection, K122, CONTRACT_MODEL, due + timedelta(days=1)) == []
    later = ends + timedelta(days=90)
    connection.execute(CONTRACTS.update().where(CONTRACTS.c.id == uid("one")).values(end_date=later))
    assert swept(connection, K122, CONTRACT_MODEL, later - timedelta(days=60)) == [(uid("one"), str(later))]
