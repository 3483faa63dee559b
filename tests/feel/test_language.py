"""The language, by tables: expression, expected value as FEEL text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from engines import feel
from engines.core import DefinitionError, MessageCatalogue

ORDER = feel.ContextType({"status": feel.STRING, "amount": feel.NUMBER, "due": feel.DATE})
PERSON = feel.ContextType({"id": feel.IDENTIFIER, "name": feel.STRING})
SCOPE = feel.Scope(
    {
        "amount": feel.NUMBER,
        "Monthly Fee": feel.NUMBER,
        "a-b": feel.NUMBER,
        "客户": feel.ContextType({"等级": feel.STRING}),
        "orders": feel.ListType(ORDER),
        "owner": PERSON,
        "me": PERSON,
        "friends": feel.ListType(feel.IDENTIFIER),
        "nothing": feel.STRING,
        "created": feel.DATE_TIME,
    }
)
ANN, BOB = UUID(int=1), UUID(int=2)
VARIABLES: dict[str, Any] = {
    "amount": Decimal(7),
    "Monthly Fee": 30,
    "a-b": 5,
    "客户": {"等级": "S"},
    "orders": [
        {"status": "won", "amount": 10, "due": date(2026, 1, 2)},
        {"status": "lost", "amount": Decimal("2.5"), "due": None},
    ],
    "owner": {"id": ANN, "name": "Ann"},
    "me": {"id": ANN},
    "friends": [ANN, BOB],
    "created": datetime(2026, 6, 30, 17, 0, tzinfo=UTC),
}
CONTEXT = feel.EvaluationContext(now=datetime(2026, 6, 30, 17, 0, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"))

CASES = [
    ('amount > 5 and 客户.等级 = "S"', "true"),
    ("Monthly  Fee * 2 + a-b", "65"),
    ('sum(orders[status = "won"].amount)', "10"),
    ('count(orders[due < date("2026-02-01")])', "1"),
    ("for i in 1..3, j in [10, 20] return i * j", "[10, 20, 20, 40, 30, 60]"),
    ("for i in 1..5 return if i < 3 then 1 else partial[-1] + partial[-2]", "[1, 1, 2, 3, 5]"),
    ("some o in orders satisfies o.amount > 9", "true"),
    ("every o in orders satisfies o.amount > 9", "false"),
    ("{a b: 1, c: a b + 1}.c", "2"),
    ("[1, 2, 3][item > 1]", "[2, 3]"),
    ("[1, 2, 3][-1]", "3"),
    ("(function(a, b) a + b)(1, 2)", "3"),
    ("for f in (for x in [1, 2] return function(y) x + y) return f(10)", "[11, 12]"),
    ("sort([3, 1, 2], function(x, y) x < y)", "[1, 2, 3]"),
    ('if amount > 10 then "big" else if amount > 6 then "mid" else "small"', '"mid"'),
    ('date("2026-01-31") + duration("P1M")', "2026-02-28"),
    ("amount in (1, 2, [5..8])", "true"),
    ("amount between 7 and 8", "true"),
    ('string length("中文😀")', "3"),
    ("orders[1].due.year", "2026"),
    ("{f: function(n) if n <= 1 then 1 else n * f(n - 1), r: f(5)}.r", "120"),
    ('nothing != "x"', "true"),
    ("nothing = null", "true"),
    ('nothing > "x"', "null"),
    ('nothing > "x" and false', "false"),
    ("owner = me", "true"),
    ("owner.id = me.id", "true"),
    ("list contains(friends, owner)", "true"),
    ("date(created)", "2026-07-01"),
    ("today()", "2026-07-01"),
    ("created = now()", "true"),
    ("1 / 3", "0.3333333333333333333333333333333333"),
    ("0.1 + 0.2 = 0.3", "true"),
    ('matches("abc", "^a.c$")', "true"),
    ('"ab" instance of string and [1] instance of list<number>', "true"),
    ("substring(string: \"foobar\", start position: 3)", '"obar"'),
]  # fmt: skip


def text_of(value: Any) -> str:
    scope = feel.Scope({"v": feel.ANY})
    wrapped = feel.compile("string([v])", scope).evaluate({"v": value}).value
    return str(wrapped)[1:-1]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_expression_has_the_value_that_the_standard_gives_it(expression: str, expected: str) -> None:
    result = feel.compile(expression, SCOPE).evaluate(VARIABLES, CONTEXT)
    assert text_of(result.value) == expected


@pytest.mark.parametrize(("expression", "_expected"), CASES)
def test_printing_gives_text_that_parses_to_the_same_print(expression: str, _expected: str) -> None:
    printed = str(feel.compile(expression, SCOPE))
    assert "".join(printed.split()) == "".join(expression.split())
    assert str(feel.compile(printed, SCOPE)) == printed


def test_signs_in_a_name_count_only_as_they_are_declared() -> None:
    scope = feel.Scope(dict.fromkeys(("a", "b", "a-b", "in stock", "x's total"), feel.NUMBER))
    values = {"a": 10, "b": 4, "a-b": 99, "in stock": 7, "x's total": 5}
    found = {
        text: feel.compile(text, scope).evaluate(values).value
        for text in ("a-b", "a - b", "in  stock", "x's total + 1")
    }
    assert found == {"a-b": 99, "a - b": 6, "in  stock": 7, "x's total + 1": 6}


def test_deep_but_allowed_nesting_works_far_down_the_stack() -> None:
    deep = "if true then [{a: " * 15 + "1" + "}][1] else null" * 15

    def call(levels: int) -> object:
        return feel.compile(deep).evaluate({}).value if levels == 0 else call(levels - 1)

    assert call(400) is not None


UNARY = [
    ("> 5", 7, True),
    ("[1..5]", 7, False),
    ('"a", "b"', "b", True),
    ('not("a", "b")', "b", False),
    ("-", None, True),
    ("null", None, True),
    ("? > 5 and ? < 9", 7, True),
    ("< 5", None, None),
    ("1, 7", 7, True),
    ("[7, 8]", 7, True),
]


@pytest.mark.parametrize(("tests", "value", "expected"), UNARY)
def test_unary_tests_look_at_the_input(tests: str, value: Any, expected: bool | None) -> None:
    assert feel.compile_unary_tests(tests).evaluate({"?": value}).value is expected


WRONG = [
    ("amont > 5", "feel.unknown_name", "amont", 'did you mean "amount"?'),
    ('amount + "a"', "feel.wrong_operands", "number + string", ""),
    ("客户.等", "feel.unknown_entry", "等", 'did you mean "等级"?'),
    ("amount >", "feel.syntax", "the end", ""),
    ("amount > 5）", "feel.unexpected_character", "）", "write ) instead of ）"),
    ('"abc', "feel.unterminated", '"', ""),
    ("amount and true", "feel.type_mismatch", "amount", ""),
    ('substring("a")', "feel.wrong_arguments", "string", ""),
    ("1 instance of nmber", "feel.unknown_type", "nmber", 'did you mean "number"?'),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "code", "found", "hint"), WRONG)
def test_a_mistake_is_named_where_it_stands(expression: str, code: str, found: str, hint: str) -> None:
    problems = {problem.code: problem for problem in feel.check(expression, SCOPE)}
    assert code in problems
    assert problems[code].found.startswith(found)
    assert problems[code].hint == hint
    with pytest.raises(DefinitionError):
        feel.compile(expression, SCOPE)


def test_a_wrong_result_type_is_reported() -> None:
    (problem,) = feel.check("amount + 1", SCOPE, feel.BOOLEAN)
    assert (problem.code, problem.expected) == ("feel.unexpected_type", "boolean")


def test_null_carries_the_failures_that_made_it() -> None:
    result = feel.compile("1 + nothing", feel.Scope({"nothing": feel.NUMBER})).evaluate({})
    assert result.value is None
    assert [(failure.code, failure.span) for failure in result.failures] == [("feel.null_operand", (0, 11))]


def test_an_expression_tells_what_it_reads_and_whether_it_asks_for_the_time() -> None:
    expression = feel.compile('amount > 5 and 客户.等级 = "S" and owner = me', SCOPE)
    assert expression.reads == {("amount",), ("客户", "等级"), ("owner", "id"), ("me", "id")}
    assert not expression.volatile
    assert feel.compile("created < now()", SCOPE).volatile
    assert expression.type == feel.BOOLEAN


def test_every_code_has_a_sentence_in_both_languages() -> None:
    import re

    folder = Path(feel.__file__).parent
    used = {
        code for file in folder.rglob("*.py") for code in re.findall(r"[\"'](feel\.[a-z_]+)[\"']", file.read_text())
    }
    catalogue = MessageCatalogue(["engines.feel"])
    assert catalogue.codes("en") == catalogue.codes("zh")
    assert used <= catalogue.codes("en") | {"feel.lark"}


def test_records_that_refer_to_each_other_in_a_circle_can_be_compared() -> None:
    def record(name: str) -> feel.ContextType:
        kind = feel.ContextType(
            lambda: {"id": feel.IDENTIFIER, "other": kind, "all": feel.ListType(kind), "name": feel.STRING}, name
        )
        return kind

    scope = feel.Scope({"one": record("a"), "two": record("b"), "many": feel.ListType(record("c"))})
    assert feel.check("one = two or one.other = two.other", scope) == []
    assert feel.check("list contains(many, one) or one in many", scope) == []
    assert feel.check("one = 5", scope) != []


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("amount >", "The expression ends too early; expected: a value.", "表达式不完整；应为一个值。"),
        ("amount 5", '"5" cannot stand here; expected: an operator such as + = and or the end.',
         "此处不能是“5”；应为运算符，如 + = and或结尾。"),
        ("for x amount return 1", '"amount" cannot stand here; expected: in.', "此处不能是“amount”；应为in。"),
        ("{a 1}", '"a" cannot stand here; expected: a name and a colon or }.', "此处不能是“a”；应为}或名称加冒号。"),
        ("[1, 2", "The expression ends too early; expected: ] or a comma.", "表达式不完整；应为]或逗号。"),
    ],
)  # fmt: skip
def test_a_syntax_error_speaks_in_words_of_people(text: str, en: str, zh: str) -> None:
    (found,) = feel.check(text, feel.Scope({"amount": feel.NUMBER}))
    catalogue = MessageCatalogue(["engines.feel"])
    assert (catalogue.message(found, "en"), catalogue.message(found, "zh")) == (en, zh)


def test_no_terminal_of_the_grammar_is_told_by_its_raw_name() -> None:
    from engines.feel.parser import _lark
    from engines.feel.wording import LANGUAGES, word

    for terminal in [known.name for known in _lark().terminals] + ["$END"]:
        for language in LANGUAGES:
            assert word(terminal, language) == word(terminal, language).lower().replace("_", " "), terminal
