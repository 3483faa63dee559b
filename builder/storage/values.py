"""Plain Python values of records, rules and processes as JSON and back, losing neither type nor digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

TAG = "$"
_DECODERS: dict[str, Callable[[str], Any]] = {
    "number": Decimal,
    "uuid": UUID,
    "instant": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda text: timedelta(seconds=int(text.split(".")[0]), microseconds=int(text.split(".")[1])),
}


def encode(value: Any) -> Any:
    """JSON data from which ``decode`` makes an equal value; ``TypeError`` for what is no value of an app.

    Numbers become ``{"$": "number", "v": "1.20"}``, dates, instants, durations and ids likewise; tuples and sets become
    lists; a mapping that has a key "$" itself is wrapped, so that nothing a user writes can pass for a tag.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return {TAG: "number", "v": str(value)}
        case Decimal():
            return {TAG: "number", "v": str(value)}
        case list() | tuple() | set() | frozenset():
            return [encode(item) for item in value]
        case Mapping():
            plain = {str(key): encode(item) for key, item in value.items()}
            return {TAG: "map", "v": plain} if TAG in plain else plain
    return _tagged(value)


def _tagged(value: Any) -> dict[str, str]:
    match value:
        case UUID():
            return {TAG: "uuid", "v": str(value)}
        case datetime():
            return {TAG: "instant", "v": value.isoformat()}
        case date():
            return {TAG: "date", "v": value.isoformat()}
        case time():
            return {TAG: "time", "v": value.isoformat()}
        case timedelta():
            seconds = value.days * 86400 + value.seconds
            return {TAG: "seconds", "v": f"{seconds}.{value.microseconds:06d}"}
    raise TypeError(f"a value of type {type(value).__name__} cannot be stored")


def decode(data: Any) -> Any:
    """The value that ``encode`` was given."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    tag = data.get(TAG)
    if tag is None:
        return {key: decode(item) for key, item in data.items()}
    if tag == "map":
        return {key: decode(item) for key, item in data["v"].items()}
    return _DECODERS[tag](data["v"])
