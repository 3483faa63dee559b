"""Built-in functions that have an exact meaning in SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, case, cast, func, literal, not_, null, type_coerce
from sqlalchemy import types as sqltypes

from engines.feel import nodes as n
from engines.feel import storage
from engines.feel import types as t
from engines.feel.sql.dialects import ROUNDINGS, Rounding
from engines.feel.sql.terms import Constant, RowLists, Rows, Scalar, Term
from engines.feel.sql.translate import Translator
from engines.feel.sql.zones import NotExactError

Element = ColumnElement[Any]
Rule = Callable[[Translator, n.Call], Term]
FUNCTIONS: dict[str, Rule] = {}


def sql_function(name: str, *counts: int) -> Callable[[Rule], Rule]:
    """Registers the SQL form of a built-in that takes one of ``counts`` arguments."""

    def register(rule: Rule) -> Rule:
        def checked(translator: Translator, node: n.Call) -> Term:
            if len(node.arguments) not in counts:
                translator.refuse(node, f"{name} with {len(node.arguments)} arguments")
            return rule(translator, node)

        FUNCTIONS[name] = checked
        return rule

    return register


# Logic


@sql_function("not", 1)
def _not(translator: Translator, node: n.Call) -> Scalar:
    term = translator.scalar(node.arguments[0])
    if term.type is t.NULL:
        return term
    if term.type is not t.BOOLEAN:
        translator.refuse(node, "not of something else than a condition")
    return translator.boolean(not_(term.element), nullable=term.nullable)


# Text


def _text(translator: Translator, node: n.Node) -> Scalar:
    term = translator.scalar(node)
    if term.type is not t.STRING:
        translator.refuse(node, f"{term.type} where text is wanted")
    return term


def _length(element: Element) -> Element:
    return func.length(element, type_=Integer())


@sql_function("string length", 1)
def _string_length(translator: Translator, node: n.Call) -> Scalar:
    text = _text(translator, node.arguments[0])
    return translator.whole(_length(text.element), 2**31, text.nullable)


@sql_function("string", 1)
def _string(translator: Translator, node: n.Call) -> Scalar:
    """Of text, and of whole numbers: other values read differently in SQL."""
    term = translator.scalar(node.arguments[0])
    if term.type is t.STRING:
        return term
    if term.type is not t.NUMBER or term.scale or term.bound >= 2**63:
        translator.refuse(node, "string of something else than text and whole numbers")
    digits = cast(cast(term.element, BigInteger()), storage.CodePointText())
    return Scalar(element=type_coerce(digits, storage.CodePointText()), type=t.STRING, nullable=term.nullable)


@sql_function("contains", 2)
def _contains(translator: Translator, node: n.Call) -> Scalar:
    text, part = (_text(translator, argument) for argument in node.arguments)
    found = translator.sql.position(text.element, part.element) > literal(0)
    return translator.boolean(found, nullable=text.nullable or part.nullable)


def _constant_text(translator: Translator, node: n.Node) -> str:
    term = translator.term(node)
    if not isinstance(term, Constant) or not isinstance(term.value, str):
        translator.refuse(node, "a text that is not known beforehand")
    value: str = term.value
    return value


def _after(prefix: str) -> str | None:
    """The smallest text above all that begin with ``prefix``; None where there is none."""
    for index in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[index]) + 1
        if code == 0xD800:
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[:index] + chr(code)
    return None


@sql_function("starts with", 2)
def _starts_with(translator: Translator, node: n.Call) -> Scalar:
    text = _text(translator, node.arguments[0])
    prefix = _constant_text(translator, node.arguments[1])
    kind = storage.CodePointText()
    # A range, so that an index helps.
    parts = [text.element >= literal(prefix, kind)]
    above = _after(prefix)
    if above is not None:
        parts.append(text.element < literal(above, kind))
    return translator.boolean(and_(*parts), nullable=text.nullable)


@sql_function("ends with", 2)
def _ends_with(translator: Translator, node: n.Call) -> Scalar:
    text = _text(translator, node.arguments[0])
    suffix = _constant_text(translator, node.arguments[1])
    if not suffix:
        return translator.boolean(_known(text, text.element.is_not(None)), nullable=text.nullable)
    tail = func.substr(text.element, _length(text.element) - len(suffix) + 1, type_=storage.CodePointText())
    longer = _length(text.element) >= literal(len(suffix))
    return translator.boolean(and_(longer, tail == literal(suffix, storage.CodePointText())), nullable=text.nullable)


def _known(term: Scalar, element: Element) -> Element:
    """``element`` where the term is not null, else null."""
    unknown = type_coerce(null(), sqltypes.Boolean())
    return type_coerce(case((term.element.is_(None), unknown), else_=element), sqltypes.Boolean())


@sql_function("substring", 2, 3)
def _substring(translator: Translator, node: n.Call) -> Scalar:
    text = _text(translator, node.arguments[0])
    start, *rest = [_constant_whole(translator, argument) for argument in node.arguments[1:]]
    if any(abs(number) >= 2**31 for number in (start, *rest)):
        translator.refuse(node, "a position beyond all texts")
    if start == 0 or (rest and rest[0] < 1):
        return Scalar(element=null(), type=t.NULL)
    length = _length(text.element)
    first = literal(start, Integer()) if start > 0 else length + literal(start + 1, Integer())
    part = func.substr(text.element, first, *(literal(size, Integer()) for size in rest))
    found = case((length >= literal(abs(start), Integer()), part))
    return Scalar(element=type_coerce(found, storage.CodePointText()), type=t.STRING)


def _constant_whole(translator: Translator, node: n.Node) -> int:
    term = translator.term(node)
    if not isinstance(term, Constant) or not isinstance(term.value, Decimal) or term.value != int(term.value):
        translator.refuse(node, "a position that is not known beforehand")
    return int(term.value)


# Numbers


@sql_function("abs", 1)
def _abs(translator: Translator, node: n.Call) -> Scalar:
    term = translator.scalar(node.arguments[0])
    if term.type is not t.NUMBER:
        translator.refuse(node, f"abs of {term.type}")
    return replace(term, element=translator.sql.number_column(func.abs(term.element)))


def _rounding(name: str, counts: tuple[int, ...]) -> None:
    @sql_function(name, *counts)
    def rule(translator: Translator, node: n.Call) -> Scalar:
        scale = _constant_whole(translator, node.arguments[1]) if len(node.arguments) > 1 else 0
        if not 0 <= scale <= 18:
            translator.refuse(node, f"rounding to {scale} digits")
        return _rounded(translator, node.arguments[0], scale, ROUNDINGS[name])


def _rounded(translator: Translator, node: n.Node, scale: int, rounding: Rounding) -> Scalar:
    """A number, a division or a mean, rounded."""
    while isinstance(node, n.Group):
        node = node.inner
    if isinstance(node, n.Arithmetic) and node.rest[-1][0] == "/":
        *before, (_, divisor) = node.rest
        dividend = replace(node, rest=tuple(before)) if before else node.first
        left = _number(translator, translator.adopted(dividend, node))
        return translator.sql.ratio(left, _number(translator, divisor), scale, rounding)
    if isinstance(node, n.Call) and isinstance(node.function, n.Name) and node.function.name == "mean":
        return _rounded_mean(translator, node, scale, rounding)
    term = _number(translator, node)
    if term.scale <= scale:
        return term
    one = translator.sql.number_constant(Decimal(1))
    return translator.sql.ratio(term, one, scale, rounding)


def _number(translator: Translator, node: n.Node) -> Scalar:
    term = translator.scalar(node)
    if term.type is not t.NUMBER:
        translator.refuse(node, f"{term.type} where a number is wanted")
    return term


def _rounded_mean(translator: Translator, node: n.Call, scale: int, rounding: Rounding) -> Scalar:
    rows, item = _items(translator, node)
    if item.type is not t.NUMBER:
        translator.refuse(node, f"a mean of {item.type}")
    sql = translator.sql
    total = replace(item, element=sql.number_column(func.sum(item.element)), bound=min(item.bound * 10**12, 2**63 - 1))
    count = translator.whole(func.count(), 10**12, False)
    mean = sql.ratio(total, count, scale, rounding)
    found = sql.number_column(translator.aggregated(rows, _unless_null(item, mean.element)))
    return replace(mean, element=found)


for _name in ROUNDINGS:
    _rounding(_name, (1, 2) if _name in ("floor", "ceiling") else (2,))


# Dates


def _day(translator: Translator, node: n.Call) -> Scalar:
    term = translator.scalar(node.arguments[0])
    if term.type is t.DATE:
        return term
    if term.type is not t.DATE_TIME or translator.zone is None:
        translator.refuse(node, f"the date of {term.type}")
    day = translator.sql.local_date(term.element, translator.zone)
    return Scalar(element=day, type=t.DATE, nullable=term.nullable)


@sql_function("date", 1)
def _date(translator: Translator, node: n.Call) -> Scalar:
    return _day(translator, node)


def _day_number(name: str, bound: int) -> None:
    @sql_function(name, 1)
    def rule(translator: Translator, node: n.Call) -> Scalar:
        term = _day(translator, node)
        return translator.whole(translator.sql.date_part(term.element, name), bound, term.nullable)


_day_number("day of year", 366)
_day_number("week of year", 53)


# Lists


@sql_function("list contains", 2)
def _list_contains(translator: Translator, node: n.Call) -> Scalar:
    where, what = node.arguments
    held = translator.term(where)
    if isinstance(held, Constant):
        if held.value is None:
            return Scalar(element=null(), type=t.NULL)
        if not isinstance(held.value, list):
            return translator.among(node, translator.scalar(what), [held.value])
        return translator.among(node, translator.scalar(what), held.value, held.origin)
    if isinstance(held, Rows):
        return _rows_contain(translator, node, held)
    column = translator.as_scalar(node, held)
    if not isinstance(column.type, t.ListType):
        translator.refuse(node, "this list")
    found = translator.sql.json_contains(column.element, _constant_text(translator, what))
    return translator.boolean(_known(column, found) if column.nullable else found, nullable=column.nullable)


def _rows_contain(translator: Translator, node: n.Call, rows: Rows) -> Scalar:
    wanted = translator.scalar(node.arguments[1])
    item = rows.item or translator.identity(node, _row(rows))
    same = translator.compared(node, "=", item, wanted)
    return translator.boolean(translator.exists(rows, same.element), nullable=False)


def _row(rows: Rows) -> Any:
    from engines.feel.sql.translate import _row_of

    return _row_of(rows)


def _rows(translator: Translator, node: n.Call) -> Rows:
    rows = translator.term(node.arguments[0])
    if not isinstance(rows, Rows):
        translator.refuse(node, "a list that is not one of related records")
    return rows


@sql_function("flatten", 1)
def _flatten(translator: Translator, node: n.Call) -> Rows:
    lists = translator.term(node.arguments[0])
    return lists.flat if isinstance(lists, RowLists) else _rows(translator, node)


@sql_function("distinct values", 1)
def _distinct_values(translator: Translator, node: n.Call) -> Rows:
    return replace(_rows(translator, node), distinct=True)


@sql_function("count", 1)
def _count(translator: Translator, node: n.Call) -> Scalar:
    held = translator.term(node.arguments[0])
    if isinstance(held, Scalar) and isinstance(held.type, t.ListType):
        return translator.whole(translator.sql.json_length(held.element), 2**31, held.nullable)
    rows = _rows(translator, node)
    element: Element = func.count()
    if rows.distinct:
        item = rows.item or translator.identity(node, _row(rows))
        nulls = case((func.count() > func.count(item.element), literal(1)), else_=literal(0))
        element = func.count(item.element.distinct()) + nulls
    return translator.whole(translator.aggregated(rows, element), 10**12, False)


def _items(translator: Translator, node: n.Call) -> tuple[Rows, Scalar]:
    rows = _rows(translator, node)
    if rows.item is None or rows.distinct:
        translator.refuse(node, "these items")
    return rows, rows.item


def _unless_null(item: Scalar, element: Element) -> Element:
    """An aggregate that is null as soon as one item is, as in FEEL."""
    return case((func.count() == func.count(item.element), element)) if item.nullable else element


@sql_function("sum", 1)
def _sum(translator: Translator, node: n.Call) -> Scalar:
    rows, item = _items(translator, node)
    if item.type is not t.NUMBER:
        translator.refuse(node, f"a sum of {item.type}")
    element = _unless_null(item, func.sum(item.element))
    total = translator.sql.number_column(translator.aggregated(rows, element))
    # SQLite's sum is an error where it overflows; no table holds rows enough for 34 digits.
    bound = min(item.bound * 10**12, 2**63 - 1)
    return Scalar(element=total, type=t.NUMBER, scale=item.scale, bound=bound, guards=item.guards)


def _best(name: str, aggregate: Callable[[Element], Element]) -> None:
    @sql_function(name, 1)
    def rule(translator: Translator, node: n.Call) -> Scalar:
        rows, item = _items(translator, node)
        if item.type not in (t.NUMBER, t.STRING, t.DATE, t.TIME, t.DATE_TIME, t.DAYS_TIME):
            raise NotExactError(f"{name} of {item.type}")
        found = translator.aggregated(rows, _unless_null(item, aggregate(item.element)))
        typed = translator.sql.number_column(found) if item.type is t.NUMBER else type_coerce(found, item.element.type)
        return replace(item, element=typed, nullable=True)


_best("min", func.min)
_best("max", func.max)
