"""Boolean functions and ``is`` (DMN 1.5 §10.3.4.2 and §10.3.4.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engines.feel.builtins.registry import builtin
from engines.feel.comparing import equal
from engines.feel.runtime import Runtime
from engines.feel.values import DateTime, Time


@builtin("not(negand: Any) -> boolean")
def negate(runtime: Runtime, negand: Any) -> bool | None:
    """The opposite of a boolean; null for anything else."""
    if negand is True or negand is False:
        return not negand
    runtime.fail("feel.wrong_type", expected="boolean", found=str(type(negand).__name__))
    return None


@builtin("is(value1: Any, value2: Any) -> boolean")
def same(runtime: Runtime, value1: Any, value2: Any) -> bool:
    """Whether both are the same element of the same type: unlike ``=``, zones must be written alike."""
    if type(value1) is not type(value2):
        return False
    if type(value1) in (Time, DateTime):
        return bool(value1 == value2)
    return equal(value1, value2, runtime.budget) is True


def _fold(values: Iterable[object], decisive: bool) -> bool | None:
    """Three-valued and (decisive False) or or (decisive True) of a list."""
    result: bool | None = not decisive
    for value in values:
        if value is decisive:
            return decisive
        if value is not (not decisive):
            result = None
    return result


@builtin("all(list: list) -> boolean")
def every(_runtime: Runtime, list: list[Any]) -> bool | None:
    """False if any item is false, else null if any is no boolean, else true; true for an empty list."""
    return _fold(list, False)


@builtin("all(b...: boolean|null) -> boolean")
def every_of(_runtime: Runtime, *values: Any) -> bool | None:
    """As ``all(list)`` over the arguments."""
    return _fold(values, False)


@builtin("any(list: list) -> boolean")
def some(_runtime: Runtime, list: list[Any]) -> bool | None:
    """True if any item is true, else null if any is no boolean, else false; false for an empty list."""
    return _fold(list, True)


@builtin("any(b...: boolean|null) -> boolean")
def some_of(_runtime: Runtime, *values: Any) -> bool | None:
    """As ``any(list)`` over the arguments."""
    return _fold(values, True)
