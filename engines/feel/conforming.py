"""Whether values are of a type, and their implicit conversions (DMN 1.5 §10.3.2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.feel import types as t
from engines.feel.budget import Budget
from engines.feel.values import Date, DateTime, DaysTime, Function, Range, Time, YearsMonths


def coerce(value: Any, kind: t.FeelType, budget: Budget | None = None) -> tuple[bool, Any]:
    """Whether ``value`` conforms to ``kind``, and the value converted (DMN 1.5 §10.3.2.9.4, implicit conversions)."""
    if value is None or instance_of(value, kind, budget):
        return True, value
    if type(value) is list and len(value) == 1 and not isinstance(kind, t.ListType):
        return (True, value[0]) if instance_of(value[0], kind, budget) else (False, value)
    if isinstance(kind, t.ListType) and type(value) is not list and instance_of(value, kind.element, budget):
        return True, [value]
    if kind is t.DATE_TIME and type(value) is Date:
        return True, DateTime(value, Time(0, 0))
    return False, value


_SIMPLE: dict[t.FeelType, type] = {
    t.NUMBER: Decimal,
    t.STRING: str,
    t.BOOLEAN: bool,
    t.DATE: Date,
    t.TIME: Time,
    t.DATE_TIME: DateTime,
    t.DAYS_TIME: DaysTime,
    t.YEARS_MONTHS: YearsMonths,
    t.IDENTIFIER: UUID,
}


def instance_of(value: Any, kind: t.FeelType, budget: Budget | None = None) -> bool:
    """``value instance of kind`` (DMN 1.5 §10.3.2.9.3); null is of no type but Null."""
    if kind is t.ANY:
        return value is not None
    if kind is t.NULL:
        return value is None
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return type(value) is simple
    if isinstance(kind, t.FunctionType):
        return type(value) is Function and _function_fits(value, kind)
    parts = _typed_parts(value, kind)
    if parts is None:
        return False
    if budget is not None:
        budget.charge(len(parts))
    return all(wanted is t.ANY or part is None or instance_of(part, wanted, budget) for part, wanted in parts)


def _typed_parts(value: Any, kind: t.FeelType) -> list[tuple[Any, t.FeelType]] | None:
    """The parts of a value with the types they should have; None where the value itself is of another kind."""
    match kind:
        case t.ListType() if type(value) is list:
            return [] if kind.element is t.ANY else [(item, kind.element) for item in value]
        case t.ContextType() if isinstance(value, Mapping) and value.keys() >= kind.fields.keys():
            return [(value[name], wanted) for name, wanted in kind.fields.items()]
        case t.RangeType() if type(value) is Range:
            return [(value.start, kind.element), (value.end, kind.element)]
    return None


def _function_fits(value: Function, kind: t.FunctionType) -> bool:
    if kind == t.FUNCTION:
        return True
    if value.arity is not None and value.arity != len(kind.parameters):
        return False
    own = value.types or (t.ANY,) * len(kind.parameters)
    accepts = all(t.conforms(theirs, mine) for mine, theirs in zip(own, kind.parameters, strict=False))
    return accepts and (value.result is None or value.result is t.ANY or t.conforms(value.result, kind.result))
