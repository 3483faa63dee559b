"""Values of records as JSON data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from engines.form.types.dates import format_duration


def to_json(value: Any) -> Any:
    """``value`` in JSON's types, as the fields' coercers read it back; numbers stay ``Decimal``, never a float."""
    match value:
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(item) for item in value]
        case UUID():
            return str(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return format_duration(value)
    return value
