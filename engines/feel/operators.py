"""Arithmetic (DMN 1.5 §10.3.2.8 and Tables 47 to 53): which types may meet, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from engines.feel import temporal
from engines.feel import types as t
from engines.feel.nodes import Span
from engines.feel.runtime import Runtime
from engines.feel.values import DAY_NANOS, DECIMAL128, NANOS, Date, DateTime, DaysTime, Time, YearsMonths, type_name

_MAX_DURATION = 10**30
_add, _subtract, _multiply = DECIMAL128.add, DECIMAL128.subtract, DECIMAL128.multiply


def add(runtime: Runtime, span: Span, left: Any, right: Any) -> Any:
    """``left + right``."""
    if type(left) is Decimal and type(right) is Decimal:
        try:
            return _add(left, right)
        except DecimalException:
            return runtime.fail("feel.number_out_of_range", span)
    return arithmetic(runtime, span, "+", left, right)


def subtract(runtime: Runtime, span: Span, left: Any, right: Any) -> Any:
    """``left - right``."""
    if type(left) is Decimal and type(right) is Decimal:
        try:
            return _subtract(left, right)
        except DecimalException:
            return runtime.fail("feel.number_out_of_range", span)
    return arithmetic(runtime, span, "-", left, right)


def multiply(runtime: Runtime, span: Span, left: Any, right: Any) -> Any:
    """``left * right``."""
    if type(left) is Decimal and type(right) is Decimal:
        try:
            return _multiply(left, right)
        except DecimalException:
            return runtime.fail("feel.number_out_of_range", span)
    return arithmetic(runtime, span, "*", left, right)


def divide(runtime: Runtime, span: Span, left: Any, right: Any) -> Any:
    """``left / right``."""
    return arithmetic(runtime, span, "/", left, right)


def power(runtime: Runtime, span: Span, left: Any, right: Any) -> Any:
    """``left ** right``."""
    return arithmetic(runtime, span, "**", left, right)


FUNCTIONS: dict[str, Callable[[Runtime, Span, Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "**": power,
}


class _NoValueError(Exception):
    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def arithmetic(runtime: Runtime, span: Span, operator: str, left: Any, right: Any) -> Any:
    """``left operator right`` for all types; null with a failure where there is no result."""
    rule = _RULES.get((operator, type(left), type(right)))
    if rule is None:
        code = "feel.null_operand" if left is None or right is None else "feel.wrong_operands"
        return runtime.fail(code, span, operator=operator, left=type_name(left), right=type_name(right))
    try:
        result = rule(left, right)
    except _NoValueError as error:
        return runtime.fail(error.code, span)
    except DecimalException:
        return runtime.fail("feel.number_out_of_range", span)
    if type(result) is str:
        runtime.budget.charge_size(len(result))
    return runtime.fail("feel.date_out_of_range", span) if result is None else result


def negate(runtime: Runtime, span: Span, value: Any) -> Any:
    """``- value`` of a number or a duration."""
    match value:
        case Decimal():
            return DECIMAL128.minus(value)
        case DaysTime():
            return DaysTime(-value.nanos)
        case YearsMonths():
            return YearsMonths(-value.months)
    code = "feel.null_operand" if value is None else "feel.wrong_operands"
    return runtime.fail(code, span, operator="-", left="", right=type_name(value))


def _divide(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise _NoValueError("feel.division_by_zero")
    return DECIMAL128.divide(left, right)


def _power(left: Decimal, right: Decimal) -> Decimal:
    if not left:
        if right < 0:
            raise _NoValueError("feel.division_by_zero")
        return Decimal(0 if right else 1)
    return DECIMAL128.power(left, right)


def _days(nanos: int) -> DaysTime:
    if abs(nanos) > _MAX_DURATION:
        raise _NoValueError("feel.duration_out_of_range")
    return DaysTime(nanos)


def _months(months: int) -> YearsMonths:
    if abs(months) > _MAX_DURATION:
        raise _NoValueError("feel.duration_out_of_range")
    return YearsMonths(months)


def _moment(value: Date | DateTime) -> DateTime:
    """A date is its midnight UTC where it meets a date and time."""
    return DateTime(value, Time(0, 0)) if isinstance(value, Date) else value


def _between(left: Any, right: Any) -> DaysTime:
    left, right = _moment(left), _moment(right)
    if temporal.is_local(left) != temporal.is_local(right):
        raise _NoValueError("feel.zone_mismatch")
    return _days(temporal.instant_nanos(left) - temporal.instant_nanos(right))


def _between_times(left: Time, right: Time) -> DaysTime:
    day = Date(1970, 1, 1)
    first, second = temporal.offset_at(day, left), temporal.offset_at(day, right)
    if (first is None) != (second is None):
        raise _NoValueError("feel.zone_mismatch")
    return _days(left.nanos - right.nanos - ((first or 0) - (second or 0)) * NANOS)


def _add_days_to_date(date: Date, duration: DaysTime) -> Date | None:
    return temporal.date_of_number((temporal.day_number(date) * DAY_NANOS + duration.nanos) // DAY_NANOS)


def _add_days_to_time(time: Time, duration: DaysTime) -> Time:
    return time._replace(nanos=(time.nanos + duration.nanos) % DAY_NANOS)


def _add_months(moment: DateTime, duration: YearsMonths) -> DateTime | None:
    date = temporal.add_months(moment.date, duration.months)
    return None if date is None else DateTime(date, moment.time)


def _scaled(whole: int, factor: Decimal) -> int:
    if factor.adjusted() > 40:
        raise _NoValueError("feel.duration_out_of_range")
    return int(DECIMAL128.multiply(Decimal(whole), factor))


def _shrunk(whole: int, divisor: Decimal) -> int:
    return int(_divide(Decimal(whole), divisor))


_RULES: dict[tuple[str, type, type], Callable[[Any, Any], Any]] = {
    ("+", Decimal, Decimal): _add,
    ("-", Decimal, Decimal): _subtract,
    ("*", Decimal, Decimal): _multiply,
    ("/", Decimal, Decimal): _divide,
    ("**", Decimal, Decimal): _power,
    ("+", str, str): lambda a, b: a + b,
    ("+", DaysTime, DaysTime): lambda a, b: _days(a.nanos + b.nanos),
    ("-", DaysTime, DaysTime): lambda a, b: _days(a.nanos - b.nanos),
    ("+", YearsMonths, YearsMonths): lambda a, b: _months(a.months + b.months),
    ("-", YearsMonths, YearsMonths): lambda a, b: _months(a.months - b.months),
    ("*", DaysTime, Decimal): lambda a, b: _days(_scaled(a.nanos, b)),
    ("*", Decimal, DaysTime): lambda a, b: _days(_scaled(b.nanos, a)),
    ("*", YearsMonths, Decimal): lambda a, b: _months(_scaled(a.months, b)),
    ("*", Decimal, YearsMonths): lambda a, b: _months(_scaled(b.months, a)),
    ("/", DaysTime, Decimal): lambda a, b: _days(_shrunk(a.nanos, b)),
    ("/", YearsMonths, Decimal): lambda a, b: _months(_shrunk(a.months, b)),
    ("/", DaysTime, DaysTime): lambda a, b: _divide(Decimal(a.nanos), Decimal(b.nanos)),
    ("/", YearsMonths, YearsMonths): lambda a, b: _divide(Decimal(a.months), Decimal(b.months)),
    ("-", Date, Date): _between,
    ("-", DateTime, DateTime): _between,
    ("-", Date, DateTime): _between,
    ("-", DateTime, Date): _between,
    ("-", Time, Time): _between_times,
    ("+", Date, DaysTime): _add_days_to_date,
    ("+", DaysTime, Date): lambda a, b: _add_days_to_date(b, a),
    ("-", Date, DaysTime): lambda a, b: _add_days_to_date(a, DaysTime(-b.nanos)),
    ("+", Date, YearsMonths): lambda a, b: temporal.add_months(a, b.months),
    ("+", YearsMonths, Date): lambda a, b: temporal.add_months(b, a.months),
    ("-", Date, YearsMonths): lambda a, b: temporal.add_months(a, -b.months),
    ("+", DateTime, DaysTime): lambda a, b: temporal.shift(a, b.nanos),
    ("+", DaysTime, DateTime): lambda a, b: temporal.shift(b, a.nanos),
    ("-", DateTime, DaysTime): lambda a, b: temporal.shift(a, -b.nanos),
    ("+", DateTime, YearsMonths): _add_months,
    ("+", YearsMonths, DateTime): lambda a, b: _add_months(b, a),
    ("-", DateTime, YearsMonths): lambda a, b: _add_months(a, YearsMonths(-b.months)),
    ("+", Time, DaysTime): _add_days_to_time,
    ("+", DaysTime, Time): lambda a, b: _add_days_to_time(b, a),
    ("-", Time, DaysTime): lambda a, b: _add_days_to_time(a, DaysTime(-b.nanos)),
}

_TYPE_OF: dict[type, t.FeelType] = {
    Decimal: t.NUMBER, str: t.STRING, Date: t.DATE, Time: t.TIME, DateTime: t.DATE_TIME, DaysTime: t.DAYS_TIME,
    YearsMonths: t.YEARS_MONTHS,
}  # fmt: skip


def _result(operator: str, left: t.FeelType, right: t.FeelType) -> t.FeelType:
    """The type that a rule gives."""
    if operator == "-" and left == right and left in (t.DATE, t.DATE_TIME, t.TIME):
        return t.DAYS_TIME
    if {left, right} == {t.DATE, t.DATE_TIME}:
        return t.DAYS_TIME
    if operator == "/" and left == right:
        return t.NUMBER
    durations = (t.DAYS_TIME, t.YEARS_MONTHS)
    if operator == "*" or (left in durations and right not in durations):
        return left if right is t.NUMBER and operator != "+" else right
    return left


# (operator, left, right) to the type of the result, for the checker.
RESULT_TYPES: dict[tuple[str, t.FeelType, t.FeelType], t.FeelType] = {
    (operator, _TYPE_OF[left], _TYPE_OF[right]): _result(operator, _TYPE_OF[left], _TYPE_OF[right])
    for operator, left, right in _RULES
}
