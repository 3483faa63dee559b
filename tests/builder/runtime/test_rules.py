"""Rules at work: in the transaction of what set them off, with the app's rights, explained, never without end."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from builder.jobs.embedded import EmbeddedRunner
from builder.runtime import install
from builder.runtime.rounds import EventLoop
from builder.storage.runtime_tables import effect, job, notification, pool_member, process_instance, rule_firing, task
from builder.workspace import Workspace
from engines.core import AccessDenied, DefinitionError, InputError
from tests.builder.runtime.desk import Desk, open_desk
from tests.builder.runtime.items import WITH_RECORDS, all_values, create, values
from tests.builder.runtime.test_embedded import QUICK, until

RULES = """
rule big "Big"
  priority 10
  when item is saved
  if size >= 10
  then
    set grade: "big"
end
rule boxed
  priority 5
  when item.grade changes to "big"
  then
    create box with name: name + "!", kind: "auto" as b
    set box: b
    add tag "boxed" to record
end
rule no_minus
  when item is saved
  if size < 0
  then
    refuse saying {en: "not below zero", zh: "不能为负"} on size
end
rule sure
  when item is saved
  if size > 1000
  then
    ask for confirmation saying "Really so big?" on size
end
rule tell
  when item.note changes
  then
    notify role editor, address "out@example.com" saying {en: "Noted"} level "high" on record
    write to timeline "noted"
    assign task "Look" to role reviewer due today() + duration("P2D") priority "high" on record
    start process grading on record with proposed: "N"
    add to pool noted on record
end
"""
LOOP = """
rule ping
  when item.note changes
  then
    set grade: note + "x"
end
rule pong
  when item.grade changes
  then
    set note: grade + "y"
end
"""
DELAYED = """
rule unanswered
  when item is created after 15 minutes unless grade != null
  then
    notify role editor saying "unanswered" on record
end
"""
ABSENCE = """
rule dry
  when box has no items for 30 days
  if kind = "watched"
  then
    notify role editor saying name on record
end
"""
MONTHLY = """
rule each_month
  every month on day 1 at 08:00 for each box
  then
    set kind: "seen"
end
"""


def with_rules(workspace: Workspace, text: str) -> Desk:
    return open_desk(workspace, (*WITH_RECORDS, ("items.rules", text)))  # type: ignore[arg-type]


def rows(desk: Desk, table: sa.Table) -> list[Any]:
    with desk.workspace.database.read() as connection:
        return list(connection.execute(sa.select(table)).all())


def test_a_rule_acts_in_the_transaction_of_the_save_and_sets_off_others(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    item = create(desk, name="lamp", size=10)
    found = values(desk, item)
    assert (found["grade"], found["tags"]) == ("big", ["boxed"])
    (box,) = all_values(desk, "box")
    assert (box["name"], box["kind"]) == ("lamp!", "auto")
    fired = [(r.rule, r.cause) for r in rows(desk, rule_firing)]
    assert fired[0] == ("big", "record.created")
    assert fired.count(("boxed", "record.updated")) == 1


def test_at_the_boundary_a_condition_decides_exactly(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    assert values(desk, create(desk, name="a", size=Decimal("9.99")))["grade"] in (None, "")
    assert values(desk, create(desk, name="b", size=Decimal("10.00")))["grade"] == "big"


def test_a_refusal_names_the_field_and_nothing_is_saved(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    with pytest.raises(InputError) as caught:
        create(desk, name="lamp", size=-1)
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.severity, problem.text["en"]) == ("/size", "error", "not below zero")
    assert all_values(desk, "item") == []
    assert rows(desk, rule_firing) == []


def test_what_must_be_confirmed_is_saved_only_when_it_is(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    with pytest.raises(InputError) as caught:
        create(desk, name="lamp", size=1001)
    assert [p.severity for p in caught.value.problems] == ["warning"]
    with desk.work() as work:
        work.confirmed = True
        work.records.create("desk.item", {"name": "lamp", "size": 1001})
    assert len(all_values(desk, "item")) == 1


def test_a_rule_tells_asks_and_starts(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    item = create(desk, name="lamp", note="hm")
    told = rows(desk, notification)
    assert sorted((n.kind, n.severity) for n in told if n.kind == "rule") == [("rule", "alert")] * 2
    assert {n.person for n in told if n.kind == "rule"} == {desk.people["bob"], desk.people["cleo"]}
    assert [e.payload["to"] for e in rows(desk, effect)] == [["out@example.com"]]
    by_name = {t.node: t for t in rows(desk, task)}
    assert (by_name["tell"].priority, by_name["tell"].subject_id, by_name["tell"].assignee) == (1, item, None)
    assert by_name["check"].instance_id is not None
    assert [p.process for p in rows(desk, process_instance)] == ["grading"]
    assert [(m.pool, m.record_id) for m in rows(desk, pool_member)] == [("noted", item)]
    with desk.read("ann") as work:
        kinds = [line.kind for line in work.service("timeline")("desk.item", item)]
    assert "note" in kinds
    assert "rule" in kinds


def test_a_task_of_a_rule_is_done_by_who_has_the_role_and_nobody_else(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES)
    create(desk, name="lamp", note="hm")
    task_id = dict(desk.todo("ann"))["tell"]
    with pytest.raises(AccessDenied):
        desk.complete("bob", task_id, "done")
    desk.complete("cleo", task_id, "done")
    assert "tell" not in dict(desk.todo("ann"))


def test_a_loop_is_an_error_that_prints_the_chain_and_nothing_is_saved(workspace: Workspace) -> None:
    desk = with_rules(workspace, LOOP)
    with pytest.raises(EventLoop) as caught:
        create(desk, name="lamp", note="a")
    assert "by rule desk.ping" in str(caught.value)
    assert "by rule desk.pong" in str(caught.value)
    assert all_values(desk, "item") == []


def test_a_rule_may_never_do_more_than_its_app(workspace: Workspace) -> None:
    text = "rule gone\n  when item.note changes\n  then\n    delete record\nend\n"
    desk = with_rules(workspace, text)
    item = create(desk, name="lamp")
    with pytest.raises(AccessDenied), desk.work() as work:
        work.records.update("desk.item", item, {"note": "go"})
    assert len(all_values(desk, "item")) == 1


def test_why_names_the_rule_its_reason_and_what_it_saw(workspace: Workspace) -> None:
    desk = with_rules(workspace, RULES.replace("  priority 10\n", '  priority 10\n  reason "K"\n'))
    item = create(desk, name="lamp", size=12)
    with desk.read("ann") as work:
        reason = work.service("why")("desk.item", item, "grade")
    assert (reason.kind, reason.name, reason.detail["reason"]) == ("rule", "big", "K")
    assert reason.firing is not None
    assert reason.firing["inputs"] == {"size": Decimal("12.00")}


@pytest.mark.parametrize(("grade", "told"), [(None, 2), ("answered", 0)])
def test_a_rule_waits_after_its_event_unless_something_happens(
    workspace: Workspace, grade: str | None, told: int
) -> None:
    desk = with_rules(workspace, DELAYED)
    item = create(desk, name="lamp")
    if grade:
        with desk.work() as work:
            work.records.update("desk.item", item, {"grade": grade})
    runner = EmbeddedRunner(install.host(desk.workspace), {}, patience=QUICK)
    desk.advance(minutes=15)
    runner.start()
    until(lambda: all(j.kind != "rule.timer" for j in rows(desk, job)))
    runner.stop()
    assert len(rows(desk, notification)) == told


def settle(desk: Desk, runner: EmbeddedRunner) -> None:
    """Lets everything happen that is due by now."""
    runner.wake()
    until(lambda: not [j for j in rows(desk, job) if j.due_at <= desk.workspace.clock.now()])


def test_an_absence_fires_on_the_day_once_per_spell_and_again_in_the_next(workspace: Workspace) -> None:
    desk = with_rules(workspace, ABSENCE)
    box = create(desk, "box", name="b", kind="watched")
    create(desk, "box", name="other", kind="ignored")
    create(desk, name="one", box=box)
    runner = EmbeddedRunner(install.host(desk.workspace), {}, patience=QUICK)
    runner.start()
    try:
        until(lambda: any(j.kind == "rule.schedule" for j in rows(desk, job)))
        desk.advance(days=29, hours=23)
        settle(desk, runner)
        assert rows(desk, notification) == []
        desk.advance(days=1)
        settle(desk, runner)
        assert len(rows(desk, notification)) == 2
        desk.advance(days=20)
        settle(desk, runner)
        assert len(rows(desk, notification)) == 2
        create(desk, name="two", box=box)
        desk.advance(days=31)
        settle(desk, runner)
        assert len(rows(desk, notification)) == 4
    finally:
        runner.stop()
    assert {r.rule for r in rows(desk, rule_firing)} == {"dry"}


def test_a_schedule_runs_for_each_record_in_portions_and_catches_up_once(workspace: Workspace) -> None:
    desk = with_rules(workspace, MONTHLY)
    for number in range(45):
        create(desk, "box", name=f"b{number}")
    runner = EmbeddedRunner(install.host(desk.workspace), {}, patience=QUICK)
    runner.start()
    try:
        until(lambda: any(j.kind == "rule.schedule" for j in rows(desk, job)))
        desk.advance(days=70)
        settle(desk, runner)
    finally:
        runner.stop()
    assert {box["kind"] for box in all_values(desk, "box")} == {"seen"}
    assert len(rows(desk, rule_firing)) == 45
    (waiting,) = rows(desk, job)
    local = waiting.due_at.astimezone(desk.workspace.clock.zone())
    assert (local.day, local.hour) == (1, 8)
    assert local.date() > date(2026, 3, 3) + timedelta(days=70)


def test_a_published_rule_that_is_gone_no_longer_runs(workspace: Workspace) -> None:
    from builder.runtime.rules.schedules import sync
    from tests.builder.runtime.desk import put_app

    desk = with_rules(workspace, MONTHLY)
    with desk.work() as work:
        sync(work)
    assert [j.kind for j in rows(desk, job)] == ["rule.schedule"]
    put_app(desk.workspace, dict(WITH_RECORDS))
    with desk.work() as work:
        sync(work)
    assert rows(desk, job) == []


def test_a_rule_that_names_what_is_not_there_is_not_published(workspace: Workspace) -> None:
    with pytest.raises(DefinitionError) as caught:
        with_rules(workspace, "rule x\n  when item is saved\n  then\n    set colour: 1\nend\n")
    assert any(d.file == "items.rules" for d in caught.value.diagnostics)
