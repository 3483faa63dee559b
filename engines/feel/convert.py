"""Python values in and out: what the other engines hold, and what FEEL calculates with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from engines.feel import temporal
from engines.feel.values import DAY_NANOS, NANOS, Date, DateTime, DaysTime, Function, Range, Time, YearsMonths

_NATIVE = frozenset(
    {type(None), bool, Decimal, str, UUID, Date, Time, DateTime, DaysTime, YearsMonths, Range, Function}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HasZone(Protocol):
    """Knows the time zone of the workspace, and counts what is converted."""

    zone: ZoneInfo | None

    def charge(self, steps: int) -> None:
        """Takes ``steps`` off the budget."""


class _NoBudget:
    def __init__(self, zone: ZoneInfo | None) -> None:
        self.zone = zone

    def charge(self, steps: int) -> None:
        """Outside of an evaluation nothing is counted."""


def native(value: Any, runtime: HasZone) -> Any:
    """``value`` as FEEL holds it, deeply. ``TypeError`` for what has no meaning in FEEL, binary floats above all."""
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is list:
        runtime.charge(len(value))
        return [native(item, runtime) for item in value]
    if kind is dict:
        runtime.charge(len(value))
        return {key: native(item, runtime) for key, item in value.items()}
    convert = _CONVERTERS.get(kind)
    return _native_subclass(value, runtime) if convert is None else convert(value, runtime)


def _native_subclass(value: Any, runtime: HasZone) -> Any:
    if isinstance(value, Mapping):
        return {str(key): native(item, runtime) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [native(item, runtime) for item in value]
    for kind in (str, bool, int, Decimal, datetime, date, time, timedelta):
        if isinstance(value, kind):
            plain: Any = str(value) if kind is str else value
            return plain if kind is str else _CONVERTERS[kind](value, runtime)
    if callable(value):
        return _function(value)
    raise TypeError(f"FEEL has no value for {type(value).__name__}; a number must be a Decimal or an int")


def _instant(value: datetime, runtime: HasZone) -> DateTime:
    """Aware instants are seen in the workspace's zone; without one, at their own offset."""
    if value.tzinfo is None:
        return DateTime(Date(value.year, value.month, value.day), _time_of(value, None))
    zone = runtime.zone
    if zone is None:
        offset = value.utcoffset() or timedelta(0)
        return DateTime(Date(value.year, value.month, value.day), _time_of(value, int(offset.total_seconds())))
    local = value.astimezone(zone)
    return DateTime(Date(local.year, local.month, local.day), Time(_time_of(local, None).nanos, None, zone.key))


def _time_of(value: datetime | time, offset: int | None) -> Time:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return Time(seconds * NANOS + value.microsecond * 1000, offset)


def _time(value: time, _runtime: HasZone) -> Time:
    offset = value.utcoffset()
    return _time_of(value, None if offset is None else int(offset.total_seconds()))


def _function(call: Callable[..., Any]) -> Function:
    """A Python function as a FEEL function: it gets and gives plain Python values."""

    def run(runtime: Any, *arguments: Any) -> Any:
        return native(call(*(to_python(argument) for argument in arguments)), runtime)

    return Function(run, (), name=getattr(call, "__name__", "function"), variadic=True)


_CONVERTERS: dict[type, Callable[[Any, HasZone], Any]] = {
    int: lambda value, _: Decimal(value),
    bool: lambda value, _: bool(value),
    Decimal: lambda value, _: Decimal(value),
    date: lambda value, _: Date(value.year, value.month, value.day),
    datetime: _instant,
    time: _time,
    timedelta: lambda value, _: DaysTime(value // timedelta(microseconds=1) * 1000),
    tuple: lambda value, runtime: [native(item, runtime) for item in value],
}


def from_python(value: Any, zone: ZoneInfo | None = None) -> Any:
    """``value`` as FEEL holds it, deeply; instants are seen in ``zone``, else at their own offset.

    Integers become ``Decimal``, ``timedelta`` a days and time duration, Python functions FEEL functions;
    a float is a ``TypeError``.
    """
    return native(value, _NoBudget(zone))


def to_python(value: Any) -> Any:
    """A FEEL value as plain Python, deeply: ``date``, ``time``, ``datetime`` and ``timedelta`` for the temporal values.

    An instant becomes an aware UTC ``datetime``, a date and time without a zone a naive one. What Python cannot hold
    exactly (years beyond 9999, nanoseconds, named zones of times) and what it has no type for (years and months
    durations, ranges, functions) stays a FEEL value.
    """
    match value:
        case list():
            return [to_python(item) for item in value]
        case dict():
            return {key: to_python(item) for key, item in value.items()}
        case Date():
            return date(*value) if 1 <= value.year <= 9999 else value
        case DaysTime():
            fits = value.nanos % 1000 == 0 and abs(value.nanos) < 999_999_999 * DAY_NANOS
            return timedelta(microseconds=value.nanos // 1000) if fits else value
        case Time():
            return _to_time(value)
        case DateTime():
            return _to_datetime(value)
    return value


def _to_time(value: Time) -> Any:
    if value.nanos % 1000 or value.zone is not None:
        return value
    local = (datetime(1970, 1, 1) + timedelta(microseconds=value.nanos // 1000)).time()
    if value.offset is None:
        return local
    from datetime import timezone

    return local.replace(tzinfo=timezone(timedelta(seconds=value.offset)))


def _to_datetime(value: DateTime) -> Any:
    if value.time.nanos % 1000 or not 2 <= value.date.year <= 9998:
        return value
    microseconds = timedelta(microseconds=temporal.instant_nanos(value) // 1000)
    return (_EPOCH.replace(tzinfo=None) if temporal.is_local(value) else _EPOCH) + microseconds
