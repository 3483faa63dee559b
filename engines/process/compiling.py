"""From a checked definition to the immutable graph that :func:`engines.process.step` runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines import feel
from engines.core import DefinitionError, Diagnostic
from engines.core.ports import Definitions
from engines.core.source import pointer_of
from engines.process.behaviours import BEGIN, ENTER
from engines.process.checking import structure
from engines.process.definition import ProcessDefinition
from engines.process.expressions import Expression
from engines.process.graph import CompiledProcess, Node, link
from engines.process.kinds import EventKind
from engines.process.scoping import names, with_bare_names
from engines.process.sites import Site, sites


def compile(definition: ProcessDefinition, definitions: Definitions | None = None) -> CompiledProcess:
    """The graph of ``definition``; a ``DefinitionError`` with everything that keeps it from running.

    Names that are not declared are taken for variables of any type: what is unknown is for ``validate`` to say.
    """
    problems = [p for p in structure(definition) if p.severity == "error"]
    if problems:
        raise DefinitionError(problems)
    process = CompiledProcess(definition)
    link(process)
    for node in process.nodes.values():
        node.enter = ENTER[node.type]
        node.begin = BEGIN.get(node.type, ENTER[node.type])
    problems = _compile_expressions(process)
    if problems:
        raise DefinitionError(problems)
    for node in process.nodes.values():
        node.unconditional = node.default is None and all(f.condition is None for f in node.outgoing)
    process.conditional = any(
        n.kind is EventKind.CONDITION or any(sla.pause_when for sla in n.definition.sla) for n in process.nodes.values()
    )
    return process


def _compile_expressions(process: CompiledProcess) -> list[Diagnostic]:
    problems: list[Diagnostic] = []
    reads: set[tuple[str, ...]] = set()
    scope = feel.Scope(dict.fromkeys(names(process.definition), feel.ANY), open=True)
    defaults: dict[str, Expression | None] = {v.name: None for v in process.definition.variables}
    for site in sites(process.definition):
        try:
            expression = Expression(site.text, feel.compile(site.text, with_bare_names(scope, site.text)))
        except DefinitionError as error:
            problems += [_placed(p, process.definition, site) for p in error.diagnostics]
            continue
        reads |= expression.reads
        if site.slot == "default":
            defaults[site.element] = expression
        elif site.slot == "flow":
            process.flows[site.element].condition = expression
        else:
            _keep(process.nodes[site.element], site.slot, expression)
    process.defaults = tuple(defaults.items())
    process.reads = frozenset(reads)
    return problems


def _placed(problem: Diagnostic, definition: ProcessDefinition, site: Site) -> Diagnostic:
    return replace(problem, file=definition.file, pointer=site.pointer, element=site.element)


def _keep(node: Node, slot: str, expression: Expression) -> None:
    """Puts a compiled expression where running looks for it."""
    kind, _, rest = slot.partition(".")
    match kind:
        case "timer":
            node.timer = (rest, expression)
        case "script":
            node.script = (*node.script, (node.definition.script[int(rest)][0], expression))
        case "payload" | "people" | "sla":
            setattr(node, kind, {**getattr(node, kind), rest: expression})
        case "output":
            node.output = {**(node.output or {}), rest: expression}
        case "input":
            node.input = _tree(node.definition.input, {**_flat(node.input), rest: expression})
        case _:
            setattr(node, slot, expression)


def _flat(tree: Any, path: str = "") -> dict[str, Expression]:
    """The expressions of a compiled tree by pointer."""
    if isinstance(tree, Expression):
        return {path: tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree or ())
    return {p: e for key, part in items if part is not None for p, e in _flat(part, path + pointer_of(key)).items()}


def _tree(tree: Any, expressions: Mapping[str, Expression], path: str = "") -> Any:
    """The shape of ``tree`` with expressions in place of texts."""
    if isinstance(tree, str):
        return expressions.get(path)
    if isinstance(tree, Mapping):
        return {key: _tree(part, expressions, path + pointer_of(key)) for key, part in tree.items()}
    return [_tree(part, expressions, path + pointer_of(i)) for i, part in enumerate(tree)]
