"""Why a condition holds or does not: its terms with their values, and the smallest change that would make it hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n
from engines.feel.parser import children, walk
from engines.rules.changes import Candidate, Change, Path, at, compared, near, path_of, replaced, smallest

# What binds names of its own: parts inside are about other values than those of the condition.
_INNER: Final = (n.Filter, n.For, n.Quantified, n.FunctionLiteral)


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

    Values that the condition compares are changed, each to the nearest that the comparison asks for; where none of them
    helps, computed parts such as ``count(orders)``, then whole terms. The changes given have been tried out.
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
        inputs = {".".join(path): feel.to_python(at(self._variables, path)) for path in sorted(expression.reads)}
        parts = node.terms if isinstance(node, n.And | n.Or) else ()
        return Term(
            text=feel.to_feel(node),
            value=feel.to_python(self._value(node)),
            inputs=inputs,
            terms=tuple(self.term(part) for part in parts),
        )

    def changes(self) -> tuple[Change, ...]:
        """The smallest set of one to three changes that makes the condition true."""
        groups: dict[Path, dict[Candidate, None]] = {}
        for candidate in self._candidates():
            groups.setdefault(candidate.path, {})[candidate] = None
        found = smallest([list(group) for group in groups.values()], self._holds_with, most=3)
        return tuple(candidate.change for candidate in found or self._whole_terms())

    def _compiled(self, node: n.Node) -> feel.Expression:
        return feel.compile(feel.to_feel(node), self._condition.scope, strict=False)

    def _value(self, node: n.Node) -> Any:
        return self._compiled(node).evaluate(self._variables, self._context).value

    def _candidates(self) -> Iterator[Candidate]:
        """Values that comparisons in the condition ask of what they compare."""
        outer = {id(node) for node in _outside(self._condition.tree)}
        for node in walk(self._condition.tree):
            for side, other in compared(node):
                path = path_of(side)
                if path is not None and path in self._condition.reads:
                    found = at(self._variables, path)
                    yield from (Candidate(path, wanted, found) for wanted in near(self._value(other)))
                elif path is None and id(node) in outer and self._compiled(side).reads:
                    text, found = feel.to_feel(side), self._value(side)
                    yield from (Candidate((text,), value, found, side.span) for value in near(self._value(other)))
            if isinstance(node, n.Name | n.Path) and (path := path_of(node)) in self._condition.reads:
                found = at(self._variables, path or ())
                kind = self._compiled(node).type
                if isinstance(found, bool | None) and (kind == feel.BOOLEAN or kind.is_any):
                    yield from (Candidate(path, flag, found) for flag in (True, False) if path is not None)

    def _whole_terms(self) -> tuple[Candidate, ...]:
        """Terms that would have to be true, for a condition that none of its values turns."""
        terms = [[Candidate((feel.to_feel(t),), True, self._value(t), t.span)] for t in _leaves(self._condition.tree)]
        return smallest(terms, self._holds_with, most=len(terms))

    def _holds_with(self, changes: Sequence[Candidate]) -> bool:
        variables = dict(self._variables)
        computed = sorted((c for c in changes if c.span), key=lambda c: c.span or n.Span(0, 0), reverse=True)
        for change in changes:
            if change.span is None:
                variables = replaced(variables, change.path, change.needed)
        condition, text = self._condition, self._condition.text
        names = {}
        for number, change in enumerate(computed):
            assert change.span is not None  # noqa: S101
            names[f"changed_{number}"] = change.needed
            text = f"{text[: change.span.start]} changed_{number} {text[change.span.end :]}"
        if names:
            scope = condition.scope.extended(dict.fromkeys(names, feel.ANY))
            condition = feel.compile(text, scope, strict=False)
        return condition.evaluate({**variables, **names}, self._context).value is True


def _outside(node: n.Node) -> Iterator[n.Node]:
    """``node`` and the nodes below it that are not about names bound inside it."""
    yield node
    if not isinstance(node, _INNER):
        for child in children(node):
            yield from _outside(child)


def _leaves(node: n.Node) -> Iterator[n.Node]:
    """The terms of "and" and "or", down to those that are neither."""
    if isinstance(node, n.Group):
        yield from _leaves(node.inner)
    elif isinstance(node, n.And | n.Or):
        for term in node.terms:
            yield from _leaves(term)
    else:
        yield node


__all__ = ["Change", "Explanation", "Term", "explain_condition"]
