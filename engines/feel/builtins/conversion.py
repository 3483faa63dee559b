"""Conversion functions (DMN 1.5 §10.3.4.1) that are not about time: ``string``, ``number``, ``range`` and ours."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.feel import temporal
from engines.feel.builtins.registry import builtin
from engines.feel.comparing import order
from engines.feel.runtime import Runtime
from engines.feel.values import DECIMAL128, Date, DateTime, DaysTime, Function, Range, Time, YearsMonths


@builtin("string(from: Any) -> string")
def string(runtime: Runtime, from_: Any) -> str | None:
    """The value as text, as FEEL would write it; null for null."""
    if from_ is None:
        return None
    text = to_text(from_, runtime, top=True)
    return text


def format_number(number: Decimal) -> str:
    """The number in plain digits, without an exponent."""
    text = format(number, "f")
    return "0" if text == "-0" else text


def quoted(text: str) -> str:
    """The text as a FEEL string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def to_text(value: Any, runtime: Runtime, *, top: bool = False) -> str:
    """The value as FEEL text; strings are quoted within lists and contexts."""
    match value:
        case str():
            text = value if top else quoted(value)
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case Decimal():
            text = format_number(value)
        case Date():
            text = temporal.format_date(value)
        case Time():
            text = temporal.format_time(value)
        case DateTime():
            text = temporal.format_date_time(value)
        case DaysTime():
            text = temporal.format_days_time(value)
        case YearsMonths():
            text = temporal.format_years_months(value)
        case UUID():
            text = str(value)
        case list():
            text = f"[{', '.join(to_text(item, runtime) for item in value)}]"
        case dict():
            inner = (f"{_key(key)}: {to_text(item, runtime)}" for key, item in value.items())
            text = f"{{{', '.join(inner)}}}"
        case Range():
            text = _range_text(value, runtime)
        case Function():
            text = value.name or f"function({', '.join(value.names)})"
        case _:
            text = str(value)
    runtime.budget.charge_size(len(text))
    return text


def _key(key: str) -> str:
    return key if re.fullmatch(r"\w+(?: \w+)*", key) else quoted(key)


def _range_text(value: Range, runtime: Runtime) -> str:
    if value.operator is not None:
        end = value.end if value.start is None else value.start
        return f"({value.operator} {to_text(end, runtime)})"
    opening, closing = "[" if value.start_included else "(", "]" if value.end_included else ")"
    return f"{opening}{to_text(value.start, runtime)}..{to_text(value.end, runtime)}{closing}"


_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _number(runtime: Runtime, text: str) -> Decimal | None:
    if len(text) > 6200 or not _NUMBER.fullmatch(text):
        runtime.fail("feel.not_a_number", found=text[:80])
        return None
    value = Decimal(text)
    if value and not -6143 <= value.adjusted() <= 6144:
        runtime.fail("feel.number_out_of_range")
        return None
    return DECIMAL128.plus(value)


@builtin("number(from: string) -> number")
def number_plain(runtime: Runtime, from_: str) -> Decimal | None:
    """The number that the text writes; null where it is none."""
    return _number(runtime, from_)


@builtin(
    "number(from: string, grouping separator: string|null, decimal separator?: string|null) -> number",
)
def number(runtime: Runtime, from_: str, grouping: str | None, point: str | None = None) -> Decimal | None:
    """As above; groups of digits may be separated by a space, comma or point, the fraction by a point or comma."""
    if grouping not in (None, " ", ",", ".") or point not in (None, ".", ",") or (grouping and grouping == point):
        runtime.fail("feel.bad_separator", found=f"{grouping} {point}")
        return None
    text = from_.replace(grouping, "") if grouping else from_
    return _number(runtime, text.replace(point, ".") if point else text)


@builtin("identifier(from: string) -> identifier")
def identifier(runtime: Runtime, from_: str) -> UUID | None:
    """The identifier that the text writes (RFC 9562 §4); null where it is none. Ours: the standard has no such type."""
    try:
        return UUID(from_)
    except ValueError:
        return runtime.fail("feel.not_an_identifier", found=from_[:80])  # type: ignore[no-any-return]


@builtin("range(from: string) -> range<Any>")
def range_from(runtime: Runtime, from_: str) -> Range | None:
    """The range that the text writes; its endpoints are literals, or calls of date, time and duration with literals."""
    from engines.feel.range_text import parse_range

    found = parse_range(from_)
    if found is None:
        runtime.fail("feel.not_a_range", found=from_[:80])
        return None
    low, high = found.start, found.end
    if (low is not None and high is not None and (order(low, high) or 0) > 0) or (
        low is not None and high is not None and order(low, high) is None
    ):
        runtime.fail("feel.not_a_range", found=from_[:80])
        return None
    return found
