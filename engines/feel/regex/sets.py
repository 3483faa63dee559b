"""Sets of characters as intervals of code points: what a character class comes to in the end."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from functools import cache, lru_cache
from typing import Final, TypeAlias

import regex as unicode_tables

from engines.feel.regex.syntax import CharacterClass, Property, RegexError

# Sorted, apart from each other, both ends included.
Intervals: TypeAlias = tuple[tuple[int, int], ...]
LAST: Final = 0x10FFFF
_CATEGORIES = frozenset(
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po Z Zs Zl Zp S Sm Sc Sk So C Cc Cf Co Cn".split()
)
_NAME_START: Intervals = (
    (0x3A, 0x3A), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D),
    (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF),
    (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF),
)  # fmt: skip
_NAME_MORE: Intervals = ((0x2D, 0x2E), (0x30, 0x39), (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040))
_SPACE: Intervals = ((0x9, 0xA), (0xD, 0xD), (0x20, 0x20))


def joined(intervals: list[tuple[int, int]]) -> Intervals:
    """The union."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def complement(intervals: Intervals) -> Intervals:
    """All other characters."""
    found, next_free = [], 0
    for low, high in intervals:
        if low > next_free:
            found.append((next_free, low - 1))
        next_free = high + 1
    return (*found, (next_free, LAST)) if next_free <= LAST else tuple(found)


def difference(left: Intervals, right: Intervals) -> Intervals:
    """What is in ``left`` and not in ``right``."""
    return complement(joined([*complement(left), *right]))


@lru_cache(maxsize=256)
def of_property(found: Property) -> Intervals:
    """The characters of a property."""
    inside = _named(found.name)
    return complement(inside) if found.negated else inside


def _named(name: str) -> Intervals:
    match name:
        case "s":
            return _SPACE
        case "d":
            return of_property(Property("Nd", False))
        case "i":
            return _NAME_START
        case "c":
            return joined([*_NAME_START, *_NAME_MORE])
        case "w":
            return complement(joined([i for part in "PZC" for i in of_property(Property(part, False))]))
    if name.startswith("Is") and len(name) > 2:
        return _looked_up(rf"\p{{Block={_BLOCK_NAMES.get(name[2:], name[2:])}}}+", name)
    if name not in _CATEGORIES:
        raise RegexError(f"the category {name} is not known")
    # Surrogates are no characters.
    pattern = r"[\p{Cc}\p{Cf}\p{Co}\p{Cn}]+" if name == "C" else rf"\p{{{name}}}+"
    return _looked_up(pattern, name)


_BLOCK_NAMES = {"CombiningMarksforSymbols": "CombiningDiacriticalMarksforSymbols", "PrivateUse": "PrivateUseArea"}


def _looked_up(pattern: str, name: str) -> Intervals:
    """The characters of a property of Unicode, from the tables of the ``regex`` package."""
    if not name.replace("-", "").isalnum():
        raise RegexError(f"the block {name} is not known")
    try:
        compiled = unicode_tables.compile(pattern)
    except unicode_tables.error:
        raise RegexError(f"the block {name} is not known") from None
    return tuple((found.start(), found.end() - 1) for found in compiled.finditer(_every_character()))


@cache
def _every_character() -> str:
    return array("I", range(LAST + 1)).tobytes().decode(f"utf-32-{sys.byteorder[0]}e", "surrogatepass")


@cache
def _variants() -> dict[int, frozenset[int]]:
    """Characters to those that differ from them in case alone (XPath Functions 3.1 §5.6.2, flag i)."""
    by_case: dict[str, set[int]] = {}
    for low, high in _looked_up(r"\p{Changes_When_Casemapped}+", "cased"):
        for code in range(low, high + 1):
            character = chr(code)
            for other in (character.lower(), character.upper()):
                if len(other) == 1:
                    by_case.setdefault(other, set()).add(code)
    found: dict[int, set[int]] = {}
    for alike in by_case.values():
        if len(alike) > 1:
            for code in alike:
                found.setdefault(code, set()).update(alike)
    return {code: frozenset(others) for code, others in found.items()}


def _with_variants(intervals: Intervals) -> Intervals:
    starts = [low for low, _ in intervals]

    def holds(code: int) -> bool:
        place = bisect_right(starts, code) - 1
        return place >= 0 and code <= intervals[place][1]

    more = [(other, other) for code, others in _variants().items() if holds(code) for other in others]
    return joined([*intervals, *more])


@lru_cache(maxsize=256)
def of_class(found: CharacterClass, ignore_case: bool) -> Intervals:
    """The characters of a class; with ``ignore_case`` its ranges, not its properties, take both cases."""
    inside = joined([(ord(low), ord(high)) for low, high in found.ranges])
    if ignore_case and inside:
        inside = _with_variants(inside)
    inside = joined([*inside, *(i for part in found.properties for i in of_property(part))])
    if found.negated:
        inside = complement(inside)
    return difference(inside, of_class(found.minus, ignore_case)) if found.minus is not None else inside
