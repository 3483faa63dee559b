"""The values of literals in an expression's tree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n

# Stands for "no constant": null is one.
NOTHING: Final = object()
_MAKERS: Final = frozenset({"date", "time", "date and time", "duration"})


def constant_of(node: n.Node) -> Any:
    """The value of a literal, with its sign, or of ``date("…")`` and its like; ``NOTHING`` for anything else."""
    match node:
        case n.Literal():
            return node.value
        case n.Negation():
            value = constant_of(node.operand)
            return -value if type(value) is Decimal else NOTHING
        case n.Group():
            return constant_of(node.inner)
        case n.Call(function=n.Name(name=name), arguments=(n.Literal() as text,)):
            return _evaluated(node) if name in _MAKERS and isinstance(text.value, str) else NOTHING
    return NOTHING


def _evaluated(node: n.Node) -> Any:
    value = feel.compile(feel.to_feel(node), feel.Scope(), strict=False).evaluate({}).value
    return value if value is not None else NOTHING
