"""Which expressions the browser's FEEL (npm ``feelin``) evaluates as the server does.

``feelin`` calculates with binary floats and JavaScript's strings and regular expressions, and differs in many a null.
Only what is known to be the same is left to it; the tables in ``tests/feel/cases`` hold both to the same values.
"""

from __future__ import annotations

from decimal import Decimal

from engines.feel import nodes as n
from engines.feel import temporal
from engines.feel import types as t
from engines.feel.checked import identities
from engines.feel.expression import Expression
from engines.feel.nodes import Node
from engines.feel.parser import at_literal_value, children, walk
from engines.feel.values import DAY_NANOS, Date, DaysTime, YearsMonths

# Functions that come to the same for all arguments of the right types, by how many arguments they take there.
_SAME = {
    "not": {1}, "count": {1}, "sum": {1}, "product": {1}, "abs": {1}, "modulo": {2}, "odd": {1}, "even": {1},
    "string length": {1}, "upper case": {1}, "lower case": {1}, "contains": {2}, "starts with": {2}, "ends with": {2},
    "substring before": {2}, "substring after": {2}, "string join": {2}, "list contains": {2}, "index of": {2},
    "reverse": {1}, "flatten": {1}, "distinct values": {1}, "get value": {2}, "get entries": {1}, "all": {1},
    "any": {1}, "day of week": {1}, "day of year": {1}, "month of year": {1}, "week of year": {1},
}  # fmt: skip
_OF_NUMBERS = frozenset({"min", "max"})
_ROUNDING = {
    "floor": {1, 2}, "ceiling": {1, 2}, "decimal": {2}, "round up": {2}, "round down": {2}, "round half up": {2},
    "round half down": {2},
}  # fmt: skip
_CALCULATING = frozenset({"sum", "product", "modulo"})
_LITERALS = (Decimal, str, bool, type(None), Date, DaysTime, YearsMonths)
# Functions that compare items, and the types that the browser compares by value.
_LOOKING = frozenset({"list contains", "index of", "distinct values"})
_SIMPLE = frozenset({t.NUMBER, t.STRING, t.BOOLEAN})
_OF_LITERALS = frozenset({"date", "duration"})


def runs_in_browser(expression: Expression) -> bool:
    """Whether the browser comes to the same value, a calculated number to 15 digits."""
    return all(_same(expression, node) for node in walk(expression.tree))


def _same(expression: Expression, node: Node) -> bool:
    match node:
        case n.FunctionLiteral() | n.InstanceOf() | n.Quantified() | n.UnaryTests():
            return False
        case n.Literal():
            return _is_plain(node)
        case n.RangeLiteral():
            return _chooses(node)
        case n.ContextLiteral():
            return len({entry.key for entry in node.entries}) == len(node.entries)
        case n.Filter():
            return _filters_alike(expression, node)
        case n.Name():
            return expression.checked.bindings[id(node)].kind not in ("unknown", "partial")
        case n.Path():
            return _type(expression, node.source) in (t.DATE, t.ANY) or _holds_entries(_type(expression, node.source))
        case n.Negation():
            return _type(expression, node.operand) in (t.NUMBER, t.NULL)
        case n.Arithmetic():
            return _calculates_alike(expression, node)
        case n.If():
            return all(_type(expression, condition) in (t.BOOLEAN, t.ANY, t.NULL) for condition, _ in node.branches)
        case n.For():
            return all(_runs_over(expression, iterator) for iterator in node.iterators)
        case n.In():
            return all(_chooses(test) for test in node.tests) and _compares_alike(expression, node)
        case n.Comparison() | n.Between() | n.Test():
            return _compares_alike(expression, node)
        case n.Call():
            return _calls_alike(expression, node)
    return True


def _is_plain(node: n.Literal) -> bool:
    """A literal that both read alike."""
    if isinstance(node.value, Decimal):
        return "e" not in node.text.lower()
    if isinstance(node.value, Date | DaysTime | YearsMonths):
        return _is_usual(node.value)
    known = isinstance(node.value, _LITERALS) and (node.value is not None or node.text == "null")
    return known and "\\" not in node.text


def _calculates_alike(expression: Expression, node: n.Arithmetic) -> bool:
    """Numbers under + - *, texts under +, and dates moved by months or whole days that are written as such."""
    parts, operators = list(children(node)), {operator for operator, _ in node.rest}
    kinds = [_type(expression, part) for part in parts]
    if not operators <= {"+", "-", "*"}:
        return False
    if all(kind == t.STRING for kind in kinds):
        return operators == {"+"}
    if kinds[0] == t.DATE and len(parts) == 2:
        moved = _written(parts[1])
        whole = isinstance(moved, DaysTime) and moved.nanos % DAY_NANOS == 0
        return operators <= {"+", "-"} and (kinds[1] == t.DATE or whole or isinstance(moved, YearsMonths))
    return all(
        kind in (t.NUMBER, t.NULL) or (kind is t.ANY and isinstance(part, n.Name))
        for kind, part in zip(kinds, parts, strict=True)
    )


def _written(node: Node) -> object:
    """The duration that a literal or a call of duration() with a text writes."""
    match node:
        case n.Literal():
            return node.value
        case n.Call(function=n.Name(name="duration"), arguments=(n.Literal(value=str(text)),)):
            return temporal.parse_duration(text)
    return None


def _is_usual(value: object) -> bool:
    """A date or duration within what the browser's dates can hold."""
    match value:
        case Date():
            return 0 < value.year < 10_000
        case DaysTime():
            return abs(value.nanos) < 10**18 and value.nanos % 10**6 == 0
        case YearsMonths():
            return abs(value.months) < 120_000
    return False


def _filters_alike(expression: Expression, node: n.Filter) -> bool:
    """A list with a condition that does not ask for null, or with a position."""
    if not isinstance(_type(expression, node.source), t.ListType):
        return False
    asks = any(isinstance(part, n.Literal) and part.value is None for part in walk(node.condition))
    return not asks and _type(expression, node.condition) in (t.BOOLEAN, t.NUMBER)


def _type(expression: Expression, node: Node) -> t.FeelType:
    return expression.checked.types.get(id(node), t.ANY)


def _holds_entries(kind: t.FeelType) -> bool:
    return isinstance(t.element_of(kind), t.ContextType)


def _runs_over(expression: Expression, iterator: n.Iterator) -> bool:
    """A list, or numbers that are written as such."""
    if iterator.end is not None:
        return all(isinstance(end, n.Literal) and _is_whole(end.value) for end in (iterator.domain, iterator.end))
    return isinstance(_type(expression, iterator.domain), t.ListType)


def _is_whole(value: object) -> bool:
    return isinstance(value, Decimal) and value == value.to_integral_value()


def _chooses(test: Node) -> bool:
    """A test that is a value, a limit, or a range of numbers that holds some."""
    match test:
        case n.Group():
            return _chooses(test.inner)
        case n.Literal():
            return test.value is not None
        case n.Test():
            return isinstance(test.endpoint, n.Literal) and test.endpoint.value is not None
        case n.RangeLiteral(low=n.Literal(value=Decimal() as low), high=n.Literal(value=Decimal() as high)):
            return low <= high
    return False


def _compares_alike(expression: Expression, node: Node) -> bool:
    """No calculated numbers, no order of strings (UTF-16 against code points), no times, no records."""
    kinds = [_type(expression, part) for part in children(node)]
    ordered = not (isinstance(node, n.Comparison) and node.operator in ("=", "!="))
    if (ordered and t.STRING in kinds and not isinstance(node, n.In)) or any(map(_is_record, kinds)):
        return False
    if any(kind in (t.TIME, t.DATE_TIME) for kind in kinds):
        return False
    compared = kinds[:1] if isinstance(node, n.In) else kinds
    if any(isinstance(kind, t.RangeType) for kind in compared) or kinds.count(t.ANY) > 1:
        return False
    if not isinstance(node, n.In) and len({str(kind) for kind in kinds if kind not in (t.ANY, t.NULL)}) > 1:
        # Values of two kinds are null here; the browser may convert one. A text and a number it does not.
        return set(kinds) <= {t.NUMBER, t.STRING, t.BOOLEAN, t.NULL, t.ANY}
    if isinstance(node, n.Between) and not _chooses(n.RangeLiteral(node.span, "[", node.low, node.high, "]")):
        return False
    return not (len(kinds) > 1 and identities(kinds[0], kinds[1])) and not _calculates(node)


def _is_record(kind: t.FeelType) -> bool:
    return isinstance(kind, t.ContextType) or kind is t.IDENTIFIER


def _calls_alike(expression: Expression, node: n.Call) -> bool:
    if not isinstance(node.function, n.Name) or node.names:
        return False
    name, count = node.function.name, len(node.arguments)
    if name in _OF_LITERALS:
        return count == 1 and _is_valid_text(expression, node)
    if name in _OF_NUMBERS:
        return all(t.element_of(_type(expression, argument)) == t.NUMBER for argument in node.arguments)
    if name in _LOOKING and not all(t.element_of(_type(expression, a)) in _SIMPLE for a in node.arguments):
        return False
    if name in _ROUNDING:
        return count in _ROUNDING[name] and not _calculates(node)
    if name == "get value" and count == 2 and _type(expression, node.arguments[1]) != t.STRING:
        return False
    return count in _SAME.get(name, ())


def _is_valid_text(expression: Expression, node: n.Call) -> bool:
    """Whether the only argument is a text that means something, written as both read it."""
    argument = node.arguments[0]
    if not isinstance(argument, n.Literal) or not isinstance(argument.value, str):
        return _type(expression, argument) == t.DATE
    return "." not in argument.value and _is_usual(at_literal_value(argument.value))


def _calculates(node: Node) -> bool:
    """Whether a part adds or multiplies numbers."""
    return any(
        isinstance(part, n.Arithmetic)
        or (isinstance(part, n.Call) and isinstance(part.function, n.Name) and part.function.name in _CALCULATING)
        for part in walk(node)
    )
