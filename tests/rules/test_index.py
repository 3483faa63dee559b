"""The index leaves out only rules that would not fire."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engines import feel
from engines.core import DefinitionSource
from engines.rules import EventKind, RuleData, RuleEvent, RuleSet, compile_rules, load_rules, run
from engines.rules.actions import RecordRef

AT = datetime(2026, 3, 2, tzinfo=UTC)
TERMS = (
    'kind = "a"', '"b" = kind', "kind = null", 'kind in ("a", "c")', 'kind in ["b", "c"]', '(kind = "a" or kind = "b")',
    'kind != "a"', "size > 3", "5 >= size", "size between 2 and 4", "size in [1..3)", "size in > 2", "size in (1, 5)",
    "size = 4", "flag", "not(flag)", "flag = true", "(flag)", 'string length(kind) = 1', 'kind = "a" or size > 4',
    "size + 1 > 3", "size in (1, > 4)", "other = size",
)  # fmt: skip


def rules_of(conditions: list[str], tail: str = "") -> RuleSet:
    text = "\n".join(
        f"rule r{n} when box is saved if {condition} then stop end" for n, condition in enumerate(conditions)
    )
    loaded = load_rules(DefinitionSource(file="many.rules", text=text))
    assert loaded.diagnostics == ()
    assert loaded.definition is not None
    return RuleSet([compile_rules(loaded.definition)])


def fired(rules: RuleSet, record: dict[str, Any], *, trace: bool = False) -> list[str]:
    event = RuleEvent(kind=EventKind.RECORD_UPDATED, at=AT, record=RecordRef(form="box", id=UUID(int=1)))
    data = RuleData(record=record, context=feel.EvaluationContext(now=AT))
    return [firing.rule for firing in run(rules, event, data, trace=trace).firings]


@pytest.mark.parametrize("count", [5, 400])
def test_the_same_rules_fire_as_without_an_index(count: int) -> None:
    chance = random.Random(count)
    conditions = [" and ".join(chance.sample(TERMS, chance.randrange(1, 4))) for _ in range(count)]
    rules = rules_of(conditions)
    scope = feel.Scope(open=True)
    for _ in range(60):
        record = {
            "kind": chance.choice(["a", "b", "c", "", None, 5]),
            "size": chance.choice([Decimal(1), 4, Decimal("4.0"), 5, 6, None, "4", True]),
            "flag": chance.choice([True, False, None, "true"]),
            "other": chance.choice([Decimal(4), None]),
        }
        expected = [
            f"r{n}" for n, text in enumerate(conditions) if feel.compile(text, scope).evaluate(record).value is True
        ]
        assert fired(rules, record) == expected
        assert fired(rules, record, trace=True) == expected


def test_what_is_loaded_is_known_without_looking_at_each_rule() -> None:
    rules = rules_of([f"f{n % 7} > {n}" for n in range(300)])
    event = RuleEvent(kind=EventKind.RECORD_UPDATED, at=AT, record=RecordRef(form="box", id=UUID(int=1)))
    assert rules.reads(event) >= {(f"f{n}",) for n in range(7)}
    assert rules.waits_for(event)
    other = RuleEvent(kind=EventKind.RECORD_DELETED, at=AT, record=RecordRef(form="box", id=UUID(int=1)))
    assert not rules.waits_for(other)
    assert rules.reads(other) == frozenset()
