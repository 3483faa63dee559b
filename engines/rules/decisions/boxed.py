"""Boxed expressions compiled to functions of the runtime and the values in scope (DMN 1.5 §10.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from engines import feel
from engines.core import DefinitionError, DefinitionSource, Diagnostic
from engines.feel.runtime import (
    NOWHERE,
    NoDomainError,
    Runtime,
    any_of,
    conjunction,
    domain,
    filtered,
    invoke,
    items,
)
from engines.feel.types import common_type, element_of
from engines.rules.decisions import model as m
from engines.rules.decisions.kinds import ANYTHING, Kind, KindTable, conform, unary_test
from engines.rules.decisions.tables import CompiledTable, TableKinds

Values = Mapping[str, Any]
Node = Callable[[Runtime, dict[str, Any]], Any]
_NULL: Final[Node] = lambda runtime, values: None  # noqa: E731


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A compiled boxed expression."""

    run: Node
    type: feel.FeelType
    # The table itself, where the expression is one: it can say which rules matched.
    table: CompiledTable | None = None


class Boxer:
    """Compiles the boxed expressions of one model; gathers what is wrong with them.

    ``strict`` takes names that are not known for errors; without it they are null, as the standard has it.
    """

    def __init__(self, kinds: KindTable, source: DefinitionSource, *, strict: bool) -> None:
        self.kinds = kinds
        self.problems: list[Diagnostic] = []
        self.reads: set[tuple[str, ...]] = set()
        self._source = source
        self._strict = strict

    def boxed(self, value: m.Boxed, scope: feel.Scope) -> Compiled:
        """Any boxed expression."""
        compiled: Compiled = getattr(self, "_" + type(value).__name__.lower())(value, scope)
        kind = self.kinds.kind(value.type)
        if kind is ANYTHING or isinstance(value, m.Function):
            return compiled
        return self.conforming(compiled, kind)

    def conforming(self, compiled: Compiled, kind: Kind) -> Compiled:
        """The same expression, its value made to conform to ``kind``."""
        if kind.is_any:
            return compiled
        run = compiled.run
        return replace(compiled, run=lambda rt, v: conform(rt, run(rt, v), kind), type=kind.feel)

    # Literals

    def literal(self, literal: m.Literal, scope: feel.Scope) -> feel.Expression:
        """A FEEL expression; one that is broken is reported and stands for null."""
        return self._feel(literal, lambda text: feel.compile(text, scope, strict=self._strict))

    def cell(self, literal: m.Literal, scope: feel.Scope, kind: feel.FeelType) -> feel.Expression:
        """Unary tests; broken ones are reported and never match."""
        return self._feel(literal, lambda text: feel.compile_unary_tests(text, scope, kind, strict=self._strict))

    def _feel(self, literal: m.Literal, compile_: Callable[[str], feel.Expression]) -> feel.Expression:
        try:
            expression = compile_(literal.text if literal.text.strip() else "null")
        except DefinitionError as error:
            self.problems += [self._placed(d, literal) for d in error.diagnostics]
            return feel.compile("null")
        self.reads |= expression.reads
        return expression

    def _placed(self, diagnostic: Diagnostic, literal: m.Literal) -> Diagnostic:
        if not literal.at.startswith("/"):
            return replace(diagnostic, file=self._source.file, element=literal.at)
        lines = literal.text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: max(diagnostic.line, 1) - 1]) + max(diagnostic.column, 1) - 1
        return diagnostic.at(self._source.place_in_string(literal.at, offset, max(diagnostic.length, 1)))

    def _literal(self, value: m.Literal, scope: feel.Scope) -> Compiled:
        if not value.text.strip():
            return Compiled(run=_NULL, type=feel.NULL)
        expression = self.literal(value, scope)
        return Compiled(run=expression.run, type=expression.type)

    # Tables

    def _table(self, value: m.Table, scope: feel.Scope) -> Compiled:
        inputs = tuple(self.kinds.kind(clause.type) for clause in value.inputs)
        outputs = tuple(self._output_kind(value, clause) for clause in value.outputs)
        kinds = TableKinds(
            inputs=inputs,
            outputs=outputs,
            allowed=tuple(unary_test(c.allowed, kind.feel) for c, kind in zip(value.inputs, inputs, strict=True)),
            priorities=tuple(self._priorities(clause, scope) for clause in value.outputs),
        )
        table = CompiledTable(
            value, kinds, lambda literal: self.literal(literal, scope), lambda cell, kind: self.cell(cell, scope, kind)
        )
        return Compiled(run=table.run, type=_table_type(value, outputs), table=table)

    def _output_kind(self, table: m.Table, clause: m.OutputClause) -> Kind:
        kind = self.kinds.kind(clause.type)
        # With COUNT the outputs are counted, whatever they are; the clause's type is that of the number.
        if table.aggregator is m.Aggregator.COUNT or isinstance(kind.feel, feel.ListType):
            return ANYTHING
        return kind

    def _priorities(self, clause: m.OutputClause, scope: feel.Scope) -> tuple[Any, ...]:
        """The output values in order; those of the clause's type where the clause lists none."""
        if not clause.allowed.strip():
            return ()
        listed = feel.compile(f"[{clause.allowed}]", scope, strict=False).evaluate({}).value
        return tuple(listed or ())

    # Contexts, lists, relations

    def _context(self, value: m.Context, scope: feel.Scope) -> Compiled:
        parts: list[tuple[str, Node]] = []
        types: dict[str, feel.FeelType] = {}
        for entry in value.entries:
            compiled = self.conforming(self.boxed(entry.value, scope), self.kinds.kind(entry.type))
            parts.append((entry.name, compiled.run))
            if entry.name:
                types[entry.name] = compiled.type
                scope = scope.extended({entry.name: compiled.type})
        named = [part for part in parts if part[0]]
        result = next((node for name, node in parts if not name), None)
        kind = compiled.type if result is not None else feel.ContextType(types)

        def run(runtime: Runtime, values: dict[str, Any]) -> Any:
            inner, made = dict(values), {}
            for name, node in named:
                made[name] = inner[name] = node(runtime, inner)
            return made if result is None else result(runtime, inner)

        return Compiled(run=run, type=kind)

    def _listof(self, value: m.ListOf, scope: feel.Scope) -> Compiled:
        parts = [self.boxed(item, scope) for item in value.items]
        kind = feel.ListType(common_type([part.type for part in parts]))
        return Compiled(run=lambda rt, v: [part.run(rt, v) for part in parts], type=kind)

    def _relation(self, value: m.Relation, scope: feel.Scope) -> Compiled:
        kinds = [self.kinds.kind(column.type) for column in value.columns]
        rows = [
            [self.conforming(self.boxed(cell, scope), kind) for cell, kind in zip(row, kinds, strict=False)]
            for row in value.rows
        ]
        columns = [column.name for column in value.columns]
        types = {name: common_type([row[i].type for row in rows]) for i, name in enumerate(columns)}

        def run(runtime: Runtime, values: dict[str, Any]) -> Any:
            return [{n: cell.run(runtime, values) for n, cell in zip(columns, row, strict=True)} for row in rows]

        return Compiled(run=run, type=feel.ListType(feel.ContextType(types)))

    # Functions

    def _function(self, value: m.Function, scope: feel.Scope) -> Compiled:
        return self.function(value, scope, ANYTHING)

    def function(self, value: m.Function, scope: feel.Scope, result: Kind) -> Compiled:
        """A function value; ``result`` is what it gives."""
        kinds = [self.kinds.kind(parameter.type) for parameter in value.parameters]
        names = tuple(parameter.name for parameter in value.parameters)
        inner = scope.extended({name: kind.feel for name, kind in zip(names, kinds, strict=True)})
        body = self.boxed(value.body, inner) if value.body is not None else Compiled(run=_NULL, type=feel.NULL)
        if value.kind.upper() != "FEEL":
            return self._external(value, body, names, kinds)
        body = self.conforming(body, result)

        def make(runtime: Runtime, values: dict[str, Any]) -> feel.Function:
            def call(inside: Runtime, *arguments: Any) -> Any:
                given = zip(names, arguments, kinds, strict=True)
                return body.run(inside, {**values, **{n: conform(inside, a, k) for n, a, k in given}})

            return feel.Function(call, names, tuple(kind.feel for kind in kinds))

        types = tuple(kind.feel for kind in kinds)
        return Compiled(run=make, type=feel.FunctionType(types, body.type, names))

    def _external(self, value: m.Function, body: Compiled, names: tuple[str, ...], kinds: list[Kind]) -> Compiled:
        from engines.feel.function_values import external

        types = tuple(kind.feel for kind in kinds)

        def make(runtime: Runtime, values: dict[str, Any]) -> Any:
            return external(runtime, NOWHERE, {value.kind.lower(): body.run(runtime, values)}, names, types)

        return Compiled(run=make, type=feel.FunctionType(types, feel.ANY, names))

    def _invocation(self, value: m.Invocation, scope: feel.Scope) -> Compiled:
        function = self.boxed(value.function, scope)
        bound = [
            (b.name, self.conforming(self.boxed(b.value, scope), self.kinds.kind(b.type)).run) for b in value.bindings
        ]
        names = tuple(name for name, _ in bound)

        def run(runtime: Runtime, values: dict[str, Any]) -> Any:
            arguments = [node(runtime, values) for _, node in bound]
            return invoke(runtime, NOWHERE, function.run(runtime, values), arguments, names)

        kind = function.type.result if isinstance(function.type, feel.FunctionType) else feel.ANY
        return Compiled(run=run, type=kind)

    # Conditions and loops

    def _conditional(self, value: m.Conditional, scope: feel.Scope) -> Compiled:
        condition, then, otherwise = (
            self.boxed(part, scope) for part in (value.condition, value.then, value.otherwise)
        )

        def run(runtime: Runtime, values: dict[str, Any]) -> Any:
            return (then if condition.run(runtime, values) is True else otherwise).run(runtime, values)

        return Compiled(run=run, type=common_type([then.type, otherwise.type]))

    def _filter(self, value: m.Filter, scope: feel.Scope) -> Compiled:
        source = self.boxed(value.items, scope)
        element = element_of(source.type)
        entries = dict(element.fields) if isinstance(element, feel.ContextType) else {}
        match = self.boxed(value.match, scope.extended({**entries, "item": element}))

        def run(runtime: Runtime, values: dict[str, Any]) -> Any:
            def condition(item: Any) -> Any:
                inside = {**values, **item} if isinstance(item, Mapping) else dict(values)
                return match.run(runtime, {**inside, "item": item})

            return filtered(runtime, NOWHERE, items(runtime, source.run(runtime, values)), condition)

        return Compiled(run=run, type=feel.ANY if match.type == feel.NUMBER else source.type)

    def _iteration(self, value: m.Iteration, scope: feel.Scope) -> Compiled:
        source = self.boxed(value.items, scope)
        element = source.type.element if isinstance(source.type, feel.ListType | feel.RangeType) else feel.ANY
        names = {value.variable: element}
        if value.kind == "for":
            names["partial"] = feel.LIST
        body = self.boxed(value.body, scope.extended(names))
        make = _loop if value.kind == "for" else _quantified
        run = make(value, source, body)
        return Compiled(run=run, type=feel.ListType(body.type) if value.kind == "for" else feel.BOOLEAN)


def _loop(value: m.Iteration, source: Compiled, body: Compiled) -> Node:
    def run(runtime: Runtime, values: dict[str, Any]) -> Any:
        partial: list[Any] = []
        try:
            for item in domain(runtime, NOWHERE, source.run(runtime, values)):
                partial.append(body.run(runtime, {**values, value.variable: item, "partial": partial}))
        except NoDomainError:
            return None
        return partial

    return run


def _quantified(value: m.Iteration, source: Compiled, body: Compiled) -> Node:
    def run(runtime: Runtime, values: dict[str, Any]) -> Any:
        try:
            found = [
                body.run(runtime, {**values, value.variable: item})
                for item in domain(runtime, NOWHERE, source.run(runtime, values))
            ]
        except NoDomainError:
            return None
        answers = [answer if isinstance(answer, bool) else None for answer in found]
        return conjunction(*answers) if value.kind == "every" else any_of(answers) if answers else False

    return run


def _table_type(table: m.Table, outputs: tuple[Kind, ...]) -> feel.FeelType:
    if table.aggregator:
        return feel.NUMBER if table.aggregator in (m.Aggregator.COUNT, m.Aggregator.SUM) else feel.ANY
    names = [clause.name for clause in table.outputs]
    one = (
        outputs[0].feel
        if len(outputs) == 1
        else feel.ContextType({n: k.feel for n, k in zip(names, outputs, strict=True)})
    )
    many = table.hit_policy in (m.HitPolicy.COLLECT, m.HitPolicy.RULE_ORDER, m.HitPolicy.OUTPUT_ORDER)
    return feel.ListType(one) if many else one
