"""Reading the text of a range for ``range(from)`` (DMN 1.5 §10.3.4.1): endpoints are literals."""

from __future__ import annotations

from typing import Any

from engines.feel import nodes as n
from engines.feel import temporal
from engines.feel.nodes import Node
from engines.feel.parser import ParseError, parse
from engines.feel.scope import Scope
from engines.feel.values import DECIMAL128, Range

MAX_LENGTH = 1_000
_NOTHING = Scope()
_PARSERS = {
    "date": temporal.parse_date,
    "time": temporal.parse_time,
    "date and time": temporal.parse_date_time,
    "duration": temporal.parse_duration,
}


class _NoLiteralError(Exception):
    pass


def parse_range(text: str) -> Range | None:
    """The range that ``text`` writes; None where it writes none, or one without two literal endpoints."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        tree = parse(text, _NOTHING)
        if not isinstance(tree, n.RangeLiteral):
            return None
        low, high = _literal(tree.low), _literal(tree.high)
    except (ParseError, _NoLiteralError):
        return None
    if low is None and high is None:
        return None
    return Range(low, tree.start_included, high, tree.end_included)


def _literal(node: Node) -> Any:
    match node:
        case n.Literal() if node.value is not None or node.text == "null":
            return node.value
        case n.Negation(operand=n.Literal(value=value)) if type(value).__name__ == "Decimal":
            return DECIMAL128.minus(value)
        case n.Call(function=n.Name(name=name), arguments=(n.Literal(value=str(text)),)) if name in _PARSERS:
            return _PARSERS[name](text)
    raise _NoLiteralError
