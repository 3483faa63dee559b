"""Functions of lists (DMN 1.5 §10.3.4.4)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException, getcontext, setcontext
from functools import cmp_to_key
from typing import Any

from engines.feel.builtins.registry import builtin
from engines.feel.comparing import equal, order
from engines.feel.runtime import Runtime, apply
from engines.feel.values import DECIMAL128, DaysTime, Function, YearsMonths, type_name


@builtin("list contains(list: list, element: Any) -> boolean")
def list_contains(runtime: Runtime, list: list[Any], element: Any) -> bool:
    """Whether an item equals ``element``; null may be an item."""
    runtime.budget.charge(len(list))
    return any(equal(item, element, runtime.budget) is True for item in list)


@builtin("count(list: list) -> number")
def count(_runtime: Runtime, list: list[Any]) -> Decimal:
    """The number of items."""
    return Decimal(len(list))


def _best(runtime: Runtime, items: list[Any], wanted: int) -> Any:
    runtime.budget.charge(len(items))
    if not items:
        return runtime.fail("feel.empty_list")
    best = items[0]
    for item in items[1:] or items:
        placed = order(item, best)
        if placed is None:
            return runtime.fail("feel.not_comparable", left=type_name(item), right=type_name(best))
        if placed == wanted:
            best = item
    return best


@builtin("min(list: list<T>) -> T")
def minimum(runtime: Runtime, list: list[Any]) -> Any:
    """The smallest item of a list of comparable items; null for an empty list."""
    return _best(runtime, list, -1)


@builtin("min(c...: T) -> T")
def minimum_of(runtime: Runtime, *items: Any) -> Any:
    """The smallest argument."""
    return _best(runtime, [*items], -1)


@builtin("max(list: list<T>) -> T")
def maximum(runtime: Runtime, list: list[Any]) -> Any:
    """The greatest item of a list of comparable items; null for an empty list."""
    return _best(runtime, list, 1)


@builtin("max(c...: T) -> T")
def maximum_of(runtime: Runtime, *items: Any) -> Any:
    """The greatest argument."""
    return _best(runtime, [*items], 1)


def _numbers(runtime: Runtime, items: list[Any]) -> list[Decimal] | None:
    runtime.budget.charge(len(items))
    if not items:
        runtime.fail("feel.empty_list")
        return None
    if set(map(type, items)) == {Decimal}:
        return items
    wrong = next(item for item in items if type(item) is not Decimal)
    runtime.fail("feel.wrong_type", found=type_name(wrong), expected="number")
    return None


def _sum(items: list[Any]) -> Decimal:
    """Adds one by one, as ``+`` would; Python's own sum does it in C, with the thread's context."""
    before = getcontext()
    setcontext(DECIMAL128)
    try:
        total: Decimal = sum(items[1:], items[0])
        return total
    finally:
        setcontext(before)


def _calculated(runtime: Runtime, items: list[Any], rule: Callable[[list[Any]], Decimal]) -> Decimal | None:
    numbers = _numbers(runtime, items)
    if numbers is None:
        return None
    try:
        return rule(numbers)
    except DecimalException:
        runtime.fail("feel.number_out_of_range")
        return None


def _total(runtime: Runtime, items: list[Any]) -> Any:
    """Sums numbers, or durations of one kind."""
    kind = type(items[0]) if items else None
    if kind in (DaysTime, YearsMonths) and all(type(item) is kind for item in items):
        runtime.budget.charge(len(items))
        return DaysTime(sum(i.nanos for i in items)) if kind is DaysTime else YearsMonths(sum(i.months for i in items))
    return _calculated(runtime, items, _sum)


@builtin("sum(list: list<T>) -> T")
def total(runtime: Runtime, list: list[Any]) -> Any:
    """The sum of numbers, or of durations of one kind; null for an empty list or one with other items."""
    return _total(runtime, list)


@builtin("sum(n...: T) -> T")
def total_of(runtime: Runtime, *items: Any) -> Any:
    """The sum of the arguments."""
    return _total(runtime, [*items])


def _mean(items: list[Decimal]) -> Decimal:
    return DECIMAL128.divide(_sum(items), Decimal(len(items)))


@builtin("mean(list: list) -> number")
def mean(runtime: Runtime, list: list[Any]) -> Decimal | None:
    """The arithmetic mean of numbers; null for an empty list."""
    return _calculated(runtime, list, _mean)


@builtin("mean(n...: number) -> number")
def mean_of(runtime: Runtime, *items: Any) -> Decimal | None:
    """The arithmetic mean of the arguments."""
    return _calculated(runtime, [*items], _mean)


def _product(items: list[Decimal]) -> Decimal:
    result = items[0]
    for item in items[1:]:
        result = DECIMAL128.multiply(result, item)
    return result


@builtin("product(list: list) -> number")
def product(runtime: Runtime, list: list[Any]) -> Decimal | None:
    """The product of numbers; null for an empty list."""
    return _calculated(runtime, list, _product)


@builtin("product(n...: number) -> number")
def product_of(runtime: Runtime, *items: Any) -> Decimal | None:
    """The product of the arguments."""
    return _calculated(runtime, [*items], _product)


def _median(items: list[Decimal]) -> Decimal:
    ordered = sorted(items)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return DECIMAL128.divide(DECIMAL128.add(ordered[middle - 1], ordered[middle]), Decimal(2))


@builtin("median(list: list) -> number")
def median(runtime: Runtime, list: list[Any]) -> Decimal | None:
    """The number in the middle of the sorted list, or the mean of the two there; null for an empty list."""
    return _calculated(runtime, list, _median)


@builtin("median(n...: number) -> number")
def median_of(runtime: Runtime, *items: Any) -> Decimal | None:
    """The median of the arguments."""
    return _calculated(runtime, [*items], _median)


def _deviation(items: list[Decimal]) -> Decimal:
    middle = _mean(items)
    squares = [DECIMAL128.power(DECIMAL128.subtract(item, middle), Decimal(2)) for item in items]
    return DECIMAL128.sqrt(DECIMAL128.divide(_sum(squares), Decimal(len(items) - 1)))


def _stddev(runtime: Runtime, items: list[Any]) -> Decimal | None:
    if len(items) < 2:
        runtime.fail("feel.too_few_items", expected="2")
        return None
    return _calculated(runtime, items, _deviation)


@builtin("stddev(list: list) -> number")
def stddev(runtime: Runtime, list: list[Any]) -> Decimal | None:
    """The sample standard deviation; null for fewer than two numbers."""
    return _stddev(runtime, list)


@builtin("stddev(n...: number) -> number")
def stddev_of(runtime: Runtime, *items: Any) -> Decimal | None:
    """The sample standard deviation of the arguments."""
    return _stddev(runtime, [*items])


def _mode(runtime: Runtime, items: list[Any]) -> list[Any] | None:
    if not items:
        return []
    numbers = _numbers(runtime, items)
    if numbers is None:
        return None
    counts: dict[Decimal, int] = {}
    for number in numbers:
        counts[number] = counts.get(number, 0) + 1
    most = max(counts.values())
    return sorted(number for number, times in counts.items() if times == most)


@builtin("mode(list: list) -> list<number>")
def mode(runtime: Runtime, list: list[Any]) -> list[Any] | None:
    """The numbers that occur most often, ascending; empty for an empty list."""
    return _mode(runtime, list)


@builtin("mode(n...: number) -> list<number>")
def mode_of(runtime: Runtime, *items: Any) -> list[Any] | None:
    """The mode of the arguments."""
    return _mode(runtime, [*items])


def _position(runtime: Runtime, items: list[Any], position: Decimal, extra: int = 0) -> int | None:
    """The Python index of a FEEL position: from 1, or from the end when negative."""
    place = int(position)
    if place != position or place == 0 or place > len(items) + extra or place < -len(items):
        runtime.fail("feel.no_such_item", index=str(position), length=len(items))
        return None
    return place - 1 if place > 0 else len(items) + place


@builtin("sublist(list: list<T>, start position: number, length?: number) -> list<T>")
def sublist(runtime: Runtime, list: list[Any], start_position: Decimal, length: Decimal | None = None) -> Any:
    """The items from a position, as many as ``length`` or to the end."""
    first = _position(runtime, list, start_position)
    if first is None:
        return None
    if length is not None and (length < 0 or first + length > len(list)):
        return runtime.fail("feel.no_such_item", index=str(length), length=len(list))
    runtime.budget.check_list(len(list))
    return list[first:] if length is None else list[first : first + int(length)]


@builtin("append(list: list, item...: Any) -> list")
def append(runtime: Runtime, list: list[Any], *items: Any) -> list[Any]:
    """The list with the items after its own."""
    runtime.budget.check_list(len(list) + len(items))
    return [*list, *items]


@builtin("concatenate(list...: list) -> list")
def concatenate(runtime: Runtime, *lists: list[Any]) -> list[Any]:
    """The items of all lists, one list after the other."""
    runtime.budget.check_list(sum(map(len, lists)))
    return [item for items in lists for item in items]


@builtin("insert before(list: list, position: number, newItem: Any) -> list")
def insert_before(runtime: Runtime, list: list[Any], position: Decimal, new_item: Any) -> Any:
    """The list with ``newItem`` before the item at ``position``."""
    place = _position(runtime, list, position)
    if place is None:
        return None
    runtime.budget.check_list(len(list) + 1)
    return [*list[:place], new_item, *list[place:]]


@builtin("remove(list: list<T>, position: number) -> list<T>")
def remove(runtime: Runtime, list: list[Any], position: Decimal) -> Any:
    """The list without the item at ``position``."""
    place = _position(runtime, list, position)
    if place is None:
        return None
    runtime.budget.check_list(len(list))
    return [*list[:place], *list[place + 1 :]]


@builtin("list replace(list: list, position: number, newItem: Any) -> list")
def list_replace(runtime: Runtime, list: list[Any], position: Decimal, new_item: Any) -> Any:
    """The list with ``newItem`` in the place of the item at ``position``."""
    place = _position(runtime, list, position)
    if place is None:
        return None
    runtime.budget.check_list(len(list))
    return [*list[:place], new_item, *list[place + 1 :]]


@builtin("list replace(list: list, match: function, newItem: Any) -> list")
def list_replace_matching(runtime: Runtime, list: list[Any], match: Function, new_item: Any) -> Any:
    """The list with ``newItem`` in the place of every item for which ``match(item, newItem)`` is true."""
    runtime.budget.check_list(len(list))
    if match.arity not in (None, 2):
        return runtime.fail("feel.wrong_argument_count", found=2, expected=match.arity)
    span = runtime.span
    found = [apply(runtime, span, match, item, new_item) for item in list]
    if any(answer is not True and answer is not False for answer in found):
        return runtime.fail("feel.wrong_type", span, found="other values", expected="boolean")
    return [new_item if answer else item for item, answer in zip(list, found, strict=True)]


@builtin("reverse(list: list<T>) -> list<T>")
def reverse(runtime: Runtime, list: list[Any]) -> list[Any]:
    """The items in the opposite order."""
    runtime.budget.check_list(len(list))
    return list[::-1]


@builtin("index of(list: list, match: Any) -> list<number>")
def index_of(runtime: Runtime, list: list[Any], match: Any) -> list[Decimal]:
    """The positions, ascending from 1, of the items that equal ``match``."""
    runtime.budget.check_list(len(list))
    return [Decimal(place) for place, item in enumerate(list, 1) if equal(item, match, runtime.budget) is True]


def distinct(runtime: Runtime, items: list[Any]) -> list[Any]:
    """``items`` without those that equal an earlier one."""
    runtime.budget.check_list(len(items))
    seen: set[Any] = set()
    others: list[Any] = []
    result: list[Any] = []
    for item in items:
        if type(item) in (Decimal, str, bool, type(None)):
            key = (type(item), item)
            if key in seen:
                continue
            seen.add(key)
        else:
            runtime.budget.charge(len(others) + 1)
            if any(equal(item, other, runtime.budget) is True for other in others):
                continue
            others.append(item)
        result.append(item)
    return result


@builtin("distinct values(list: list<T>) -> list<T>")
def distinct_values(runtime: Runtime, list: list[Any]) -> list[Any]:
    """The list without repetitions, in the order of first occurrence."""
    return distinct(runtime, list)


@builtin("union(list...: list) -> list")
def union(runtime: Runtime, *lists: list[Any]) -> list[Any]:
    """The items of all lists without repetitions."""
    return distinct(runtime, [item for items in lists for item in items])


def _flat(runtime: Runtime, nested: list[Any]) -> list[Any]:
    result: list[Any] = []
    stack = [iter(nested)]
    while stack:
        for item in stack[-1]:
            runtime.budget.charge(1)
            if type(item) is list:
                stack.append(iter(item))
                break
            result.append(item)
        else:
            stack.pop()
    runtime.budget.check_list(len(result))
    return result


@builtin("flatten(list: list) -> list")
def flatten(runtime: Runtime, list: list[Any]) -> list[Any]:
    """The items of nested lists in one list."""
    return _flat(runtime, list)


@builtin("sort(list: list<T>, precedes?: function) -> list<T>")
def sort(runtime: Runtime, list: list[Any], precedes: Function | None = None) -> Any:
    """The sorted list; ``precedes(x, y)`` says whether x comes before y, without it the natural order holds."""
    runtime.budget.check_list(len(list))
    span = runtime.span
    if precedes is not None and precedes.arity not in (None, 2):
        return runtime.fail("feel.wrong_argument_count", found=2, expected=precedes.arity)

    def placed(left: Any, right: Any) -> int:
        runtime.budget.charge(1)
        if precedes is None:
            return _natural(left, right)
        if apply(runtime, span, precedes, left, right) is True:
            return -1
        return 1 if apply(runtime, span, precedes, right, left) is True else 0

    try:
        return sorted(list, key=cmp_to_key(placed))
    except _NoOrderError as error:
        return runtime.fail("feel.not_comparable", span, left=error.left, right=error.right)


class _NoOrderError(Exception):
    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = type_name(left), type_name(right)
        super().__init__()


def _natural(left: Any, right: Any) -> int:
    found = order(left, right)
    if found is None:
        raise _NoOrderError(left, right)
    return found
