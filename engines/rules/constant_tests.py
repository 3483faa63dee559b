"""The tests of a field against literals that a condition needs to be true: what an index can look up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Types whose values are looked up.
KEYS: Final = (str, bool, Decimal)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field must have one of these values."""

    field: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The field must be a number with ``value operator limit``."""

    field: str
    operator: str
    value: Decimal


ConstantTest = OneOf | Limit


def constant_tests(condition: feel.Expression | None) -> Iterator[ConstantTest]:
    """The tests among the terms of a condition that must all be true."""
    if condition is not None:
        tree = _bare(condition.tree)
        for term in tree.terms if isinstance(tree, n.And) else (tree,):
            yield from _tests(_bare(term))


def _bare(node: n.Node) -> n.Node:
    while isinstance(node, n.Group):
        node = node.inner
    return node


def _tests(term: n.Node) -> Iterator[ConstantTest]:
    match term:
        case n.Name(name=name):
            yield OneOf(name, (True,))
        case n.Call(function=n.Name(name="not"), arguments=(n.Name(name=name),), names=()):
            yield OneOf(name, (False,))
        case n.Comparison():
            yield from _comparison(term)
        case n.Between(value=n.Name(name=name), low=low, high=high):
            yield from _limit(name, ">=", low)
            yield from _limit(name, "<=", high)
        case n.In(value=n.Name(name=name), tests=tests):
            yield from _contained(name, tests)
        case n.Or(terms=terms):
            yield from _alternatives(terms)


def _comparison(term: n.Comparison) -> Iterator[ConstantTest]:
    match _bare(term.left), _bare(term.right):
        case n.Name(name=name), other:
            operator = term.operator
        case other, n.Name(name=name):
            operator = _MIRRORED.get(term.operator, term.operator)
        case _:
            return
    if operator == "=" and isinstance(other, n.Literal) and isinstance(other.value, KEYS):
        yield OneOf(name, (other.value,))
    elif operator in _MIRRORED:
        yield from _limit(name, operator, other)


def _limit(name: str, operator: str, other: n.Node) -> Iterator[Limit]:
    other = _bare(other)
    if isinstance(other, n.Literal) and type(other.value) is Decimal:
        yield Limit(name, operator, other.value)


def _contained(name: str, tests: tuple[n.Node, ...]) -> Iterator[ConstantTest]:
    """``name in (…)``: literals to choose from, or one range of numbers."""
    bare = [_bare(test) for test in tests]
    if len(bare) == 1 and isinstance(bare[0], n.ListLiteral):
        bare = [_bare(item) for item in bare[0].items]
    values = tuple(test.value for test in bare if isinstance(test, n.Literal) and isinstance(test.value, KEYS))
    if len(values) == len(bare):
        yield OneOf(name, values)
    elif len(bare) == 1 and isinstance(bare[0], n.RangeLiteral):
        yield from _limit(name, ">=" if bare[0].opening == "[" else ">", bare[0].low)
        yield from _limit(name, "<=" if bare[0].closing == "]" else "<", bare[0].high)
    elif len(bare) == 1 and isinstance(bare[0], n.Test) and bare[0].operator in _MIRRORED:
        yield from _limit(name, bare[0].operator, bare[0].endpoint)


def _alternatives(terms: tuple[n.Node, ...]) -> Iterator[OneOf]:
    """``a = 1 or a in (2, 3)``: values of one field."""
    values: list[Any] = []
    fields: set[str] = set()
    for term in terms:
        found = next((test for test in _tests(_bare(term)) if isinstance(test, OneOf)), None)
        if found is None:
            return
        fields.add(found.field)
        values += found.values
    if len(fields) == 1:
        yield OneOf(fields.pop(), tuple(values))
