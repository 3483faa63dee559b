"""Rules run: triggers, conditions, order, state, timers, actions and their replies."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engines.core import DefinitionError
from engines.rules import EventKind, RecordMissing, RuleState, compile_rules, load_rules, run, validate_rules
from engines.rules import actions as a
from tests.rules.apps import NOW, App, actions, context, data, event, ruleset, source, uid

CREATED, UPDATED = EventKind.RECORD_CREATED, EventKind.RECORD_UPDATED


def rule(trigger: str, condition: str = "", action: str = "stop", properties: str = "", name: str = "r") -> str:
    return f"rule {name} {properties}\n {trigger}\n {f'if {condition}' if condition else ''}\n then\n {action}\nend\n"


def fired(text: str, happened: Any, with_: Any) -> list[str]:
    return [firing.rule for firing in run(ruleset(text), happened, with_).firings]


CROSSINGS = [
    # how, before, now, fires (the limit is 80)
    ("rises above", 79, 81, True),
    ("rises above", 80, 81, True),
    ("rises above", 79, 80, False),
    ("rises above", 81, 82, False),
    ("rises above", None, 81, True),
    ("rises above", 79, None, False),
    ("reaches", 79, 80, True),
    ("reaches", 80, 81, False),
    ("falls below", 80, 79, True),
    ("falls below", 81, 80, False),
    ("sinks to", 81, 80, True),
    ("sinks to", 80, 79, False),
    ("sinks to", None, 79, True),
]


@pytest.mark.parametrize(("how", "before", "now", "fires"), CROSSINGS)
def test_limit_is_crossed(how: str, before: int | None, now: int | None, fires: bool) -> None:
    text = rule(f"when box.weight {how} settings.limit")
    happened = event(UPDATED, changed=frozenset({"weight"}))
    assert bool(fired(text, happened, data({"weight": now}, {"weight": before}))) is fires


CHANGES = [
    ("changes", "open", "shut", True),
    ('changes from "open"', "open", "shut", True),
    ('changes from "shut"', "open", "shut", False),
    ('changes to "shut"', "open", "shut", True),
    ('changes to "open"', "shut", None, False),
    ('changes from "open" to "shut"', "open", "shut", True),
    ("changes to null", "open", None, True),
]


@pytest.mark.parametrize(("how", "before", "now", "fires"), CHANGES)
def test_field_changes(how: str, before: str | None, now: str | None, fires: bool) -> None:
    happened = event(UPDATED, changed=frozenset({"state"}))
    found = fired(rule(f"when box.state {how}"), happened, data({"state": now}, {"state": before}))
    assert bool(found) is fires


def test_another_field_that_changes_sets_nothing_off() -> None:
    happened = event(UPDATED, changed=frozenset({"weight"}))
    assert fired(rule("when box.state changes"), happened, data({"state": "x"}, {"state": "x"})) == []


def test_creating_a_record_changes_its_fields_from_null() -> None:
    text = rule('when box.state changes from null to "open"')
    assert fired(text, event(CREATED), data({"state": "open"})) == ["r"]
    assert fired(rule("when box.state changes"), event(CREATED), data({"state": None})) == []


def test_saved_means_created_or_updated() -> None:
    text = rule("when box is saved")
    assert fired(text, event(CREATED), data({})) == ["r"]
    assert fired(text, event(UPDATED), data({})) == ["r"]
    assert fired(text, event(EventKind.RECORD_DELETED), data({})) == []
    assert fired(text, event(CREATED, form="shelf"), data({})) == []


def test_two_triggers_of_one_rule_fire_it_once() -> None:
    text = rule("when box is created\n when box.state changes\n when box.weight changes")
    assert fired(text, event(CREATED), data({"state": "open", "weight": 1})) == ["r"]


@pytest.mark.parametrize(
    ("condition", "fires"), [("weight > 5", True), ("weight > 50", False), ("due < today()", False)]
)
def test_condition_decides_and_null_is_not_true(condition: str, fires: bool) -> None:
    found = fired(rule("when box is saved", condition), event(UPDATED), data({"weight": 6, "due": None}))
    assert bool(found) is fires


def test_rules_run_by_priority_then_as_written() -> None:
    text = "".join(
        rule("when box is saved", name=name, properties=f"priority {priority}")
        for name, priority in (("low", 1), ("first", 5), ("second", 5), ("high", 9))
    )
    assert fired(text, event(UPDATED), data({})) == ["high", "first", "second", "low"]


def test_stop_after_keeps_lower_priorities_from_the_event() -> None:
    text = (
        rule("when box is saved", name="top", properties="priority 5 stop after this")
        + rule("when box is saved", name="equal", properties="priority 5")
        + rule("when box is saved", name="low")
    )
    assert fired(text, event(UPDATED), data({})) == ["top", "equal"]


@pytest.mark.parametrize(
    ("properties", "fires"),
    [
        ("valid from 2026-03-02", True),
        ("valid from 2026-03-03", False),
        ("valid until 2026-03-02", True),
        ("valid until 2026-03-01", False),
        ("switched off", False),
    ],
)
def test_rule_is_valid_on_days_of_the_workspace(properties: str, fires: bool) -> None:
    found = fired(rule("when box is saved", properties=properties), event(UPDATED), data({}))
    assert bool(found) is fires


def test_only_when_becoming_true_fires_once_until_it_was_false() -> None:
    rules = ruleset(rule("when box is saved", "weight > 5", properties="only when becoming true"))
    state: dict[str, RuleState] = {}
    seen = []
    for weight in (6, 7, 5, 8):
        result = run(rules, event(UPDATED), data({"weight": weight}, state=state.get))
        state |= result.states
        seen.append(bool(result.firings))
    assert seen == [True, False, False, True]


def test_without_kept_state_becoming_true_is_worked_out_from_the_record_before() -> None:
    text = rule("when box is saved", "weight > 5", properties="only when becoming true")
    assert fired(text, event(UPDATED), data({"weight": 7}, {"weight": 6})) == []
    assert fired(text, event(UPDATED), data({"weight": 7}, {"weight": 5})) == ["r"]


def test_cool_down_holds_a_rule_back() -> None:
    rules = ruleset(rule("when box is saved", properties="cool down 7 days"))
    for days, fires in ((6, False), (7, True)):
        state = RuleState(holds=True, fired_at=NOW - timedelta(days=days))
        result = run(rules, event(UPDATED), data({}, state=lambda _, s=state: s))
        assert bool(result.firings) is fires


def test_delay_asks_for_a_timer_and_is_void_when_claimed() -> None:
    rules = ruleset(rule("when box is created after 15 minutes unless taker != null", 'kind = "urgent"'))
    result = run(rules, event(CREATED), data({"kind": "urgent", "taker": None}))
    assert result.firings == ()
    (timer,) = result.timers
    assert (timer.rule, timer.trigger, timer.due_at) == ("r", 0, NOW + timedelta(minutes=15))
    due = event(EventKind.RULE_DUE, name="r", trigger=0)
    assert run(rules, due, data({"kind": "urgent", "taker": {"id": uid("p")}})).firings == ()
    assert len(run(rules, due, data({"kind": "urgent", "taker": None})).firings) == 1
    assert run(rules, due, data({"kind": "calm", "taker": None})).firings == ()


def test_delay_of_days_keeps_the_local_time() -> None:
    rules = ruleset(rule("when box is created after 1 months"))
    (timer,) = run(rules, event(CREATED, at=datetime(2026, 1, 31, 1, tzinfo=UTC)), data({})).timers
    assert timer.due_at == datetime(2026, 2, 28, 1, tzinfo=UTC)


def test_task_and_process_events_match_by_name_and_outcome() -> None:
    text = rule('when task packing.check is completed with outcome "ok"')
    done = event(EventKind.TASK_COMPLETED, name="packing.check", payload={"outcome": "ok"})
    assert fired(text, done, data({})) == ["r"]
    assert fired(text, event(EventKind.TASK_COMPLETED, name="packing.check", payload={"outcome": "no"}), data({})) == []
    assert fired(text, event(EventKind.TASK_COMPLETED, name="packing.other", payload={"outcome": "ok"}), data({})) == []
    signal = rule("when signal storm arrives", "event.force > 9")
    assert fired(
        signal, event(EventKind.SIGNAL_ARRIVED, name="storm", record=None, payload={"force": 12}), data({})
    ) == ["r"]


BOX, SHELF = (a.RecordRef(form=form, id=uid(form)) for form in ("box", "shelf"))
ACTIONS: list[tuple[str, list[a.Action]]] = [
    (
        'set state: "shut", weight: weight + 1',
        [a.SetFields(record=BOX, values={"state": "shut", "weight": Decimal(7)})],
    ),
    ('set shelf.level: "top"', [a.SetFields(record=SHELF, values={"level": "top"})]),
    (
        "create move with box: record, kind: state",
        [a.CreateRecord(form="move", values={"box": uid("box"), "kind": "open"})],
    ),
    ("delete shelf", [a.DeleteRecord(record=SHELF)]),
    ('add tag "x"', [a.Tag(record=BOX, tags=("x",))]),
    ('remove tag ["x", "y"] from shelf', [a.Untag(record=SHELF, tags=("x", "y"))]),
    ("add tag null", []),
    ("add to pool hot on shelf", [a.AddToPool(record=SHELF, pool="hot")]),
    ("remove from pool hot", [a.RemoveFromPool(record=BOX, pool="hot")]),
    ("assign to manager of me", [a.Assign(record=BOX, to=a.Recipient(by="manager_of", id=uid("me")))]),
    ('refuse saying {zh: "重", en: "heavy"} on weight', [a.Refuse(text={"zh": "重", "en": "heavy"}, field="weight")]),
    ('ask for confirmation saying "sure?"', [a.Confirm(text="sure?")]),
    ('write to timeline "hello " + shelf.name on shelf', [a.WriteTimeline(record=SHELF, text="hello A")]),
    ("send signal storm with force: 3", [a.SendSignal(signal="storm", values={"force": Decimal(3)})]),
    ("recompute rank on shelf", [a.Score(model="rank", record=SHELF)]),
    (
        "start process packing with shelf: shelf, days: today() - due",
        [a.StartProcess(process="packing", record=BOX, variables={"shelf": uid("shelf"), "days": timedelta(days=1)})],
    ),
    (
        'notify role boss, person taker, address mail via mail, in_app using template heavy level "high"',
        [
            a.Notify(
                recipients=(a.Recipient(by="role", role="boss"), a.Recipient(by="address", address="a@b.c")),
                channels=("mail", "in_app"),
                template="heavy",
                level="high",
                record=BOX,
            )
        ],
    ),
    ('notify person taker saying "x"', []),
    (
        'assign task "Lift" to person me due today() + duration("P2D") priority "high"',
        [
            a.CreateTask(
                title="Lift",
                recipients=(a.Recipient(by="person", id=uid("me")),),
                due=date(2026, 3, 4),
                priority="high",
                record=BOX,
                name="r",
            )
        ],
    ),
    (
        "ask address mail for answer yes_no replying with message solved",
        [
            a.AskAnswer(
                recipients=(a.Recipient(by="address", address="a@b.c"),),
                answer="yes_no",
                record=BOX,
                reply_message="solved",
            )
        ],
    ),
    (
        "for each m in moves where m.amount > 1 do delete m end",
        [a.DeleteRecord(record=a.RecordRef(form="move", id=uid("m2")))],
    ),
]
RECORD = {
    "id": uid("box"),
    "state": "open",
    "weight": Decimal(6),
    "due": date(2026, 3, 1),
    "shelf": {"id": uid("shelf"), "name": "A"},
    "taker": None,
    "mail": "a@b.c",
    "moves": [{"id": uid("m1"), "amount": Decimal(1)}, {"id": uid("m2"), "amount": Decimal(2)}],
}


@pytest.mark.parametrize(("text", "expected"), ACTIONS, ids=[text for text, _ in ACTIONS])
def test_actions_come_out_as_data(text: str, expected: list[a.Action]) -> None:
    assert actions(ruleset(rule("when box is saved", action=text)), event(UPDATED), data(RECORD)) == expected


def test_later_actions_use_what_earlier_ones_gave() -> None:
    text = rule(
        "when box is saved",
        action="""recompute rank
        decide size with weight: weight as size
        if size.name = "big" then
          create move with box: record as m
          update m with kind: size.name
          stop
        end
        delete shelf""",
    )
    replies = {
        a.Score: {"weight": Decimal(99)},
        a.Decide: lambda action: {"name": "big" if action.inputs["weight"] == 99 else "small"},
        a.CreateRecord: {"id": uid("new"), "kind": None},
    }
    done = actions(ruleset(text), event(UPDATED), data(RECORD), replies)
    assert [type(action).__name__ for action in done] == ["Score", "Decide", "CreateRecord", "SetFields"]
    assert done[1] == a.Decide(decision="size", inputs={"weight": Decimal(99)})
    assert done[3] == a.SetFields(record=a.RecordRef(form="move", id=uid("new")), values={"kind": "big"})


def test_records_of_a_form_are_asked_for_with_the_values_the_condition_needs() -> None:
    text = rule("when signal storm arrives", action="for each s of shelf where s.level = event.level do delete s end")
    happened = event(EventKind.SIGNAL_ARRIVED, name="storm", record=None, payload={"level": "top"})
    found = [{"id": uid("s1")}, {"id": uid("s2")}]
    done = actions(ruleset(text), happened, data({}), {a.FindRecords: found})
    assert isinstance(done[0], a.FindRecords)
    assert (done[0].form, done[0].name, done[0].variables["event"]["level"]) == ("shelf", "s", "top")
    assert [one.record.id for one in done[1:] if isinstance(one, a.DeleteRecord)] == [uid("s1"), uid("s2")]


def test_action_on_a_record_that_is_null_is_an_error() -> None:
    with pytest.raises(RecordMissing):
        actions(ruleset(rule("when box is saved", action="delete shelf")), event(UPDATED), data({"shelf": None}))


def test_otherwise_runs_where_the_condition_is_not_true() -> None:
    rules = ruleset('rule r when box is saved if weight > 5 then add tag "a" otherwise add tag "b" end')
    for weight, tag in ((6, "a"), (5, "b"), (None, "b")):
        (done,) = actions(rules, event(UPDATED), data({"weight": weight}))
        assert isinstance(done, a.Tag)
        assert done.tags == (tag,)


def test_reads_lists_what_rules_may_read_of_the_record() -> None:
    rules = ruleset(
        rule(
            "when box is saved", "shelf.level = previous.shelf.level", "set state: record.name, weight: settings.limit"
        )
        + rule("when shelf is saved", "load > 1", name="other")
    )
    found = rules.reads(event(UPDATED))
    assert {("shelf", "level"), ("previous", "shelf", "level"), ("name",), ("settings", "limit")} <= found
    assert ("load",) not in found
    assert rules.waits_for(event(UPDATED))
    assert not rules.waits_for(event(EventKind.RECORD_DELETED))


def test_trace_tells_why() -> None:
    rules = ruleset(rule("when box is saved", "weight > 5") + rule("when box is saved", 'taker.name = "x"', name="s"))
    first, second = run(rules, event(UPDATED), data({"weight": 4, "taker": None}), trace=True).trace
    assert (first.rule, first.fired, first.why, first.inputs) == ("r", False, "condition", {"weight": 4})
    assert (second.rule, second.fired, second.inputs) == ("s", False, {"taker.name": None})


MISTAKES = [
    (rule("when bax is saved"), "rules.unknown_form", 2, 'did you mean "box"?'),
    (rule("when box.wait changes"), "rules.unknown_field", 2, 'did you mean "weight"?'),
    (rule("when box is saved", "wait > 5"), "feel.unknown_name", 3, "did you mean"),
    (rule("when box is saved", "weight"), "rules.wrong_type", 3, ""),
    (rule("when box is saved", action="start process paking"), "rules.unknown_process", 5, 'did you mean "packing"?'),
    (rule("when box is saved", action="decide sise"), "rules.unknown_decision", 5, 'did you mean "size"?'),
    (rule("when box is saved", action="recompute rang"), "rules.unknown_scores", 5, 'did you mean "rank"?'),
    (rule("when box is saved", action='notify role bos saying "x"'), "rules.unknown_role", 5, 'did you mean "boss"?'),
    (rule("when box is saved", action="set sate: 1"), "rules.unknown_field", 5, 'did you mean "state"?'),
    (rule("when box is saved", action="set shelf.lode: 1"), "rules.unknown_field", 5, 'did you mean "load"?'),
    (rule("when box is saved", action="delete weight"), "rules.not_a_record", 5, ""),
    (rule("when signal x arrives", action="add to pool p"), "rules.no_record", 5, "on"),
    (rule("when box is saved\n when shelf is saved"), "rules.triggers_disagree", 3, ""),
    (rule('by cron "every day"'), "rules.no_such_schedule", 2, ""),
    (rule('every day in zone "Moon"'), "rules.no_such_zone", 2, ""),
    (rule("when box is saved", properties="valid from 2026-02-30"), "rules.no_such_date", 1, ""),
]


@pytest.mark.parametrize(("text", "code", "line", "hint"), MISTAKES)
def test_mistakes_are_found_with_their_place(text: str, code: str, line: int, hint: str) -> None:
    loaded = load_rules(source(text))
    problems = [*loaded.diagnostics, *validate_rules(loaded.definition, App())]
    assert [(p.code, p.line) for p in problems] == [(code, line)]
    assert hint in problems[0].hint
    with pytest.raises(DefinitionError):
        compile_rules(loaded.definition, App())


def test_rules_of_the_same_name_are_found() -> None:
    loaded = load_rules(source(rule("when box is saved") + rule("when box is saved")))
    assert [d.code for d in loaded.diagnostics] == ["rules.repeated_rule"]


def test_rules_run_without_an_app_too() -> None:
    loaded = load_rules(source(rule("when thing is saved", "size > 5", 'add tag "big"')))
    from engines.rules import RuleSet

    rules = RuleSet([compile_rules(loaded.definition)])
    assert len(run(rules, event(UPDATED, form="thing"), data({"size": 6}, context=context())).firings) == 1
