"""A syntax tree back to text: ``print(parse(x))`` is ``x`` up to spacing and comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engines.feel import nodes as n
from engines.feel.nodes import Node


def to_feel(node: Node) -> str:
    """The expression as FEEL text."""
    return _PRINTERS[type(node)](node)


def _many(nodes: tuple[Node, ...]) -> str:
    return ", ".join(map(to_feel, nodes))


def _call(node: n.Call) -> str:
    if not node.names:
        return f"{to_feel(node.function)}({_many(node.arguments)})"
    named = (f"{name}: {to_feel(value)}" for name, value in zip(node.names, node.arguments, strict=True))
    return f"{to_feel(node.function)}({', '.join(named)})"


def _arithmetic(node: n.Arithmetic) -> str:
    return to_feel(node.first) + "".join(f" {operator} {to_feel(operand)}" for operator, operand in node.rest)


def _in(node: n.In) -> str:
    tests = _many(node.tests) if len(node.tests) == 1 else f"({_many(node.tests)})"
    return f"{to_feel(node.value)} in {tests}"


def _type(node: n.TypeNode) -> str:
    text = node.name
    if node.names:
        inner = (f"{name}: {_type(part)}" for name, part in zip(node.names, node.parts, strict=True))
        text += f"<{', '.join(inner)}>"
    elif node.parts:
        text += f"<{', '.join(map(_type, node.parts))}>"
    elif node.result is not None:
        text += "<>"
    return text if node.result is None else f"{text}->{_type(node.result)}"


def _if(node: n.If) -> str:
    head = " else ".join(f"if {to_feel(condition)} then {to_feel(then)}" for condition, then in node.branches)
    return f"{head} else {to_feel(node.otherwise)}"


def _iterators(iterators: tuple[n.Iterator, ...]) -> str:
    return ", ".join(
        f"{one.name} in {to_feel(one.domain)}" + (f"..{to_feel(one.end)}" if one.end else "") for one in iterators
    )


def _function(node: n.FunctionLiteral) -> str:
    parameters = ", ".join(name if kind is None else f"{name}: {_type(kind)}" for name, kind in node.parameters)
    return f"function({parameters}) {'external ' if node.external else ''}{to_feel(node.body)}"


def _unary_tests(node: n.UnaryTests) -> str:
    if not node.tests:
        return "-"
    return f"not({_many(node.tests)})" if node.negated else _many(node.tests)


_PRINTERS: dict[type[Node], Callable[[Any], str]] = {
    n.Literal: lambda node: node.text,
    n.Name: lambda node: node.name,
    n.Group: lambda node: f"({to_feel(node.inner)})",
    n.Path: lambda node: f"{to_feel(node.source)}.{node.name}",
    n.Filter: lambda node: f"{to_feel(node.source)}[{to_feel(node.condition)}]",
    n.Call: _call,
    n.Negation: lambda node: f"-{to_feel(node.operand)}",
    n.Arithmetic: _arithmetic,
    n.Comparison: lambda node: f"{to_feel(node.left)} {node.operator} {to_feel(node.right)}",
    n.Between: lambda node: f"{to_feel(node.value)} between {to_feel(node.low)} and {to_feel(node.high)}",
    n.In: _in,
    n.Test: lambda node: f"{node.operator} {to_feel(node.endpoint)}",
    n.TypeNode: _type,
    n.InstanceOf: lambda node: f"{to_feel(node.value)} instance of {_type(node.type)}",
    n.And: lambda node: " and ".join(map(to_feel, node.terms)),
    n.Or: lambda node: " or ".join(map(to_feel, node.terms)),
    n.If: _if,
    n.For: lambda node: f"for {_iterators(node.iterators)} return {to_feel(node.body)}",
    n.Quantified: lambda node: (
        f"{'every' if node.every else 'some'} {_iterators(node.iterators)} satisfies {to_feel(node.condition)}"
    ),
    n.FunctionLiteral: _function,
    n.ListLiteral: lambda node: f"[{_many(node.items)}]",
    n.Entry: lambda node: f"{node.text}: {to_feel(node.value)}",
    n.ContextLiteral: lambda node: f"{{{_many(node.entries)}}}",
    n.RangeLiteral: lambda node: f"{node.opening}{to_feel(node.low)}..{to_feel(node.high)}{node.closing}",
    n.UnaryTests: _unary_tests,
}
