"""Decision tables compiled to one Python function each (DMN 1.5 §8).

Cells of the usual forms (``"a"``, ``>= 5``, ``[1..5)``, ``true``, lists of these, ``-``) become Python comparisons
guarded by the type of the input; every other cell is compiled by FEEL and called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any, Final

from engines import feel
from engines.feel import nodes as n
from engines.feel.comparing import equal, order
from engines.feel.runtime import NOWHERE, Runtime
from engines.feel.values import Date
from engines.rules.decisions import model as m
from engines.rules.decisions.constants import constant_of
from engines.rules.decisions.kinds import Kind, conform

Values = Mapping[str, Any]
Node = Callable[[Runtime, Values], Any]
# Compiles an expression, or unary tests over an input of a type.
Compile = Callable[[m.Literal], feel.Expression]
CompileCell = Callable[[m.Literal, feel.FeelType], feel.Expression]

_OPERATORS: Final = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_GUARDS: Final[Mapping[type, str]] = {Decimal: "Decimal", str: "str", bool: "bool", Date: "Date"}
_COLLECTING: Final = frozenset({m.HitPolicy.COLLECT, m.HitPolicy.RULE_ORDER, m.HitPolicy.OUTPUT_ORDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a table saw and which of its rules matched."""

    # One value per input clause.
    inputs: tuple[Any, ...]
    # Indices of the rules that give the result, in table order.
    rules: tuple[int, ...]


class CompiledTable:
    """A table ready to run. Immutable and free of data."""

    def __init__(self, table: m.Table, kinds: _TableKinds, compile_: Compile, compile_cell: CompileCell) -> None:
        self.table = table
        self.reads: set[tuple[str, ...]] = set()
        self._kinds = kinds
        self._outputs = tuple(tuple(self._entry(cell, compile_) for cell in rule.then) for rule in table.rules)
        self._defaults = tuple(None if o.default is None else self._entry(o.default, compile_) for o in table.outputs)
        self._names = tuple(o.name for o in table.outputs)
        self._inputs = tuple(self._compiled(clause.expression, compile_) for clause in table.inputs)
        self.input_types = tuple(
            kind.feel if not kind.is_any else expression.type
            for kind, expression in zip(kinds.inputs, self._inputs, strict=True)
        )
        self._cells = tuple(
            tuple(None if cell.text.strip() in ("", "-") else compile_cell(cell, kind) for cell, kind in pairs)
            for pairs in (zip(rule.when, self.input_types, strict=False) for rule in table.rules)
        )
        self._seen = _inputs_of(tuple(e.run for e in self._inputs), kinds.inputs, kinds.allowed)
        self._matching = _Generator(self).function()
        self._finish = _POLICIES[table.hit_policy]
        self.priorities = kinds.priorities

    def _compiled(self, literal: m.Literal, compile_: Compile) -> feel.Expression:
        expression = compile_(literal)
        self.reads |= expression.reads
        return expression

    def _entry(self, literal: m.Literal, compile_: Compile) -> Node:
        expression = self._compiled(literal, compile_)
        if isinstance(expression.tree, n.Literal):
            value = expression.tree.value
            return lambda runtime, values: value
        return expression.run

    def run(self, runtime: Runtime, values: dict[str, Any]) -> Any:
        """The table's result: a value, or a context where it has several outputs; a list for collecting policies."""
        inputs = self._seen(runtime, values)
        if inputs is None:
            return None
        hits = self._matching(runtime, values, inputs)
        return self._finish(self, runtime, values, hits) if hits else self._default(runtime, values)

    # What the analysis asks

    def cell(self, rule: int, column: int) -> feel.Expression | None:
        """The compiled cell; None where it takes all."""
        return self._cells[rule][column]

    def clause(self, column: int) -> feel.Expression:
        """The compiled expression of a column."""
        return self._inputs[column]

    def allows(self, column: int) -> Callable[[Any], bool]:
        """Whether a value is one that the column takes at all."""
        tests = [test for test in (self._kinds.allowed[column], self._kinds.inputs[column].test) if test is not None]
        runtime = Runtime(feel.Budget(), None, None, {})
        return lambda value: all(test(runtime, {"?": value}) is True for test in tests)

    def allowed_tests(self, column: int) -> tuple[n.Node, ...]:
        """The tests by which the column, or its type, says which values it allows; empty where it allows all."""
        text = self.table.inputs[column].allowed.strip() or self._kinds.inputs[column].allowed.strip()
        if text in ("", "-"):
            return ()
        tree = feel.compile_unary_tests(text, strict=False).tree
        return tree.tests if isinstance(tree, n.UnaryTests) else ()

    def listed(self, column: int) -> tuple[Any, ...]:
        """The values that the column lists as allowed; empty where it allows ranges or everything."""
        tests = self.allowed_tests(column)
        listed = tuple(test.value for test in tests if isinstance(test, n.Literal))
        return listed if len(listed) == len(tests) else ()

    def constant_outputs(self, name: str = "") -> list[Any] | None:
        """All values of the output called ``name``, or of the only one; None where its entries are not literals."""
        if name not in self._names and not (name == "" and len(self._names) == 1):
            return None
        column = self._names.index(name) if name in self._names else 0
        default = self.table.outputs[column].default
        literals = [rule.then[column].text for rule in self.table.rules]
        literals += [default.text] if default is not None else []
        trees = [feel.compile(text or "null", strict=False).tree for text in literals]
        if self.table.hit_policy in _COLLECTING or not all(isinstance(tree, n.Literal) for tree in trees):
            return None
        return list(dict.fromkeys(tree.value for tree in trees if isinstance(tree, n.Literal)))

    def rank(self, rule: int) -> tuple[int, ...] | None:
        """The priority of a rule by its outputs, lowest first; None where they are not literals."""
        trees = [feel.compile(cell.text or "null", strict=False).tree for cell in self.table.rules[rule].then]
        if not all(isinstance(tree, n.Literal) for tree in trees):
            return None
        values = [tree.value for tree in trees if isinstance(tree, n.Literal)]
        return tuple(
            order_.index(value) if value in order_ else len(order_)
            for value, order_ in zip(values, self._kinds.priorities, strict=True)
        )

    def explain(self, runtime: Runtime, values: dict[str, Any]) -> tuple[Any, Match]:
        """The result with what the table saw."""
        inputs = self._seen(runtime, values)
        if inputs is None:
            return None, Match(inputs=(), rules=())
        hits = self._matching(runtime, values, inputs)
        if not hits:
            return self._default(runtime, values), Match(inputs=inputs, rules=())
        return self._finish(self, runtime, values, hits), Match(inputs=inputs, rules=tuple(hits))

    def _default(self, runtime: Runtime, values: Values) -> Any:
        if all(default is None for default in self._defaults):
            if self.table.aggregator is m.Aggregator.COUNT:
                return Decimal(0)
            return [] if self.table.hit_policy in _COLLECTING and not self.table.aggregator else None
        found = [None if default is None else default(runtime, values) for default in self._defaults]
        result = self._shaped(runtime, found)
        return [result] if self.table.hit_policy in _COLLECTING and not self.table.aggregator else result

    def outputs(self, runtime: Runtime, values: Values, rule: int) -> tuple[Any, ...]:
        """The output values of a rule, made to conform to their clauses."""
        return tuple(
            conform(runtime, entry(runtime, values), kind)
            for entry, kind in zip(self._outputs[rule], self._kinds.outputs, strict=True)
        )

    def _shaped(self, runtime: Runtime, outputs: Sequence[Any]) -> Any:
        if len(self._names) == 1:
            return outputs[0]
        return dict(zip(self._names, outputs, strict=True))

    def result(self, runtime: Runtime, values: Values, rule: int) -> Any:
        """The output of one rule."""
        if len(self._names) == 1:
            return conform(runtime, self._outputs[rule][0](runtime, values), self._kinds.outputs[0])
        return self._shaped(runtime, self.outputs(runtime, values, rule))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TableKinds:
    inputs: tuple[Kind, ...]
    outputs: tuple[Kind, ...]
    # Tests of allowed input values.
    allowed: tuple[Node | None, ...]
    # Output values in order of priority, per output clause.
    priorities: tuple[tuple[Any, ...], ...]


TableKinds = _TableKinds


def _inputs_of(
    nodes: tuple[Node, ...], kinds: tuple[Kind, ...], allowed: tuple[Node | None, ...]
) -> Callable[[Runtime, Values], tuple[Any, ...] | None]:
    """Evaluates the input expressions; None where one gives a value that its clause does not allow."""
    parts = tuple(zip(nodes, kinds, allowed, strict=True))

    def seen(runtime: Runtime, values: Values) -> tuple[Any, ...] | None:
        found = []
        for node, kind, test in parts:
            value = conform(runtime, node(runtime, values), kind)
            if test is not None and value is not None and test(runtime, {"?": value}) is not True:
                runtime.fail("rules.input_not_allowed", value=str(value))
                return None
            found.append(value)
        return tuple(found)

    return seen


# Hit policies


def _unique(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    if len(hits) > 1:
        runtime.fail("rules.several_rules_match", rules=", ".join(str(hit + 1) for hit in hits))
        return None
    return table.result(runtime, values, hits[0])


def _first(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    return table.result(runtime, values, hits[0])


def _any(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    first, *others = [table.result(runtime, values, hit) for hit in hits]
    if any(equal(first, other) is not True for other in others):
        runtime.fail("rules.rules_disagree", rules=", ".join(str(hit + 1) for hit in hits))
        return None
    return first


def _by_priority(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> list[int]:
    """The hits, those whose outputs stand first in the lists of output values first (DMN 1.5 §8.2.10)."""

    def rank(hit: int) -> tuple[int, ...]:
        outputs = table.outputs(runtime, values, hit)
        return tuple(
            next((i for i, value in enumerate(order_) if equal(value, output) is True), len(order_))
            for output, order_ in zip(outputs, table.priorities, strict=True)
        )

    return sorted(hits, key=rank)


def _priority(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    return table.result(runtime, values, _by_priority(table, runtime, values, hits)[0])


def _rule_order(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    return [table.result(runtime, values, hit) for hit in hits]


def _output_order(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    return [table.result(runtime, values, hit) for hit in _by_priority(table, runtime, values, hits)]


def _collect(table: CompiledTable, runtime: Runtime, values: Values, hits: Sequence[int]) -> Any:
    found = _rule_order(table, runtime, values, hits)
    if not table.table.aggregator:
        return found
    if len(table.table.outputs) > 1:
        return {
            clause.name: _aggregate(runtime, table.table.aggregator, [item[clause.name] for item in found])
            for clause in table.table.outputs
        }
    return _aggregate(runtime, table.table.aggregator, found)


def _aggregate(runtime: Runtime, aggregator: m.Aggregator, found: list[Any]) -> Any:
    if aggregator is m.Aggregator.COUNT:
        distinct: list[Any] = []
        for value in found:
            if not any(equal(value, known) is True for known in distinct):
                distinct.append(value)
        return Decimal(len(distinct))
    if aggregator is m.Aggregator.SUM:
        if all(type(value) is Decimal for value in found):
            return sum(found, Decimal(0))
    elif all(order(found[0], value) is not None for value in found):
        wanted = -1 if aggregator is m.Aggregator.MIN else 1
        return reduce(lambda best, value: value if order(value, best) == wanted else best, found)
    runtime.fail("rules.not_aggregable", aggregator=str(aggregator))
    return None


_POLICIES: Final[Mapping[m.HitPolicy, Callable[[CompiledTable, Runtime, Values, Sequence[int]], Any]]] = {
    m.HitPolicy.UNIQUE: _unique,
    m.HitPolicy.FIRST: _first,
    m.HitPolicy.ANY: _any,
    m.HitPolicy.PRIORITY: _priority,
    m.HitPolicy.RULE_ORDER: _rule_order,
    m.HitPolicy.OUTPUT_ORDER: _output_order,
    m.HitPolicy.COLLECT: _collect,
}

# Matching


class _Generator:
    """Writes the function that finds the matching rules."""

    def __init__(self, table: CompiledTable) -> None:
        self._table = table
        self._constants: dict[str, Any] = {"Decimal": Decimal, "str": str, "bool": bool, "Date": Date, "type": type}
        self._guards: set[tuple[int, str]] = set()

    def function(self) -> Callable[[Runtime, dict[str, Any], tuple[Any, ...]], Sequence[int]]:
        """(runtime, values, inputs) -> indices of the matching rules; FIRST stops at one."""
        first = self._table.table.hit_policy is m.HitPolicy.FIRST
        body = [self._rule(i, rule, first) for i, rule in enumerate(self._table.table.rules)]
        inputs = "".join(f"i{c}, " for c in range(len(self._table.table.inputs)))
        head = ["def match(rt, v, inputs):", *([f" {inputs}= inputs"] if inputs else [])]
        head += [f" t{c} = type(i{c})" for c in sorted({c for c, _ in self._guards})]
        tail = [" return ()"] if first else [" hits = []", *body, " return hits"]
        source = "\n".join([*head, *(body if first else []), *tail])
        namespace: dict[str, Any] = {**self._constants, "__builtins__": {}}
        exec(compile(source, "<decision table>", "exec"), namespace)  # noqa: S102 - made of names and operators above
        function: Callable[[Runtime, dict[str, Any], tuple[Any, ...]], Sequence[int]] = namespace["match"]
        return function

    def _rule(self, index: int, rule: m.TableRule, first: bool) -> str:
        tests = [self._cell(column, self._table.cell(index, column)) for column in range(len(rule.when))]
        # Plain comparisons come before calls, so that a call is made only where it decides.
        wanted = sorted((test for test in tests if test), key=lambda test: "(rt, " in test)
        then = f"return ({index},)" if first else f"hits.append({index})"
        return f" if {' and '.join(wanted) or 'True'}: {then}"

    def _cell(self, column: int, expression: feel.Expression | None) -> str:
        """Python for a cell; empty where it takes all."""
        if expression is None:
            return ""
        self._table.reads |= {path for path in expression.reads if path[0] != "?"}
        code = self._plain(column, expression.tree)
        if code:
            return code
        name = self._constant("u", expression.run)
        return f"{name}(rt, {{**v, '?': i{column}}}) is True"

    def _plain(self, column: int, tree: n.Node) -> str:
        if not isinstance(tree, n.UnaryTests) or tree.negated:
            return ""
        parts = [self._test(column, test) for test in tree.tests]
        if not all(parts):
            return ""
        return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"

    def _test(self, column: int, test: n.Node) -> str:
        operator, endpoint = (test.operator, test.endpoint) if isinstance(test, n.Test) else ("=", test)
        if isinstance(endpoint, n.RangeLiteral) and operator == "=":
            return self._range(column, endpoint)
        value = constant_of(endpoint)
        if type(value) not in _GUARDS or (type(value) is bool and operator not in ("=", "!=")):
            return ""
        # Unlike "=", "!=" holds for values of other types, too; FEEL decides those.
        if operator == "!=":
            return ""
        guard = self._guard(column, type(value))
        return f"({guard} and i{column} {_OPERATORS[operator]} {self._constant('c', value)})"

    def _range(self, column: int, node: n.RangeLiteral) -> str:
        low, high = constant_of(node.low), constant_of(node.high)
        if type(low) not in (Decimal, Date) or type(high) is not type(low):
            return ""
        left = "<=" if node.start_included else "<"
        right = "<=" if node.end_included else "<"
        guard = self._guard(column, type(low))
        return f"({guard} and {self._constant('c', low)} {left} i{column} {right} {self._constant('c', high)})"

    def _guard(self, column: int, kind: type) -> str:
        self._guards.add((column, _GUARDS[kind]))
        return f"t{column} is {_GUARDS[kind]}"

    def _constant(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self._constants)}"
        self._constants[name] = value
        return name


__all__ = ["NOWHERE", "CompiledTable", "Match", "TableKinds"]
