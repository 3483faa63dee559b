"""Definitions made to hurt: they end soon, with a problem told."""

from __future__ import annotations

import json
import time

import pytest

from engines.core import DefinitionSource
from engines.rules import load_decision, load_rules
from engines.rules.decisions.xml_read import XmlModelError, read_xml
from engines.rules.decisions.xml_write import NAMESPACE
from engines.rules.language import from_json


def source(text: str) -> DefinitionSource:
    return DefinitionSource(file="x", text=text)


RULES = [
    ("rule r when a is saved then " + "if x then " * 20_000, "rules.too_deep"),
    ("rule r when a is saved then " + "for each x in y do " * 20_000, "rules.too_deep"),
    ("rule r when a is saved if " + "(" * 100_000 + " then end", "rules.syntax"),
    ('rule r when a is saved if "' + "x" * 1_000_000, "rules.unclosed_text"),
    ("x" * 3_000_000, "rules.too_long"),
    ("rule " * 50_000, "rules.syntax"),
    ("rule r when a is saved\n" * 5_000, "rules.syntax"),
]


@pytest.mark.parametrize(("text", "code"), RULES)
def test_hostile_rules_end_soon_with_a_problem(text: str, code: str) -> None:
    start = time.process_time()
    codes = {d.code for d in load_rules(source(text)).diagnostics}
    assert code in codes
    assert time.process_time() - start < 10


def nested(levels: int) -> str:
    boxed = '{"list": [' * levels + '"1"' + "]}" * levels
    return '{"name": "d", "decisions": [{"name": "d", "list": [' + boxed + "]}]}"


def test_deep_decisions_are_refused_and_reasonable_ones_are_not() -> None:
    assert load_decision(source(nested(20))).ok
    assert [d.code for d in load_decision(source(nested(300))).diagnostics] == ["rules.too_deep"]


def test_deep_xml_is_refused() -> None:
    inner = "<list>" * 120 + "</list>" * 120
    text = (
        f'<definitions xmlns="{NAMESPACE}" name="d" namespace="n"><decision name="d">{inner}</decision></definitions>'
    )
    with pytest.raises(XmlModelError) as caught:
        read_xml(source(text))
    assert caught.value.diagnostic.code == "rules.too_deep"


def test_deep_trees_are_refused() -> None:
    block: dict[str, object] = {"actions": [{"kind": "stop"}]}
    for _ in range(200):
        block = {"actions": [{"kind": "choose", "condition": "x", "then": block}]}
    rule = {"kind": "rule", "name": "r", "triggers": [{"kind": "record", "form": "a", "what": "saved"}], "then": block}
    with pytest.raises(ValueError, match="deeply"):
        from_json(json.loads(json.dumps({"rules": [rule]})))
