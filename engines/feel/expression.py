"""The front: text in, compiled expression out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from engines.core.diagnostics import Diagnostic, Severity
from engines.core.errors import BudgetExceeded, DefinitionError
from engines.feel import types as t
from engines.feel.budget import Budget
from engines.feel.checked import Checked
from engines.feel.checker import check_tree
from engines.feel.codegen import generate
from engines.feel.lexer import problem
from engines.feel.nodes import Node
from engines.feel.parser import ParseError, parse, parse_unary_tests
from engines.feel.printer import to_feel
from engines.feel.runtime import Failure, Runtime
from engines.feel.scope import Scope
from engines.feel.types import FeelType

INPUT = "?"
_CACHED = 20_000


@dataclass(slots=True, kw_only=True)
class EvaluationContext:
    """What a command gives to all of its evaluations."""

    # The one instant of the command, aware; today() is its day in ``zone``. Without it both are null.
    now: datetime | None = None
    # The workspace's zone, in which instants are seen.
    zone: ZoneInfo | None = None
    budget: Budget = field(default_factory=Budget)
    # Python functions by the names that scopes declare; they get and give plain Python values.
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    # A runtime without failures that is not in use: it spares the next evaluation making one.
    idle: Runtime | None = field(default=None, init=False, repr=False, compare=False)


class Evaluation(NamedTuple):
    """What an expression came to."""

    # A FEEL value; ``to_python`` makes it plain.
    value: Any
    # Why operations gave null on the way, in order; empty where all went well.
    failures: tuple[Failure, ...]


_new_evaluation = tuple.__new__


class Expression:
    """A compiled expression. Immutable, free of data, safe to share between threads."""

    __slots__ = ("checked", "run", "scope", "text")

    def __init__(self, text: str, scope: Scope, checked: Checked) -> None:
        self.text = text
        self.scope = scope
        self.checked = checked
        # The generated function of (runtime, variables), for engines that hold a runtime already.
        self.run = generate(checked)

    @property
    def tree(self) -> Node:
        """The syntax tree."""
        return self.checked.tree

    @property
    def type(self) -> FeelType:
        """The inferred type; ANY where nothing is known."""
        return self.checked.types[id(self.checked.tree)]

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths of the variables that evaluation may read: ``{("amount",), ("account", "tier")}``."""
        return self.checked.reads

    @property
    def volatile(self) -> bool:
        """Whether it uses today() or now()."""
        return self.checked.volatile

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings, and in lenient mode what would be errors."""
        return tuple(self.checked.diagnostics)

    def evaluate(self, variables: Mapping[str, Any], context: EvaluationContext | None = None) -> Evaluation:
        """The value for plain Python (or FEEL) variables, and the failures behind its nulls.

        A variable that is missing is null. ``BudgetExceeded`` names this expression; ``TypeError`` where a variable
        holds what FEEL has no value for.
        """
        runtime = None if context is None else context.idle
        if context is None:
            runtime = Runtime(Budget(), None, None, {})
        elif runtime is None:
            runtime = Runtime(context.budget, context.now, context.zone, context.functions)
        else:
            context.idle = None
            runtime.budget, runtime.now = context.budget, context.now
            runtime.zone, runtime.functions = context.zone, context.functions
        try:
            value = self.run(runtime, variables)
        except RecursionError:
            raise BudgetExceeded("nested calls", runtime.budget.depth, self.text) from None
        except BudgetExceeded as error:
            raise BudgetExceeded(error.limit, error.allowed, error.expression or self.text) from None
        finally:
            if runtime.budget.is_running:
                runtime.budget.settle()
        if runtime.has_failures:
            return Evaluation(value, runtime.failures)
        if context is not None:
            context.idle = runtime
        # Spares the constructor, which Python calls through a function of its own.
        return _new_evaluation(Evaluation, (value, ()))

    def __str__(self) -> str:
        return to_feel(self.tree)


def compile(
    text: str, scope: Scope | None = None, *, expect: FeelType | None = None, strict: bool = True
) -> Expression:
    """The compiled expression, from a cache where it was compiled before.

    ``DefinitionError`` carries everything that is wrong with it, with offsets within the text. Without ``strict`` only
    what cannot be parsed is an error; unknown names and impossible operations are null when evaluated, as the standard
    has it.
    """
    return _finish(_compiled(text, scope or Scope(), "expression"), expect, strict)


def compile_unary_tests(
    text: str, scope: Scope | None = None, input_type: FeelType = t.ANY, *, strict: bool = True
) -> Expression:
    """A decision table's input entry (``>= 5``, ``"a", "b"``, ``not(null)``, ``-``) as an expression.

    It evaluates to true, false or null; the input is the variable ``?``.
    """
    inner = (scope or Scope()).extended({INPUT: input_type})
    return _finish(_compiled(text, inner, "unary_tests"), None, strict)


def check(text: str, scope: Scope | None = None, expect: FeelType | None = None) -> list[Diagnostic]:
    """Everything that is wrong with an expression; never raises."""
    return _check(text, scope or Scope(), "expression", expect)


def check_unary_tests(text: str, scope: Scope | None = None, input_type: FeelType = t.ANY) -> list[Diagnostic]:
    """Everything that is wrong with an input entry; never raises."""
    return _check(text, (scope or Scope()).extended({INPUT: input_type}), "unary_tests", None)


def _check(text: str, scope: Scope, start: str, expect: FeelType | None) -> list[Diagnostic]:
    try:
        checked = _checked(text, scope, start)
    except ParseError as error:
        return [error.diagnostic]
    return [*checked.diagnostics, *_unexpected(checked, text, expect)]


def _unexpected(checked: Checked, text: str, expect: FeelType | None) -> list[Diagnostic]:
    kind = checked.types[id(checked.tree)]
    if expect is None or t.may_be(kind, expect):
        return []
    span = checked.tree.span
    found = problem("feel.unexpected_type", text, span.start, span.end, expected=str(expect), type=str(kind))
    return [found]


def _checked(text: str, scope: Scope, start: str) -> Checked:
    tree = parse(text, scope) if start == "expression" else parse_unary_tests(text, scope)
    return check_tree(tree, text, scope)


@lru_cache(maxsize=_CACHED)
def _compiled(text: str, scope: Scope, start: str) -> Expression:
    try:
        checked = _checked(text, scope, start)
    except ParseError as error:
        raise DefinitionError([error.diagnostic]) from None
    return Expression(text, scope, checked)


def _finish(expression: Expression, expect: FeelType | None, strict: bool) -> Expression:
    if strict:
        problems = [*expression.diagnostics, *_unexpected(expression.checked, expression.text, expect)]
        errors = [one for one in problems if one.severity is Severity.ERROR]
        if errors:
            raise DefinitionError(errors)
    return expression
