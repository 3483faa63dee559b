"""JSON answers: numbers keep all their digits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

from builder.definitions.documents import flat_json
from engines.form import Record, to_json


def json_response(data: Any, status: int = 200) -> Response:
    """``data`` as JSON: decimals keep their digits; ids, days and instants are texts."""
    body: bytes | str
    try:
        body = orjson.dumps(data, default=_plain)
    except TypeError:
        # A whole number of more than 64 bits, as a JSON field may hold.
        body = flat_json(to_json(data))
    return Response(body, status=status, mimetype="application/json")


def record_json(record: Record) -> dict[str, Any]:
    """A record as the API gives it: system values beside the fields."""
    return {**record.system(), "values": record.values, "titles": record.titles}


def _plain(value: Any) -> Any:
    """What orjson does not know by itself."""
    if type(value) is Decimal:
        return orjson.Fragment(format(value, "f"))
    match value:
        case timedelta():
            return to_json(value)
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
