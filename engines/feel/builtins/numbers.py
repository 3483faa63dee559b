"""Functions of numbers (DMN 1.5 §10.3.4.5)."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
)
from typing import Any

from engines.feel.builtins.registry import builtin
from engines.feel.runtime import Runtime
from engines.feel.values import DECIMAL128, DaysTime, YearsMonths

_MIN_SCALE, _MAX_SCALE = -6111, 6176


def _round(runtime: Runtime, number: Decimal, scale: Decimal | None, rounding: str) -> Decimal | None:
    """``number`` with ``scale`` digits after the point; a fraction of the scale is dropped."""
    digits = 0 if scale is None else int(scale)
    if not _MIN_SCALE <= digits <= _MAX_SCALE:
        runtime.fail("feel.scale_out_of_range", found=str(scale), expected=f"{_MIN_SCALE} to {_MAX_SCALE}")
        return None
    if -int(number.as_tuple().exponent) <= digits:
        return number
    try:
        rounded = number.quantize(Decimal((0, (1,), -digits)), rounding=rounding, context=DECIMAL128)
    except DecimalException:
        return number
    return DECIMAL128.plus(rounded) if digits >= 0 else Decimal(int(rounded))


@builtin("decimal(n: number, scale: number) -> number")
def decimal(runtime: Runtime, n: Decimal, scale: Decimal) -> Decimal | None:
    """``n`` rounded to ``scale`` digits after the point, half to even."""
    return _round(runtime, n, scale, ROUND_HALF_EVEN)


@builtin("floor(n: number, scale?: number) -> number")
def floor(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """The greatest number with ``scale`` digits (0 if left out) that is not above ``n``."""
    return _round(runtime, n, scale, ROUND_FLOOR)


@builtin("ceiling(n: number, scale?: number) -> number")
def ceiling(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """The smallest number with ``scale`` digits (0 if left out) that is not below ``n``."""
    return _round(runtime, n, scale, ROUND_CEILING)


@builtin("round up(n: number, scale?: number) -> number")
def round_up(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """``n`` rounded away from zero to ``scale`` digits."""
    return _round(runtime, n, scale, ROUND_UP)


@builtin("round down(n: number, scale?: number) -> number")
def round_down(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """``n`` rounded towards zero to ``scale`` digits."""
    return _round(runtime, n, scale, ROUND_DOWN)


@builtin("round half up(n: number, scale?: number) -> number")
def round_half_up(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """``n`` rounded to the nearest with ``scale`` digits, a half away from zero."""
    return _round(runtime, n, scale, ROUND_HALF_UP)


@builtin("round half down(n: number, scale?: number) -> number")
def round_half_down(runtime: Runtime, n: Decimal, scale: Decimal | None = None) -> Decimal | None:
    """``n`` rounded to the nearest with ``scale`` digits, a half towards zero."""
    return _round(runtime, n, scale, ROUND_HALF_DOWN)


@builtin("abs(n: number) -> number")
@builtin("abs(n: days and time duration) -> days and time duration")
@builtin("abs(n: years and months duration) -> years and months duration")
def absolute(_runtime: Runtime, n: Any) -> Any:
    """``n`` without its sign."""
    match n:
        case DaysTime():
            return DaysTime(abs(n.nanos))
        case YearsMonths():
            return YearsMonths(abs(n.months))
    return n.copy_abs()


@builtin("modulo(dividend: number, divisor: number) -> number")
def modulo(runtime: Runtime, dividend: Decimal, divisor: Decimal) -> Decimal | None:
    """``dividend - divisor * floor(dividend / divisor)``: it has the divisor's sign."""
    if not divisor:
        runtime.fail("feel.division_by_zero")
        return None
    digits = max(dividend.adjusted() - divisor.adjusted(), 0) + 2 * DECIMAL128.prec
    rest = DECIMAL128.plus(Context(prec=digits).remainder(dividend, divisor))
    return DECIMAL128.add(rest, divisor) if rest and (rest < 0) != (divisor < 0) else rest


@builtin("sqrt(number: number) -> number")
def sqrt(runtime: Runtime, number: Decimal) -> Decimal | None:
    """The square root; null below zero."""
    if number < 0:
        runtime.fail("feel.negative_argument", function="sqrt")
        return None
    return DECIMAL128.sqrt(number)


@builtin("log(number: number) -> number")
def log(runtime: Runtime, number: Decimal) -> Decimal | None:
    """The natural logarithm; null at and below zero."""
    if number <= 0:
        runtime.fail("feel.negative_argument", function="log")
        return None
    return DECIMAL128.ln(number)


@builtin("exp(number: number) -> number")
def exp(runtime: Runtime, number: Decimal) -> Decimal | None:
    """Euler's number raised to the power of ``number``."""
    try:
        return DECIMAL128.exp(number)
    except DecimalException:
        runtime.fail("feel.number_out_of_range")
        return None


@builtin("odd(number: number) -> boolean")
def odd(_runtime: Runtime, number: Decimal) -> bool:
    """Whether the number is whole and odd."""
    return number == number.to_integral_value() and number % 2 != 0 if abs(number) < Decimal("1e34") else False


@builtin("even(number: number) -> boolean")
def even(_runtime: Runtime, number: Decimal) -> bool:
    """Whether the number is whole and even."""
    return number == number.to_integral_value() and number % 2 == 0 if abs(number) < Decimal("1e34") else True
