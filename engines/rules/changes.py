"""The smallest change of what was given: values near those that comparisons ask for, fewest and nearest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, islice, product
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n
from engines.feel.values import Date

Path = tuple[str, ...]
# Combinations of changed values that are tried.
MOST_TRIES: Final = 600
# Values that are tried for one path in a combination, nearest first.
_NEAREST: Final = 8
# Names that stand for other things than the record that is looked at.
_AROUND: Final = frozenset({"settings", "event", "previous", "me", "my", "my_department", "my_departments", "my_roles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that would have to be another."""

    # Dotted name, or the text of a computed part of the condition.
    path: str
    found: Any
    needed: Any
    # Whether ``path`` is such a text: several changes of the data may bring it about.
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that may stand in for one that is read."""

    path: Path
    needed: Any
    found: Any = None
    # Place in the text of the condition, for a computed part of it.
    span: n.Span | None = None

    @property
    def change(self) -> Change:
        """It in plain Python."""
        return Change(
            path=".".join(self.path),
            found=feel.to_python(self.found),
            needed=feel.to_python(self.needed),
            computed=self.span is not None,
        )


def distance(found: Any, needed: Any) -> Decimal:
    """How far a value is from the one found, so that numbers, dates and all others can be put in one order."""
    found, needed = feel.from_python(found), feel.from_python(needed)
    if type(found) is Decimal and type(needed) is Decimal:
        return abs(found - needed) / max(Decimal(1), abs(found))
    if type(found) is Date and type(needed) is Date:
        return Decimal(abs((date(*found) - date(*needed)).days)) / 365
    return Decimal(1)


def near(value: Any) -> Iterator[Any]:
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


def smallest(
    groups: Iterable[Sequence[Candidate]],
    holds: Callable[[Sequence[Candidate]], bool],
    *,
    most: int = 2,
    tries: int = MOST_TRIES,
) -> tuple[Candidate, ...]:
    """The fewest and nearest candidates, of different groups, with which ``holds``; empty where none were found."""
    ranked = [sorted(group, key=_rank)[:_NEAREST] for group in groups if group]
    left = tries
    for count in range(1, min(most, len(ranked)) + 1):
        chosen = (one for some in combinations(ranked, count) for one in product(*some))
        for candidates in sorted(islice(chosen, 4 * tries), key=lambda some: sum(map(_far, some), Decimal(0))):
            if left == 0:
                return ()
            left -= 1
            if holds(candidates):
                return candidates
    return ()


def _far(candidate: Candidate) -> Decimal:
    # The record's own values come first, then what surrounds it; what is computed may need many changes of the data.
    burden = 1_000_000 if candidate.span else 1_000 if candidate.path[0] in _AROUND else 0
    return distance(candidate.found, candidate.needed) + burden


def _rank(candidate: Candidate) -> tuple[Decimal, str]:
    return _far(candidate), str(candidate.needed)


def compared(node: n.Node) -> Iterator[tuple[n.Node, n.Node]]:
    """(side, what it is compared with) of a comparison."""
    match node:
        case n.Comparison(left=left, right=right):
            yield from ((left, right), (right, left))
        case n.Between(value=value, low=low, high=high):
            yield from ((value, low), (value, high))
        case n.In(value=value, tests=tests):
            for test in tests:
                yield from ((value, part) for part in endpoints(test))


def endpoints(test: n.Node) -> tuple[n.Node, ...]:
    """The values that a unary test compares with."""
    endpoint = test.endpoint if isinstance(test, n.Test) else test
    return (endpoint.low, endpoint.high) if isinstance(endpoint, n.RangeLiteral) else (endpoint,)


def path_of(node: n.Node) -> Path | None:
    """The path that an expression is; None for any other."""
    match node:
        case n.Name(name=name):
            return (name,)
        case n.Path(source=source, name=name):
            before = path_of(source)
            return None if before is None else (*before, name)
        case n.Group(inner=inner):
            return path_of(inner)
    return None


def at(variables: Mapping[str, Any], path: Path) -> Any:
    """The value at a path, of a list those of its items; None where there is none."""
    value: Any = variables
    for name in path:
        if isinstance(value, list | tuple):
            value = [item.get(name) if isinstance(item, Mapping) else None for item in value]
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def replaced(variables: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The variables with another value at a path."""
    head, *rest = path
    inner = variables.get(head)
    below = inner if isinstance(inner, Mapping) else {}
    return {**variables, head: replaced(below, tuple(rest), value) if rest else value}
