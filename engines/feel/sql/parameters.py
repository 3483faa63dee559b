"""Where the known values of a statement came from: what lets one statement serve whoever asks, and whenever.

A part that reads no rows (``me``, ``my_departments``, ``today()``) is evaluated when the statement is made. Written
down here, it can be evaluated again for other variables and another instant: where its value stands in the statement as
a bound value, the new value is bound; where the statement was shaped by it, the new value must be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engines.feel import types as t
from engines.feel.budget import Budget
from engines.feel.convert import to_python
from engines.feel.expression import EvaluationContext
from engines.feel.runtime import Runtime
from engines.feel.types import FeelType
from engines.feel.values import Date, DateTime, DaysTime, Time

if TYPE_CHECKING:
    from engines.feel.sql.dialects import SqlDialect

# Python classes of FEEL values that are bound as they are; numbers are not, as their digits shape the statement.
BOUND_TYPES: Mapping[type, FeelType] = {
    str: t.STRING,
    Date: t.DATE,
    DateTime: t.DATE_TIME,
    DaysTime: t.DAYS_TIME,
    Time: t.TIME,
    UUID: t.IDENTIFIER,
}


class Unbindable(Exception):
    """A value that the databases cannot hold; says why."""


def bound_type(value: Any) -> FeelType | None:
    """The type under which a value is bound; None where it is not. A context with an id stands for the id."""
    return BOUND_TYPES.get(type(_identity(value)))


def plain_value(value: Any) -> Any:
    """A value as it is bound; ``Unbindable`` where its type has values that the databases cannot hold."""
    value = _identity(value)
    kind, plain = BOUND_TYPES[type(value)], to_python(value)
    if type(plain) is type(value) and kind not in (t.STRING, t.IDENTIFIER):
        raise Unbindable("a constant beyond what the databases can hold")
    if kind is t.TIME and plain.tzinfo is not None:
        raise Unbindable("a time with a zone")
    if kind is t.DATE_TIME and plain.tzinfo is None:
        raise Unbindable("a date and time without a zone")
    if isinstance(plain, str) and "\0" in plain:
        raise Unbindable("the character U+0000")
    return plain


def _identity(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) and isinstance(value.get("id"), UUID) else value


@dataclass(slots=True, kw_only=True)
class Origin:
    """One part that reads no rows."""

    # Evaluates it: (runtime, variables) -> FEEL value.
    run: Callable[[Any, Any], Any]
    # What it came to when the statement was made.
    value: Any
    # Names of its bound values; empty where the statement holds for this value alone.
    names: list[str] = field(default_factory=list)
    # Their type.
    type: FeelType | None = None
    # Whether it is a list, bound item by item.
    is_list: bool = False


class Parameters:
    """The origins of one statement's known values. Filled while it is made, only read afterwards."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._origins: list[Origin] = []
        self._count = 0

    def origin(self, run: Callable[[Any, Any], Any], value: Any) -> Origin:
        """Notes a part with its value; unless it is bound afterwards, the statement holds for this value alone."""
        found = Origin(run=run, value=value)
        self._origins.append(found)
        return found

    def bind(self, origin: Origin, kind: FeelType) -> str:
        """The name under which the value of ``origin`` is bound from now on."""
        origin.type = kind
        origin.names = [self._name()]
        return origin.names[0]

    def bind_items(self, origin: Origin, kind: FeelType, count: int) -> list[str]:
        """The names under which up to ``count`` items of the list ``origin`` are bound from now on."""
        origin.type, origin.is_list = kind, True
        origin.names = [self._name() for _ in range(count)]
        return origin.names

    def values(self, variables: Mapping[str, Any], context: EvaluationContext) -> dict[str, Any] | None:
        """What to bind for these variables and this instant; None where another statement must be made for them."""
        # A budget of its own: what a command may spend on expressions is not used up by the queries that it makes.
        runtime = Runtime(Budget(), context.now, context.zone, {})
        found: dict[str, Any] = {}
        fits = all(self._take(origin, origin.run(runtime, variables), found) for origin in self._origins)
        return found if fits else None

    def _name(self) -> str:
        self._count += 1
        return f"given_{self._count}"

    def _take(self, origin: Origin, value: Any, found: dict[str, Any]) -> bool:
        """Whether the statement holds for a value; puts into ``found`` what is bound of it."""
        if origin.type is None:
            return type(value) is type(origin.value) and bool(value == origin.value)
        items = self._items(origin, value)
        if items is None or any(bound_type(item) is not origin.type for item in items):
            return False
        try:
            plain = [self._dialect.stored(plain_value(item), origin.type)[0] for item in items]
        except Unbindable:
            return False
        found.update(zip(origin.names, plain, strict=True))
        return True

    def _items(self, origin: Origin, value: Any) -> list[Any] | None:
        """The value, or the items of the list, one for each name: the last one stands for those that are missing."""
        if not origin.is_list:
            return [value]
        count = len(origin.names)
        if not isinstance(value, list) or not value or width(len(value)) != count:
            return None
        return [*value, *value[-1:] * (count - len(value))]


def width(count: int) -> int:
    """How many bound values stand for ``count`` items: a power of two, so that few statements serve all lengths."""
    return 1 << (count - 1).bit_length()
