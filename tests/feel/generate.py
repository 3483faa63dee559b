"""Random typed expressions over the tables of ``tests.feel.tables``."""

from __future__ import annotations

import random
from collections.abc import Callable

TEXTS = ('"a"', '"ab"', '"中"', '""', '"zz"', '"A"', '"😀"')
NUMBERS = ("0", "1", "-3", "10.5", "0.0001", "5", "999999", "12.345")
DATES = ('date("2026-03-15")', 'date("2024-02-29")', 'date("2026-12-31")', "today()")
MOVES = ('@"P1M"', '@"-P1Y"', '@"P3D"', '@"-P40D"', '@"PT36H"', '@"P13M"')
SPANS = ('@"P1D"', '@"-PT90M"', '@"PT0.000001S"', '@"P30D"')
ROUND = ("decimal", "floor", "ceiling", "round up", "round down", "round half up", "round half down")
ORDER = ("<", "<=", ">", ">=")


class Generator:
    """Writes expressions of a wanted type; ``row`` names the fields in reach, ``deep`` bounds the nesting."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.parts = 0

    def pick(self, *makers: Callable[[], str]) -> str:
        return self.random.choice(makers)()

    def one(self, values: tuple[str, ...]) -> str:
        return self.random.choice(values)

    def field(self, name: str) -> str:
        """A field of the row at hand, or of the group it refers to."""
        return f"group.{name}" if self.random.random() < 0.2 else name

    def expression(self, deep: int = 3) -> str:
        """An expression of any type, most often a condition."""
        if self.random.random() < 0.6:
            return self.boolean(deep)
        return self.pick(
            lambda: self.number(deep), lambda: self.text(deep), lambda: self.date(deep), lambda: self.instant(deep)
        )

    def number(self, deep: int) -> str:
        if deep <= 0:
            return self.pick(lambda: self.one(NUMBERS), lambda: self.field(self.one(("price", "weight", "size"))))
        return self.pick(
            lambda: self.number(0),
            lambda: f"({self.number(deep - 1)} {self.one(('+', '-'))} {self.number(deep - 1)})",
            lambda: f"{self.number(0)} * {self.number(0)}",
            lambda: f"abs({self.number(deep - 1)})",
            lambda: f"{self.one(ROUND)}({self.number(deep - 1)}, {self.one(('0', '1', '2', '3'))})",
            lambda: f"{self.one(ROUND)}({self.number(0)} / {self.number(0)}, {self.one(('0', '2', '3'))})",
            lambda: f"{self.one(ROUND)}(mean(parts.{self.one(('size', 'weight'))}), {self.one(('0', '2'))})",
            lambda: f"-({self.number(deep - 1)})",
            lambda: f"(if {self.boolean(deep - 1)} then {self.number(deep - 1)} else {self.number(deep - 1)})",
            lambda: f"string length({self.text(deep - 1)})",
            lambda: f"({self.date(deep - 1)}).{self.one(('year', 'month', 'day', 'weekday'))}",
            lambda: f"{self.one(('day of year', 'week of year'))}({self.date(0)})",
            lambda: f"count({self.rows(deep - 1)})",
            lambda: f"{self.one(('sum', 'min', 'max'))}({self.rows(deep - 1)}.{self.one(('price', 'size', 'weight'))})",
            lambda: f"count(distinct values(parts.{self.one(('name', 'code', 'size'))}))",
            lambda: f"({self.date(0)} - {self.date(0)}).days",
            lambda: f"{self.field('seen')}.{self.one(('year', 'month', 'day', 'hour', 'minute'))}",
            lambda: f"count({self.field('tags')})",
        )

    def rows(self, deep: int) -> str:
        if self.parts or self.random.random() < 0.4:
            return "parts"
        self.parts += 1
        condition = self.boolean(deep)
        self.parts -= 1
        return f"parts[{condition}]"

    def text(self, deep: int) -> str:
        if deep <= 0:
            return self.pick(lambda: self.one(TEXTS), lambda: self.field(self.one(("name", "code"))))
        return self.pick(
            lambda: self.text(0),
            lambda: f"({self.text(deep - 1)} + {self.text(0)})",
            lambda: f"string({self.one(('size', 'count(parts)', 'name'))})",
            lambda: f"substring({self.text(deep - 1)}, {self.one(('1', '2', '-1', '-2'))})",
            lambda: f"substring({self.text(deep - 1)}, {self.one(('1', '2'))}, {self.one(('1', '2', '5'))})",
            lambda: f"(if {self.boolean(deep - 1)} then {self.text(deep - 1)} else {self.text(0)})",
            lambda: f"{self.one(('min', 'max'))}(parts.{self.one(('name', 'code'))})",
        )

    def date(self, deep: int) -> str:
        if deep <= 0:
            return self.pick(lambda: self.one(DATES), lambda: self.field(self.one(("due", "start"))))
        return self.pick(
            lambda: self.date(0),
            lambda: f"({self.date(deep - 1)} {self.one(('+', '-'))} {self.one(MOVES)})",
            lambda: f"date({self.instant(0)})",
            lambda: f"(if {self.boolean(deep - 1)} then {self.date(deep - 1)} else {self.date(0)})",
            lambda: f"{self.one(('min', 'max'))}(parts.due)",
        )

    def instant(self, deep: int) -> str:
        if deep <= 0:
            return self.pick(lambda: "now()", lambda: self.field("seen"))
        return self.pick(
            lambda: self.instant(0),
            lambda: f"({self.field('seen')} {self.one(('+', '-'))} {self.one(SPANS)})",
            lambda: f"(if {self.boolean(deep - 1)} then {self.field('seen')} else now())",
        )

    def span(self, deep: int) -> str:
        return self.pick(
            lambda: f"({self.date(0)} - {self.date(deep - 1)})",
            lambda: f"({self.instant(0)} - {self.instant(0)})",
            lambda: self.one(SPANS),
        )

    def compared(self, deep: int) -> str:
        make = self.random.choice((self.number, self.text, self.date, self.instant, self.span))
        operator = self.one((*ORDER, "=", "!="))
        return f"{make(deep - 1)} {operator} {make(deep - 1)}"

    def boolean(self, deep: int) -> str:
        if deep <= 0:
            return self.pick(lambda: "open", lambda: self.compared(1), lambda: f"{self.field('name')} = null")
        return self.pick(
            lambda: self.compared(deep),
            lambda: self.compared(deep),
            lambda: f"({self.boolean(deep - 1)} {self.one(('and', 'or'))} {self.boolean(deep - 1)})",
            lambda: f"not({self.boolean(deep - 1)})",
            lambda: f"{self.number(deep - 1)} between {self.number(0)} and {self.number(0)}",
            lambda: f"{self.number(deep - 1)} in (0, {self.one(ORDER)} {self.one(NUMBERS)}, [1..10))",
            lambda: f"{self.number(0)} in [{self.number(0)}..{self.number(0)}]",
            lambda: f"{self.text(deep - 1)} in ({self.one(TEXTS)}, null, {self.text(0)})",
            lambda: f"{self.date(0)} in [{self.one(DATES)}..{self.one(DATES)}]",
            lambda: f"{self.one(('contains', 'starts with', 'ends with'))}({self.text(deep - 1)}, {self.one(TEXTS)})",
            lambda: f"contains({self.text(0)}, {self.text(0)})",
            lambda: f"list contains(words, {self.text(deep - 1)})",
            lambda: f"list contains({self.field('tags')}, {self.one(TEXTS[:5])})",
            lambda: f"list contains({self.rows(deep - 1)}.code, {self.text(0)})",
            lambda: f"({self.boolean(deep - 1)}) {self.one(('=', '!='))} {self.one(('true', 'false', 'open'))}",
            lambda: f"(if {self.boolean(deep - 1)} then {self.boolean(deep - 1)} else {self.boolean(0)})",
            lambda: f"group {self.one(('=', '!='))} {self.one(('me', 'null'))}",
            lambda: self.quantified(deep),
        )

    def quantified(self, deep: int) -> str:
        inner = self.pick(
            lambda: f"p.price {self.one(ORDER)} {self.number(0)}",
            lambda: f"p.name {self.one(('=', '!=', '<'))} {self.text(0)}",
            lambda: f"p.due < {self.date(0)} or p.open",
            lambda: f"p.group = group and p.size {self.one(ORDER)} {self.one(NUMBERS)}",
        )
        return f"({self.one(('some', 'every'))} p in parts satisfies {inner})"
