"""Score models compiled: expressions checked against the form, ready for SQL and for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engines import feel
from engines.core import DefinitionError, Diagnostic, Place
from engines.feel import nodes as n
from engines.rules.language.tree import Expr
from engines.rules.ports import RuleDefinitions
from engines.rules.scoping import Scoping
from engines.rules.scores.cuts import Measured
from engines.rules.scores.model import Measure, Method, ScoreModel

# Calls a decision by name with plain inputs.
DecideCall = Callable[[str, Mapping[str, Any]], Any]
_ANY_CONTEXT: Final = feel.ContextType({}, open=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMeasure:
    """A measure with its expression."""

    measure: Measure
    value: feel.Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCall:
    """A decision to call after scoring."""

    name: str
    decision: str
    inputs: Mapping[str, feel.Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledScores:
    """A score model ready to run. Immutable and free of data."""

    model: ScoreModel
    parameters: tuple[tuple[str, feel.Expression], ...]
    population: feel.Expression | None
    measures: tuple[CompiledMeasure, ...]
    decisions: tuple[CompiledCall, ...]
    writes: tuple[tuple[str, feel.Expression], ...]
    # Paths of the record that decisions and writes read.
    fields: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.model.name

    def parameter_values(self, settings: Mapping[str, Any], context: feel.EvaluationContext) -> dict[str, Any]:
        """What the parameters come to in this run, with ``settings``, as FEEL values."""
        values: dict[str, Any] = {"settings": settings}
        for name, expression in self.parameters:
            values[name] = expression.evaluate(values, context).value
        return values

    def values_to_write(
        self,
        measured: Mapping[str, Measured] | None,
        fields: Mapping[str, Any],
        parameters: Mapping[str, Any],
        context: feel.EvaluationContext,
        decide: DecideCall,
    ) -> dict[str, Any]:
        """The fields of one record to be written, as plain Python; all null where ``measured`` is None (outside).

        ``fields``: the record's values that ``self.fields`` names, nested as contexts.
        """
        if measured is None:
            return {name: None for name, _ in self.writes}
        contexts = {name: {"value": one.value, "score": one.score} for name, one in measured.items()}
        values: dict[str, Any] = {**fields, **parameters, **contexts}
        for call in self.decisions:
            inputs = {name: feel.to_python(e.evaluate(values, context).value) for name, e in call.inputs.items()}
            values[call.name] = decide(call.decision, inputs)
        return {name: _written(expression, values, context) for name, expression in self.writes}


def _written(expression: feel.Expression, values: Mapping[str, Any], context: feel.EvaluationContext) -> Any:
    match expression.tree:
        # The usual forms, "measure.value" and "decision", need no evaluation.
        case n.Path(source=n.Name(name=name), name=entry) if isinstance(values.get(name), dict):
            return values[name].get(entry)
        case n.Name(name=name):
            return values.get(name)
    return feel.to_python(expression.evaluate(values, context).value)


def compile_scores(definition: ScoreModel, definitions: RuleDefinitions | None = None, **_: Any) -> CompiledScores:
    """The model ready to run; ``DefinitionError`` with everything that is wrong with it."""
    compiler = _Compiler(definition, definitions)
    compiled = compiler.compile()
    if compiler.problems:
        raise DefinitionError(compiler.problems)
    return compiled


def validate_scores(definition: ScoreModel, definitions: RuleDefinitions) -> list[Diagnostic]:
    """Everything that is wrong with a score model in its app."""
    compiler = _Compiler(definition, definitions)
    compiler.compile()
    return compiler.problems


class _Compiler:
    def __init__(self, model: ScoreModel, definitions: RuleDefinitions | None) -> None:
        self._model = model
        self._definitions = definitions
        self._scoping = Scoping(definitions)
        self._record = self._scoping.scope(model.form, self._place("/form"))

    @property
    def problems(self) -> list[Diagnostic]:
        return self._scoping.problems

    def compile(self) -> CompiledScores:
        parameters, scope = self._parameters()
        population = None
        if self._model.population:
            population = self._expression(self._model.population, "/population", scope, feel.BOOLEAN)
        measures = tuple(self._measure(m, i, scope) for i, m in enumerate(self._model.measures))
        scope = scope.extended(
            {m.measure.name: feel.ContextType({"value": m.value.type, "score": feel.NUMBER}) for m in measures}
        )
        decisions, scope = self._decisions(scope)
        writes = tuple(self._writes(scope))
        return CompiledScores(
            model=self._model,
            parameters=parameters,
            population=population,
            measures=measures,
            decisions=decisions,
            writes=writes,
            fields=tuple(sorted(self._fields(decisions, writes))),
        )

    def _parameters(self) -> tuple[tuple[tuple[str, feel.Expression], ...], feel.Scope]:
        known = {"settings": self._record.variables.get("settings", _ANY_CONTEXT)}
        found = []
        for i, parameter in enumerate(self._model.parameters):
            scope = feel.Scope(known, open=self._definitions is None)
            expression = self._expression(parameter.value, f"/parameters/{i}/value", scope)
            known[parameter.name] = expression.type
            found.append((parameter.name, expression))
        return tuple(found), self._record.extended(known)

    def _measure(self, measure: Measure, index: int, scope: feel.Scope) -> CompiledMeasure:
        at = f"/measures/{index}"
        value = self._expression(measure.value, at + "/value", scope)
        if measure.tie_break:
            self._scoping.field(self._model.form, measure.tie_break, self._place(at + "/tie_break"))
        if measure.method is Method.MEAN and not (value.type.is_any or value.type == feel.NUMBER):
            found = f"{measure.value} ({value.type})"
            self._scoping.report("rules.wrong_type", self._place(at + "/value"), found=found, expected="number")
        return CompiledMeasure(measure=measure, value=value)

    def _decisions(self, scope: feel.Scope) -> tuple[tuple[CompiledCall, ...], feel.Scope]:
        calls = []
        for i, call in enumerate(self._model.decisions):
            self._scoping.known("decision", call.decision, self._place(f"/decisions/{i}/decision"))
            inputs = {
                name: self._expression(text, f"/decisions/{i}/inputs/{name}", scope)
                for name, text in call.inputs.items()
            }
            calls.append(CompiledCall(name=call.name, decision=call.decision, inputs=inputs))
            scope = scope.extended({call.name: feel.ANY})
        return tuple(calls), scope

    def _writes(self, scope: feel.Scope) -> Iterator[tuple[str, feel.Expression]]:
        for i, write in enumerate(self._model.writes):
            self._scoping.field(self._model.form, write.field, self._place(f"/writes/{i}/field"))
            yield write.field, self._expression(write.value, f"/writes/{i}/value", scope)

    def _fields(
        self, decisions: tuple[CompiledCall, ...], writes: tuple[tuple[str, feel.Expression], ...]
    ) -> set[tuple[str, ...]]:
        own = {p.name for p in self._model.parameters} | {m.name for m in self._model.measures} | {"settings"}
        own |= {call.name for call in decisions}
        expressions = [e for call in decisions for e in call.inputs.values()] + [e for _, e in writes]
        return {path for expression in expressions for path in expression.reads if path[0] not in own}

    def _expression(
        self, text: str, at: str, scope: feel.Scope, expect: feel.FeelType | None = None
    ) -> feel.Expression:
        return self._scoping.compile(Expr(text, self._place(at)), scope, expect) or feel.compile("null")

    def _place(self, pointer: str) -> Place:
        source = self._model.source
        return source.place_in_string(pointer, 0) if source.text else Place(pointer=pointer)
