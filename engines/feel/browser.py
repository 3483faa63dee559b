"""Which expressions the browser's FEEL (npm ``feelin``) evaluates as the server does.

``feelin`` calculates with binary floats and JavaScript's strings and regular expressions. What depends on that is left
to the server; ``tests/feel/cases/browser.json`` holds both to the same cases.
"""

from __future__ import annotations

from engines.feel import nodes as n
from engines.feel import types as t
from engines.feel.checker import identities
from engines.feel.expression import Expression
from engines.feel.nodes import Node
from engines.feel.parser import children, walk

_SERVER_FUNCTIONS = frozenset(
    "exp identifier is log matches mean median mode now range replace sort split sqrt stddev string today".split()
) | {"years and months duration", "context put", "context merge", "list replace", "period of"}
_ROUNDING = frozenset({"floor", "ceiling", "decimal", "round up", "round down", "round half up", "round half down"})
_CALCULATING = frozenset({"sum", "product", "modulo", "number"})


def runs_in_browser(expression: Expression) -> bool:
    """Whether the browser comes to the same value, a calculated number to 15 digits."""
    return all(_same(expression, node) for node in walk(expression.tree))


def _same(expression: Expression, node: Node) -> bool:
    match node:
        case n.FunctionLiteral() | n.InstanceOf():
            return False
        case n.Name():
            return expression.checked.bindings[id(node)].kind != "unknown"
        case n.Arithmetic():
            return all(operator not in ("/", "**") for operator, _ in node.rest)
        case n.Comparison() | n.Between() | n.In() | n.Test():
            return _compares_alike(expression, node)
        case n.Call():
            return _calls_alike(node)
    return True


def _compares_alike(expression: Expression, node: Node) -> bool:
    """No calculated numbers, no order of strings (UTF-16 against code points), no records."""
    kinds = [expression.checked.types.get(id(part), t.ANY) for part in children(node)]
    ordered = not (isinstance(node, n.Comparison) and node.operator in ("=", "!="))
    if (ordered and t.STRING in kinds and not isinstance(node, n.In)) or any(map(_is_record, kinds)):
        return False
    return not (len(kinds) > 1 and identities(kinds[0], kinds[1])) and not _calculates(node)


def _is_record(kind: t.FeelType) -> bool:
    return isinstance(kind, t.ContextType) or kind is t.IDENTIFIER


def _calls_alike(node: n.Call) -> bool:
    if not isinstance(node.function, n.Name):
        return False
    name = node.function.name
    return name not in _SERVER_FUNCTIONS and not (name in _ROUNDING and _calculates(node))


def _calculates(node: Node) -> bool:
    """Whether a part adds or multiplies numbers."""
    return any(
        isinstance(part, n.Arithmetic)
        or (isinstance(part, n.Call) and isinstance(part.function, n.Name) and part.function.name in _CALCULATING)
        for part in walk(node)
    )
