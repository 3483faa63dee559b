"""When the offsets of time zones change, for databases that know no zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_MAX_CHANGES = 64


class NotExactError(Exception):
    """There is no exact way; the text says why."""


@lru_cache(maxsize=64)
def zone_offsets(name: str) -> list[tuple[int, int]]:
    """When the zone's offset changes: (seconds since 1970 UTC, seconds east of UTC), the first from always.

    ``NotExactError`` for a zone that goes on changing (daylight saving time): SQLite knows no zones.
    """
    zone = ZoneInfo(name)

    def offset(seconds: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        found = moment.astimezone(zone).utcoffset()
        return int(found.total_seconds()) if found else 0

    first, last, step = -2_840_140_800, 7_258_118_400, 86_400 * 7
    changes = [(first, offset(first))]
    for end in range(first + step, last, step):
        if offset(end) != changes[-1][1]:
            changes.append((_change(offset, end - step, end), offset(end)))
            if len(changes) > _MAX_CHANGES:
                raise NotExactError(f"the time zone {name} changes its offset too often for SQLite")
    return changes


def _change(offset: Any, low: int, high: int) -> int:
    """The second at which the offset changes between two instants."""
    old = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == old else (low, middle)
    return high
