"""JSON answers: numbers keep all their digits."""

from __future__ import annotations

from typing import Any

from flask import Response

from builder.definitions.documents import flat_json
from engines.form import Record, to_json


def json_response(data: Any, status: int = 200) -> Response:
    """``data`` as JSON; decimals keep their digits."""
    return Response(flat_json(data), status=status, mimetype="application/json")


def record_json(record: Record) -> dict[str, Any]:
    """A record as the API gives it: system values beside the fields."""
    system = {key: to_json(value) for key, value in record.system().items()}
    for name in ("created_at", "updated_at"):
        system[name] = record.system()[name].isoformat()
    values = {name: _instant(value) for name, value in record.values.items()}
    return {**system, "values": values, "titles": dict(record.titles)}


def _instant(value: Any) -> Any:
    from datetime import datetime

    return value.isoformat() if isinstance(value, datetime) else to_json(value)
