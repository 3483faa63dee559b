"""The events that records raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.core import EventType

_VALUES: Mapping[str, Any] = {"type": ["object", "null"], "description": "Field name to value, system fields included."}
_CHANGE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "before": _VALUES,
        "after": _VALUES,
        "changed": {"type": "array", "items": {"type": "string"}},
        "computed": {"type": "boolean"},
    },
    "required": ["before", "after", "changed", "computed"],
}
_BATCH: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "ids": {"type": "array", "description": "Ids of the records, in the order of the rows."},
        "changed": {"type": "array", "items": {"type": "string"}},
        "computed": {"type": "boolean"},
    },
    "required": ["ids", "changed", "computed"],
}

EVENTS = (
    EventType(name="record.created", doc="A record was made; ``before`` is null.", payload=_CHANGE),
    EventType(
        name="record.updated",
        doc="A record was changed; ``computed`` tells that the system computed the new values.",
        payload=_CHANGE,
    ),
    EventType(name="record.deleted", doc="A record was put into the recycle bin.", payload=_CHANGE),
    EventType(name="record.restored", doc="A record was taken out of the recycle bin.", payload=_CHANGE),
    EventType(name="records.batch_created", doc="An import made records; summed up per batch.", payload=_BATCH),
    EventType(name="records.batch_updated", doc="A batch changed records; summed up per batch.", payload=_BATCH),
)
