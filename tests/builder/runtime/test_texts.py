"""Texts of notices and mails: values in the reader's form, nothing else in them is run, mistakes have a place."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from builder.runtime.texts import compile, load, shown, validate
from engines.core import DefinitionSource
from engines.feel import EvaluationContext

CONTEXT = EvaluationContext(now=datetime(2026, 3, 1, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"))
VALUES = {"item": {"name": "灯", "price": Decimal("12.50"), "tags": ["a", "b"]}, "n": Decimal(3)}


def source(subject: Any, body: Any = "") -> DefinitionSource:
    text = json.dumps({"name": "hello", "subject": subject, "body": body}, ensure_ascii=False, indent=1)
    return DefinitionSource(file="hello.template.json", text=text)


def rendered(subject: Any, body: Any = "") -> tuple[Any, Any]:
    definition = load(source(subject, body)).definition
    assert definition is not None
    return compile(definition).render(VALUES, CONTEXT)


TEXTS = [
    ("{{ item.name }}: {{ item.price * 2 }}", "灯: 25"),
    ("{{ item.price }} / {{item.tags}}", "12.50 / a, b"),
    ('{{ if n > 2 then "many" else "few" }}', "many"),
    ("{{ nothing.here }}!", "!"),
    ("{{ item.missing }}x", "x"),
    ("no braces {% raw %} {# c #} ${n}", "no braces {% raw %} {# c #} ${n}"),
    ("two\nlines", "two lines"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_expressions_are_replaced_by_their_values(text: str, expected: str) -> None:
    assert rendered({"zh": text, "en": "x"})[0] == {"zh": expected, "en": "x"}


def test_a_body_keeps_its_lines() -> None:
    assert rendered("s", "a\n{{ n }}")[1] == {"": "a\n3"}


SHOWN = [
    (Decimal("7.00"), "7"),
    (Decimal("0.10"), "0.10"),
    (date(2026, 3, 1), "2026-03-01"),
    (datetime(2026, 3, 1, 16, 0, tzinfo=UTC), "2026-03-02 00:00"),
    (None, ""),
    ({"id": 1, "name": "灯"}, "灯"),
]


@pytest.mark.parametrize(("value", "expected"), SHOWN)
def test_values_are_shown_as_people_write_them(value: Any, expected: str) -> None:
    assert shown(value, ZoneInfo("Asia/Shanghai")) == expected


def test_what_an_expression_reads_is_known() -> None:
    definition = load(source("{{ item.name }} {{ n }}")).definition
    assert definition is not None
    assert compile(definition).reads == {("item", "name"), ("n",)}


def test_a_broken_expression_is_told_at_its_place() -> None:
    definition = load(source({"zh": "好", "en": "total {{ n + }}"})).definition
    assert definition is not None
    problems = validate(definition)
    assert [(p.file, p.pointer, p.line) for p in problems] == [("hello.template.json", "/subject/en", 5)]
