"""Static check: what every name means, the type of every part, and all that is wrong with an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines.core.diagnostics import Diagnostic, did_you_mean
from engines.feel import nodes as n
from engines.feel import types as t
from engines.feel.builtins.registry import BUILTINS, Builtin, Overload
from engines.feel.checked import Binding, Checked, Frame, identities
from engines.feel.lexer import problem
from engines.feel.nodes import Node, Span
from engines.feel.operators import RESULT_TYPES
from engines.feel.overloads import fits, is_certain, result_type
from engines.feel.properties import property_type
from engines.feel.scope import Scope
from engines.feel.types import FeelType

MAX_DIAGNOSTICS = 20
VOLATILE = frozenset({"now", "today"})


def check_tree(tree: Node, text: str, scope: Scope) -> Checked:
    """The tree with types and meanings, and everything that is wrong with it."""
    return _Checker(text, scope).run(tree)


class _Checker:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.types: dict[int, FeelType] = {}
        self.bindings: dict[int, Binding] = {}
        self.declared: dict[int, list[Binding]] = {}
        self.origins: dict[int, tuple[str, ...] | None] = {}
        self.direct: dict[int, Overload] = {}
        self.raw: set[int] = set()
        self.reads: set[tuple[str, ...]] = set()
        self.diagnostics: list[Diagnostic] = []
        self.volatile = False
        self.frames: list[Frame] = []
        self.counter = 0

    def run(self, tree: Node) -> Checked:
        self.infer(tree)
        return Checked(
            tree,
            self.types,
            self.bindings,
            self.declared,
            self.direct,
            self.raw,
            frozenset(self.reads),
            self.volatile,
            self.diagnostics,
            self.lookup("?"),
        )

    # Helpers

    def report(self, code: str, span: Span, *, names: Sequence[str] = (), **more: str) -> None:
        """Adds a diagnostic; of ``names`` it shows some, and the closest to what was written."""
        if len(self.diagnostics) < MAX_DIAGNOSTICS:
            if names:
                found = self.text[span.start : span.end]
                more |= {"expected": _some(names), "hint": did_you_mean(found, list(dict.fromkeys(names)))}
            self.diagnostics.append(problem(code, self.text, span.start, span.end, **more))

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    def infer(self, node: Node, *, whole: bool = True) -> FeelType:
        """The type of ``node``; ``whole`` says that its value is used, not only a part of it by a path."""
        kind = _RULES[type(node)](self, node, whole)
        self.types[id(node)] = kind
        if self.is_raw(node):
            self.raw.add(id(node))
        return kind

    def expect(self, node: Node, *wanted: FeelType) -> FeelType:
        """Infers, and reports where the value can never be of one of the ``wanted`` types."""
        kind = self.infer(node)
        if not t.may_be(t.element_of(kind), *wanted) and not t.may_be(kind, *wanted):
            self.report(
                "feel.type_mismatch", node.span, expected=" or ".join(map(str, wanted)), hint="", type=str(kind)
            )
        return kind

    def read(self, node: Node, origin: tuple[str, ...] | None, whole: bool) -> None:
        self.origins[id(node)] = origin
        if origin is not None and whole:
            self.reads.add(origin)

    def is_raw(self, node: Node) -> bool:
        """Whether the node's value is as the caller gave it, neither converted nor known to be of its type."""
        match node:
            case n.Name():
                return self.bindings[id(node)].raw
            case n.Group():
                return id(node.inner) in self.raw
            case n.Path():
                source = self.types[id(node.source)]
                simple = isinstance(source, (t.SimpleType, t.RangeType)) and source is not t.ANY
                return id(node.source) in self.raw and not simple
            case n.Filter():
                return id(node.source) in self.raw
            case n.Call():
                return not self.is_builtin(node.function)
        return False

    def is_builtin(self, node: Node) -> bool:
        """Whether the node names a built-in function."""
        return isinstance(node, n.Name) and self.bindings[id(node)].kind == "builtin"

    # Names

    def _literal(self, node: n.Literal, _whole: bool) -> FeelType:
        if node.text.startswith("@") and node.value is None:
            self.report("feel.bad_literal", node.span, expected="a date, time or duration as in ISO 8601")
        return _LITERALS.get(type(node.value).__name__, t.ANY)

    def _name(self, node: n.Name, whole: bool) -> FeelType:
        binding = self.lookup(node.name)
        if binding is None:
            binding = self._unknown(node)
        self.bindings[id(node)] = binding
        if binding.kind == "builtin" and node.name in VOLATILE:
            self.volatile = True
        self.read(node, binding.origin, whole)
        return binding.type

    def lookup(self, name: str) -> Binding | None:
        """What ``name`` means here, innermost first."""
        return self._lookup(name, len(self.frames) - 1)

    def _lookup(self, name: str, level: int) -> Binding | None:
        for index in range(level, -1, -1):
            frame = self.frames[index]
            # An entry called "item" hides the item itself.
            if frame.item is not None and (found := self._entry(name, frame.item, index)) is not None:
                return found
            if name in frame.names:
                return frame.names[name]
        if name in self.scope.variables:
            kind = self.scope.variables[name]
            return Binding("variable", name, kind, raw=True, origin=(name,))
        if name in BUILTINS:
            return Binding("builtin", name, t.FUNCTION)
        return Binding("variable", name, t.ANY, raw=True, origin=(name,)) if self.scope.open else None

    def _entry(self, name: str, item: Binding, index: int) -> Binding | None:
        origin = None if item.origin is None else (*item.origin, name)
        if isinstance(item.type, t.ContextType):
            found = item.type.fields.get(name)
            if found is not None:
                return Binding("entry", name, found, item.code, item.raw, origin)
        if item.type is t.ANY or (isinstance(item.type, t.ContextType) and item.type.open):
            outer = self.frames[index].names.get(name) or self._lookup(name, index - 1)
            if outer is not None and outer.kind == "builtin":
                return None
            kind = t.ANY
            return Binding("entry", name, kind, item.code, True, origin, outer or Binding("unknown", name, t.ANY))
        return None

    def _unknown(self, node: n.Name) -> Binding:
        names = [*self.scope.variables, *(name for frame in self.frames for name in frame.names), *BUILTINS]
        for frame in self.frames:
            if frame.item is not None and isinstance(frame.item.type, t.ContextType):
                names += frame.item.type.fields
        self.report("feel.unknown_name", node.span, names=names)
        return Binding("unknown", node.name, t.ANY)

    def _group(self, node: n.Group, whole: bool) -> FeelType:
        kind = self.infer(node.inner, whole=whole)
        self.origins[id(node)] = self.origins.get(id(node.inner))
        return kind

    def _path(self, node: n.Path, whole: bool) -> FeelType:
        source = self.infer(node.source, whole=False)
        origin = self.origins.get(id(node.source))
        simple = isinstance(source, (t.SimpleType, t.RangeType)) and source is not t.ANY
        if simple and origin is not None:
            self.reads.add(origin)
        self.read(node, None if origin is None or simple else (*origin, node.name), whole)
        return self._member(node, source)

    def _member(self, node: n.Path, source: FeelType) -> FeelType:
        if isinstance(source, t.ListType):
            return t.ListType(self._member(node, source.element))
        if source is t.ANY or source is t.NULL:
            return t.ANY
        if isinstance(source, t.ContextType):
            found = source.get(node.name)
            names = list(source.fields)
        else:
            found = property_type(source, node.name)
            names = [name for name in _PROPERTY_NAMES if property_type(source, name) is not None]
        if found is None:
            self.report("feel.unknown_entry", node.name_span, names=names, type=str(source))
        return t.ANY if found is None else found

    # Filters, loops, functions, contexts

    def _filter(self, node: n.Filter, whole: bool) -> FeelType:
        source = self.infer(node.source, whole=False)
        origin = self.origins.get(id(node.source))
        self.read(node, origin, whole)
        element = t.element_of(source)
        item = Binding("local", "item", element, self.fresh("i"), id(node.source) in self.raw, origin)
        self.declared[id(node)] = [item]
        self.frames.append(Frame({"item": item}, item))
        condition = self.infer(node.condition)
        self.frames.pop()
        if not t.may_be(condition, t.BOOLEAN, t.NUMBER):
            self.report("feel.type_mismatch", node.condition.span, expected="boolean or number", type=str(condition))
        if condition is t.NUMBER:
            return element
        return t.ListType(element) if condition is t.BOOLEAN else t.ANY

    def _iterators(self, node: n.For | n.Quantified) -> None:
        bindings: list[Binding] = []
        self.declared[id(node)] = bindings
        for iterator in node.iterators:
            domain = self.infer(iterator.domain)
            element = t.element_of(domain)
            if isinstance(domain, t.RangeType):
                element = domain.element
            if iterator.end is not None:
                self.expect(iterator.domain, t.NUMBER, t.DATE)
                self.expect(iterator.end, t.NUMBER, t.DATE)
            self.types[id(iterator)] = element
            raw = iterator.end is None and id(iterator.domain) in self.raw
            origin = self.origins.get(id(iterator.domain)) if iterator.end is None else None
            binding = Binding("local", iterator.name, element, self.fresh("x"), raw, origin)
            bindings.append(binding)
            self.frames.append(Frame({iterator.name: binding}))

    def _for(self, node: n.For, _whole: bool) -> FeelType:
        self._iterators(node)
        partial = Binding("partial", "partial", t.LIST, self.fresh("out"))
        self.declared[id(node)].append(partial)
        self.frames.append(Frame({"partial": partial}))
        body = self.infer(node.body)
        del self.frames[-len(node.iterators) - 1 :]
        return t.ListType(body)

    def _quantified(self, node: n.Quantified, _whole: bool) -> FeelType:
        self._iterators(node)
        self.expect(node.condition, t.BOOLEAN)
        del self.frames[-len(node.iterators) :]
        return t.BOOLEAN

    def _function(self, node: n.FunctionLiteral, _whole: bool) -> FeelType:
        types = tuple(t.ANY if kind is None else self.resolve(kind) for _, kind in node.parameters)
        names = tuple(name for name, _ in node.parameters)
        bindings = [Binding("local", name, kind, self.fresh("p")) for name, kind in zip(names, types, strict=True)]
        self.declared[id(node)] = bindings
        self.frames.append(Frame({binding.name: binding for binding in bindings}))
        result = self.infer(node.body)
        self.frames.pop()
        return t.FunctionType(types, t.ANY if node.external else result, names)

    def resolve(self, node: n.TypeNode) -> FeelType:
        """The type that is written; an unknown one is reported."""
        parts = tuple(self.resolve(part) for part in node.parts)
        if node.name in self.scope.types and not parts:
            return self.scope.types[node.name]
        if node.name == "list" and len(parts) == 1:
            return t.ListType(parts[0])
        if node.name == "range":
            return t.RangeType(parts[0] if parts else t.ANY)
        if node.name == "context" and node.names:
            return t.ContextType(dict(zip(node.names, parts, strict=True)))
        if node.name == "function" and (parts or node.result is not None):
            return t.FunctionType(parts, t.ANY if node.result is None else self.resolve(node.result))
        found = t.BY_NAME.get(node.name)
        if found is None:
            known = [*self.scope.types, *t.BY_NAME]
            self.report("feel.unknown_type", node.span, names=known)
        return UNKNOWN_TYPE if found is None else found

    def _list(self, node: n.ListLiteral, _whole: bool) -> FeelType:
        return t.ListType(t.common_type([self.infer(item) for item in node.items]) if node.items else t.ANY)

    def _context(self, node: n.ContextLiteral, _whole: bool) -> FeelType:
        frame = Frame()
        self.frames.append(frame)
        fields: dict[str, FeelType] = {}
        self.declared[id(node)] = []
        for entry in node.entries:
            if entry.key in fields:
                self.report("feel.repeated_key", Span(entry.span.start, entry.span.start + len(entry.text)))
            binding = Binding("local", entry.key, t.FUNCTION, self.fresh("k"))
            if isinstance(entry.value, n.FunctionLiteral):
                frame.names[entry.key] = binding
            binding.type = fields[entry.key] = self.infer(entry.value)
            self.types[id(entry)] = binding.type
            frame.names[entry.key] = binding
            self.declared[id(node)].append(binding)
        self.frames.pop()
        return t.ContextType(fields)

    # Operators

    def _negation(self, node: n.Negation, _whole: bool) -> FeelType:
        kind = self.expect(node.operand, t.NUMBER, t.DAYS_TIME, t.YEARS_MONTHS)
        return kind if kind in (t.NUMBER, t.DAYS_TIME, t.YEARS_MONTHS) else t.ANY

    def _arithmetic(self, node: n.Arithmetic, _whole: bool) -> FeelType:
        kind = self.infer(node.first)
        for operator, operand in node.rest:
            other = self.infer(operand)
            kind = self._combined(node, operand, operator, kind, other)
        return kind

    def _combined(self, node: Node, operand: Node, operator: str, left: FeelType, right: FeelType) -> FeelType:
        found = RESULT_TYPES.get((operator, left, right))
        if found is not None:
            return found
        candidates = {
            result for (op, a, b), result in RESULT_TYPES.items()
            if op == operator and t.may_be(left, a) and t.may_be(right, b)
        }  # fmt: skip
        if not candidates:
            self.report(
                "feel.wrong_operands", Span(node.span.start, operand.span.end), found=f"{left} {operator} {right}"
            )
        return candidates.pop() if len(candidates) == 1 else t.ANY

    def _comparison(self, node: n.Comparison, _whole: bool) -> FeelType:
        left, right = self.infer(node.left, whole=False), self.infer(node.right, whole=False)
        by_id = identities(left, right)
        for side, kind in ((node.left, left), (node.right, right)):
            origin = self.origins.get(id(side))
            if origin is not None:
                self.reads.add((*origin, "id") if by_id and isinstance(kind, t.ContextType) else origin)
        self._comparable(node, left, right, ordered=node.operator not in ("=", "!="))
        return t.BOOLEAN

    def _comparable(self, node: Node, left: FeelType, right: FeelType, *, ordered: bool) -> None:
        if identities(left, right) or t.may_be(left, right) or t.may_be(right, left):
            if not ordered or t.may_be(left, *t.ORDERED):
                return
        if isinstance(left, t.ContextType) and isinstance(right, t.ContextType) and not ordered:
            return
        self.report("feel.not_comparable", node.span, found=f"{left}, {right}", left=str(left), right=str(right))

    def _between(self, node: n.Between, _whole: bool) -> FeelType:
        value, low, high = (self.infer(part) for part in (node.value, node.low, node.high))
        self._comparable(node, value, low, ordered=True)
        self._comparable(node, value, high, ordered=True)
        return t.BOOLEAN

    def _in(self, node: n.In, _whole: bool) -> FeelType:
        self.infer(node.value)
        for test in node.tests:
            self.infer(test)
        return t.BOOLEAN

    def _test(self, node: n.Test, _whole: bool) -> FeelType:
        return t.RangeType(self.infer(node.endpoint))

    def _range(self, node: n.RangeLiteral, _whole: bool) -> FeelType:
        low, high = self.infer(node.low), self.infer(node.high)
        self._comparable(node, low, high, ordered=True)
        return t.RangeType(t.common_type((low, high)))

    def _instance_of(self, node: n.InstanceOf, _whole: bool) -> FeelType:
        self.infer(node.value)
        self.types[id(node.type)] = self.resolve(node.type)
        return t.BOOLEAN

    def _logic(self, node: n.And | n.Or, _whole: bool) -> FeelType:
        for term in node.terms:
            self.expect(term, t.BOOLEAN)
        return t.BOOLEAN

    def _if(self, node: n.If, _whole: bool) -> FeelType:
        kinds = []
        for condition, then in node.branches:
            self.expect(condition, t.BOOLEAN)
            kinds.append(self.infer(then))
        return t.common_type([*kinds, self.infer(node.otherwise)])

    def _unary_tests(self, node: n.UnaryTests, _whole: bool) -> FeelType:
        for test in node.tests:
            self.infer(test)
        return t.BOOLEAN

    # Calls

    def _call(self, node: n.Call, _whole: bool) -> FeelType:
        function = self.infer(node.function, whole=True)
        arguments = [self.infer(argument) for argument in node.arguments]
        if isinstance(node.function, n.Name) and self.is_builtin(node.function):
            return self._builtin(node, BUILTINS[node.function.name], arguments)
        if isinstance(function, t.FunctionType):
            self._check_arguments(node, function, arguments)
            return function.result
        if function is not t.ANY and function is not t.NULL:
            self.report("feel.no_function", node.function.span, type=str(function))
        return t.ANY

    def _check_arguments(self, node: n.Call, function: t.FunctionType, arguments: list[FeelType]) -> None:
        if function == t.FUNCTION:
            return
        if len(arguments) != len(function.parameters):
            self.report("feel.wrong_argument_count", node.span, expected=str(len(function.parameters)))

    def _builtin(self, node: n.Call, function: Builtin, arguments: list[FeelType]) -> FeelType:
        fitting = [overload for overload in function.overloads if fits(overload, arguments, node.names)]
        if not fitting:
            self.report(
                "feel.wrong_arguments",
                node.span,
                found=", ".join(map(str, arguments)),
                expected=" | ".join(overload.signature for overload in function.overloads),
                function=function.name,
            )
            return t.ANY
        if arguments and not node.names and is_certain(fitting[0], arguments):
            self.direct[id(node)] = fitting[0]
            fitting = fitting[:1]
        return t.common_type([result_type(overload, arguments) for overload in fitting])


UNKNOWN_TYPE = t.SimpleType("unknown")
_LITERALS = {
    "Decimal": t.NUMBER, "str": t.STRING, "bool": t.BOOLEAN, "NoneType": t.NULL, "Date": t.DATE, "Time": t.TIME,
    "DateTime": t.DATE_TIME, "DaysTime": t.DAYS_TIME, "YearsMonths": t.YEARS_MONTHS,
}  # fmt: skip
_PROPERTY_NAMES = (
    *"year month day weekday hour minute second days hours minutes seconds years months timezone start end".split(),
    *("time offset", "start included", "end included"),
)


def _some(names: Sequence[str]) -> str:
    """A few names for a message."""
    shown = list(dict.fromkeys(names))[:12]
    return "one of: " + ", ".join(shown) if shown else ""


_RULES: dict[type[Node], Callable[..., FeelType]] = {
    n.Literal: _Checker._literal,
    n.Name: _Checker._name,
    n.Group: _Checker._group,
    n.Path: _Checker._path,
    n.Filter: _Checker._filter,
    n.Call: _Checker._call,
    n.Negation: _Checker._negation,
    n.Arithmetic: _Checker._arithmetic,
    n.Comparison: _Checker._comparison,
    n.Between: _Checker._between,
    n.In: _Checker._in,
    n.Test: _Checker._test,
    n.InstanceOf: _Checker._instance_of,
    n.And: _Checker._logic,
    n.Or: _Checker._logic,
    n.If: _Checker._if,
    n.For: _Checker._for,
    n.Quantified: _Checker._quantified,
    n.FunctionLiteral: _Checker._function,
    n.ListLiteral: _Checker._list,
    n.ContextLiteral: _Checker._context,
    n.RangeLiteral: _Checker._range,
    n.UnaryTests: _Checker._unary_tests,
}
