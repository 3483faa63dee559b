"""Working calendars in conditions: whether a day is worked, and counting in working days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from engines import feel
from engines.core.ports import WorkingCalendar
from engines.feel import nodes as n
from engines.feel.parser import walk

# Days that are walked through at most: about thirty years.
MAX_DAYS: Final = 11_000
# Name of the function -> its type; the last argument is the name of a working calendar of the app.
TYPES: Final[Mapping[str, feel.FeelType]] = {
    "is working day": feel.FunctionType((feel.DATE, feel.STRING), feel.BOOLEAN, ("date", "calendar")),
    "working days between": feel.FunctionType(
        (feel.DATE, feel.DATE, feel.STRING), feel.NUMBER, ("from", "to", "calendar")
    ),
    "add working days": feel.FunctionType(
        (feel.DATE, feel.NUMBER, feel.STRING), feel.DATE, ("date", "days", "calendar")
    ),
}


def functions(calendar: Callable[[str], WorkingCalendar | None]) -> dict[str, Callable[..., Any]]:
    """The functions of ``TYPES`` for an evaluation context; an unknown calendar or a null argument gives null."""

    def named(name: Any) -> WorkingCalendar | None:
        return calendar(name) if isinstance(name, str) else None

    def is_working_day(day: Any, name: Any) -> bool | None:
        found, known = named(name), _day(day)
        return None if found is None or known is None else found.is_working_day(known)

    def between(start: Any, end: Any, name: Any) -> Decimal | None:
        """Working days after ``start`` up to and including ``end``; negative where ``end`` is earlier."""
        found, one, other = named(name), _day(start), _day(end)
        if found is None or one is None or other is None or abs((other - one).days) > MAX_DAYS:
            return None
        first, last, sign = (one, other, 1) if one <= other else (other, one, -1)
        return Decimal(sign * sum(found.is_working_day(day) for day in _days(first, 1) if day <= last))

    def add(day: Any, days: Any, name: Any) -> date | None:
        """The day that lies so many working days later, or earlier; 0 is the day itself."""
        found, start = named(name), _day(day)
        if found is None or start is None or not isinstance(days, Decimal) or days != int(days):
            return None
        left = abs(int(days))
        if left == 0:
            return start
        for other in _days(start, 1 if days > 0 else -1):
            left -= found.is_working_day(other)
            if left == 0:
                return other
        return None

    return {"is working day": is_working_day, "working days between": between, "add working days": add}


def _day(value: Any) -> date | None:
    """The local day of a date or an instant; None for anything else."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _days(start: date, step: int) -> Iterator[date]:
    """The days after (or before) ``start``, at most ``MAX_DAYS``."""
    return (start + timedelta(days=step * count) for count in range(1, MAX_DAYS + 1))


def calendars_named(expression: feel.Expression) -> Iterator[str]:
    """The calendars that an expression names literally."""
    for node in walk(expression.tree):
        if isinstance(node, n.Call) and isinstance(node.function, n.Name) and node.function.name in TYPES:
            last = node.arguments[-1] if node.arguments else None
            if isinstance(last, n.Literal) and isinstance(last.value, str):
                yield last.value
