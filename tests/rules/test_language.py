"""The rule language: what can be said, round trips, comments, both keyword languages, precise errors."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core import DefinitionError, DefinitionSource
from engines.rules.language import format_rules, from_json, parse, print_rules, to_json
from engines.rules.language import tree as t
from engines.rules.language.keywords import ALIASES, HUMAN, KEYWORDS
from engines.rules.language.parse import _parser


def source(text: str) -> DefinitionSource:
    return DefinitionSource(file="a.rules", text=text)


def read(text: str) -> t.RuleFile:
    parsed = parse(source(text))
    assert not parsed.diagnostics, parsed.diagnostics[0].render()
    return parsed.tree


TRIGGERS = [
    "when box is created",
    "when box is updated",
    "when box is saved",
    "when box is deleted",
    "when box is restored",
    "when box.state changes",
    'when box.state changes from "open" to "shut"',
    'when box.state changes to "shut"',
    "when box.weight rises above settings.limit",
    "when box.weight reaches 80",
    "when box.weight falls below 2 * 3",
    "when box.weight sinks to 0",
    "when process packing is started",
    "when process packing is completed",
    "when process packing is cancelled",
    "when task packing.check is created",
    "when task packing.check is claimed",
    'when task packing.check is completed with outcome "ok"',
    "when message paid arrives",
    "when signal storm arrives",
    "when box is created after 15 minutes unless taker != null",
    "when box is created after settings.days days by calendar office unless taker != null",
    "when box has no moves for 30 days",
    'when box has no moves where kind = "out" dated by day for settings.dry days',
    "when box.due is in 30 days",
    "when box.due is past by 1 weeks every year at 09:30",
    "when box.born is today every lunar year",
    "every hour",
    "every day at 02:00",
    "every week on day 5 at 17:00",
    "every month on day 31 moved to next working day",
    'every quarter at 02:00 in zone "Asia/Shanghai" by calendar office only on working days for each box',
    "every half year",
    "every year on day 60",
    'by cron "0 6 * * 1-5" for each box',
    'every week on day 2 at 09:00 for each box where kind = "a" and weight > 5',
    'when box.due is in 30 days every year at 09:30 where kind = "a"',
]

ACTIONS = [
    'set state: "shut", shelf.full: true',
    'create move with box: id, kind: "in" as m',
    "create move",
    'create move from template last including parts, notes with box: id, kind: "in" as m',
    "create move from template shelf.model",
    'update last with kind: "out"',
    "delete last",
    'add tag "heavy"',
    'add tag ["heavy", "red"] to shelf',
    'remove tag "heavy" from shelf',
    "add to pool hot",
    "remove from pool hot on shelf",
    "assign to role packer",
    "assign shelf to manager of owner",
    'assign task "Lift it" to role packer, person owner due today() + duration("P3D") priority "high" '
    'on shelf saying "x" with a: 1 as job',
    'notify role boss, manager of owner, department head of department, person me, address "a@b.c"',
    'notify role boss via mail, in_app using template heavy level "critical" on shelf with weight: weight',
    'notify role boss saying {zh: "重", en: "heavy"}',
    "ask address mail for answer yes_no via mail using template solved on shelf replying with message answer with a: 1",
    "start process packing on shelf with weight: weight, list: [1, 2] as p",
    "send message paid on shelf with amount: 3",
    "send signal storm with force: 12",
    "decide size with weight: weight as size",
    "recompute rank on shelf",
    'refuse saying "too heavy" on weight',
    'ask for confirmation saying "sure?" on weight',
    'write to timeline "moved" on shelf',
    "stop",
    "if weight > 5 then\n      stop\n    otherwise\n      delete last\n    end",
    'for each m in moves where m.kind = "in" do\n      delete m\n    end',
    "for each m of move where m.box = box do\n      delete m\n    end",
]


def in_rule(trigger: str = "when box is saved", action: str = "stop", condition: str = "") -> str:
    middle = f"  if {condition}\n" if condition else ""
    return f"rule r\n  {trigger}\n{middle}  then\n    {action}\nend\n"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_trigger_is_printed_as_written(trigger: str) -> None:
    text = in_rule(trigger)
    assert print_rules(read(text)) == text


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_printed_as_written(action: str) -> None:
    text = in_rule(action=action)
    assert print_rules(read(text)) == text


@pytest.mark.parametrize("text", [in_rule(x) for x in TRIGGERS] + [in_rule(action=x) for x in ACTIONS])
def test_chinese_text_says_the_same_as_english(text: str) -> None:
    tree = read(text)
    chinese = read(print_rules(tree, "zh"))
    assert chinese.rules == tree.rules
    assert chinese.language == "zh"
    assert print_rules(chinese, "en") == text


@pytest.mark.parametrize("text", [in_rule(x) for x in TRIGGERS] + [in_rule(action=x) for x in ACTIONS])
def test_json_form_holds_the_whole_tree(text: str) -> None:
    tree = read(text)
    assert from_json(json.loads(json.dumps(to_json(tree)))) == tree


def test_keywords_are_one_to_one_and_all_used() -> None:
    spelled = [text for pair in KEYWORDS.values() for text in pair] + list(ALIASES)
    assert len(spelled) == len(set(spelled))
    used = {symbol.name for rule in _parser().rules for symbol in rule.expansion}
    assert {name for name in used if name.isupper()} == set(KEYWORDS) | {name for name in HUMAN if name != "$END"}


PROPERTIES = """\
rule heavy {zh: "重", en: "Heavy"}
  priority 100
  only when becoming true
  cool down 7 days
  valid from 2026-01-01
  valid until 2026-12-31
  owned by "Store \\"A\\""
  reason "Backs"
  stop after this
  switched off
  when box is saved
  then
    stop
end
"""


def test_properties_are_read_and_printed() -> None:
    tree = read(PROPERTIES)
    rule = tree.rules[0]
    assert (rule.priority, rule.becoming, rule.valid_until, rule.owned_by) == (100, True, "2026-12-31", 'Store "A"')
    assert print_rules(tree) == PROPERTIES


COMMENTED = """\
// one
// two
rule r  // three
  // four
  when box is saved  // five
  // six
  if weight > 5
  then
    // seven
    delete last  // eight
    if a then  // nine
      stop
      // ten
    otherwise
      // eleven
    end
    // twelve
end

// thirteen
rule s
  when box is saved
  then
end

// fourteen
"""


def test_comments_are_kept_where_they_stand() -> None:
    assert print_rules(read(COMMENTED)) == COMMENTED


@pytest.mark.parametrize(
    "ragged",
    [
        "rule r when box is saved // a\n if x > 5 // b\n then // c\n stop // d\n end // e\n// f",
        "rule r\nwhen box is saved\nif /* why */ x > 5\nthen\n/* a\nb */ stop\nend",
        "rule r // a\n // b\n priority 5 // c\n when box // d\n is saved then end // e",
        "rule r when box is saved then if x // a\n then // b\n stop // c\n otherwise // d\n stop end // e\n end // f",
    ],
)
def test_no_comment_is_lost_and_a_second_formatting_changes_nothing(ragged: str) -> None:
    once = format_rules(source(ragged))
    for word in ("a", "b", "c", "d", "e", "f"):
        assert (f"// {word}" in ragged) <= (f"// {word}" in once)
    assert format_rules(source(once)) == once


EXTENTS = [
    "if a then b else c",
    "for x in a, y in b return x + y",
    "some x in a satisfies x > 5 and\n      y",
    'starts with(name, "with as on") and x',
    'sum(orders[status = "won" and kind in ("a", "b")].amount)',
    "{a: 1, b: {c: 2}}",
    "a\n      + b",
    "x in ]1..5[ and y in [1..5[",
    '"then \\" end"',
    "task.on + event.to",
    '@"2026-01-01" = day',
    "a // why\n      + b",
    "function(x) x + 1",
]


@pytest.mark.parametrize("expression", EXTENTS)
def test_expressions_end_where_the_sentence_goes_on(expression: str) -> None:
    tree = read(
        in_rule(condition=expression, action=f"notify role a level {expression} on b with c: {expression}, d: 1")
    )
    rule = tree.rules[0]
    assert rule.condition == t.Expr(expression)
    action = rule.then.actions[0]
    assert isinstance(action, t.Notify)
    assert (action.level, action.record) == (t.Expr(expression), t.Expr("b"))
    assert action.values == (
        t.Assignment(name="c", value=t.Expr(expression)),
        t.Assignment(name="d", value=t.Expr("1")),
    )


def test_a_form_named_like_a_keyword_is_quoted() -> None:
    text = in_rule("when `task` is created")
    assert print_rules(read(text)) == text


def test_keywords_may_be_names_where_only_a_name_can_stand() -> None:
    text = in_rule("when task.due changes", "set priority: 1, end: 2, role: on")
    tree = read(text)
    trigger = tree.rules[0].triggers[0]
    assert isinstance(trigger, t.FieldChanged)
    assert (trigger.form, trigger.field) == ("task", "due")
    assert read(print_rules(tree)).rules == tree.rules


ERRORS = [
    # text, code, line, column, found, part of expected, hint
    ("rule r\n  wenn box is saved\n", "rules.syntax", 2, 3, "wenn", "when", 'did you mean "when"?'),
    ("rule r\n  when box is sved\n", "rules.syntax", 2, 12, "is", "is saved", 'did you mean "is'),
    ('rule r\n  when box is saved\n  then\n    set state "x"\nend', "rules.syntax", 4, 15, '"x"', '":"', ""),
    ("rule r\n  when box is saved\n  then\n    stop", "rules.syntax", 4, 9, "the end of the file", "end", ""),
    ("规则 r\n  当 box 保存\n", "rules.syntax", 2, 9, "保存", "保存时", 'did you mean "保存时"?'),
    ('rule r\n  when box is saved\n  owned by "x\n  then\nend', "rules.syntax", 3, 3, "owned", "then", ""),
    ('rule r\n  owned by "x\n  when box is saved\n  then\nend', "rules.unclosed_text", 2, 12, '"', "quote", ""),
    ("rule r\n  when state changes\n  then\nend", "rules.expected_field", 2, 8, "state", "form.field", ""),
    ("rule r\n  when box.state is saved\n  then\nend", "rules.expected_form", 2, 8, "box.state", "form", ""),
    (
        "rule r\n  priority 1\n  priority 2\n when a is saved then end",
        "rules.repeated_clause",
        3,
        3,
        "priority",
        "",
        "keep",
    ),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "found", "expected", "hint"), ERRORS)
def test_errors_say_where_and_what(
    text: str, code: str, line: int, column: int, found: str, expected: str, hint: str
) -> None:
    (problem,) = parse(source(text)).diagnostics
    assert (problem.code, problem.line, problem.column, problem.found) == (code, line, column, found)
    assert expected in problem.expected
    assert problem.hint.startswith(hint)


def test_one_broken_rule_does_not_hide_the_others() -> None:
    text = "rule a\n  whn x\nend\n\n" + in_rule() + "\nrule b\n  when 5\nend\n"
    parsed = parse(source(text))
    assert [rule.name for rule in parsed.tree.rules] == ["r"]
    assert [d.line for d in parsed.diagnostics] == [2, 12]


def test_formatting_a_broken_text_is_refused() -> None:
    with pytest.raises(DefinitionError):
        format_rules(source("rule"))


@pytest.mark.parametrize(
    "data", [{"rules": 1}, {"rules": [{"kind": "rule"}]}, {"rules": [], "x": 1}, {"rules": [{"kind": "set"}]}]
)
def test_broken_json_is_refused_with_its_pointer(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|missing|unknown"):
        from_json(data)


@given(st.text(max_size=200))
def test_any_text_is_answered_with_a_tree_or_problems(text: str) -> None:
    parsed = parse(source(text))
    assert parsed.diagnostics or replace(parsed.tree, language="en") == replace(
        read(print_rules(parsed.tree)), language="en"
    )


def test_all_rules_of_the_manual_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
    rules = re.findall(r"```rules\n(.*?)```", text, re.DOTALL)
    assert len(rules) == 2
    for rule in rules:
        assert read(rule).rules[0].name == "dry_spell"
    for line in re.findall(r"^    ((?:when|every|by cron) .*)$", text, re.MULTILINE):
        read(in_rule(line))


def test_both_columns_of_the_manual_say_the_same() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
    rows = [
        (english, chinese)
        for english, chinese in re.findall(r"^\| `([^`|]+)` \| `([^`|]+)` \|$", text, re.MULTILINE)
        if "…" not in english + chinese
    ]
    assert len(rows) > 10
    for english, chinese in rows:
        make = in_rule if english.startswith("when") else (lambda action: in_rule(action=action))
        assert read(make(chinese)).rules == read(make(english)).rules
