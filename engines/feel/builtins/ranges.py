"""Relations between points and ranges in Allen's algebra (DMN 1.5 §10.3.4.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engines.feel.builtins.registry import builtin
from engines.feel.comparing import order
from engines.feel.runtime import Runtime
from engines.feel.values import Range, type_name


class _NoOrderError(Exception):
    pass


def _compare(left: Any, right: Any) -> int:
    placed = order(left, right)
    if placed is None:
        raise _NoOrderError
    return placed


def _lt(left: Any, right: Any) -> bool:
    return _compare(left, right) < 0


def _gt(left: Any, right: Any) -> bool:
    return _compare(left, right) > 0


def _eq(left: Any, right: Any) -> bool:
    return _compare(left, right) == 0


def _answer(runtime: Runtime, rule: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    try:
        return rule(left, right)
    except _NoOrderError:
        runtime.fail("feel.not_comparable", left=type_name(left), right=type_name(right))
        return None


def _before(left: Any, right: Any) -> bool:
    if type(left) is Range:
        if type(right) is Range:
            touching = not (left.end_included and right.start_included)
            return _lt(left.end, right.start) or (touching and _eq(left.end, right.start))
        return _lt(left.end, right) or (not left.end_included and _eq(left.end, right))
    if type(right) is Range:
        return _lt(left, right.start) or (not right.start_included and _eq(left, right.start))
    return _lt(left, right)


def _meets(left: Range, right: Range) -> bool:
    return left.end_included and right.start_included and _eq(left.end, right.start)


def _starts(left: Any, right: Range) -> bool:
    if type(left) is not Range:
        return right.start_included and _eq(left, right.start)
    if not (_eq(left.start, right.start) and left.start_included == right.start_included):
        return False
    return _lt(left.end, right.end) or (_eq(left.end, right.end) and (not left.end_included or right.end_included))


def _finishes(left: Any, right: Range) -> bool:
    if type(left) is not Range:
        return right.end_included and _eq(left, right.end)
    if not (_eq(left.end, right.end) and left.end_included == right.end_included):
        return False
    return _gt(left.start, right.start) or (
        _eq(left.start, right.start) and (not left.start_included or right.start_included)
    )


def _includes(left: Range, right: Any) -> bool:
    if type(right) is not Range:
        low = _lt(left.start, right) or (left.start_included and _eq(left.start, right))
        return low and (_gt(left.end, right) or (left.end_included and _eq(left.end, right)))
    low = _lt(left.start, right.start) or (
        _eq(left.start, right.start) and (left.start_included or not right.start_included)
    )
    return low and (
        _gt(left.end, right.end) or (_eq(left.end, right.end) and (left.end_included or not right.end_included))
    )


def _overlaps(left: Range, right: Range) -> bool:
    return _reaches(left, right) and _reaches(right, left)


def _reaches(left: Range, right: Range) -> bool:
    """Whether ``left`` ends at or after the start of ``right``."""
    both = left.end_included and right.start_included
    return _gt(left.end, right.start) or (both and _eq(left.end, right.start))


def _starts_earlier(left: Range, right: Range) -> bool:
    return _lt(left.start, right.start) or (
        _eq(left.start, right.start) and left.start_included and not right.start_included
    )


def _ends_earlier(left: Range, right: Range) -> bool:
    return _lt(left.end, right.end) or (_eq(left.end, right.end) and (not left.end_included or right.end_included))


def _overlaps_before(left: Range, right: Range) -> bool:
    return _starts_earlier(left, right) and _reaches(left, right) and _ends_earlier(left, right)


def _overlaps_after(left: Range, right: Range) -> bool:
    starts = _gt(left.start, right.start) or (
        _eq(left.start, right.start) and right.start_included and not left.start_included
    )
    ends = _gt(left.end, right.end) or (_eq(left.end, right.end) and (left.end_included or not right.end_included))
    return _reaches(right, left) and starts and ends


def _coincides(left: Any, right: Any) -> bool:
    if type(left) is not Range:
        return _eq(left, right)
    same = left.start_included == right.start_included and left.end_included == right.end_included
    return same and _eq(left.start, right.start) and _eq(left.end, right.end)


def _register(name: str, rule: Callable[[Any, Any], bool], doc: str, forms: str, *, swapped: bool = False) -> None:
    """Registers ``name`` for ``forms``: "pp", "pr", "rp", "rr" for points and ranges in the two places."""

    def fits(value: Any, form: str) -> bool:
        return (type(value) is Range) == (form == "r") and type(value) not in (list, dict)

    def run(runtime: Runtime, first: Any, second: Any) -> bool | None:
        if not any(fits(first, form[0]) and fits(second, form[1]) for form in forms.split()):
            runtime.fail("feel.wrong_type", found=f"{type_name(first)}, {type_name(second)}", expected="range")
            return None
        left, right = (second, first) if swapped else (first, second)
        return _answer(runtime, rule, left, right)

    run.__doc__ = doc
    for one, other in (("point1", "point2"), ("point", "range"), ("range", "point"), ("range1", "range2")):
        form = one[0] + other[0]
        if form in forms.split():
            builtin(f"{name}({one}: {_kind(one)}, {other}: {_kind(other)}) -> boolean")(run)


def _kind(name: str) -> str:
    return "range" if name.startswith("range") else "T"


_register("before", _before, "Whether the first lies wholly before the second.", "pp pr rp rr")
_register("after", _before, "Whether the first lies wholly after the second.", "pp pr rp rr", swapped=True)
_register("meets", _meets, "Whether the first ends exactly where the second starts.", "rr")
_register("met by", _meets, "Whether the first starts exactly where the second ends.", "rr", swapped=True)
_register("overlaps", _overlaps, "Whether the two have a point in common.", "rr")
_register("overlaps before", _overlaps_before, "Whether the first starts before the second and ends within it.", "rr")
_register("overlaps after", _overlaps_after, "Whether the first starts within the second and ends after it.", "rr")
_register("finishes", _finishes, "Whether the first ends the second: it lies in it and ends with it.", "pr rr")
_register("finished by", _finishes, "Whether the second ends the first.", "rp rr", swapped=True)
_register("includes", _includes, "Whether the second lies wholly within the first.", "rp rr")
_register("during", _includes, "Whether the first lies wholly within the second.", "pr rr", swapped=True)
_register("starts", _starts, "Whether the first starts the second: it lies in it and starts with it.", "pr rr")
_register("started by", _starts, "Whether the second starts the first.", "rp rr", swapped=True)
_register("coincides", _coincides, "Whether the two are equal, endpoints included.", "pp rr")
