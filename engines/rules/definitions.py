"""The kinds of definitions of this engine and their verbs: load, validate, compile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from engines.core import DefinitionError, DefinitionSource, Diagnostic, Kind, check_schema, load_json
from engines.core.diagnostics import did_you_mean
from engines.core.kinds import Loaded
from engines.rules.cases import SCHEMA as CASES_SCHEMA
from engines.rules.cases import CaseFile, CaseResult, failures, load_cases, run_cases
from engines.rules.compiled import CompiledRules
from engines.rules.compiling import RuleCompiler
from engines.rules.decisions import model as m
from engines.rules.decisions.analysis import analyse
from engines.rules.decisions.graph import CompiledDecisions, compile_model
from engines.rules.decisions.json_form import model_of
from engines.rules.decisions.shape import shape_problems
from engines.rules.language import RuleFile, parse
from engines.rules.ports import RuleDefinitions
from engines.rules.scoping import Scoping, is_error
from engines.rules.scores.compiling import compile_scores, validate_scores
from engines.rules.scores.load import load_scores, scores_schema

# Levels of lists and objects that a decision may have.
_MAX_LEVELS = 60


@cache
def decision_schema() -> Mapping[str, Any]:
    """The JSON Schema of ``*.decision.json``."""
    text = (resources.files("engines.rules") / "schema" / "decision.schema.json").read_text("utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


# Rules


def load_rules(source: DefinitionSource) -> Loaded[RuleFile]:
    """The rules of a text; broken ones are reported and left out."""
    parsed = parse(source)
    return Loaded(definition=parsed.tree, diagnostics=(*parsed.diagnostics, *_repeated(parsed.tree)))


def validate_rules(definition: RuleFile, definitions: RuleDefinitions) -> list[Diagnostic]:
    """Everything that is wrong with rules in their app: names, types, references."""
    return _compiled_rules(definition, definitions)[1]


def compile_rules(definition: RuleFile, definitions: RuleDefinitions | None = None, **_: Any) -> CompiledRules:
    """The rules ready to be put into a ``RuleSet``; ``DefinitionError`` with everything that is wrong.

    Without ``definitions`` names and references are not checked.
    """
    compiled, problems = _compiled_rules(definition, definitions)
    if any(is_error(problem) for problem in problems):
        raise DefinitionError(problems)
    return compiled


def _compiled_rules(
    definition: RuleFile, definitions: RuleDefinitions | None
) -> tuple[CompiledRules, list[Diagnostic]]:
    compiler = RuleCompiler(Scoping(definitions))
    rules = tuple(compiler.rule(rule, order) for order, rule in enumerate(definition.rules))
    return CompiledRules(tree=definition, rules=rules), compiler.problems


def _repeated(tree: RuleFile) -> list[Diagnostic]:
    seen: dict[str, Diagnostic] = {}
    found = []
    for rule in tree.rules:
        if rule.name in seen:
            found.append(
                Diagnostic(code="rules.repeated_rule", found=rule.name, hint="rename one of them").at(rule.place)
            )
        seen.setdefault(rule.name, Diagnostic(code=""))
    return found


# Decisions


def load_decision(source: DefinitionSource) -> Loaded[m.DecisionModel]:
    """The decision model of a JSON file, and what is wrong with its form."""
    data, problems = load_json(source)
    if data is None:
        return Loaded(definition=None, diagnostics=tuple(problems))
    if _depth(data) > _MAX_LEVELS:
        too_deep = Diagnostic(code="rules.too_deep", file=source.file, expected=f"at most {_MAX_LEVELS} levels")
        return Loaded(definition=None, diagnostics=(*problems, too_deep))
    problems += check_schema(data, decision_schema(), source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    model = model_of(data, source)
    return Loaded(definition=model, diagnostics=tuple(shape_problems(model, data, source)))


def _depth(data: Any) -> int:
    """Levels of lists and objects, counted without recursion."""
    levels, layer = 0, [data]
    while layer:
        levels += 1
        layer = [item for value in layer if isinstance(value, Mapping | list) for item in _parts(value)]
    return levels


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def validate_decision(definition: m.DecisionModel, definitions: RuleDefinitions) -> list[Diagnostic]:
    """Everything that is wrong with a decision: names, types, circles, and its tables as a whole."""
    compiled = CompiledDecisions(definition, _imported(definition, definitions), strict=True)
    return compiled.problems or [*analyse(compiled), *_failed_examples(compiled)]


def _failed_examples(compiled: CompiledDecisions) -> Iterator[Diagnostic]:
    """The decision's own examples that give something else than they say."""
    for number, check in enumerate(compiled.check_examples()):
        if not check.passed:
            yield Diagnostic(
                code="rules.example_failed", found=str(check.found), expected=str(check.expected), hint=check.name
            ).at(compiled.model.source.place(f"/tests/{number}/expect"))


def _imported(definition: m.DecisionModel, definitions: Any) -> dict[str, CompiledDecisions]:
    """The models that a decision imports, by the namespace it names: another decision of the app, by its name."""
    found: dict[str, CompiledDecisions] = {}
    for item in definition.imports if definitions is not None else ():
        other = definitions.get("decision", item.namespace)
        if isinstance(other, m.DecisionModel) and other is not definition and not other.imports:
            found[item.namespace] = CompiledDecisions(other, {}, strict=True)
    return found


def compile_decision(definition: m.DecisionModel, definitions: object = None, **_: Any) -> CompiledDecisions:
    """The decision ready to ``decide``; ``DefinitionError`` with everything that is wrong with it."""
    return compile_model(definition, _imported(definition, definitions))


# Test cases


def validate_cases(definition: CaseFile, definitions: RuleDefinitions) -> list[Diagnostic]:
    """The cases that fail; what is wrong with the rules themselves is told elsewhere."""
    try:
        results = run_case_file(definition, definitions)
        if results is None:
            known = [*definitions.names("rules"), *definitions.names("decision")]
            expected = "rules or a decision of this name"
            return [
                Diagnostic(
                    code="rules.cases_of_nothing",
                    file=definition.source.file,
                    line=1,
                    column=1,
                    found=definition.subject,
                    expected=expected,
                    hint=did_you_mean(definition.subject, known),
                )
            ]
        return list(failures(definition, results))
    except DefinitionError:
        return []


def run_case_file(definition: CaseFile, definitions: RuleDefinitions) -> Iterator[CaseResult] | None:
    """How the cases go; None where there is nothing of their name. ``DefinitionError`` for what cannot be compiled."""
    tree = definitions.get("rules", definition.subject)
    models = {name: definitions.get("decision", name) for name in definitions.names("decision")}
    decisions = {name: compile_decision(model, definitions) for name, model in models.items() if model is not None}
    if tree is None and definition.subject not in decisions:
        return None
    rules = compile_rules(tree, definitions) if tree is not None else None
    return run_cases(definition, rules, decisions)


def compile_cases(definition: CaseFile, definitions: object = None, **_: Any) -> CaseFile:
    """The cases themselves: they run when they are checked."""
    return definition


KINDS: Mapping[str, Kind] = {
    "cases": Kind(
        name="cases",
        suffix=".cases.json",
        schema=CASES_SCHEMA,
        load=load_cases,
        validate=validate_cases,
        compile=compile_cases,
    ),
    "case_table": Kind(
        name="case_table",
        suffix=".cases.csv",
        schema={},
        load=load_cases,
        validate=validate_cases,
        compile=compile_cases,
    ),
    "rules": Kind(
        name="rules", suffix=".rules", schema={}, load=load_rules, validate=validate_rules, compile=compile_rules
    ),
    "decision": Kind(
        name="decision",
        suffix=".decision.json",
        schema=decision_schema(),
        load=load_decision,
        validate=validate_decision,
        compile=compile_decision,
    ),
    "scores": Kind(
        name="scores",
        suffix=".scores.json",
        schema=scores_schema(),
        load=load_scores,
        validate=validate_scores,
        compile=compile_scores,
    ),
}
