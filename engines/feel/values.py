"""FEEL's values at run time, where Python has none of its own (DMN 1.5 §10.3.2.3).

Numbers are ``Decimal``, strings ``str``, booleans ``bool``, null ``None``, lists ``list``, contexts ``dict`` and
identifiers ``UUID``. The temporal values are named tuples because Python compares those in C; code that does not know
what it holds must look at ``type(value)`` first, as two tuples of different types may be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, NamedTuple

# IEEE 754-2008 decimal128 (DMN 1.5 §10.3.2.3.1 number).
DECIMAL128 = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
MAX_YEAR = 999_999_999
NANOS = 1_000_000_000
DAY_NANOS = 86_400 * NANOS


class Date(NamedTuple):
    """A calendar day of the proleptic Gregorian calendar; years -999999999 to 999999999."""

    year: int
    month: int
    day: int


class Time(NamedTuple):
    """A time of day, local, with an offset from UTC or in a named zone (then ``offset`` is None)."""

    # Nanoseconds since midnight.
    nanos: int
    # Seconds east of UTC.
    offset: int | None = None
    # IANA name.
    zone: str | None = None


class DateTime(NamedTuple):
    """A day and a time of day; an instant where the time has an offset or a zone."""

    date: Date
    time: Time


class DaysTime(NamedTuple):
    """A days and time duration in nanoseconds."""

    nanos: int


class YearsMonths(NamedTuple):
    """A years and months duration in months."""

    months: int


class Range:
    """All values between two endpoints; an endpoint None is unbounded.

    ``operator`` is set for ``(= x)`` and ``(!= x)`` and for ranges written with one comparison.
    """

    __slots__ = ("end", "end_included", "operator", "start", "start_included")

    def __init__(
        self, start: Any, start_included: bool, end: Any, end_included: bool, operator: str | None = None
    ) -> None:
        self.start = start
        self.start_included = start_included
        self.end = end
        self.end_included = end_included
        self.operator = operator


class Function:
    """A function value: a lambda of an expression, or a built-in passed by name."""

    __slots__ = ("arity", "call", "name", "names", "result", "types")

    def __init__(
        self,
        call: Callable[..., Any],
        names: tuple[str, ...],
        types: tuple[Any, ...] = (),
        name: str = "",
        *,
        variadic: bool = False,
        result: Any = None,
    ) -> None:
        # Called with the runtime and the arguments in order.
        self.call = call
        self.names = names
        # Declared parameter types, ANY where none was written.
        self.types = types
        self.name = name
        # The type of what it gives, as far as it is known; None where nothing is.
        self.result = result
        self.arity = None if variadic else len(names)


def type_name(value: Any) -> str:
    """FEEL's name for the type of ``value``, for messages."""
    return _NAMES.get(type(value), type(value).__name__)


_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "string",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    DaysTime: "days and time duration",
    YearsMonths: "years and months duration",
    list: "list",
    dict: "context",
    Range: "range",
    Function: "function",
}
