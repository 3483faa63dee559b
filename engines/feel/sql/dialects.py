"""How SQLite and PostgreSQL spell what FEEL means, where they differ."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    extract,
    false,
    func,
    literal,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import INTERVAL, JSONB
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from engines.feel import storage
from engines.feel import types as t
from engines.feel.sql.terms import Scalar
from engines.feel.sql.zones import NotExactError, zone_offsets
from engines.feel.types import FeelType
from engines.feel.values import DECIMAL128

Element = ColumnElement[Any]
INT64 = 2**63 - 1
MICROS_A_DAY = 86_400_000_000
_MAX_GUARDS = 3
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def integer(value: int) -> Element:
    """A bound whole number."""
    return literal(value, BigInteger())


def scaled_parts(value: Decimal) -> tuple[int, int]:
    """A decimal as (whole number, digits after the point)."""
    number = value.normalize(DECIMAL128)
    scale = max(-int(number.as_tuple().exponent), 0)
    if scale > 34 or number.adjusted() > 34:
        raise NotExactError("a constant has too many digits")
    return int(number.scaleb(scale, DECIMAL128)), scale


# From quotient, |rest|, |denominator| and the direction away from zero: whether to go one step away from zero.
Rounding: TypeAlias = Callable[[Element, Element, Element, Element], Element]

ROUNDINGS: dict[str, Rounding] = {
    "round down": lambda quotient, rest, whole, away: false(),
    "round up": lambda quotient, rest, whole, away: rest != 0,
    "floor": lambda quotient, rest, whole, away: and_(rest != 0, away < 0),
    "ceiling": lambda quotient, rest, whole, away: and_(rest != 0, away > 0),
    "round half up": lambda quotient, rest, whole, away: rest >= whole - rest,
    "round half down": lambda quotient, rest, whole, away: rest > whole - rest,
    "decimal": lambda quotient, rest, whole, away: or_(
        rest > whole - rest, and_(rest == whole - rest, quotient % 2 != 0)
    ),
}


class SqlDialect(ABC):
    """The operations that differ."""

    name: str

    # Numbers

    @abstractmethod
    def number_column(self, element: Element) -> Element:
        """A number column as arithmetic wants it."""

    @abstractmethod
    def number_result(self, term: Scalar) -> Element:
        """A number as a query gives it: a Decimal."""

    @abstractmethod
    def number_constant(self, value: Decimal) -> Scalar:
        """A number that is known."""

    @abstractmethod
    def rescaled(self, term: Scalar, scale: int) -> Scalar:
        """The same number with more digits after the point."""

    @abstractmethod
    def guarded(self, element: Element, *, scale: int, bound: int, guards: int, nullable: bool) -> Scalar:
        """A calculated number that stays exact or raises an error in the database."""

    def compared_with_constant(self, operator: str, left: Scalar, right: Scalar) -> tuple[Element, bool] | None:
        """A comparison with a constant that has more digits than the column, and whether it may be null."""
        return None

    def add(self, left: Scalar, right: Scalar, sign: int = 1) -> Scalar:
        """``left + right``, or minus with ``sign`` -1."""
        scale = max(left.scale, right.scale)
        left, right = self.rescaled(left, scale), self.rescaled(right, scale)
        element = left.element + right.element if sign > 0 else left.element - right.element
        return self._combined(element, left, right, scale, left.bound + right.bound)

    def multiply(self, left: Scalar, right: Scalar) -> Scalar:
        """``left * right``."""
        bound = left.bound * right.bound
        return self._combined(left.element * right.element, left, right, left.scale + right.scale, bound)

    def _combined(self, element: Element, left: Scalar, right: Scalar, scale: int, bound: int) -> Scalar:
        guards = max(left.guards, right.guards)
        nullable = left.nullable or right.nullable
        return self.guarded(element, scale=scale, bound=bound, guards=guards, nullable=nullable)

    @abstractmethod
    def whole(self, term: Scalar) -> Element:
        """The number times 10 ** scale: a whole number."""

    @abstractmethod
    def divided(self, numerator: Element, denominator: Element) -> tuple[Element, Element]:
        """Quotient towards zero and rest of two whole numbers."""

    @abstractmethod
    def of_whole(self, element: Element, scale: int, *, nullable: bool, guards: int) -> Scalar:
        """The number that a whole number divided by 10 ** scale is."""

    def ratio(self, left: Scalar, right: Scalar, scale: int, rounding: Rounding) -> Scalar:
        """``left / right`` rounded to ``scale`` digits; null where ``right`` is zero.

        FEEL divides to 34 digits and rounds that. Below 10 ** 33 no quotient is so near to a tie, or to a whole number,
        without being one, that rounding twice would differ from rounding once.
        """
        shift = right.scale + scale - left.scale
        if shift > 0:
            left = self.multiply(left, self.number_constant(Decimal(10) ** shift))
        elif shift < 0:
            right = self.multiply(right, self.number_constant(Decimal(10) ** -shift))
        if left.bound >= 10**33:
            raise NotExactError("a division of numbers with too many digits")
        numerator, denominator = self.whole(left), self.whole(right)
        quotient, rest = self.divided(numerator, denominator)
        away = case((denominator > 0, case((numerator < 0, -1), else_=1)), (numerator > 0, -1), else_=1)
        up = rounding(quotient, func.abs(rest), func.abs(denominator), away)
        rounded = case((denominator != 0, case((up, quotient + away), else_=quotient)))
        return self.of_whole(rounded, scale, nullable=True, guards=max(left.guards, right.guards))

    @abstractmethod
    def stored(self, value: Any, kind: FeelType) -> tuple[Any, TypeEngine[Any]]:
        """A known value of a type that is no number as the driver takes it, and the type under which it is bound."""

    def literal(self, value: Any, kind: FeelType, name: str = "") -> Element:
        """A known value of a type that is no number; with a ``name`` it is given when the statement runs."""
        plain, stored = self.stored(value, kind)
        element: Element = bindparam(name, type_=stored, required=True) if name else literal(plain, stored)
        # In parentheses, as type_coerce would change the type of a bare bound value, and so how it is bound.
        return element if stored is storage_type(kind) else Grouping(element)

    # Text

    @abstractmethod
    def position(self, text: Element, part: Element) -> Element:
        """Where ``part`` first stands in ``text``, from 1; 0 where it does not."""

    # Dates and instants

    @abstractmethod
    def date_part(self, day: Element, part: str) -> Element:
        """year, month, day, weekday, day of year or week of year of a date."""

    @abstractmethod
    def add_days(self, day: Element, days: int) -> Element:
        """A date moved by days."""

    @abstractmethod
    def add_months(self, day: Element, months: int) -> Element:
        """A date moved by months, kept within the month."""

    @abstractmethod
    def days_between(self, left: Element, right: Element) -> Element:
        """Microseconds from the date ``right`` to ``left``."""

    @abstractmethod
    def add_micros(self, instant: Element, micros: int) -> Element:
        """An instant moved."""

    @abstractmethod
    def micros_between(self, left: Element, right: Element) -> Element:
        """Microseconds from the instant ``right`` to ``left``."""

    @abstractmethod
    def local_date(self, instant: Element, zone: ZoneInfo) -> Element:
        """The calendar day of an instant in a zone."""

    @abstractmethod
    def local_part(self, instant: Element, part: str, zone: ZoneInfo) -> Element:
        """hour or minute of an instant in a zone."""

    # Lists

    @abstractmethod
    def json_contains(self, column: Element, value: str) -> Element:
        """Whether a JSON list of texts holds a text."""

    @abstractmethod
    def json_length(self, column: Element) -> Element:
        """The length of a JSON list."""


class Sqlite(SqlDialect):
    """SQLite ≥ 3.38: 64-bit integers, dates as text, instants as microseconds."""

    name = "sqlite"

    def number_column(self, element: Element) -> Element:
        return type_coerce(element, BigInteger())

    def number_result(self, term: Scalar) -> Element:
        return type_coerce(term.element, storage.ScaledDecimal(storage.MAX_PRECISION, min(term.scale, 18)))

    def number_constant(self, value: Decimal) -> Scalar:
        whole, scale = scaled_parts(value)
        if abs(whole) > INT64 or scale > 18:
            raise NotExactError("a constant has more digits than SQLite's integers")
        element = Grouping(integer(whole))
        return Scalar(element=element, type=t.NUMBER, nullable=False, scale=scale, bound=abs(whole), known=whole)

    def compared_with_constant(self, operator: str, left: Scalar, right: Scalar) -> tuple[Element, bool] | None:
        if left.known is not None and right.known is None:
            left, right, operator = right, left, _MIRRORED[operator]
        if right.known is None or left.known is not None or right.scale < left.scale:
            return None
        floor, rest = divmod(right.known, 10 ** (right.scale - left.scale))
        if not rest:
            return None
        # The column stays bare, so that an index helps.
        if operator in ("=", "!="):
            return (true() if operator == "!=" else false()), False
        if operator in ("<", "<="):
            return left.element <= integer(floor), left.nullable
        return left.element >= integer(floor + 1), left.nullable

    def rescaled(self, term: Scalar, scale: int) -> Scalar:
        if scale == term.scale:
            return term
        factor = 10 ** (scale - term.scale)
        if factor > INT64:
            raise NotExactError("the scales are too far apart for SQLite's integers")
        return self.guarded(
            term.element * integer(factor),
            scale=scale,
            bound=term.bound * factor,
            guards=term.guards,
            nullable=term.nullable,
        )

    def guarded(self, element: Element, *, scale: int, bound: int, guards: int, nullable: bool) -> Scalar:
        if scale > 18:
            raise NotExactError("the result has more than 18 digits after the point")
        if bound > INT64:
            if guards >= _MAX_GUARDS:
                raise NotExactError("the result may have more digits than SQLite's integers")
            # SQLite goes over to floats in silence; abs of the smallest integer is an error it does raise.
            overflow = func.abs(integer(-INT64) - integer(1))
            element = case((func.typeof(element) == "real", overflow), else_=element)
            bound, guards = INT64, guards + 1
        element = type_coerce(element, BigInteger())
        return Scalar(element=element, type=t.NUMBER, nullable=nullable, scale=scale, bound=bound, guards=guards)

    def whole(self, term: Scalar) -> Element:
        return term.element

    def divided(self, numerator: Element, denominator: Element) -> tuple[Element, Element]:
        # Shielded from zero, as the database may calculate before it looks at the condition.
        safe = func.nullif(denominator, integer(0), type_=BigInteger())
        return numerator // safe, numerator % safe

    def of_whole(self, element: Element, scale: int, *, nullable: bool, guards: int) -> Scalar:
        number = type_coerce(element, BigInteger())
        return Scalar(element=number, type=t.NUMBER, nullable=nullable, scale=scale, bound=INT64, guards=guards)

    def stored(self, value: Any, kind: FeelType) -> tuple[Any, TypeEngine[Any]]:
        if kind is t.DATE_TIME:
            return storage.Instant.to_microseconds(value), BigInteger()
        if kind is t.DAYS_TIME:
            return value // storage.MICROSECOND, BigInteger()
        if kind is t.DATE:
            return value.isoformat(), Text()
        return value, storage_type(kind)

    def position(self, text: Element, part: Element) -> Element:
        return func.instr(text, part)

    def date_part(self, day: Element, part: str) -> Element:
        day = type_coerce(day, Text())
        if part in ("year", "month", "day"):
            start, length = {"year": (1, 4), "month": (6, 2), "day": (9, 2)}[part]
            return cast(func.substr(day, start, length), Integer)
        if part == "weekday":
            return (cast(func.strftime("%w", day), Integer) + 6) % 7 + 1
        if part == "day of year":
            return cast(func.strftime("%j", day), Integer)
        thursday = func.date(day, "-3 days", "weekday 4")
        return (cast(func.strftime("%j", thursday), Integer) - 1) // literal(7, Integer()) + 1

    def add_days(self, day: Element, days: int) -> Element:
        return type_coerce(func.date(type_coerce(day, Text()), f"{days:+d} days"), storage.CalendarDate())

    def add_months(self, day: Element, months: int) -> Element:
        day = type_coerce(day, Text())
        rest = "+" + cast(self.date_part(day, "day") - 1, Text) + " days"
        moved = func.date(day, "start of month", f"{months:+d} months", rest)
        last = func.date(day, "start of month", f"{months + 1:+d} months", "-1 day")
        return type_coerce(func.min(moved, last), storage.CalendarDate())

    def days_between(self, left: Element, right: Element) -> Element:
        return (self._seconds(left) - self._seconds(right)) * integer(1_000_000)

    @staticmethod
    def _seconds(day: Element) -> Element:
        return cast(func.strftime("%s", type_coerce(day, Text())), BigInteger)

    def add_micros(self, instant: Element, micros: int) -> Element:
        return type_coerce(type_coerce(instant, BigInteger()) + integer(micros), storage.Instant())

    def micros_between(self, left: Element, right: Element) -> Element:
        return type_coerce(left, BigInteger()) - type_coerce(right, BigInteger())

    def _local_seconds(self, instant: Element, zone: ZoneInfo) -> Element:
        micros = type_coerce(instant, BigInteger())
        # Division cuts towards zero; before 1970 that is one second too late.
        seconds = (micros - (micros % 1_000_000 + 1_000_000) % 1_000_000) // integer(1_000_000)
        changes = zone_offsets(zone.key)
        if len(changes) == 1:
            return seconds + changes[0][1]
        # The latest first: most instants are of our time, and the first case that holds ends the search.
        offset = case(
            *((seconds >= at, offset) for at, offset in reversed(changes[1:])),
            else_=changes[0][1],
        )
        return seconds + offset

    def local_date(self, instant: Element, zone: ZoneInfo) -> Element:
        return type_coerce(func.date(self._local_seconds(instant, zone), "unixepoch"), storage.CalendarDate())

    def local_part(self, instant: Element, part: str, zone: ZoneInfo) -> Element:
        pattern = {"hour": "%H", "minute": "%M"}[part]
        return cast(func.strftime(pattern, self._local_seconds(instant, zone), "unixepoch"), Integer)

    def json_contains(self, column: Element, value: str) -> Element:
        from sqlalchemy import column as plain_column
        from sqlalchemy import select

        items = func.json_each(type_coerce(column, Text())).table_valued("value")
        return select(plain_column("value")).select_from(items).where(items.c.value == value).exists()

    def json_length(self, column: Element) -> Element:
        return func.json_array_length(type_coerce(column, Text()))


class Postgresql(SqlDialect):
    """PostgreSQL ≥ 14."""

    name = "postgresql"

    def number_column(self, element: Element) -> Element:
        return type_coerce(element, Numeric(asdecimal=True))

    def number_result(self, term: Scalar) -> Element:
        return type_coerce(term.element, Numeric(asdecimal=True))

    def number_constant(self, value: Decimal) -> Scalar:
        whole, scale = scaled_parts(value)
        plain = Decimal(whole).scaleb(-scale, DECIMAL128)
        return Scalar(element=literal(plain, Numeric()), type=t.NUMBER, nullable=False, scale=scale, bound=abs(whole))

    def rescaled(self, term: Scalar, scale: int) -> Scalar:
        bound = term.bound * 10 ** (scale - term.scale)
        return Scalar(
            element=term.element, type=t.NUMBER, nullable=term.nullable, scale=scale, bound=bound, guards=term.guards
        )

    def guarded(self, element: Element, *, scale: int, bound: int, guards: int, nullable: bool) -> Scalar:
        if scale > 34:
            raise NotExactError("the result has more than 34 digits after the point")
        element = type_coerce(element, Numeric(asdecimal=True))
        if bound >= 10**34:
            # FEEL would round at 34 digits; the cast is an error there.
            element, bound = cast(element, Numeric(34, scale)), 10**34 - 1
        return Scalar(element=element, type=t.NUMBER, nullable=nullable, scale=scale, bound=bound, guards=guards)

    def whole(self, term: Scalar) -> Element:
        return type_coerce(term.element * literal(Decimal(10) ** term.scale, Numeric()), Numeric(asdecimal=True))

    def divided(self, numerator: Element, denominator: Element) -> tuple[Element, Element]:
        # Shielded from zero, as the database may calculate before it looks at the condition.
        safe = func.nullif(denominator, literal(Decimal(0), Numeric()), type_=Numeric())
        return func.div(numerator, safe, type_=Numeric()), func.mod(numerator, safe, type_=Numeric())

    def of_whole(self, element: Element, scale: int, *, nullable: bool, guards: int) -> Scalar:
        number = type_coerce(element * literal(Decimal(1).scaleb(-scale), Numeric()), Numeric(asdecimal=True))
        return Scalar(element=number, type=t.NUMBER, nullable=nullable, scale=scale, bound=10**33, guards=guards)

    def stored(self, value: Any, kind: FeelType) -> tuple[Any, TypeEngine[Any]]:
        return (value // storage.MICROSECOND, BigInteger()) if kind is t.DAYS_TIME else (value, storage_type(kind))

    def position(self, text: Element, part: Element) -> Element:
        return func.strpos(text, part)

    def date_part(self, day: Element, part: str) -> Element:
        field = {"weekday": "isodow", "day of year": "doy", "week of year": "week"}.get(part, part)
        return cast(func.date_part(field, cast(day, Date)), Integer)

    def add_days(self, day: Element, days: int) -> Element:
        return type_coerce(cast(day, Date) + literal(days, Integer()), storage.CalendarDate())

    def add_months(self, day: Element, months: int) -> Element:
        moved = cast(day, Date) + cast(literal(f"{months} months", Text()), INTERVAL)
        return type_coerce(cast(moved, Date), storage.CalendarDate())

    def days_between(self, left: Element, right: Element) -> Element:
        days = type_coerce(cast(left, Date) - cast(right, Date), BigInteger())
        return cast(days, BigInteger) * integer(MICROS_A_DAY)

    def add_micros(self, instant: Element, micros: int) -> Element:
        moved = instant + cast(literal(f"{micros} microseconds", Text()), INTERVAL)
        return type_coerce(moved, storage.Instant())

    def micros_between(self, left: Element, right: Element) -> Element:
        # extract() gives a NUMERIC here, exact to the microsecond; date_part() would give a float.
        return cast((extract("epoch", left) - extract("epoch", right)) * 1_000_000, BigInteger)

    def local_date(self, instant: Element, zone: ZoneInfo) -> Element:
        return type_coerce(cast(func.timezone(zone.key, instant), Date), storage.CalendarDate())

    def local_part(self, instant: Element, part: str, zone: ZoneInfo) -> Element:
        return cast(func.date_part(part, func.timezone(zone.key, instant)), Integer)

    def json_contains(self, column: Element, value: str) -> Element:
        return type_coerce(column, JSONB()).contains([value])

    def json_length(self, column: Element) -> Element:
        return func.jsonb_array_length(type_coerce(column, JSONB()))


DIALECTS: dict[str, SqlDialect] = {"sqlite": Sqlite(), "postgresql": Postgresql()}


def storage_type(kind: FeelType) -> Any:
    """The storage type of a scalar FEEL type that is no number; None where it has none."""
    return _STORAGE.get(kind)


_STORAGE: dict[FeelType, Any] = {
    t.STRING: storage.CodePointText(),
    t.BOOLEAN: storage.Flag(),
    t.DATE: storage.CalendarDate(),
    t.TIME: storage.TimeOfDay(),
    t.DATE_TIME: storage.Instant(),
    t.DAYS_TIME: storage.Duration(),
    t.IDENTIFIER: storage.Identifier(),
}
