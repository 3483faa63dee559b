"""Test cases beside rules and decisions: tables in JSON and CSV."""

import json

import pytest

from engines.core import DefinitionSource, Diagnostic, MessageCatalogue, Severity
from engines.rules import compile_rules, load_rules
from engines.rules.cases import load_cases, run_cases
from engines.rules.definitions import compile_decision, load_decision, validate_cases
from tests.rules.apps import App, source

RULES = """rule heavy when box.weight rises above settings.limit then
  decide size with weight: weight as s
  set kind: s
  start process packing
end
rule late every day for each box if due < today() then notify role boss saying "late" end
"""
SIZE = {
    "name": "size",
    "inputs": [{"name": "weight", "type": "number"}],
    "decisions": [{"name": "size", "expression": 'if weight > 90 then "big" else "small"'}],
}


class Known(App):
    """The small app with these rules and this decision."""

    def get(self, kind: str, name: str) -> object:
        if (kind, name) == ("rules", "store"):
            return load_rules(source(RULES)).definition
        if (kind, name) == ("decision", "size"):
            return load_decision(DefinitionSource(file="size.decision.json", text=json.dumps(SIZE))).definition
        return super().get(kind, name)


def found(file: str, text: str) -> list[tuple[str, int, str, str]]:
    loaded = load_cases(DefinitionSource(file=file, text=text))
    problems = [*loaded.diagnostics, *(validate_cases(loaded.definition, Known()) if loaded.definition else [])]
    return [(p.code, p.line, p.found, p.expected) for p in problems]


CSV = """case,previous.weight,weight,settings.limit,-> fires,-> actions,-> kind
at the limit,70,80,80,-,,
above,80,81,80,heavy,decide size; set kind; start process packing,small
big,80,91,80,heavy,,big
"""


def test_a_table_of_cases_says_what_fires_what_is_done_and_what_is_set() -> None:
    assert found("a/store.cases.csv", CSV) == []


def test_a_case_that_fails_is_told_with_its_line_and_both_values() -> None:
    wrong = CSV.replace("big,80,91,80,heavy,,big", "big,80,91,80,heavy,,huge")
    assert found("store.cases.csv", wrong) == [("rules.case_failed", 4, "values: kind big", "values: kind huge")]


def test_what_is_told_names_the_case() -> None:
    failed = Diagnostic(code="rules.case_failed", found="1", expected="2", hint="the heaviest")
    for locale in ("zh", "en"):
        sentence = MessageCatalogue(["engines.rules"]).message(failed, locale)
        assert "the heaviest" in sentence
        assert "{" not in sentence


def test_cases_of_a_decision_ask_it() -> None:
    assert found("size.cases.csv", "weight,-> value\n90,small\n90.01,big\n") == []
    ((code, line, _, expected),) = found("size.cases.csv", "weight,-> value\n90,big\n")
    assert (code, line, expected) == ("rules.case_failed", 2, "value: big")


def test_a_rule_of_the_clock_is_asked_when_it_is_due() -> None:
    cases = [
        {"name": n, "event": "due", "rule": "late", "today": "2026-03-03", "record": {"due": day}, "expect": expect}
        for n, day, expect in (
            ("before", "2026-03-02", {"fires": ["late"], "actions": ["notify"]}),
            ("on the day", "2026-03-03", {"fires": []}),
        )
    ]
    assert found("store.cases.json", json.dumps({"cases": cases})) == []


@pytest.mark.parametrize(("refuse", "severity"), [(True, Severity.ERROR), (False, Severity.WARNING)])
def test_a_file_says_whether_its_failures_refuse_a_publish(refuse: bool, severity: Severity) -> None:
    data = {"refuse": refuse, "cases": [{"name": "x", "record": {"weight": 5}, "expect": {"value": "big"}}]}
    loaded = load_cases(DefinitionSource(file="size.cases.json", text=json.dumps(data, indent=1)))
    assert loaded.definition is not None
    (problem,) = validate_cases(loaded.definition, Known())
    assert (problem.severity, problem.line) == (severity, 4)


def test_cases_of_nothing_and_cells_that_are_no_value_are_told() -> None:
    assert [code for code, *_ in found("boxes.cases.csv", "weight,-> value\n1,a\n")] == ["rules.cases_of_nothing"]
    assert [code for code, *_ in found("size.cases.csv", "weight,-> value\n=1 +,a\n")] == ["rules.bad_case"]


def test_cases_can_be_run_without_an_app() -> None:
    rules = compile_rules(load_rules(source("rule r when thing is saved if size > 5 then stop end")).definition)
    loaded = load_cases(DefinitionSource(file="t.cases.csv", text="size,-> fires\n6,r\n5,-\n"))
    assert loaded.definition is not None
    assert [result.passed for result in run_cases(loaded.definition, rules, {})] == [True, True]
    decision = compile_decision(load_decision(DefinitionSource(file="size", text=json.dumps(SIZE))).definition)
    assert decision.decide({"weight": 91}).value == "big"


def test_a_case_whose_actions_fail_is_told_like_any_other_and_an_id_may_be_any_word() -> None:
    text = "rule r when thing is saved then recompute worth on owner_of end"
    rules = compile_rules(load_rules(source(text)).definition)
    data = {
        "cases": [
            {"name": "nobody", "record": {"size": 5}, "expect": {"fires": ["r"]}},
            {"name": "somebody", "record": {"owner_of": {"id": "a"}}, "expect": {"actions": ["recompute worth"]}},
        ]
    }
    loaded = load_cases(DefinitionSource(file="t.cases.json", text=json.dumps(data)))
    assert loaded.definition is not None
    nobody, somebody = run_cases(loaded.definition, rules, {})
    assert (nobody.passed, "record_missing" in nobody.found) == (False, True)
    assert somebody.passed


def test_cases_of_an_empty_rule_file_fail_and_nothing_breaks() -> None:
    rules = compile_rules(load_rules(source("")).definition)
    loaded = load_cases(DefinitionSource(file="t.cases.csv", text="size,-> fires\n6,r\n5,-\n"))
    assert loaded.definition is not None
    assert [result.passed for result in run_cases(loaded.definition, rules, {})] == [False, True]
