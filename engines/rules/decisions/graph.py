"""Decision requirements graphs: what must be known for a decision, in which order, and running it (DMN 1.5 §6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engines import feel
from engines.core import DefinitionError, Diagnostic
from engines.core.diagnostics import did_you_mean
from engines.feel.runtime import Runtime
from engines.rules.decisions import model as m
from engines.rules.decisions.boxed import Boxer, Compiled
from engines.rules.decisions.kinds import ANYTHING, Kind, KindTable, conform
from engines.rules.decisions.tables import CompiledTable, Match

Element = m.Input | m.Decision | m.Knowledge | m.Service


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTrace:
    """How one decision came to its value."""

    decision: str
    value: Any
    # For a table: the input values it saw, and its rules that matched, by index from 0.
    inputs: Mapping[str, Any] = field(default_factory=dict)
    matched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionResult:
    """What a decision gave."""

    # Plain Python.
    value: Any
    # Names (else numbers from 1) of the rules that matched in the decision's own table.
    matched: tuple[str, ...] = ()
    # Failures behind nulls, in order.
    failures: tuple[feel.Failure, ...] = ()
    # One entry per decision evaluated, requirements first; empty unless asked for.
    trace: tuple[DecisionTrace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCheck:
    """How one of a decision's own examples came out."""

    name: str
    passed: bool
    # Plain Python.
    expected: Any
    found: Any


@dataclass(slots=True, kw_only=True)
class _Step:
    """A decision ready to run."""

    name: str
    compiled: Compiled
    kind: Kind
    needs: tuple[str, ...]
    # Those of ``needs`` that come from imported models.
    foreign: tuple[str, ...]


class CompiledDecisions:
    """A compiled model. Immutable and free of data; run it through ``decide``."""

    def __init__(self, model: m.DecisionModel, imported: Mapping[str, CompiledDecisions], *, strict: bool) -> None:
        self.model = model
        self.name = model.name
        self.imported: dict[str, CompiledDecisions] = {
            item.name: imported[item.namespace] for item in model.imports if item.namespace in imported
        }
        self.kinds: KindTable = KindTable(model.types, {name: one.kinds for name, one in self.imported.items()})
        self.problems: list[Diagnostic] = []
        self._strict = strict
        elements: tuple[Element, ...] = (*model.inputs, *model.decisions, *model.knowledge, *model.services)
        self._elements: dict[str, Element] = {element.name: element for element in elements}
        self._steps: dict[str, _Step] = {}
        # Knowledge models and services as functions, and those of imported models in contexts. One mapping for all, as
        # functions may call each other; static scopes say who may name whom.
        self._functions: dict[str, Any] = {}
        self._types: dict[str, feel.FeelType] = {}
        self._busy: list[str] = []
        self._plans: dict[tuple[str, frozenset[str]], list[_Step]] = {}
        given: tuple[m.Input | m.Decision, ...] = (*model.inputs, *model.decisions)
        self._given_kinds = {element.name: self.kinds.kind(element.type) for element in given}
        for decision in model.decisions:
            self._step(decision.name)
        for name in [k.name for k in model.knowledge] + [s.name for s in model.services]:
            self._function(name)

    # Compiling

    def type_of(self, name: str) -> feel.FeelType:
        """The type of an input, decision, knowledge model or service."""
        if name in self._types:
            return self._types[name]
        element = self._elements.get(name)
        match element:
            case m.Input():
                self._types[name] = self.kinds.kind(element.type).feel
            case m.Decision():
                self._step(name)
            case m.Knowledge() | m.Service():
                self._function(name)
            case None:
                return feel.ANY
        return self._types.get(name, feel.ANY)

    def _step(self, name: str) -> None:
        if name in self._steps or self._is_circular(name):
            return
        decision = self._elements[name]
        assert isinstance(decision, m.Decision)  # noqa: S101
        self._busy.append(name)
        needs = self._needs(decision.requires)
        boxer = self._boxer()
        kind = self.kinds.kind(decision.type)
        value = decision.value if decision.value is not None else m.Literal(text="")
        compiled = boxer.boxed(value, self._scope(needs))
        self._collect(boxer)
        self._types[name] = compiled.type if kind is ANYTHING else kind.feel
        foreign = tuple(need for need in needs if need not in self._elements)
        self._steps[name] = _Step(name=name, compiled=compiled, kind=kind, needs=needs, foreign=foreign)
        self._busy.pop()

    def _function(self, name: str) -> None:
        if name in self._functions or self._is_circular(name):
            return
        self._busy.append(name)
        element = self._elements[name]
        if isinstance(element, m.Knowledge):
            self._knowledge(element)
        elif isinstance(element, m.Service):
            self._service(element)
        self._busy.pop()

    def _knowledge(self, element: m.Knowledge) -> None:
        needs = self._needs(element.requires)
        # A knowledge model may call itself.
        own = self.kinds.kind(element.type)
        result = own.feel.result if isinstance(own.feel, feel.FunctionType) else own.feel
        kinds = tuple(self.kinds.kind(p.type).feel for p in element.function.parameters)
        names = tuple(p.name for p in element.function.parameters)
        signature = feel.FunctionType(kinds, result, names)
        boxer = self._boxer()
        scope = self._scope(needs).extended({element.name: signature})
        wanted = Kind(feel=result) if isinstance(own.feel, feel.FunctionType) else own
        compiled = boxer.function(element.function, scope, wanted)
        self._collect(boxer)
        self._types[element.name] = compiled.type

        self._functions[element.name] = compiled.run(_NO_RUNTIME, self._functions)
        self._add_imported_functions(needs)

    def _service(self, service: m.Service) -> None:
        parameters = _parameters(service)
        types = tuple(self.type_of(name) for name in parameters)
        names = tuple(name.rpartition(".")[2] if name not in self._elements else name for name in parameters)
        outputs = {name: self.type_of(name) for name in service.outputs}
        kind = self.kinds.kind(service.type)
        result = next(iter(outputs.values())) if len(outputs) == 1 else feel.ContextType(outputs)
        if isinstance(kind.feel, feel.FunctionType):
            kind = Kind(feel=kind.feel.result)
        self._types[service.name] = feel.FunctionType(types, result, names)

        def call(runtime: Runtime, *arguments: Any) -> Any:
            found = self._serve(service, runtime, dict(zip(parameters, arguments, strict=True)))
            return conform(runtime, found, kind)

        self._functions[service.name] = feel.Function(call, names, types)

    def _serve(self, service: m.Service, runtime: Runtime, given: Mapping[str, Any]) -> Any:
        found = {name: self._evaluate(name, runtime, given)[name] for name in service.outputs}
        return found[service.outputs[0]] if len(service.outputs) == 1 else found

    def _boxer(self) -> Boxer:
        return Boxer(self.kinds, self.model.source, strict=self._strict)

    def _collect(self, boxer: Boxer) -> None:
        self.problems += boxer.problems

    def _is_circular(self, name: str) -> bool:
        if name not in self._busy:
            return False
        chain = [*self._busy[self._busy.index(name) :], name]
        known = any(p.code == "rules.circular_decision" for p in self.problems)
        if not known and isinstance(self._elements[name], m.Decision):
            problem = Diagnostic(code="rules.circular_decision", file=self.model.source.file, found=" → ".join(chain))
            self.problems.append(problem)
        return True

    def _needs(self, requires: Sequence[str]) -> tuple[str, ...]:
        """What an element may name. In our JSON inputs need not be listed: with none listed, all are in scope."""
        for name in requires:
            if self._find(name) is None:
                known = list(self._elements)
                problem = Diagnostic(
                    code="rules.unknown_requirement",
                    file=self.model.source.file,
                    found=name,
                    expected="one of: " + ", ".join(known),
                    hint=did_you_mean(name, known),
                )
                self.problems.append(problem)
        listed = tuple(name for name in requires if self._find(name) is not None)
        if self.model.implied:
            inputs = tuple(i.name for i in self.model.inputs if i.name not in listed)
            functions = tuple(k.name for k in self.model.knowledge if k.name not in listed and k.name not in self._busy)
            return (*inputs, *listed, *functions)
        return listed

    def _find(self, name: str) -> tuple[CompiledDecisions, str] | None:
        """The model and the name in it of a requirement."""
        if name in self._elements:
            return self, name
        for prefix, other in self.imported.items():
            inner = name.removeprefix(prefix + ".") if prefix else name
            if (not prefix or inner != name) and (found := other._find(inner)) is not None:
                return found
        return None

    def _scope(self, needs: Sequence[str]) -> feel.Scope:
        names: dict[str, feel.FeelType] = {}
        parts: dict[str, dict[str, feel.FeelType]] = {}
        for name in needs:
            model, inner = self._find(name) or (self, name)
            prefix = self._prefix(name)
            if prefix:
                parts.setdefault(prefix, {})[name.removeprefix(prefix + ".")] = model.type_of(inner)
            else:
                names[name] = model.type_of(inner)
        contexts = {prefix: feel.ContextType(entries) for prefix, entries in parts.items()}
        return feel.Scope({**names, **contexts}, self.kinds.named())

    def _prefix(self, name: str) -> str:
        """The import that a requirement comes through; "" for the model's own elements."""
        if name in self._elements:
            return ""
        return next((p for p in self.imported if p and name.startswith(p + ".")), "")

    # Running

    def steps_for(self, name: str, given: frozenset[str]) -> list[_Step]:
        """The decisions to run for ``name``, requirements first; those whose value is given are left out."""
        key = (name, given)
        if key not in self._plans:
            self._plans[key] = list(self._ordered(name, given, set()))
        return self._plans[key]

    def _ordered(self, name: str, given: frozenset[str], seen: set[str]) -> Iterator[_Step]:
        step = self._steps.get(name)
        if step is None or name in given or name in seen:
            return
        seen.add(name)
        for need in step.needs:
            yield from self._ordered(need, given, seen)
        yield step

    def _add_imported_functions(self, needs: Sequence[str]) -> None:
        """Adds the functions of imported models among ``needs``, in contexts named after their imports."""
        for name in needs:
            model, inner = self._find(name) or (self, name)
            if model is self or inner not in model._functions:
                continue
            prefix = self._prefix(name)
            holder = self._functions.setdefault(prefix, {}) if prefix else self._functions
            holder[name.removeprefix(prefix + ".") if prefix else name] = model._functions[inner]

    def _evaluate(
        self, name: str, runtime: Runtime, given: Mapping[str, Any], trace: list[DecisionTrace] | None = None
    ) -> dict[str, Any]:
        """All values known once ``name`` is decided. ``given``: values of inputs, and of decisions to override."""
        values = self._inputs(runtime, given)
        overridden = _NOTHING if self._steps.keys().isdisjoint(given) else frozenset(self._steps.keys() & given.keys())
        for step in self.steps_for(name, overridden):
            if step.foreign:
                self._imports(step, runtime, given, values)
            match: Match | None = None
            if trace is not None and step.compiled.table is not None:
                found, match = step.compiled.table.explain(runtime, values)
            else:
                found = step.compiled.run(runtime, values)
            values[step.name] = conform(runtime, found, step.kind)
            if trace is not None:
                trace.append(_entry(step, values[step.name], match))
        return values

    def _inputs(self, runtime: Runtime, given: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(self._functions)
        kinds = self._given_kinds
        for name, value in given.items():
            kind = kinds.get(name, ANYTHING)
            if kind is ANYTHING or type(value) is kind.exact:
                values[name] = value
            else:
                values[name] = conform(runtime, runtime.native(value), kind)
        return values

    def _imports(self, step: _Step, runtime: Runtime, given: Mapping[str, Any], values: dict[str, Any]) -> None:
        """Adds what the step needs from imported models."""
        for name in step.foreign:
            model, inner = self._find(name) or (self, name)
            prefix = self._prefix(name)
            holder = dict(values.get(prefix, ())) if prefix else values
            entry = name.removeprefix(prefix + ".") if prefix else name
            if prefix:
                values[prefix] = holder
            if entry not in holder or not prefix:
                holder[entry] = self._imported_value(model, inner, name, runtime, given)

    def _imported_value(
        self, model: CompiledDecisions, inner: str, name: str, runtime: Runtime, given: Mapping[str, Any]
    ) -> Any:
        if inner in model._functions:
            return model._functions[inner]
        path = name.removesuffix(inner).split(".")[:-1]
        return model._evaluate(inner, runtime, self._given_to(path, model, given)).get(inner)

    def _given_to(self, path: Sequence[str], model: CompiledDecisions, given: Mapping[str, Any]) -> dict[str, Any]:
        """What is given for an imported model: its elements by name, or by or within the names of the imports."""
        found = {name: value for name, value in given.items() if name not in self._elements}
        for prefix in path:
            entries = found.pop(prefix, None)
            inner = {n.removeprefix(prefix + "."): v for n, v in found.items() if n.startswith(prefix + ".")}
            found |= inner | (dict(entries) if isinstance(entries, Mapping) else {})
        return found

    def decide(
        self,
        inputs: Mapping[str, Any],
        context: feel.EvaluationContext | None = None,
        *,
        decision: str = "",
        trace: bool = False,
    ) -> DecisionResult:
        """The value of ``decision`` (the one named like the model by default) for plain Python inputs.

        Inputs that are missing are null; a decision's name among them overrides it.
        """
        runtime = _runtime(context)
        entries: list[DecisionTrace] | None = [] if trace else None
        name = decision or self.main
        value = self._evaluate(name, runtime, inputs, entries).get(name)
        runtime.budget.settle()
        matched = self._matched(name, entries) if entries else ()
        return DecisionResult(
            value=feel.to_python(value), matched=matched, failures=tuple(runtime.failures), trace=tuple(entries or ())
        )

    def check_examples(self, context: feel.EvaluationContext | None = None) -> list[ExampleCheck]:
        """The examples that the definition carries (``tests``), each with what it gives."""
        checks = []
        for number, example in enumerate(self.model.tests, 1):
            inputs = {name: feel.compile(text).evaluate({}, context).value for name, text in example["inputs"].items()}
            expected = feel.to_python(feel.compile(example["expect"]).evaluate({}, context).value)
            found = self.decide(inputs, context).value
            name = example.get("name", str(number))
            checks.append(ExampleCheck(name=name, passed=found == expected, expected=expected, found=found))
        return checks

    def serve(self, service: str, runtime: Runtime, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a decision service's outputs by name, for given inputs and input decisions."""
        found = self._elements[service]
        assert isinstance(found, m.Service)  # noqa: S101
        complete = dict.fromkeys(_parameters(found)) | dict(given)
        return {name: self._evaluate(name, runtime, complete)[name] for name in found.outputs}

    def evaluate(self, decision: str, runtime: Runtime, given: Mapping[str, Any]) -> Any:
        """The FEEL value of a decision; for those who hold a runtime already."""
        return self._evaluate(decision, runtime, given).get(decision)

    @property
    def main(self) -> str:
        """The decision named like the model, else its last one."""
        if self.model.name in self._steps:
            return self.model.name
        return self.model.decisions[-1].name if self.model.decisions else ""

    def table(self, decision: str) -> CompiledTable | None:
        """The compiled table of a decision."""
        step = self._steps.get(decision)
        return step.compiled.table if step else None

    @property
    def result_type(self) -> feel.FeelType:
        """The type of the main decision."""
        return self.type_of(self.main)

    def _matched(self, name: str, entries: list[DecisionTrace] | None) -> tuple[str, ...]:
        entry = next((e for e in entries or () if e.decision == name), None)
        table = self.table(name)
        if entry is None or table is None:
            return ()
        return tuple(table.table.rules[i].name or str(i + 1) for i in entry.matched)


def _parameters(service: m.Service) -> tuple[str, ...]:
    """The parameters of a service as a function: inputs, then decisions (DMN 1.5 §10.4)."""
    return (*service.inputs, *service.input_decisions)


def _entry(step: _Step, value: Any, match: Match | None) -> DecisionTrace:
    plain = feel.to_python(value)
    table = step.compiled.table
    if match is None or table is None:
        return DecisionTrace(decision=step.name, value=plain)
    names = [clause.name or clause.expression.text for clause in table.table.inputs]
    seen = {name: feel.to_python(seen) for name, seen in zip(names, match.inputs, strict=False)}
    return DecisionTrace(decision=step.name, value=plain, inputs=seen, matched=match.rules)


def _runtime(context: feel.EvaluationContext | None) -> Runtime:
    if context is None:
        return Runtime(feel.Budget(), None, None, {})
    return Runtime(context.budget, context.now, context.zone, context.functions)


_NOTHING: Final[frozenset[str]] = frozenset()
_NO_RUNTIME: Final = Runtime(feel.Budget(), None, None, {})


def compile_model(
    model: m.DecisionModel, imported: Mapping[str, CompiledDecisions] | None = None, *, strict: bool = True
) -> CompiledDecisions:
    """The compiled model; ``DefinitionError`` with everything that is wrong with it.

    ``imported``: compiled models by namespace. Without ``strict`` what is broken stands for null.
    """
    compiled = CompiledDecisions(model, imported or {}, strict=strict)
    if strict and compiled.problems:
        raise DefinitionError(compiled.problems)
    return compiled
