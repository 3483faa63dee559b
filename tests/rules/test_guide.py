"""The guide for business admins: every rule is read and checked, its table of cases runs."""

import re
from pathlib import Path

from engines.core import DefinitionSource
from engines.rules import compile_rules, load_rules
from engines.rules.cases import load_cases, run_cases
from engines.rules.language import print_rules
from tests.rules.apps import App

TEXT = (Path(__file__).parents[2] / "docs" / "rules-guide.md").read_text("utf-8")
BLOCKS = re.findall(r"```rules\n(.*?)```", TEXT, re.DOTALL)


def test_every_rule_of_the_guide_is_right() -> None:
    assert len(BLOCKS) == 7
    for block in BLOCKS:
        loaded = load_rules(DefinitionSource(file="guide.rules", text=block))
        assert loaded.ok, [d.render() for d in loaded.diagnostics]
        compile_rules(loaded.definition, App())


def test_both_languages_say_the_same() -> None:
    english, chinese = (load_rules(DefinitionSource(file="g.rules", text=block)).definition for block in BLOCKS[:2])
    assert english is not None
    assert chinese is not None
    assert print_rules(english, "zh") == print_rules(chinese)


def test_the_table_of_cases_holds() -> None:
    rules = "\n".join(block for n, block in enumerate(BLOCKS) if n != 1)
    (table,) = re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)
    cases = load_cases(DefinitionSource(file="warehouse.cases.csv", text=table))
    assert cases.ok
    assert cases.definition is not None
    compiled = compile_rules(load_rules(DefinitionSource(file="warehouse.rules", text=rules)).definition, App())
    results = list(run_cases(cases.definition, compiled, {}))
    assert [(r.case.name, r.found, r.expected) for r in results if not r.passed] == []
    assert len(results) == 4
