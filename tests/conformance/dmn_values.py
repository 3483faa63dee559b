"""Tagged values of the test kit's protocol ↔ FEEL values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engines import feel

_READ = {
    "date": "date(v)",
    "time": "time(v)",
    "date and time": "date and time(v)",
    "ymd": "duration(v)",
    "dtd": "duration(v)",
}


def read(tagged: Mapping[str, Any] | None) -> Any:
    """The FEEL value of a tagged value."""
    if tagged is None or tagged["t"] == "null":
        return None
    kind, value = tagged["t"], tagged["v"]
    match kind:
        case "number":
            return Decimal(value)
        case "string" | "boolean":
            return value
        case "list":
            return [read(item) for item in value]
        case "context":
            return {name: read(item) for name, item in value.items()}
    return feel.compile(_READ[kind], feel.Scope({"v": feel.STRING})).evaluate({"v": value}).value


def write(value: Any) -> dict[str, Any]:
    """The tagged value of a FEEL value."""
    match value:
        case None:
            return {"t": "null"}
        case bool():
            return {"t": "boolean", "v": value}
        case Decimal():
            return {"t": "number", "v": format(value, "f") if abs(value.adjusted()) < 100 else str(value)}
        case str():
            return {"t": "string", "v": value}
        case list():
            return {"t": "list", "v": [write(item) for item in value]}
        case dict():
            return {"t": "context", "v": {name: write(item) for name, item in value.items()}}
        case feel.Range():
            return {"t": "range"}
        case feel.Function():
            return {"t": "function"}
    return {"t": _TEMPORAL[type(value)], "v": _string(value)}


_TEMPORAL = {
    feel.Date: "date",
    feel.Time: "time",
    feel.DateTime: "date and time",
    feel.YearsMonths: "ymd",
    feel.DaysTime: "dtd",
}


def _string(value: Any) -> str:
    return str(feel.compile("string(v)", feel.Scope({"v": feel.ANY})).evaluate({"v": value}).value)
