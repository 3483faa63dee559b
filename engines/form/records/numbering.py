"""Numbers that the system gives to new records."""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import insert, select, update

from engines.form.compiled import CompiledField
from engines.form.records.world import World
from engines.form.storage.support import COUNTERS

_NUMBER = re.compile(r"\{number(?::([0-9]{1,2}))?\}|\{(0+)\}")
_PARTS = {"year": "{year}", "YYYY": "{year}", "month": "{month}", "MM": "{month}", "day": "{day}", "DD": "{day}"}


def next_numbers(world: World, form: str, field: CompiledField, count: int) -> list[str]:
    """``count`` consecutive numbers of an autonumber field.

    The counter moves in the command's transaction: what is rolled back is given again, so there are no gaps but those
    of records deleted later; two commands that number at once wait for each other.
    """
    config = field.definition.config
    today = world.now.astimezone(world.context.zone).date()
    pattern = _unified(str(config.get("pattern", "{number}")))
    shown = next((part for part in ("day", "month", "year") if f"{{{part}}}" in pattern), "never")
    period = _period(config.get("period", shown), today)
    key = (COUNTERS.c.field == f"{form}.{field.name}", COUNTERS.c.period == period)
    moved = update(COUNTERS).where(*key).values(value=COUNTERS.c.value + count)
    first = int(config.get("start", 1))
    if world.connection.execute(moved).rowcount:
        last = world.connection.execute(select(COUNTERS.c.value).where(*key)).scalar_one()
    else:
        last = first + count - 1
        row = {"field": f"{form}.{field.name}", "period": period, "value": last}
        world.connection.execute(insert(COUNTERS), row)
    return [_written(pattern, number, today) for number in range(last - count + 1, last + 1)]


def _period(kind: str, today: date) -> str:
    lengths = {"never": 0, "year": 4, "month": 7, "day": 10}
    return today.isoformat()[: lengths[kind]]


def _written(pattern: str, number: int, today: date) -> str:
    text = pattern.replace("{year}", f"{today.year:04}").replace("{month}", f"{today.month:02}")
    text = text.replace("{day}", f"{today.day:02}")
    return _NUMBER.sub(lambda match: str(number).zfill(int(match[1] or 1) if not match[2] else len(match[2])), text)


def _unified(pattern: str) -> str:
    for word, part in _PARTS.items():
        pattern = pattern.replace(f"{{{word}}}", part)
    return pattern
