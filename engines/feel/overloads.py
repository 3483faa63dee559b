"""Which overload of a built-in function fits a call, and what it gives."""

from __future__ import annotations

from engines.feel import types as t
from engines.feel.builtins.registry import ELEMENT, Overload
from engines.feel.types import FeelType


def fits(overload: Overload, arguments: list[FeelType], names: tuple[str, ...]) -> bool:
    """Whether an overload may take arguments of these types."""
    if names:
        known = {parameter.name: parameter for parameter in overload.parameters}
        if not set(names) <= known.keys():
            return False
        missing = [p for p in overload.parameters if not p.optional and p.name not in names]
        pairs = [(known[name], kind) for name, kind in zip(names, arguments, strict=True)]
        return not missing and all(_may_take(parameter.type, kind) for parameter, kind in pairs)
    if not overload.takes(len(arguments)):
        return False
    last = len(overload.parameters) - 1
    return all(_may_take(overload.parameters[min(i, last)].type, kind) for i, kind in enumerate(arguments))


def is_certain(overload: Overload, arguments: list[FeelType]) -> bool:
    """Whether the arguments need no conversion whatever their values."""
    last = len(overload.parameters) - 1
    wanted = [overload.parameters[min(index, last)].type for index in range(len(arguments))]
    return all(_needs_nothing(kind, to) for kind, to in zip(arguments, wanted, strict=True))


def _needs_nothing(kind: FeelType, to: FeelType) -> bool:
    if isinstance(to, t.ListType):
        return isinstance(kind, t.ListType) and to.element in (t.ANY, ELEMENT)
    return isinstance(to, t.SimpleType) and to not in (t.ANY, ELEMENT) and kind == to


def _may_take(wanted: FeelType, kind: FeelType) -> bool:
    if wanted in (t.ANY, ELEMENT) or t.may_be(kind, wanted):
        return True
    if isinstance(wanted, t.ListType):
        return wanted.element in (t.ANY, ELEMENT) or t.may_be(t.element_of(kind), wanted.element)
    if isinstance(wanted, t.FunctionType):
        return isinstance(kind, t.FunctionType)
    if isinstance(wanted, t.RangeType):
        return isinstance(kind, t.RangeType)
    if wanted is t.DATE_TIME and kind is t.DATE:
        return True
    return isinstance(kind, t.ListType) and t.may_be(kind.element, wanted)


def result_type(overload: Overload, arguments: list[FeelType]) -> FeelType:
    """The overload's result, with ``T`` as the arguments tell."""
    parameters = overload.parameters
    kinds = [
        t.element_of(kind)
        for index, kind in enumerate(arguments)
        if parameters[min(index, len(parameters) - 1)].type in (ELEMENT, t.ListType(ELEMENT))
    ]
    element = t.common_type(kinds) if kinds else t.ANY
    if overload.result == ELEMENT:
        return element
    return t.ListType(element) if overload.result == t.ListType(ELEMENT) else overload.result
