"""The syntax tree: frozen values, each with the span of source text that it covers (DMN 1.5 §10.3.1.2).

Chains of operators of one level are one flat node, so that a long sum is no deep tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Character offsets in the expression text, the end excluded."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes."""

    span: Span


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, string, boolean, null or ``@"…"``; ``text`` is how it was written."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name; white space within it is one space."""

    name: str


@dataclass(frozen=True, slots=True)
class Group(Node):
    """An expression in parentheses."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Path(Node):
    """``source.name``; ``name_span`` covers the name alone."""

    source: Node
    name: str
    name_span: Span


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """``source[condition]``."""

    source: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function invocation; ``names`` is empty for positional arguments, else as long as ``arguments``."""

    function: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """``- operand``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``first op1 a op2 b …``, all operators of one precedence level, applied from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """``left op right``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between(Node):
    """``value between low and high``."""

    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """``value in test`` or ``value in (test, test …)``."""

    value: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class TypeNode(Node):
    """A type as written: its name and, for list, range, context and function, what they hold."""

    name: str
    parts: tuple[TypeNode, ...] = ()
    names: tuple[str, ...] = ()
    result: TypeNode | None = None


@dataclass(frozen=True, slots=True)
class InstanceOf(Node):
    """``value instance of type``."""

    value: Node
    type: TypeNode


@dataclass(frozen=True, slots=True)
class And(Node):
    """``a and b and …``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """``a or b or …``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    """``if … then … else …``; a chain of else-ifs is one node."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Iterator(Node):
    """``name in domain`` or, with ``end``, ``name in domain..end``."""

    name: str
    domain: Node
    end: Node | None


@dataclass(frozen=True, slots=True)
class For(Node):
    """``for iterators return body``."""

    iterators: tuple[Iterator, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """``some|every iterators satisfies condition``."""

    every: bool
    iterators: tuple[Iterator, ...]
    condition: Node


@dataclass(frozen=True, slots=True)
class FunctionLiteral(Node):
    """``function(parameters) body``; the type of a parameter may be left out."""

    parameters: tuple[tuple[str, TypeNode | None], ...]
    body: Node
    external: bool


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """``[items]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """``key: value`` of a context; ``text`` is the key as written, ``key`` what it means."""

    key: str
    text: str
    value: Node


@dataclass(frozen=True, slots=True)
class ContextLiteral(Node):
    """``{entries}``."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class RangeLiteral(Node):
    """``[low..high]`` with the brackets as written."""

    opening: str
    low: Node
    high: Node
    closing: str

    @property
    def start_included(self) -> bool:
        """Whether the low endpoint belongs to the range."""
        return self.opening == "["

    @property
    def end_included(self) -> bool:
        """Whether the high endpoint belongs to the range."""
        return self.closing == "]"


@dataclass(frozen=True, slots=True)
class Test(Node):
    """``op endpoint``: a unary test, or in parentheses a range."""

    operator: str
    endpoint: Node


@dataclass(frozen=True, slots=True)
class UnaryTests(Node):
    """A decision table's input entry; no tests at all is ``-``, which every input satisfies."""

    tests: tuple[Node, ...]
    negated: bool
