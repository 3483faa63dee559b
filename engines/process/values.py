"""Plain values of variables as JSON and back, without loss of their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.feel.values import YearsMonths

# Types that JSON has itself.
_PLAIN = frozenset({str, bool, int})
# A context that happens to have a single key starting like a tag is wrapped in this one.
_ESCAPE = "@context"


def encode(value: Any) -> Any:
    """``value`` as JSON: what JSON cannot say stands as ``{"@<type>": text}``. A ``TypeError`` for anything else."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if kind in _SCALARS:
        return _SCALARS[kind](value)
    # Asking an abstract class costs more than all the rest.
    if kind is dict or isinstance(value, Mapping):
        encoded = {
            str(key): item if item is None or type(item) in _PLAIN else encode(item) for key, item in value.items()
        }
        return {_ESCAPE: encoded} if len(encoded) == 1 and next(iter(encoded)).startswith("@") else encoded
    if isinstance(value, YearsMonths):
        return {"@months": value.months}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    # Subclasses of text and numbers, for example enumerations.
    return value if isinstance(value, (str, int)) else _encode_scalar(value)


def _encode_scalar(value: Any) -> dict[str, str]:
    """A value of a subclass of a scalar's type."""
    for kind, write in _SCALARS.items():
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"a process variable cannot hold a {type(value).__name__}: {value!r}")


# By type; a date and time is a date, too, and comes before it.
_SCALARS: Mapping[type, Callable[[Any], dict[str, str]]] = {
    Decimal: lambda value: {"@number": str(value)},
    datetime: lambda value: {"@instant": value.isoformat()},
    date: lambda value: {"@date": value.isoformat()},
    time: lambda value: {"@time": value.isoformat()},
    timedelta: lambda value: {"@duration": str(value // timedelta(microseconds=1))},
    UUID: lambda value: {"@id": str(value)},
}
_DECODERS: dict[str, Any] = {
    "@number": Decimal,
    "@instant": datetime.fromisoformat,
    "@date": date.fromisoformat,
    "@time": time.fromisoformat,
    "@duration": lambda text: timedelta(microseconds=int(text)),
    "@id": UUID,
    "@months": YearsMonths,
}


def decode(value: Any) -> Any:
    """What :func:`encode` was given (tuples come back as lists)."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((key, item),) = value.items()
            if key in _DECODERS:
                return _DECODERS[key](item)
            if key == _ESCAPE:
                return {name: decode(part) for name, part in item.items()}
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value
