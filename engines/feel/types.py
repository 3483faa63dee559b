"""FEEL's types as the checker, the code generators and the engines see them (DMN 1.5 §10.3.2.9 and §10.3.1.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


class FeelType:
    """Base of all types. Types are immutable and hashable; compare them with ``==``."""

    __slots__ = ()

    @property
    def is_any(self) -> bool:
        """Whether nothing is known about the value."""
        return self is ANY


@dataclass(frozen=True, slots=True)
class SimpleType(FeelType):
    """A type without parts; use the constants below."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListType(FeelType):
    """Lists whose items have type ``element``."""

    element: FeelType

    def __str__(self) -> str:
        return f"list<{self.element}>"


@dataclass(frozen=True, slots=True)
class RangeType(FeelType):
    """Ranges between endpoints of type ``element``."""

    element: FeelType

    def __str__(self) -> str:
        return f"range<{self.element}>"


@dataclass(frozen=True, slots=True)
class FunctionType(FeelType):
    """Functions; ``names`` are the parameter names where they are known, else empty."""

    parameters: tuple[FeelType, ...]
    result: FeelType
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self == FUNCTION:
            return "function"
        return f"function<{', '.join(map(str, self.parameters))}> -> {self.result}"


class ContextType(FeelType):
    """Contexts with typed entries.

    ``fields`` maps entry names to types, or is a function that gives the map when it is first needed, so that
    records may refer to each other in circles; such a type needs a ``name`` and equals another by identity.
    Names of lazily given entries must be single words. ``open`` types may hold further entries, of any type.
    """

    __slots__ = ("__dict__", "_fields", "name", "open")

    def __init__(
        self,
        fields: Mapping[str, FeelType] | Callable[[], Mapping[str, FeelType]],
        name: str = "",
        *,
        open: bool = False,
    ) -> None:
        self._fields = fields
        self.name = name
        self.open = open

    @cached_property
    def fields(self) -> Mapping[str, FeelType]:
        """Entry names and their types."""
        return self._fields() if callable(self._fields) else dict(self._fields)

    @property
    def is_lazy(self) -> bool:
        """Whether the entries are given by a function (and may form circles)."""
        return callable(self._fields)

    def get(self, name: str) -> FeelType | None:
        """The type of entry ``name``; ANY in open types, None where there is no such entry."""
        found = self.fields.get(name)
        return ANY if found is None and self.open else found

    @cached_property
    def _key(self) -> object:
        return id(self) if self.is_lazy else (self.open, frozenset(self.fields.items()))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ContextType) and self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        if self.name:
            return self.name
        return f"context<{', '.join(f'{name}: {kind}' for name, kind in self.fields.items())}>"

    __repr__ = __str__


ANY = SimpleType("Any")
NULL = SimpleType("Null")
NUMBER = SimpleType("number")
STRING = SimpleType("string")
BOOLEAN = SimpleType("boolean")
DATE = SimpleType("date")
TIME = SimpleType("time")
DATE_TIME = SimpleType("date and time")
DAYS_TIME = SimpleType("days and time duration")
YEARS_MONTHS = SimpleType("years and months duration")
# An opaque identifier (a UUID in Python): only equality, and string() of it.
IDENTIFIER = SimpleType("identifier")
CONTEXT = ContextType({}, "context", open=True)
LIST = ListType(ANY)
# Any function, whatever it takes; its one name is none that a parameter can have.
FUNCTION = FunctionType((), ANY, ("…",))

BY_NAME: Mapping[str, FeelType] = {
    kind.name: kind
    for kind in (ANY, NULL, NUMBER, STRING, BOOLEAN, DATE, TIME, DATE_TIME, DAYS_TIME, YEARS_MONTHS, IDENTIFIER)
} | {
    "list": LIST,
    "context": CONTEXT,
    "function": FUNCTION,
    "dateTime": DATE_TIME,
    "dayTimeDuration": DAYS_TIME,
    "yearMonthDuration": YEARS_MONTHS,
}

ORDERED = frozenset({NUMBER, STRING, DATE, TIME, DATE_TIME, DAYS_TIME, YEARS_MONTHS})


def element_of(kind: FeelType) -> FeelType:
    """The type of the items when ``kind`` is taken as a list; a single value is a list of one."""
    return kind.element if isinstance(kind, ListType) else kind


def common_type(kinds: Iterator[FeelType] | tuple[FeelType, ...] | list[FeelType]) -> FeelType:
    """The narrowest type that all of ``kinds`` conform to; null conforms to every type."""
    result: FeelType = NULL
    for kind in kinds:
        result = _join(result, kind)
    return result


def _join(left: FeelType, right: FeelType) -> FeelType:
    if left == right or right is NULL:
        return left
    if left is NULL:
        return right
    match left, right:
        case ListType(), ListType():
            return ListType(_join(left.element, right.element))
        case RangeType(), RangeType():
            return RangeType(_join(left.element, right.element))
        case ContextType(), ContextType() if not (left.is_lazy or right.is_lazy):
            names = [name for name in left.fields if name in right.fields]
            return ContextType({name: _join(left.fields[name], right.fields[name]) for name in names}, open=True)
    return ANY


def conforms(kind: FeelType, to: FeelType) -> bool:
    """Whether every value of ``kind`` is one of ``to`` (DMN 1.5 §10.3.2.9.2 Type conformance)."""
    return _conforms(kind, to, set())


def _conforms(kind: FeelType, to: FeelType, asked: set[tuple[int, int]]) -> bool:
    """``asked``: pairs of contexts taken to conform, as records may refer to each other in a circle; one that does
    not is found where it was asked first.
    """
    if kind == to or to is ANY or kind is NULL:
        return True
    match kind, to:
        case ListType(), ListType():
            return _conforms(kind.element, to.element, asked)
        case RangeType(), RangeType():
            return _conforms(kind.element, to.element, asked)
        case ContextType(), ContextType():
            if (id(kind), id(to)) in asked:
                return True
            asked.add((id(kind), id(to)))
            return all(
                (mine := kind.get(name)) is not None and _conforms(mine, theirs, asked)
                for name, theirs in to.fields.items()
            )
        case FunctionType(), FunctionType():
            return _function_conforms(kind, to)
    return False


def _function_conforms(kind: FunctionType, to: FunctionType) -> bool:
    if to == FUNCTION:
        return True
    same_length = len(kind.parameters) == len(to.parameters)
    accepted = all(conforms(theirs, mine) for mine, theirs in zip(kind.parameters, to.parameters, strict=False))
    return same_length and accepted and conforms(kind.result, to.result)


def may_be(kind: FeelType, *wanted: FeelType) -> bool:
    """Whether a value of ``kind`` can be of one of the ``wanted`` types as far as is known."""
    return kind is ANY or kind is NULL or any(conforms(kind, to) or conforms(to, kind) for to in wanted)
