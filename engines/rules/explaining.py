"""Why a condition holds or does not: its terms with their values, and the smallest change that would make it hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n
from engines.feel.values import Date

Path = tuple[str, ...]
# Combinations of two changed values that are tried.
_MAX_PAIRS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A part of a condition."""

    text: str
    # Plain Python; None where it was null.
    value: Any
    # What it read, by dotted path.
    inputs: Mapping[str, Any]
    # The parts of "and" and "or".
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that would have to be another."""

    path: str
    found: Any
    needed: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a condition came to its value."""

    value: Any
    term: Term
    # For a condition that is not true: the fewest and smallest changes after which it is; empty where none was found.
    changes: tuple[Change, ...] = ()
    # Codes of the failures behind a null.
    failures: tuple[str, ...] = ()


def explain_condition(
    condition: feel.Expression, variables: Mapping[str, Any], context: feel.EvaluationContext | None = None
) -> Explanation:
    """The terms of a condition with their values, and what would have to change for a "no" to become a "yes".

    Only values that the condition compares are changed, each to the nearest value that the comparison asks for; the
    changes given have been tried out.
    """
    evaluation = condition.evaluate(variables, context)
    explainer = _Explainer(condition, variables, context)
    return Explanation(
        value=feel.to_python(evaluation.value),
        term=explainer.term(condition.tree),
        changes=() if evaluation.value is True else explainer.changes(),
        failures=tuple(failure.code for failure in evaluation.failures),
    )


class _Explainer:
    def __init__(
        self, condition: feel.Expression, variables: Mapping[str, Any], context: feel.EvaluationContext | None
    ) -> None:
        self._condition = condition
        self._variables = variables
        self._context = context

    def term(self, node: n.Node) -> Term:
        """A node with its value, "and" and "or" with their parts."""
        while isinstance(node, n.Group):
            node = node.inner
        expression = self._compiled(node)
        inputs = {".".join(path): feel.to_python(_at(self._variables, path)) for path in sorted(expression.reads)}
        parts = node.terms if isinstance(node, n.And | n.Or) else ()
        return Term(
            text=feel.to_feel(node),
            value=feel.to_python(expression.evaluate(self._variables, self._context).value),
            inputs=inputs,
            terms=tuple(self.term(part) for part in parts),
        )

    def changes(self) -> tuple[Change, ...]:
        """The smallest set of one or two changes that makes the condition true."""
        candidates = sorted(set(self._candidates()), key=lambda item: self._distance(*item))
        for one in candidates:
            if self._holds_with([one]):
                return (self._change(*one),)
        pairs = ((a, b) for a, b in combinations(candidates, 2) if a[0] != b[0])
        for count, pair in enumerate(pairs):
            if count >= _MAX_PAIRS:
                break
            if self._holds_with(pair):
                return tuple(self._change(*one) for one in pair)
        return ()

    def _compiled(self, node: n.Node) -> feel.Expression:
        return feel.compile(feel.to_feel(node), self._condition.scope, strict=False)

    def _change(self, path: Path, needed: Any) -> Change:
        return Change(
            path=".".join(path), found=feel.to_python(_at(self._variables, path)), needed=feel.to_python(needed)
        )

    def _candidates(self) -> Iterator[tuple[Path, Any]]:
        """Values that comparisons in the condition ask of the paths that they read."""
        for node in _walk(self._condition.tree):
            for side, other in _compared(node):
                path = _path_of(side)
                if path in self._condition.reads and path is not None:
                    value = self._compiled(other).evaluate(self._variables, self._context).value
                    yield from ((path, wanted) for wanted in _near(value))
            if isinstance(node, n.Name | n.Path) and (path := _path_of(node)) in self._condition.reads:
                if isinstance(_at(self._variables, path or ()), bool | None):
                    yield from ((path, flag) for flag in (True, False) if path is not None)

    def _holds_with(self, changes: Sequence[tuple[Path, Any]]) -> bool:
        variables = dict(self._variables)
        for path, value in changes:
            variables = _replaced(variables, path, value)
        return self._condition.evaluate(variables, self._context).value is True

    def _distance(self, path: Path, needed: Any) -> tuple[int, Any, str]:
        """How far a value is from the one found: numbers and dates by their difference, anything else alike."""
        found = feel.from_python(_at(self._variables, path))
        if type(found) is Decimal and type(needed) is Decimal:
            return (0, abs(found - needed), str(path))
        if type(found) is Date and type(needed) is Date:
            return (0, Decimal(abs((date(*found) - date(*needed)).days)), str(path))
        return (1, Decimal(0), f"{path} {needed}")


def _walk(node: n.Node) -> Iterator[n.Node]:
    from engines.feel.parser import walk

    yield from walk(node)


def _compared(node: n.Node) -> Iterator[tuple[n.Node, n.Node]]:
    """(side, what it is compared with) of a comparison."""
    match node:
        case n.Comparison(left=left, right=right):
            yield from ((left, right), (right, left))
        case n.Between(value=value, low=low, high=high):
            yield from ((value, low), (value, high))
        case n.In(value=value, tests=tests):
            for test in tests:
                endpoint = test.endpoint if isinstance(test, n.Test) else test
                parts = (endpoint.low, endpoint.high) if isinstance(endpoint, n.RangeLiteral) else (endpoint,)
                yield from ((value, part) for part in parts)


def _path_of(node: n.Node) -> Path | None:
    match node:
        case n.Name(name=name):
            return (name,)
        case n.Path(source=source, name=name):
            before = _path_of(source)
            return None if before is None else (*before, name)
        case n.Group(inner=inner):
            return _path_of(inner)
    return None


def _near(value: Any) -> Iterator[Any]:
    """A value, and its neighbours on both sides where it has some."""
    if type(value) is Decimal:
        step = Decimal(1) if value == value.to_integral_value() else Decimal("0.01")
        yield from (value, value - step, value + step)
    elif type(value) is Date:
        for days in (0, -1, 1):
            day = date(*value) + timedelta(days=days)
            yield Date(day.year, day.month, day.day)
    elif isinstance(value, str | bool) or value is None:
        yield value


def _at(variables: Mapping[str, Any], path: Path) -> Any:
    value: Any = variables
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _replaced(variables: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The variables with another value at a path."""
    head, *rest = path
    inner = variables.get(head)
    below = inner if isinstance(inner, Mapping) else {}
    return {**variables, head: _replaced(below, tuple(rest), value) if rest else value}
