"""How a FEEL type is stored, on SQLite and on PostgreSQL: the one place that says so.

=============================  =====================================  =========================
FEEL (Python) value            SQLite                                 PostgreSQL
=============================  =====================================  =========================
number (Decimal)               INTEGER, scaled by 10 ** scale         NUMERIC(precision, scale)
string (str)                   TEXT (compares by UTF-8 bytes)         TEXT COLLATE "C"
boolean (bool)                 INTEGER 0/1                            BOOLEAN
date (datetime.date)           TEXT, ISO 8601                         DATE
time (datetime.time)           TEXT, ``HH:MM:SS.ffffff``              TIME
instant (aware datetime)       INTEGER, microseconds since 1970 UTC   TIMESTAMPTZ
days and time duration         INTEGER, microseconds                  BIGINT, microseconds
identifier (UUID)              BLOB, 16 bytes                         UUID
list, context (JSON)           TEXT                                   JSONB
=============================  =====================================  =========================

All of them sort and compare in the database as FEEL does. A value that does not fit is refused with ``ValueError``,
never changed in silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID, SafeUUID

from sqlalchemy import BigInteger, Boolean, Date, LargeBinary, Numeric, Text, Time, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# What makes a database's value Python's; none where it is that already. Given whole, as SQLAlchemy's own chain of calls
# would take longer than what they do.
Processor: TypeAlias = Callable[[Any], Any]
# SQLite's integers have 64 bits: 18 digits always fit.
MAX_PRECISION = 18


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


class ScaledDecimal(TypeDecorator[Decimal]):
    """Exact decimals with ``scale`` digits after the point and at most ``precision`` digits in all (≤ 18).

    A value with more digits is a ``ValueError``: round it before, by the rule that the definition states.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, precision: int = MAX_PRECISION, scale: int = 0) -> None:
        if not 0 <= scale <= precision <= MAX_PRECISION:
            raise ValueError(f"a decimal has at most {MAX_PRECISION} digits, 0 <= scale <= precision")
        super().__init__()
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = BigInteger() if _is_sqlite(dialect) else Numeric(self.precision, self.scale, asdecimal=True)
        return dialect.type_descriptor(kind)

    def to_scaled(self, value: Decimal | int) -> int:
        """``value`` times 10 ** scale as an int; ``ValueError`` where that is not exact or does not fit."""
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError(f"{value} is not a finite number")
        if number and number.adjusted() >= self.precision - self.scale:
            raise ValueError(f"{value} does not fit {self.precision} digits, {self.scale} of them after the point")
        scaled = number.scaleb(self.scale)
        whole = int(scaled)
        if whole != scaled:
            raise ValueError(f"{value} has more than {self.scale} digits after the point")
        return whole

    def from_scaled(self, value: int) -> Decimal:
        """The decimal that ``value`` stands for on SQLite."""
        return Decimal(value).scaleb(-self.scale)

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        scaled = self.to_scaled(value)
        return scaled if _is_sqlite(dialect) else self.from_scaled(scaled)

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        return self._read_scaled if _is_sqlite(dialect) else _decimal

    def _read_scaled(self, value: Any) -> Decimal | None:
        if type(value) is int:
            return Decimal(value).scaleb(-self.scale)
        if value is None:
            return None
        raise ValueError(f"a stored decimal must be an integer, found {value!r}")


def _decimal(value: Any) -> Decimal | None:
    return value if value is None or type(value) is Decimal else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """Points in time: aware datetimes, given back in UTC, to the microsecond."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if _is_sqlite(dialect) else TIMESTAMP(timezone=True))

    @staticmethod
    def to_microseconds(value: datetime) -> int:
        """Microseconds since 1970 UTC; ``ValueError`` for a datetime without a zone."""
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return (value - EPOCH) // MICROSECOND

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """On SQLite without the detours of a type decorator: instants stand in every row."""
        return _bind_instant if _is_sqlite(dialect) else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        microseconds = self.to_microseconds(value)
        return microseconds if _is_sqlite(dialect) else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        return _instant


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, int):
        return EPOCH + value * MICROSECOND
    result: datetime = value.astimezone(UTC)
    return result


class Identifier(TypeDecorator[UUID]):
    """UUIDs, as 16 bytes on SQLite; they sort alike on both databases."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LargeBinary(16) if _is_sqlite(dialect) else Uuid(as_uuid=True))

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """On SQLite without the detours of a type decorator: ids stand in every row."""
        return _bind_identifier if _is_sqlite(dialect) else super().bind_processor(dialect)

    def process_bind_param(self, value: UUID | str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        identifier = value if isinstance(value, UUID) else UUID(value)
        return identifier.bytes if _is_sqlite(dialect) else identifier

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        return _identifier if _is_sqlite(dialect) else None


@lru_cache(maxsize=4096)
def _identifier(value: bytes | None) -> UUID | None:
    """As ``UUID(bytes=value)``, in a third of the time: a page or a sweep reads thousands of them.

    Remembered, as the rows of a list name the same people, departments and records over and over.
    """
    if value is None:
        return None
    if len(value) != 16:
        raise ValueError(f"a stored identifier has 16 bytes, found {len(value)}")
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(value, "big"))
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _bind_instant(value: datetime | None) -> int | None:
    return None if value is None else _microseconds(value)


# One command has one instant, which stands in all that it writes.
_microseconds = lru_cache(maxsize=64)(Instant.to_microseconds)


def _bind_identifier(value: UUID | str | None) -> bytes | None:
    if value is None:
        return None
    identifier = value if type(value) is UUID else UUID(str(value))
    return identifier.int.to_bytes(16)


class CodePointText(TypeDecorator[str]):
    """Text that compares by code point. U+0000 is refused: PostgreSQL cannot hold it."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else Text(collation="C"))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is not None and "\0" in value:
            raise ValueError("text may not contain the character U+0000")
        return value


class CalendarDate(TypeDecorator[date]):
    """Calendar days, years 1 to 9999."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, datetime):
            raise ValueError("a date is wanted, not a date and time")
        return value.isoformat() if _is_sqlite(dialect) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        return _date if _is_sqlite(dialect) else None


def _date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


class TimeOfDay(TypeDecorator[time]):
    """Local times of day, to the microsecond."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else Time())

    def process_bind_param(self, value: time | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is not None:
            raise ValueError("a local time is wanted, without a zone")
        return value.isoformat("microseconds") if _is_sqlite(dialect) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> time | None:
        return time.fromisoformat(value) if isinstance(value, str) else value


class Duration(TypeDecorator[timedelta]):
    """Days and time durations, as microseconds on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        return None if value is None else value // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(microseconds=value)


class Flag(TypeDecorator[bool]):
    """Booleans; anything but True and False is refused."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Boolean(create_constraint=False))

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:
        if value is not None and not isinstance(value, bool):
            raise ValueError(f"a boolean is wanted, found {value!r}")
        return value


class Json(TypeDecorator[Any]):
    """Lists and contexts as JSON. Numbers come back as Decimal, with the digits that a double has (RFC 8259 §6)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if _is_sqlite(dialect) else JSONB(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        plain = _plain(value)
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")) if _is_sqlite(dialect) else plain

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if _is_sqlite(dialect):
            return json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
        return _exact(value)


def _exact(value: Any) -> Any:
    """What the PostgreSQL driver read, with numbers as Decimal."""
    match value:
        case float():
            return Decimal(repr(value))
        case dict():
            return {key: _exact(item) for key, item in value.items()}
        case list():
            return [_exact(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """``value`` in JSON's own types; dates and ids become strings."""
    match value:
        case None | bool() | int() | str():
            return value
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case UUID():
            return str(value)
        case date() | time():
            return value.isoformat()
    raise ValueError(f"{type(value).__name__} cannot be stored as JSON")
