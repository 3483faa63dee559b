"""What generated code runs on: one ``Runtime`` an evaluation, and the operators' meaning beyond the fast paths.

An operation that has no value gives null and records the failure behind it (DMN 1.5 §10.3.2.13, error handling).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from engines.core.errors import BudgetExceeded
from engines.feel import types as t
from engines.feel.budget import Budget
from engines.feel.comparing import equal, identity, is_identity, order
from engines.feel.conforming import coerce
from engines.feel.convert import native
from engines.feel.nodes import Span
from engines.feel.values import Date, DateTime, Function, Range, type_name

MAX_FAILURES = 100
NOWHERE = Span(0, 0)


class Failure(NamedTuple):
    """Why an operation gave null."""

    # Stable dotted code; its text stands in the catalogue.
    code: str
    # Where in the expression's text.
    span: Span
    # What the text needs.
    params: Mapping[str, Any]


class Runtime:
    """One evaluation: its failures, its budget, the instant and zone of the command."""

    __slots__ = ("_failures", "budget", "calls", "functions", "has_failures", "now", "span", "zone")

    def __init__(
        self,
        budget: Budget,
        now: datetime | None,
        zone: ZoneInfo | None,
        functions: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.budget = budget
        self.now = now
        self.zone = zone
        self.functions = functions
        self._failures: list[Failure] = []
        self.has_failures = False
        self.span = NOWHERE
        self.calls = 0

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed so far, in order."""
        return tuple(self._failures)

    def fail(self, code: str, span: Span | None = None, **params: Any) -> Any:
        """Records a failure at ``span`` (else where the current function is called) and gives null."""
        self.has_failures = True
        if len(self._failures) < MAX_FAILURES:
            self._failures.append(Failure(code, self.span if span is None else span, params))
        return None

    def charge(self, steps: int) -> None:
        """Takes ``steps`` off the budget."""
        self.budget.charge(steps)

    def native(self, value: Any) -> Any:
        """A variable's value as FEEL holds it."""
        return native(value, self)

    def snapshot(self, partial: list[Any]) -> list[Any]:
        """A copy of the results so far of a loop."""
        self.budget.check_list(len(partial))
        return partial[:]

    def made(self, result: list[Any]) -> list[Any]:
        """Charges a list that was made."""
        self.budget.check_list(len(result))
        return result

    def variable(self, variables: Mapping[str, Any], name: str) -> Any:
        """A variable, else a function of the evaluation context."""
        value = variables.get(name)
        return self.functions.get(name) if value is None else value


def as_type(runtime: Runtime, span: Span, value: Any, kind: type, expected: str) -> Any:
    """A variable's value made native; null with a failure where it is not of its declared type."""
    if value is None:
        return None
    if type(value) is int and kind is Decimal:
        return Decimal(value)
    value = native(value, runtime)
    if type(value) is kind:
        return value
    if kind is Date and type(value) is DateTime:
        return value.date
    return runtime.fail("feel.wrong_type", span, found=type_name(value), expected=expected)


def truth(runtime: Runtime, span: Span, value: Any) -> bool | None:
    """The value as an operand of and, or and not: null unless it is a boolean."""
    if value is True or value is False or value is None:
        return value
    runtime.fail("feel.wrong_type", span, found=type_name(value), expected="boolean")
    return None


def get(runtime: Runtime, span: Span, source: Any, name: str) -> Any:
    """``source.name``; of a list the list of its items' (DMN 1.5 §10.3.2.5 and Table 53)."""
    if type(source) is list:
        runtime.budget.check_list(len(source))
        return [get(runtime, span, item, name) for item in source]
    if isinstance(source, Mapping):
        if name in source:
            return source[name]
        return runtime.fail("feel.no_such_entry", span, name=name)
    if source is None:
        return runtime.fail("feel.null_path", span, name=name)
    source = native(source, runtime)
    if type(source) in (list, dict):
        return get(runtime, span, source, name)
    reader = _PROPERTIES.get((type(source), name))
    if reader is None:
        return runtime.fail("feel.no_such_property", span, name=name, found=type_name(source))
    return reader(source)


def column(runtime: Runtime, span: Span, source: Any, name: str) -> Any:
    """``source.name`` of a list of records of one type; what a record lacks is null."""
    if type(source) is not list:
        return get(runtime, span, source, name)
    runtime.budget.check_list(len(source))
    return [item.get(name) if type(item) is dict else get(runtime, span, item, name) for item in source]


def typed_list(runtime: Runtime, span: Span, source: Any, kind: type, expected: str) -> Any:
    """A raw list whose items should be of one simple type."""
    if type(source) is not list:
        return native(source, runtime)
    runtime.budget.charge(len(source))
    return [
        item if type(item) is kind or item is None else as_type(runtime, span, item, kind, expected) for item in source
    ]


def as_list(runtime: Runtime, source: Any) -> Any:
    """A raw list as a list, its items as they are."""
    return source if type(source) is list else native(source, runtime)


def _load_properties() -> dict[tuple[type, str], Callable[[Any], Any]]:
    from engines.feel.properties import PROPERTIES

    return PROPERTIES


_PROPERTIES = _load_properties()


def items(runtime: Runtime, source: Any) -> list[Any]:
    """The source of a filter as a list: null is empty, a single value a list of one (DMN 1.5 §10.3.2.5)."""
    if type(source) is list:
        runtime.budget.charge(len(source))
        return source
    if source is None:
        return []
    if isinstance(source, (tuple, set, frozenset)):
        return items(runtime, list(source))
    return [source]


def at_index(runtime: Runtime, span: Span, source: list[Any], index: Any) -> Any:
    """The item at a position: from 1, or from the end when negative."""
    position = int(index)
    if position != index or position == 0 or abs(position) > len(source):
        return runtime.fail("feel.no_such_item", span, index=str(index), length=len(source))
    return source[position - 1 if position > 0 else position]


def filtered(runtime: Runtime, span: Span, source: list[Any], condition: Callable[[Any], Any]) -> Any:
    """A filter of which only running it tells whether it is a position or a condition."""
    if not source:
        index = condition(None)
        return at_index(runtime, span, source, index) if type(index) is Decimal else []
    first = condition(source[0])
    if type(first) is Decimal:
        return at_index(runtime, span, source, first)
    if first is not True and first is not False and first is not None:
        runtime.fail("feel.wrong_type", span, found=type_name(first), expected="boolean or number")
        return None
    return [source[0]] * (first is True) + [item for item in source[1:] if condition(item) is True]


def entry_or(item: Any, name: str, outer: Callable[[], Any]) -> Any:
    """Entry ``name`` of a filtered item where it is a context that has it, else the outer meaning of the name."""
    return item[name] if isinstance(item, Mapping) and name in item else outer()


def domain(runtime: Runtime, span: Span, value: Any) -> Iterable[Any]:
    """What an iterator runs over: a list, a range, or a single value."""
    if type(value) is list:
        return metered(runtime.budget, value)
    value = native(value, runtime)
    if type(value) is Range:
        return range_items(runtime, span, value)
    if value is None:
        raise NoDomainError
    return value if type(value) is list else [value]


def metered(budget: Budget, source: Sequence[Any], make: Callable[[Any], Any] | None = None) -> Iterable[Any]:
    """The items (``make`` of each), charged a few at a time so that the clock is looked at while a loop runs."""
    if len(source) <= _CHARGED_AT_ONCE:
        budget.charge(len(source))
        return source if make is None else map(make, source)
    return _metered_parts(budget, source, make)


def _metered_parts(budget: Budget, source: Sequence[Any], make: Callable[[Any], Any] | None) -> Iterable[Any]:
    for start in range(0, len(source), _CHARGED_AT_ONCE):
        part = source[start : start + _CHARGED_AT_ONCE]
        budget.charge(len(part))
        yield from part if make is None else map(make, part)


_CHARGED_AT_ONCE = 512


class NoDomainError(Exception):
    """An iterator has nothing to run over; the loop is null."""


def range_items(runtime: Runtime, span: Span, value: Range) -> Iterable[Any]:
    """The whole numbers or days of a range, without the endpoints that it leaves out."""
    if value.start is None or value.end is None:
        runtime.fail("feel.unbounded_range", span)
        raise NoDomainError
    found = list(steps(runtime, span, value.start, value.end))
    if found and not value.start_included:
        del found[0]
    if found and not value.end_included and equal(found[-1], value.end):
        del found[-1]
    return found


def steps(runtime: Runtime, span: Span, start: Any, end: Any) -> Iterable[Any]:
    """The items of ``start..end``, upwards or downwards (DMN 1.5 §10.3.2.14, for expression)."""
    from engines.feel.temporal import date_of_number, day_number

    if type(start) is Decimal and type(end) is Decimal and start == int(start) and end == int(end):
        first, last = int(start), int(end)
        make: Callable[[int], Any] = Decimal
    elif type(start) is Date and type(end) is Date:
        first, last, make = day_number(start), day_number(end), date_of_number
    else:
        if start is not None and end is not None:
            runtime.fail("feel.bad_range", span, start=type_name(start), end=type_name(end))
        raise NoDomainError
    runtime.budget.check_range(abs(last - first) + 1)
    direction = 1 if last >= first else -1
    return metered(runtime.budget, range(first, last + direction, direction), make)


def compare(runtime: Runtime, span: Span, operator: str, left: Any, right: Any) -> bool | None:
    """``left operator right`` for all six operators and all types; null where there is no answer."""
    if operator in ("=", "!="):
        same = equal(left, right, runtime.budget)
        if same is None:
            runtime.fail("feel.not_comparable", span, left=type_name(left), right=type_name(right))
            return None
        return same is (operator == "=")
    placed = order(left, right)
    if placed is None:
        if left is None or right is None:
            null_operand(runtime, span)
            return None
        runtime.fail("feel.not_comparable", span, left=type_name(left), right=type_name(right))
        return None
    return _PLACED[operator](placed)


_PLACED: dict[str, Callable[[int], bool]] = {
    "<": lambda placed: placed < 0,
    "<=": lambda placed: placed <= 0,
    ">": lambda placed: placed > 0,
    ">=": lambda placed: placed >= 0,
}


def null_operand(runtime: Runtime, span: Span) -> None:
    """A comparison with null: null."""
    runtime.fail("feel.null_comparison", span)


def compare_identity(runtime: Runtime, span: Span, operator: str, left: Any, right: Any) -> bool | None:
    """``=`` and ``!=`` of people, departments and records, by id; raw values, converted only where that is no use."""
    if is_identity(left) and is_identity(right):
        return bool(identity(left) == identity(right)) is (operator == "=")
    if left is None or right is None:
        return (left is right) is (operator == "=")
    return compare(runtime, span, operator, native(left, runtime), native(right, runtime))


def unary_test(runtime: Runtime, span: Span, value: Any, test: Any) -> bool | None:
    """Whether an input satisfies a test that does not name it: a condition, or a value as after ``in``."""
    if type(test) is bool and type(value) is not bool:
        return test
    return satisfies(runtime, span, value, test)


def conjunction(*terms: bool | None) -> bool | None:
    """Three-valued and."""
    return False if False in terms else None if None in terms else True


def between(runtime: Runtime, span: Span, value: Any, low: Any, high: Any) -> bool | None:
    """``value between low and high``: both comparisons, three-valued."""
    return conjunction(compare(runtime, span, ">=", value, low), compare(runtime, span, "<=", value, high))


def in_range(runtime: Runtime, span: Span, value: Any, interval: Range) -> bool | None:
    """Whether a value lies in a range; null where it cannot be compared with an endpoint."""
    if interval.operator in ("=", "!="):
        return compare(runtime, span, interval.operator, value, interval.start)
    if interval.operator is None and (interval.start is None or interval.end is None):
        runtime.fail("feel.unbounded_range", span)
        return None
    low = (
        True if interval.start is None
        else compare(runtime, span, ">=" if interval.start_included else ">", value, interval.start)
    )  # fmt: skip
    high = (
        True if interval.end is None
        else compare(runtime, span, "<=" if interval.end_included else "<", value, interval.end)
    )  # fmt: skip
    return conjunction(low, high)


def satisfies(runtime: Runtime, span: Span, value: Any, test: Any) -> bool | None:
    """``value in test`` for a test that is a value: a range, a list of tests, or something equal (DMN 1.5 Table 55)."""
    kind = type(test)
    if kind is Range:
        return in_range(runtime, span, value, test)
    if kind is list:
        runtime.budget.charge(len(test))
        if type(value) is list and equal(value, test, runtime.budget) is True:
            return True
        return any_of(satisfies_item(runtime, span, value, item) for item in test)
    same = equal(value, test, runtime.budget)
    if same is None:
        runtime.fail("feel.not_comparable", span, left=type_name(value), right=type_name(test))
    return same


def satisfies_item(runtime: Runtime, span: Span, value: Any, item: Any) -> bool | None:
    """As ``satisfies`` for an item of a list: a list in there is a value, or a list of tests."""
    if type(item) is Range:
        return in_range(runtime, span, value, item)
    return equal(value, item, runtime.budget) is True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Three-valued or of many, stopping at the first true."""
    unknown = False
    for answer in answers:
        if answer is True:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def make_range(runtime: Runtime, span: Span, opening: str, low: Any, high: Any, closing: str) -> Range | None:
    """A range literal's value; null where its endpoints have no order between them."""
    if low is not None and high is not None and order(low, high) is None:
        runtime.fail("feel.bad_range", span, start=type_name(low), end=type_name(high))
        return None
    return Range(low, opening == "[", high, closing == "]")


def test_range(operator: str, endpoint: Any) -> Range:
    """The range that ``(op endpoint)`` means (DMN 1.5 §10.3.2.7)."""
    if operator in ("<", "<="):
        return Range(None, False, endpoint, operator == "<=", operator)
    if operator in (">", ">="):
        return Range(endpoint, operator == ">=", None, False, operator)
    return Range(endpoint, operator == "=", endpoint, operator == "=", operator)


# Functions


def invoke(runtime: Runtime, span: Span, function: Any, arguments: list[Any], names: tuple[str, ...] = ()) -> Any:
    """The result of calling a function value; null where it is none or the arguments do not fit."""
    if type(function) is not Function:
        function = native(function, runtime)
    if type(function) is not Function:
        return runtime.fail("feel.no_function", span, found=type_name(function))
    if names:
        if set(names) != set(function.names) or len(names) != len(function.names):
            return runtime.fail(
                "feel.wrong_parameters", span, found=", ".join(names), expected=", ".join(function.names)
            )
        arguments = [arguments[names.index(name)] for name in function.names]
    elif function.arity is not None and len(arguments) != function.arity:
        return runtime.fail("feel.wrong_argument_count", span, found=len(arguments), expected=function.arity)
    for index, wanted in enumerate(function.types):
        if wanted is not t.ANY:
            fits, arguments[index] = coerce(arguments[index], wanted, runtime.budget)
            if not fits:
                return runtime.fail(
                    "feel.wrong_argument",
                    span,
                    name=function.names[index],
                    expected=str(wanted),
                    found=type_name(arguments[index]),
                )
    return call(runtime, span, function, arguments)


def apply(runtime: Runtime, span: Span, function: Function, *arguments: Any) -> Any:
    """The result for arguments whose number is right, made to conform to the types that the function declares."""
    if any(kind is not t.ANY for kind in function.types):
        return invoke(runtime, span, function, [*arguments])
    return call(runtime, span, function, [*arguments])


def call(runtime: Runtime, span: Span, function: Function, arguments: list[Any]) -> Any:
    """Calls with arguments that fit, one level deeper."""
    runtime.budget.charge(1)
    runtime.calls += 1
    if runtime.calls > runtime.budget.depth:
        raise BudgetExceeded("nested calls", runtime.budget.depth)
    try:
        runtime.span = span
        return function.call(runtime, *arguments)
    finally:
        runtime.calls -= 1
