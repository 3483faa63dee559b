"""Python from a checked tree: one function an expression.

Generated code holds only names that are made here, constants and helpers; no text of the expression gets into it but
string literals, through ``repr``. Null and coercion rules are put in where types do not settle them already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from engines.feel import nodes as n
from engines.feel import operators, runtime
from engines.feel import types as t
from engines.feel.builtins.registry import BUILTINS, call_builtin, call_direct
from engines.feel.checked import Binding, Checked, identities
from engines.feel.code_maker import CLASSES, Maker, indented
from engines.feel.conforming import instance_of
from engines.feel.function_values import external, named_function
from engines.feel.nodes import Node
from engines.feel.parser import walk
from engines.feel.values import Date, DaysTime, Function, YearsMonths

# Types whose Python values compare with Python's own operators.
_PLAIN = frozenset({t.NUMBER, t.STRING, t.DATE, t.DAYS_TIME, t.YEARS_MONTHS})
# Classes of literals that compare with Python's own operators.
_LITERAL_CLASSES = {Decimal: "Decimal", str: "str", Date: "Date", DaysTime: "DaysTime", YearsMonths: "YearsMonths"}
_PYTHON_OPERATORS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LONG_CHAIN = 8

_HELPERS: dict[str, Any] = {
    "Decimal": Decimal, "str": str, "bool": bool, "dict": dict,
    "Date": Date, "DaysTime": DaysTime, "YearsMonths": YearsMonths, "UUID": UUID,
    "Function": Function, "call_builtin": call_builtin, "call_direct": call_direct, "NoDomain": runtime.NoDomainError,
    "NOWHERE": runtime.NOWHERE,
    "external": external, "named_function": named_function, "instance_of": instance_of,
    **{name: getattr(runtime, name) for name in (
        "as_type", "truth", "get", "items", "at_index", "filtered", "entry_or", "domain", "steps", "compare", "between",
        "satisfies", "any_of", "make_range", "test_range", "invoke", "null_operand", "compare_identity",
        "unary_test", "column", "as_list", "typed_list",
    )},
    **{f"op_{name}": getattr(operators, name) for name in ("add", "subtract", "multiply", "divide", "power", "negate")},
}  # fmt: skip
_ARITHMETIC = {"+": "op_add", "-": "op_subtract", "*": "op_multiply", "/": "op_divide", "**": "op_power"}


def generate(checked: Checked) -> Callable[[Any, Any], Any]:
    """A function of (runtime, variables) that evaluates the tree."""
    source, constants = generate_source(checked)
    return _function(source, constants)


def generate_source(checked: Checked) -> tuple[str, dict[str, Any]]:
    """The Python text and the constants that it names."""
    maker = _Generator(checked)
    maker.function("run", "rt, v", lambda: [f"return {maker.value(checked.tree)}"])
    return "\n".join(maker.blocks[0]), maker.constants


def generate_all(parts: Sequence[Checked]) -> tuple[Callable[[Any, Any], list[Any]], int]:
    """A function of (runtime, variables) that gives the values of all trees, and the line on which the first stands.

    Variables of simple types that several trees read are looked up and converted once. One tree stands on one line, so
    that the line of an exception tells whose it is.
    """
    maker = _Generator(parts[0])

    def build() -> list[str]:
        maker.share(parts)
        return ["return [", *(f"{maker.value_of(part)}," for part in parts), "]"]

    maker.function("run", "rt, v", build)
    lines = maker.blocks[0]
    return _function("\n".join(lines), maker.constants), len(lines) - len(parts)


def _function(source: str, constants: dict[str, Any]) -> Callable[[Any, Any], Any]:
    namespace = {**_HELPERS, **constants, "__builtins__": {"type": type, "len": len}}
    exec(compile(source, "<feel>", "exec"), namespace)  # noqa: S102 - text made above, never the user's
    function: Callable[[Any, Any], Any] = namespace["run"]
    return function


class _Generator(Maker):
    # Literals and names

    def literal(self, node: n.Literal) -> str:
        if node.value is None or isinstance(node.value, (bool, str)):
            return repr(node.value)
        return self.constant("K", node.value)

    def name(self, node: n.Name) -> str:
        shared = self.shared_names(node)
        return shared[0] if shared is not None else self.bound(self.checked.bindings[id(node)], node)

    def bound(self, binding: Binding, node: Node) -> str:
        match binding.kind:
            case "local":
                return binding.code
            case "partial":
                return f"rt.snapshot({binding.code})"
            case "entry" if binding.outer is not None:
                outer = self.bound(binding.outer, node)
                if binding.outer.kind in ("local", "partial"):
                    outer = f"({outer})"
                return f"entry_or({binding.code}, {binding.name!r}, lambda: {outer})"
            case "entry":
                return self.entry(node, binding.code, binding.code, binding.name)
            case "builtin":
                return f"named_function({self.constant('B', BUILTINS[binding.name])})"
            case "variable" if isinstance(binding.type, t.FunctionType) or binding.type is t.ANY:
                return f"rt.variable(v, {binding.name!r})"
            case "variable":
                return f"v.get({binding.name!r})"
        return f"rt.fail('feel.unknown_name', {self.span(node)}, name={binding.name!r})"

    def entry(self, node: Node, code: str, again: str, name: str) -> str:
        """One entry of what should be a context; ``again`` names the value that ``code`` gives."""
        slow = f"get(rt, {self.span(node)}, {again}, {name!r})"
        return f"({again}.get({name!r}) if type({code}) is dict else {slow})"

    def group(self, node: n.Group) -> str:
        return self.emit(node.inner)

    def path(self, node: n.Path) -> str:
        source = self.type(node.source)
        simple = isinstance(source, (t.SimpleType, t.RangeType)) and source is not t.ANY
        code = self.value(node.source) if simple else self.emit(node.source)
        # Where the type is known, an entry that a record lacks is null without a failure.
        if isinstance(source, t.ContextType) and not source.open:
            temporary = self.fresh("t")
            return self.entry(node, f"{temporary} := {code}", temporary, node.name)
        if isinstance(source, t.ListType) and isinstance(source.element, t.ContextType) and not source.element.open:
            return f"column(rt, {self.span(node)}, {code}, {node.name!r})"
        return f"get(rt, {self.span(node)}, {code}, {node.name!r})"

    def filter(self, node: n.Filter) -> str:
        item = self.checked.declared[id(node)][0].code
        source = f"items(rt, {self.emit(node.source)})"
        condition = self.type(node.condition)
        if condition is t.NUMBER and not self.reads_item(node):
            return f"at_index(rt, {self.span(node)}, {source}, {self.value(node.condition)})"
        name = self.fresh("f")
        if condition is t.BOOLEAN:
            self.function(name, "s", lambda: self.filter_body(node, item))
            return f"{name}({source})"
        self.function(name, item, lambda: [f"return {self.value(node.condition)}"])
        return f"filtered(rt, {self.span(node)}, {source}, {name})"

    def reads_item(self, node: n.Filter) -> bool:
        item = self.checked.declared[id(node)][0]
        bindings = self.checked.bindings
        return any(
            isinstance(part, n.Name) and (bindings[id(part)] is item or bindings[id(part)].code == item.code)
            for part in walk(node.condition)
        )

    def filter_body(self, node: n.Filter, item: str) -> list[str]:
        test = self.test(node.condition)
        if not self.blocks[-1]:
            return [f"return [{item} for {item} in s if {test}]"]
        return ["out = []", f"for {item} in s:", f" if {test}: out.append({item})", "return out"]

    # Operators

    def negation(self, node: n.Negation) -> str:
        return f"op_negate(rt, {self.span(node)}, {self.value(node.operand)})"

    def arithmetic(self, node: n.Arithmetic) -> str:
        if len(node.rest) > _LONG_CHAIN:
            return self.hoisted(lambda: self.chain(node))
        code = self.value(node.first)
        for operator, operand in node.rest:
            code = f"{_ARITHMETIC[operator]}(rt, {self.chain_span(node, operand)}, {code}, {self.value(operand)})"
        return code

    def chain(self, node: n.Arithmetic) -> list[str]:
        lines = [f"a = {self.value(node.first)}"]
        for operator, operand in node.rest:
            call = f"{_ARITHMETIC[operator]}(rt, {self.chain_span(node, operand)}, a, {self.value(operand)})"
            lines.append(f"a = {call}")
        return [*lines, "return a"]

    def chain_span(self, node: n.Arithmetic, operand: Node) -> str:
        return self.constant("S", n.Span(node.span.start, operand.span.end))

    def comparison(self, node: n.Comparison) -> str:
        left, right = self.type(node.left), self.type(node.right)
        operator = node.operator
        if operator in ("=", "!="):
            null_test = self.null_test(node)
            if null_test:
                return null_test
            if left == right and left is t.STRING and self.has_text(node):
                # A raw value that is no string equals no string either.
                return f"({self.emit(node.left)} {_PYTHON_OPERATORS[operator]} {self.emit(node.right)})"
            if left == right and (left in _PLAIN or left is t.BOOLEAN or left is t.IDENTIFIER):
                return f"({self.value(node.left)} {_PYTHON_OPERATORS[operator]} {self.value(node.right)})"
            if (text := self.against_literal(node)) is not None:
                return text
            if identities(left, right):
                sides = f"{self.emit(node.left)}, {self.emit(node.right)}"
                return f"compare_identity(rt, {self.span(node)}, {operator!r}, {sides})"
        elif left == right and left in _PLAIN:
            return self.plain_comparison(node)
        elif (text := self.against_literal(node)) is not None:
            return text
        return f"compare(rt, {self.span(node)}, {operator!r}, {self.value(node.left)}, {self.value(node.right)})"

    def null_test(self, node: n.Comparison) -> str:
        """``x = null`` and ``x != null`` without converting x."""
        word = "is" if node.operator == "=" else "is not"
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(other, n.Literal) and other.text == "null":
                if isinstance(side, n.Literal):
                    return str((side.value is None) is (node.operator == "="))
                return f"({self.emit(side)} {word} None)"
        return ""

    @staticmethod
    def has_text(node: n.Comparison) -> bool:
        """Whether one side is a string literal."""
        return any(isinstance(side, n.Literal) and isinstance(side.value, str) for side in (node.left, node.right))

    def raw_comparison(self, node: n.Comparison) -> str:
        """A raw value against a literal: one look at its type settles both conversion and null."""
        left_known = isinstance(node.left, n.Literal)
        side, known = (node.right, node.left) if left_known else (node.left, node.right)
        kind = self.type(side)
        name, temporary, literal = CLASSES[kind][0], self.fresh("t"), self.value(known)
        native = f"as_type(rt, {self.span(side)}, {temporary}, {name}, {str(kind)!r})"
        fast, slow = (f"{literal}, {native}", f"{literal} {node.operator} {temporary}") if left_known else (
            f"{native}, {literal}", f"{temporary} {node.operator} {literal}"
        )  # fmt: skip
        test = f"type({temporary} := {self.emit(side)}) is {name}"
        return f"({slow} if {test} else compare(rt, {self.span(node)}, {node.operator!r}, {fast}))"

    def against_literal(self, node: n.Comparison) -> str | None:
        """A value of unknown type against a literal: compared at once where it has the literal's type."""
        for side, known, turned in ((node.left, node.right, False), (node.right, node.left, True)):
            cls = _LITERAL_CLASSES.get(type(known.value)) if isinstance(known, n.Literal) else None
            if cls is None or self.type(side) is not t.ANY or isinstance(side, n.Literal):
                continue
            temporary, literal, operator = self.fresh("t"), self.value(known), _PYTHON_OPERATORS[node.operator]
            code = self.emit(side)
            native = f"rt.native({temporary})" if self.is_raw(side) else temporary
            fast, slow = (f"{temporary} {operator} {literal}", f"{native}, {literal}")
            if turned:
                fast, slow = f"{literal} {operator} {temporary}", f"{literal}, {native}"
            compared = f"compare(rt, {self.span(node)}, {node.operator!r}, {slow})"
            return f"({fast} if type({temporary} := {code}) is {cls} else {compared})"
        return None

    def plain_comparison(self, node: n.Comparison) -> str:
        sides = (node.left, node.right)
        if sum(isinstance(side, n.Literal) for side in sides) == 1 and any(self.is_raw(side) for side in sides):
            return self.raw_comparison(node)
        names, checks = [], []
        for side in (node.left, node.right):
            code = self.value(side)
            if isinstance(side, n.Literal):
                names.append(code)
            elif self.shared_names(side) is not None:
                names.append(code)
                checks.append(f"{code} is not None")
            else:
                names.append(self.fresh("t"))
                checks.append(f"({names[-1]} := {code}) is not None")
        compared = f"{names[0]} {node.operator} {names[1]}"
        if not checks:
            return f"({compared})"
        return f"({compared} if {' and '.join(checks)} else null_operand(rt, {self.span(node)}))"

    def between(self, node: n.Between) -> str:
        parts = ", ".join(self.value(part) for part in (node.value, node.low, node.high))
        return f"between(rt, {self.span(node)}, {parts})"

    def contained(self, node: n.In) -> str:
        value = self.fresh("t")
        first, *rest = [self.contained_in(value, test) for test in node.tests]
        answers = ", ".join([first, *rest])
        if not rest:
            return f"(({value} := {self.value(node.value)}), {first})[1]"
        return f"(({value} := {self.value(node.value)}), any_of(({answers},)))[1]"

    def contained_in(self, value: str, test: Node) -> str:
        span = self.span(test)
        if isinstance(test, n.Test):
            return f"compare(rt, {span}, {test.operator!r}, {value}, {self.value(test.endpoint)})"
        return f"satisfies(rt, {span}, {value}, {self.value(test)})"

    def instance_of(self, node: n.InstanceOf) -> str:
        return f"instance_of({self.value(node.value)}, {self.constant('T', self.type(node.type))}, rt.budget)"

    def conjunction(self, node: n.And) -> str:
        return self.logic(node, "False", "True")

    def disjunction(self, node: n.Or) -> str:
        return self.logic(node, "True", "False")

    def logic(self, node: n.And | n.Or, decisive: str, other: str) -> str:
        names = [self.fresh("t") for _ in node.terms]
        if len(names) == 2:
            first, second = (self.boolean(term) for term in node.terms)
            rest = f"({names[1]} if ({names[1]} := {second}) is {decisive} or {names[0]} is {other} else None)"
            return f"({decisive} if ({names[0]} := {first}) is {decisive} else {rest})"
        decided = " or ".join(
            f"({name} := {self.boolean(term)}) is {decisive}" for name, term in zip(names, node.terms, strict=True)
        )
        clear = " and ".join(f"{name} is {other}" for name in names)
        return f"({decisive} if {decided} else ({other} if {clear} else None))"

    def conditional(self, node: n.If) -> str:
        if len(node.branches) > _LONG_CHAIN:
            return self.hoisted(lambda: self.long_conditional(node))
        parts = [f"{self.value(then)} if {self.test(condition)} else " for condition, then in node.branches]
        return f"({''.join(parts)}{self.value(node.otherwise)})"

    def long_conditional(self, node: n.If) -> list[str]:
        lines = [f"if {self.test(condition)}: return {self.value(then)}" for condition, then in node.branches]
        return [*lines, f"return {self.value(node.otherwise)}"]

    def test_node(self, node: n.Test) -> str:
        return f"test_range({node.operator!r}, {self.value(node.endpoint)})"

    def range(self, node: n.RangeLiteral) -> str:
        low, high = self.value(node.low), self.value(node.high)
        return f"make_range(rt, {self.span(node)}, {node.opening!r}, {low}, {high}, {node.closing!r})"

    # Loops

    def for_return(self, node: n.For) -> str:
        *bindings, partial = self.checked.declared[id(node)]
        out = partial.code

        def body() -> list[str]:
            return [f"{out}.append({self.value(node.body)})"]

        def build() -> list[str]:
            captures = any(isinstance(part, n.FunctionLiteral) for part in walk(node))
            loops = self.steps(node, bindings, body) if captures else self.loops(node, bindings, body())
            return [f"{out} = []", "try:", *indented(loops), "except NoDomain: return None", f"return rt.made({out})"]

        return self.hoisted(build, "for")

    def quantified(self, node: n.Quantified) -> str:
        decisive, other = ("False", "True") if node.every else ("True", "False")

        def build() -> list[str]:
            condition = self.boolean(node.condition)
            inner = [f"c = {condition}", f"if c is {decisive}: return {decisive}", "if c is None: unknown = True"]
            loops = self.loops(node, self.checked.declared[id(node)], inner)
            return [
                "unknown = False", "try:", *indented(loops), "except NoDomain: return None",
                f"return None if unknown else {other}",
            ]  # fmt: skip

        return self.hoisted(build, "q")

    def loops(self, node: n.For | n.Quantified, bindings: list[Binding], inner: list[str]) -> list[str]:
        """Nested loops around ``inner``."""
        lines = inner
        for iterator, binding in reversed(list(zip(node.iterators, bindings, strict=True))):
            lines = [f"for {binding.code} in {self.iteration(iterator)}:", *indented(lines)]
        return lines

    def steps(self, node: n.For, bindings: list[Binding], body: Callable[[], list[str]], level: int = 0) -> list[str]:
        """As ``loops``, each round in a function of its own, so that function literals keep its variables."""
        if level == len(bindings):
            return body()
        name = self.fresh("step")
        self.function(name, bindings[level].code, lambda: self.steps(node, bindings, body, level + 1))
        return [f"for y in {self.iteration(node.iterators[level])}: {name}(y)"]

    def iteration(self, iterator: n.Iterator) -> str:
        span = self.span(iterator)
        if iterator.end is not None:
            return f"steps(rt, {span}, {self.value(iterator.domain)}, {self.value(iterator.end)})"
        return f"domain(rt, {span}, {self.emit(iterator.domain)})"

    # Functions, lists, contexts

    def function_literal(self, node: n.FunctionLiteral) -> str:
        bindings = self.checked.declared[id(node)]
        names = tuple(binding.name for binding in bindings)
        types = tuple(binding.type for binding in bindings)
        if node.external:
            spec = self.value(node.body)
            return f"external(rt, {self.span(node)}, {spec}, {self.constant('N', names)}, {self.constant('T', types)})"
        name = self.fresh("fn")
        parameters = ", ".join(["rt", *(binding.code for binding in bindings)])
        self.function(name, parameters, lambda: [f"return {self.value(node.body)}"])
        kind = self.type(node)
        result = kind.result if isinstance(kind, t.FunctionType) else None
        declared = f"{self.constant('N', names)}, {self.constant('T', types)}, result={self.constant('T', result)}"
        return f"Function({name}, {declared})"

    def call(self, node: n.Call) -> str:
        counts = isinstance(node.function, n.Name) and node.function.name == "count" and id(node) in self.checked.direct
        arguments = [self.whole_list(argument) if counts else self.value(argument) for argument in node.arguments]
        span = self.span(node)
        names = f", {self.constant('N', node.names)}" if node.names else ""
        if isinstance(node.function, n.Name) and self.checked.bindings[id(node.function)].kind == "builtin":
            entry = self.constant("B", BUILTINS[node.function.name])
            direct = self.checked.direct.get(id(node))
            if direct is not None:
                called = f"{entry}, {self.constant('F', direct.call)}"
                return f"call_direct(rt, {span}, {called}, {', '.join(arguments)})"
            return f"call_builtin(rt, {span}, {entry}, ({''.join(a + ', ' for a in arguments)}){names})"
        function = self.emit(node.function)
        return f"invoke(rt, {span}, {function}, [{', '.join(arguments)}]{names})"

    def whole_list(self, node: Node) -> str:
        """A list of which nobody will look at the items: they need no conversion."""
        code = self.emit(node)
        return f"as_list(rt, {code})" if self.is_raw(node) else code

    def list_literal(self, node: n.ListLiteral) -> str:
        return f"[{', '.join(self.value(item) for item in node.items)}]"

    def context(self, node: n.ContextLiteral) -> str:
        if not node.entries:
            return "{}"
        bindings = self.checked.declared[id(node)]

        def build() -> list[str]:
            if len({entry.key for entry in node.entries}) < len(node.entries):
                return [f"return rt.fail('feel.repeated_key', {self.span(node)})"]
            pairs = list(zip(node.entries, bindings, strict=True))
            lines = [f"{binding.code} = {self.value(entry.value)}" for entry, binding in pairs]
            made = ", ".join(f"{entry.key!r}: {binding.code}" for entry, binding in pairs)
            return [*lines, f"return {{{made}}}"]

        return self.hoisted(build, "ctx")

    def unary_tests(self, node: n.UnaryTests) -> str:
        if not node.tests:
            return "True"
        answers = ", ".join(self.unary_test(test) for test in node.tests)
        any_of = f"any_of(({answers},))"
        if not node.negated:
            return any_of
        name = self.fresh("t")
        return f"(None if ({name} := {any_of}) is None else not {name})"

    def unary_test(self, test: Node) -> str:
        asked = any(isinstance(part, n.Name) and part.name == "?" for part in walk(test))
        if asked:
            return self.boolean(test)
        binding = self.checked.input
        code = self.bound(binding, test) if binding is not None else "None"
        value = self.fresh("t")
        native = f"(({value} := rt.native({code})), "
        if isinstance(test, n.Test):
            return f"{native}{self.contained_in(value, test)})[1]"
        return f"{native}unary_test(rt, {self.span(test)}, {value}, {self.value(test)}))[1]"


_Generator.emitters = {
    n.Literal: _Generator.literal,
    n.Name: _Generator.name,
    n.Group: _Generator.group,
    n.Path: _Generator.path,
    n.Filter: _Generator.filter,
    n.Call: _Generator.call,
    n.Negation: _Generator.negation,
    n.Arithmetic: _Generator.arithmetic,
    n.Comparison: _Generator.comparison,
    n.Between: _Generator.between,
    n.In: _Generator.contained,
    n.Test: _Generator.test_node,
    n.InstanceOf: _Generator.instance_of,
    n.And: _Generator.conjunction,
    n.Or: _Generator.disjunction,
    n.If: _Generator.conditional,
    n.For: _Generator.for_return,
    n.Quantified: _Generator.quantified,
    n.FunctionLiteral: _Generator.function_literal,
    n.ListLiteral: _Generator.list_literal,
    n.ContextLiteral: _Generator.context,
    n.RangeLiteral: _Generator.range,
    n.UnaryTests: _Generator.unary_tests,
}
